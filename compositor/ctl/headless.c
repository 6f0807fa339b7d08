#include <stdlib.h>
#include "ctl/ctl.h"

static int run_headless(struct ctl *ctl, int argc, char *argv[]) {
	if (argc < 2) {
		return ctl_usage_error(argv[0], "which verb? \"sluice headless --verbs\" lists them");
	}
	struct json_object *request = ctl_request("headless"), *args = json_object_new_array();
	json_object_object_add(request, "verb", json_object_new_string(argv[1]));
	for (int i = 2; i < argc; i++) {
		json_object_array_add(args, json_object_new_string(argv[i]));
	}
	json_object_object_add(request, "args", args);
	struct json_object *data;
	if (!ctl_ask(ctl, request, &data)) {
		return EXIT_FAILURE;
	}
	if (data != NULL) {
		ctl_print_json(data);
	}
	json_object_put(data);
	return EXIT_SUCCESS;
}

const struct ctl_command ctl_headless_commands[] = {
	{ "headless", "VERB [ARGUMENT...]", "have a headless session do what a script could",
		"In a session started by \"sluice headless\": wait, type, click, capture, expect and so\n"
		"on, as \"sluice headless --verbs\" lists them. It returns when that is done: when the\n"
		"time that was waited for has come, and every process of the session has done what it\n"
		"had to do.\n", run_headless },
	{ 0 },
};
