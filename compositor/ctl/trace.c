#define _GNU_SOURCE
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ctl/ctl.h"

/** The compositor's working directory is another one. NULL if memory, or ours, is gone. */
static char *make_absolute(const char *path) {
	if (path[0] == '/') {
		return strdup(path);
	}
	char directory[PATH_MAX], *absolute = NULL;
	if (getcwd(directory, sizeof(directory)) == NULL ||
			asprintf(&absolute, "%s/%s", directory, path) < 0) {
		return NULL;
	}
	return absolute;
}

static int run_trace(struct ctl *ctl, int argc, char *argv[]) {
	if (argc != 2) {
		return ctl_usage_error("trace", "it takes a file, or \"stop\"");
	}
	struct json_object *request = ctl_request("trace"), *data = NULL;
	if (strcmp(argv[1], "stop") != 0) {
		char *path = make_absolute(argv[1]);
		if (path == NULL) {
			perror("sluicectl");
			json_object_put(request);
			return EXIT_FAILURE;
		}
		json_object_object_add(request, "file", json_object_new_string(path));
		free(path);
	}
	if (!ctl_ask(ctl, request, &data)) {
		return EXIT_FAILURE;
	}
	if (data != NULL && ctl->json) {
		ctl_print_json(data);
	} else if (data != NULL) {
		printf("%" PRId64 " frames traced; open the file in https://ui.perfetto.dev\n",
			ctl_get_number(data, "frames"));
	}
	json_object_put(data);
	return EXIT_SUCCESS;
}

static const char *const words[] = { "stop", NULL };

const struct ctl_command ctl_trace_commands[] = {
	{
		.name = "trace",
		.arguments = "FILE|stop",
		.summary = "write the stages of each frame to a file for Perfetto, until \"stop\"",
		.help = "Stages: received, acquired, committed, flipped, released. The file is complete\n"
			"after sluicectl trace stop; open it in https://ui.perfetto.dev.\n",
		.run = run_trace,
		.words = words,
	},
	{ 0 },
};
