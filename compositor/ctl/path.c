#include <inttypes.h>
#include <json-c/linkhash.h>
#include <stdlib.h>
#include <string.h>
#include "ctl/ctl.h"

void ctl_print_frames(struct json_object *frames) {
	json_object_object_foreach(frames, path, count) {
		if (json_object_get_int64(count) > 0) {
			printf(" %s %" PRId64, path, json_object_get_int64(count));
		}
	}
}

void ctl_print_path(struct json_object *path) {
	struct json_object *reason = ctl_get(path, "reason");
	struct json_object *scanout_reason = ctl_get(path, "scanout_reason");
	const char *kind = ctl_get_text(path, "path"), *output = ctl_get_text(path, "output");
	fputs("  \"", stdout);
	ctl_print_text(ctl_get_text(path, "title"));
	bool simulated = json_object_get_boolean(ctl_get(path, "simulated"));
	printf("\" on %s: %s (%s)%s\n    %s\n", output[0] != '\0' ? output : "no output", kind,
		ctl_get_text(reason, "name"), simulated ? ", simulated" : "",
		ctl_get_text(reason, "sentence"));
	if (strcmp(kind, "cpu") == 0) {
		printf("    no scanout: %s\n", ctl_get_text(scanout_reason, "sentence"));
	}
	fputs("    frames:", stdout);
	ctl_print_frames(ctl_get(path, "frames"));
	printf("; %" PRId64 " imports, %" PRId64 " bytes of VRAM read by the CPU\n",
		ctl_get_number(path, "imports"), ctl_get_number(path, "vram_bytes_read"));
}

static void print_path(struct ctl *ctl, struct json_object *path) {
	ctl_print_path(path);
}

static int run_paths(struct ctl *ctl, int argc, char *argv[]) {
	return ctl_print_list(ctl, "paths", "no surface shows an image in VRAM", print_path);
}

static int run_counters(struct ctl *ctl, int argc, char *argv[]) {
	struct json_object *data;
	if (!ctl_ask(ctl, ctl_request("counters"), &data)) {
		return EXIT_FAILURE;
	}
	if (ctl->json) {
		ctl_print_json(data);
	} else {
		json_object_object_foreach(data, name, count) {
			printf("%-18s %" PRId64 "\n", name, json_object_get_int64(count));
		}
	}
	json_object_put(data);
	return EXIT_SUCCESS;
}

const struct ctl_command ctl_path_commands[] = {
	{ "paths", NULL, "tell how the frames of each VRAM surface reach the screen, and why so",
		NULL, run_paths },
	{ "counters", NULL, "show what was exported, imported, drawn and read so far", NULL,
		run_counters },
	{ 0 },
};
