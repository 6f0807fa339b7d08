#include <stdlib.h>
#include "ctl/ctl.h"

static int run_version(struct ctl *ctl, int argc, char *argv[]) {
	struct json_object *data;
	if (!ctl_ask(ctl, ctl_request("version"), &data)) {
		return EXIT_FAILURE;
	}
	if (ctl->json) {
		ctl_print_json(data);
	} else {
		printf("sluice %s\n", ctl_get_text(data, "version"));
	}
	json_object_put(data);
	return EXIT_SUCCESS;
}

const struct ctl_command ctl_session_commands[] = {
	{ "version", NULL, "show the version of the running compositor", NULL, run_version },
	{ 0 },
};
