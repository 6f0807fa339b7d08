#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "action/action.h"
#include "ctl/ctl.h"

/** A candidate, and what it is, as completions of shells want them: one a line, with a tab. */
static void print_candidate(const char *word, const char *summary) {
	ctl_print_text(word);
	putchar('\t');
	ctl_print_text(summary);
	putchar('\n');
}

static void print_windows(struct ctl *ctl) {
	struct json_object *data;
	if (!ctl_ask(ctl, ctl_request("windows"), &data)) {
		return;
	}
	for (size_t i = 0; i < json_object_array_length(data); i++) {
		struct json_object *window = json_object_array_get_idx(data, i);
		char id[24];
		snprintf(id, sizeof(id), "%" PRId64, ctl_get_number(window, "id"));
		print_candidate(id, ctl_get_text(window, "title"));
	}
	json_object_put(data);
}

static void print_outputs(struct ctl *ctl) {
	struct json_object *data;
	if (!ctl_ask(ctl, ctl_request("outputs"), &data)) {
		return;
	}
	for (size_t i = 0; i < json_object_array_length(data); i++) {
		struct json_object *output = json_object_array_get_idx(data, i);
		print_candidate(ctl_get_text(output, "name"), ctl_get_text(output, "description"));
	}
	json_object_put(data);
}

static void complete_action(struct ctl *ctl, const struct action *action, size_t index) {
	if (index >= ACTION_PARAMS_MAX) {
		return;
	}
	const struct action_param *param = &action->params[index];
	for (size_t i = 0; param->words != NULL && param->words[i] != NULL; i++) {
		print_candidate(param->words[i], action->summary);
	}
	if (param->number != NULL && strcmp(param->number, "WINDOW") == 0) {
		print_windows(ctl);
	}
	if (param->text != NULL && strcmp(param->text, "OUTPUT") == 0) {
		print_outputs(ctl);
	}
}

static void print_commands(const struct ctl_command *const tables[], size_t len) {
	for (size_t i = 0; i < len; i++) {
		for (const struct ctl_command *command = tables[i]; command->name != NULL; command++) {
			print_candidate(command->name, command->summary);
		}
	}
	for (size_t i = 0; i < ACTION_COUNT; i++) {
		if (!actions[i].pointer_only) {
			print_candidate(actions[i].name, actions[i].summary);
		}
	}
}

/** The first word that is no option, and no argument of one. Returns argc if there is none. */
static int find_command(int argc, char *argv[]) {
	int index = 0;
	while (index < argc && argv[index][0] == '-') {
		bool takes_argument =
			strcmp(argv[index], "-s") == 0 || strcmp(argv[index], "--socket") == 0;
		index += takes_argument ? 2 : 1;
	}
	return index;
}

int ctl_complete(struct ctl *ctl, const struct ctl_command *const tables[], size_t tables_len,
		int argc, char *argv[]) {
	int index = find_command(argc, argv);
	if (argc > 0 && index >= argc && argv[argc - 1][0] == '-') {
		print_candidate("--json", "print answers as JSON, one line each");
		print_candidate("--socket", "the compositor's socket");
		print_candidate("--help", "show a help text");
		print_candidate("--version", "show the version of sluicectl");
		return EXIT_SUCCESS;
	}
	if (index >= argc - 1) {
		print_commands(tables, tables_len);
		return EXIT_SUCCESS;
	}
	const struct action *action = action_find(argv[index]);
	if (action != NULL) {
		complete_action(ctl, action, (size_t)(argc - index - 2));
		return EXIT_SUCCESS;
	}
	for (size_t i = 0; i < tables_len; i++) {
		for (const struct ctl_command *command = tables[i]; command->name != NULL; command++) {
			const char *const *words =
				strcmp(command->name, argv[index]) == 0 ? command->words : NULL;
			for (; words != NULL && *words != NULL; words++) {
				print_candidate(*words, command->summary);
			}
		}
	}
	return EXIT_SUCCESS;
}
