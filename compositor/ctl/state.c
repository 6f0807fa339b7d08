#include <inttypes.h>
#include <json-c/linkhash.h>
#include <stdlib.h>
#include <string.h>
#include "ctl/ctl.h"

int ctl_print_list(struct ctl *ctl, const char *command, const char *none,
		void (*print)(struct ctl *ctl, struct json_object *entry)) {
	struct json_object *data;
	if (!ctl_ask(ctl, ctl_request(command), &data)) {
		return EXIT_FAILURE;
	}
	size_t len = json_object_is_type(data, json_type_array) ? json_object_array_length(data) : 0;
	if (ctl->json) {
		ctl_print_json(data);
	} else if (len == 0) {
		fprintf(stderr, "%s\n", none);
	} else {
		for (size_t i = 0; i < len; i++) {
			print(ctl, json_object_array_get_idx(data, i));
		}
	}
	json_object_put(data);
	return EXIT_SUCCESS;
}

static void print_heading(const struct ctl *ctl, const char *name) {
	ctl_bold(ctl, true);
	ctl_print_text(name);
	ctl_bold(ctl, false);
}

static void print_output(struct ctl *ctl, struct json_object *output) {
	print_heading(ctl, ctl_get_text(output, "name"));
	fputs("  ", stdout);
	ctl_print_text(ctl_get_text(output, "description"));
	if (!ctl_get_truth(output, "enabled")) {
		puts("\n  disabled");
		return;
	}
	struct json_object *mode = ctl_get(output, "mode"), *box = ctl_get(output, "box");
	printf("\n  %" PRId64 "x%" PRId64 " at %.3f Hz, position %" PRId64 ",%" PRId64
		", scale %g, transform %s%s\n",
		ctl_get_number(mode, "width"), ctl_get_number(mode, "height"),
		(double)ctl_get_number(mode, "refresh_mhz") / 1000.0,
		ctl_get_number(box, "x"), ctl_get_number(box, "y"),
		ctl_get_fraction(output, "scale"), ctl_get_text(output, "transform"),
		ctl_get_truth(output, "adaptive_sync") ? ", adaptive sync" : "");
	struct json_object *modes = ctl_get(output, "modes");
	size_t len = modes != NULL ? json_object_array_length(modes) : 0;
	for (size_t i = 0; i < len; i++) {
		struct json_object *entry = json_object_array_get_idx(modes, i);
		printf("%s%" PRId64 "x%" PRId64 "@%.3f%s", i == 0 ? "  modes: " : " ",
			ctl_get_number(entry, "width"), ctl_get_number(entry, "height"),
			(double)ctl_get_number(entry, "refresh_mhz") / 1000.0,
			ctl_get_truth(entry, "preferred") ? "*" : "");
	}
	if (len > 0) {
		putchar('\n');
	}
}

static int run_outputs(struct ctl *ctl, int argc, char *argv[]) {
	return ctl_print_list(ctl, "outputs", "no outputs", print_output);
}

static void print_window(struct ctl *ctl, struct json_object *window) {
	char id[24];
	snprintf(id, sizeof(id), "%" PRId64, ctl_get_number(window, "id"));
	print_heading(ctl, id);
	fputs("  \"", stdout);
	ctl_print_text(ctl_get_text(window, "title"));
	fputs("\" (", stdout);
	ctl_print_text(ctl_get_text(window, "app_id"));
	struct json_object *box = ctl_get(window, "box");
	printf(", process %" PRId64 ")\n  %" PRId64 "x%" PRId64 " at %" PRId64 ",%" PRId64 "%s%s%s%s\n",
		ctl_get_number(window, "pid"), ctl_get_number(box, "width"),
		ctl_get_number(box, "height"), ctl_get_number(box, "x"), ctl_get_number(box, "y"),
		ctl_get_truth(window, "focused") ? ", focused" : "",
		ctl_get_truth(window, "grabs") ? ", has all input" : "",
		ctl_get_truth(window, "fullscreen") ? ", fullscreen" : "",
		ctl_get_truth(window, "maximized") ? ", maximized" : "");
}

static int run_windows(struct ctl *ctl, int argc, char *argv[]) {
	return ctl_print_list(ctl, "windows", "no windows", print_window);
}

static void print_input(struct ctl *ctl, struct json_object *input) {
	print_heading(ctl, ctl_get_text(input, "name"));
	printf("  %s, %04x:%04x", ctl_get_text(input, "type"),
		(unsigned)ctl_get_number(input, "vendor"), (unsigned)ctl_get_number(input, "product"));
	const char *output = ctl_get_text(input, "output");
	if (output[0] != '\0') {
		fputs(", mapped to ", stdout);
		ctl_print_text(output);
	}
	putchar('\n');
	struct json_object *keyboard = ctl_get(input, "keyboard");
	if (keyboard != NULL) {
		struct json_object *layouts = ctl_get(keyboard, "layouts");
		int64_t active = ctl_get_number(keyboard, "layout");
		fputs("  layouts:", stdout);
		for (size_t i = 0; i < json_object_array_length(layouts); i++) {
			printf("%s %s%s", i > 0 ? "," : "",
				json_object_get_string(json_object_array_get_idx(layouts, i)),
				(int64_t)i == active ? "*" : "");
		}
		printf("\n  repeats %" PRId64 " times a second after %" PRId64 " ms\n",
			ctl_get_number(keyboard, "repeat-rate"), ctl_get_number(keyboard, "repeat-delay"));
	}
	json_object_object_foreach(ctl_get(input, "settings"), name, value) {
		printf("  %s %s\n", name, json_object_get_string(value));
	}
}

static int run_inputs(struct ctl *ctl, int argc, char *argv[]) {
	return ctl_print_list(ctl, "inputs", "no input devices", print_input);
}

static void print_workspace(struct ctl *ctl, struct json_object *workspace) {
	print_heading(ctl, ctl_get_text(workspace, "name"));
	const char *output = ctl_get_text(workspace, "output");
	fputs("  on ", stdout);
	ctl_print_text(output[0] != '\0' ? output : "no screen");
	printf(", %" PRId64 " windows%s%s%s\n", ctl_get_number(workspace, "windows"),
		ctl_get_truth(workspace, "tiles") ? ", tiled" : "",
		ctl_get_truth(workspace, "focused") ? ", focused" : "",
		ctl_get_truth(workspace, "visible") ? ", visible" : "");
}

static int run_workspaces(struct ctl *ctl, int argc, char *argv[]) {
	return ctl_print_list(ctl, "workspaces", "no workspaces", print_workspace);
}

static void print_source(struct ctl *ctl, struct json_object *source) {
	print_heading(ctl, ctl_get_text(source, "name"));
	const char *exporter = ctl_get_text(source, "exporter");
	printf("  %s: %s\n  %" PRId64 " images, %" PRId64 " adopted buffers, process %" PRId64 "\n",
		exporter[0] != '\0' ? exporter : "no known exporter", ctl_get_text(source, "state"),
		ctl_get_number(source, "images"), ctl_get_number(source, "adopted"),
		ctl_get_number(source, "pid"));
	struct json_object *surfaces = ctl_get(source, "surfaces");
	size_t len = surfaces != NULL ? json_object_array_length(surfaces) : 0;
	for (size_t i = 0; i < len; i++) {
		ctl_print_path(json_object_array_get_idx(surfaces, i));
	}
}

static int run_sources(struct ctl *ctl, int argc, char *argv[]) {
	return ctl_print_list(ctl, "sources", "no sources", print_source);
}

static void print_command(struct ctl *ctl, struct json_object *command) {
	print_heading(ctl, ctl_get_text(command, "name"));
	const char *state = ctl_get_text(command, "state");
	const char *output = ctl_get_text(command, "output");
	printf("  %s", state);
	if (strcmp(state, "running") == 0) {
		printf(", process %" PRId64, ctl_get_number(command, "pid"));
	} else {
		printf(", status %" PRId64, ctl_get_number(command, "status"));
	}
	printf(", started %" PRId64 " times%s%s\n", ctl_get_number(command, "runs"),
		output[0] != '\0' ? ", on " : "", output);
}

static int run_commands(struct ctl *ctl, int argc, char *argv[]) {
	return ctl_print_list(ctl, "commands", "no commands", print_command);
}

static void print_fixed_source(struct ctl *ctl, struct json_object *source) {
	print_heading(ctl, ctl_get_text(source, "name"));
	const char *output = ctl_get_text(source, "output");
	const char *trouble = ctl_get_text(source, "trouble");
	printf("  %s: %s%s%s%s%s\n", ctl_get_text(source, "exporter"),
		ctl_get_text(source, "state"), output[0] != '\0' ? ", on " : "", output,
		trouble[0] != '\0' ? "\n  " : "", trouble);
}

static int run_fixed_sources(struct ctl *ctl, int argc, char *argv[]) {
	return ctl_print_list(ctl, "fixed-sources", "no fixed framebuffer sources",
		print_fixed_source);
}

const struct ctl_command ctl_state_commands[] = {
	{ "outputs", NULL, "list the screens, with their modes", NULL, run_outputs },
	{ "inputs", NULL, "list the input devices, with their settings", NULL, run_inputs },
	{ "windows", NULL, "list the windows, the focused one first", NULL, run_windows },
	{ "workspaces", NULL, "list the workspaces, and on which screens they are", NULL,
		run_workspaces },
	{ "commands", NULL, "list the commands that the compositor runs", NULL, run_commands },
	{ "fixed-sources", NULL, "list the framebuffers that the compositor itself owns", NULL,
		run_fixed_sources },
	{ "sources", NULL, "list the sources of frames in VRAM", NULL, run_sources },
	{ 0 },
};
