#include <stdlib.h>
#include "action/action.h"
#include "ctl/ctl.h"

int ctl_run_action(struct ctl *ctl, const struct action *action, int argc, char *argv[]) {
	char message[512];
	if (!action_check(action, (const char *const *)&argv[1], (size_t)argc - 1, message,
			sizeof(message))) {
		return ctl_usage_error(action->name, "%s", message);
	}
	struct json_object *request = ctl_request(action->name);
	struct json_object *words = json_object_new_array();
	for (int i = 1; i < argc; i++) {
		json_object_array_add(words, json_object_new_string(argv[i]));
	}
	json_object_object_add(request, "arguments", words);
	return ctl_ask(ctl, request, NULL) ? EXIT_SUCCESS : EXIT_FAILURE;
}
