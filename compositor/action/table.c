#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "action/action.h"
#include "util/suggest.h"

/** Of places and sizes: sums of a few of them fit into an int. Windows are fewer. */
#define MAX_NUMBER (1 << 24)

static const char *const focus_words[] = {
	"next", "previous", "left", "right", "up", "down", NULL,
};
static const char *const direction_words[] = { "left", "right", "up", "down", NULL };
static const char *const swap_words[] = { "left", "right", "up", "down", "master", NULL };
static const char *const workspace_words[] = { "next", "previous", NULL };
static const char *const state_words[] = { "toggle", "on", "off", NULL };

#define WINDOW { .number = "WINDOW", .optional = true }
#define OUTPUT { .words = direction_words, .text = "OUTPUT" }

const struct action actions[ACTION_COUNT] = {
	[ACTION_FLOAT] = {
		.name = "float",
		.summary = "take a window out of the columns of tiles, or put it there",
		.params = { { .words = state_words, .optional = true }, WINDOW },
	},
	[ACTION_FOCUS_OUTPUT] = {
		.name = "focus-output",
		.summary = "give the keyboard to what another screen shows",
		.params = { OUTPUT },
	},
	[ACTION_FOCUS] = {
		.name = "focus",
		.summary = "give the keyboard to another window",
		.params = { { .words = focus_words, .number = "WINDOW" } },
	},
	[ACTION_CLOSE] = {
		.name = "close",
		.summary = "ask a window to close",
		.params = { WINDOW },
	},
	[ACTION_FULLSCREEN] = {
		.name = "fullscreen",
		.summary = "have a window fill its screen, or not",
		.params = { { .words = state_words, .optional = true }, WINDOW },
	},
	[ACTION_GRAB] = {
		.name = "grab",
		.summary = "have all input be for the focused window, or give it back",
		.params = { { .words = state_words, .optional = true } },
	},
	[ACTION_MAXIMIZE] = {
		.name = "maximize",
		.summary = "have a window fill its screen but for panels, or not",
		.params = { { .words = state_words, .optional = true }, WINDOW },
	},
	[ACTION_MOVE] = {
		.name = "move",
		.summary = "move a window's corner to a place, in layout coordinates",
		.params = { { .number = "X" }, { .number = "Y" }, WINDOW },
	},
	[ACTION_MASTER_COUNT] = {
		.name = "master-count",
		.summary = "have so many tiles more, or fewer, in the masters' column",
		.params = { { .number = "CHANGE" } },
	},
	[ACTION_MASTER_WIDTH] = {
		.name = "master-width",
		.summary = "widen the masters' column by so many percent of the screen, or narrow it",
		.params = { { .number = "CHANGE" } },
	},
	[ACTION_MOVE_BY] = {
		.name = "move-by",
		.summary = "move a floating window by so many pixels",
		.params = { { .number = "X" }, { .number = "Y" }, WINDOW },
	},
	[ACTION_RESIZE_BY] = {
		.name = "resize-by",
		.summary = "make a floating window larger by so many pixels, or smaller",
		.params = { { .number = "WIDTH" }, { .number = "HEIGHT" }, WINDOW },
	},
	[ACTION_SEND_TO_OUTPUT] = {
		.name = "send-to-output",
		.summary = "put a window on the workspace that another screen shows",
		.params = { OUTPUT, WINDOW },
	},
	[ACTION_SEND_TO_WORKSPACE] = {
		.name = "send-to-workspace",
		.summary = "put a window on another workspace",
		.params = { { .words = workspace_words, .text = "NAME" }, WINDOW },
	},
	[ACTION_SWAP] = {
		.name = "swap",
		.summary = "have a tile change places with a neighbour, or with the first master",
		.params = { { .words = swap_words }, WINDOW },
	},
	[ACTION_TILING] = {
		.name = "tiling",
		.summary = "tile the workspace's windows, and its new ones, or have them float",
		.params = { { .words = state_words, .optional = true } },
	},
	[ACTION_WORKSPACE] = {
		.name = "workspace",
		.summary = "show a workspace, on the screen where it lives",
		.params = { { .words = workspace_words, .text = "NAME" } },
	},
	[ACTION_WORKSPACE_TO_OUTPUT] = {
		.name = "workspace-to-output",
		.summary = "have the workspace live on another screen",
		.params = { OUTPUT },
	},
	[ACTION_RESIZE] = {
		.name = "resize",
		.summary = "give a window another size",
		.params = { { .number = "WIDTH" }, { .number = "HEIGHT" }, WINDOW },
	},
	[ACTION_DRAG_MOVE] = {
		.name = "drag-move",
		.summary = "move the window with the pointer, as long as the button is held",
		.pointer_only = true,
	},
	[ACTION_DRAG_RESIZE] = {
		.name = "drag-resize",
		.summary = "resize the window with the pointer, as long as the button is held",
		.pointer_only = true,
	},
	[ACTION_ASSIGN] = {
		.name = "assign",
		.summary = "show a command or a source of the configuration on a screen, or nothing",
		.params = { { .text = "OUTPUT" }, { .text = "NAME", .optional = true } },
	},
	[ACTION_EXEC] = {
		.name = "exec",
		.summary = "start a program; for a line of shell: exec sh -c \"…\"",
		.params = { { .text = "PROGRAM" } },
		.rest = true,
	},
	[ACTION_SWITCH_VT] = {
		.name = "switch-vt",
		.summary = "switch to another console",
		.params = { { .number = "NUMBER" } },
	},
	[ACTION_OVERLAY] = {
		.name = "overlay",
		.summary = "show frames a second, path and latencies on each screen, or not",
		.params = { { .words = state_words, .optional = true } },
	},
	[ACTION_RELOAD] = {
		.name = "reload",
		.summary = "read the configuration again",
	},
	[ACTION_EXIT] = {
		.name = "exit",
		.summary = "end the compositor",
	},
};

const struct action *action_find(const char *name) {
	for (size_t i = 0; i < ACTION_COUNT; i++) {
		if (strcmp(actions[i].name, name) == 0) {
			return &actions[i];
		}
	}
	return NULL;
}

static bool is_param(const struct action_param *param) {
	return param->words != NULL || param->number != NULL || param->text != NULL;
}

static void append(char *text, size_t size, const char *more) {
	size_t len = strlen(text);
	snprintf(text + len, size - len, "%s", more);
}

/** "next|previous|WINDOW" */
static void describe_param(const struct action_param *param, char *text, size_t size) {
	bool any = false;
	for (size_t i = 0; param->words != NULL && param->words[i] != NULL; i++) {
		append(text, size, any ? "|" : "");
		append(text, size, param->words[i]);
		any = true;
	}
	const char *names[] = { param->number, param->text };
	for (size_t i = 0; i < 2; i++) {
		if (names[i] != NULL) {
			append(text, size, any ? "|" : "");
			append(text, size, names[i]);
			any = true;
		}
	}
}

void action_describe_params(const struct action *action, char *text, size_t size) {
	text[0] = '\0';
	for (size_t i = 0; i < ACTION_PARAMS_MAX && is_param(&action->params[i]); i++) {
		append(text, size, i > 0 ? " " : "");
		append(text, size, action->params[i].optional ? "[" : "");
		describe_param(&action->params[i], text, size);
		append(text, size, action->params[i].optional ? "]" : "");
	}
	append(text, size, action->rest ? " […]" : "");
}

static bool is_number(const char *text) {
	char *end;
	long value = strtol(text, &end, 10);
	return end != text && *end == '\0' && value >= -MAX_NUMBER && value <= MAX_NUMBER;
}

static bool check_param(const struct action_param *param, const char *arg, char *message,
		size_t size) {
	struct suggestion suggestion = { 0 };
	for (size_t i = 0; param->words != NULL && param->words[i] != NULL; i++) {
		if (strcmp(param->words[i], arg) == 0) {
			return true;
		}
		suggest(&suggestion, arg, param->words[i]);
	}
	if ((param->number != NULL && is_number(arg)) || (param->text != NULL && arg[0] != '\0')) {
		return true;
	}
	char expected[256] = "";
	describe_param(param, expected, sizeof(expected));
	if (suggestion.word != NULL) {
		snprintf(message, size, "\"%.64s\" is not %s; is \"%s\" meant?", arg, expected,
			suggestion.word);
	} else {
		snprintf(message, size, "\"%.64s\" is not %s", arg, expected);
	}
	return false;
}

bool action_check(const struct action *action, const char *const args[], size_t len,
		char *message, size_t size) {
	size_t params = 0;
	for (; params < ACTION_PARAMS_MAX && is_param(&action->params[params]); params++) {
		const struct action_param *param = &action->params[params];
		if (params < len && !check_param(param, args[params], message, size)) {
			return false;
		}
		if (params >= len && !param->optional) {
			break;
		}
	}
	bool missing = params < ACTION_PARAMS_MAX && is_param(&action->params[params]);
	if (missing || (len > params && !action->rest)) {
		char expected[256];
		action_describe_params(action, expected, sizeof(expected));
		snprintf(message, size, "too %s words follow; it is written \"%s%s%s\"", missing ? "few" : "many", action->name,
			expected[0] != '\0' ? " " : "", expected);
		return false;
	}
	return true;
}

bool action_call_init(struct action_call *call, const struct action *action,
		const char *const args[], size_t len) {
	*call = (struct action_call){ .action = action };
	// One more, so that they end with NULL as argv does
	call->args = calloc(len + 1, sizeof(*call->args));
	if (call->args == NULL) {
		return false;
	}
	for (; call->len < len; call->len++) {
		call->args[call->len] = strdup(args[call->len]);
		if (call->args[call->len] == NULL) {
			action_call_finish(call);
			return false;
		}
	}
	return true;
}

void action_call_finish(struct action_call *call) {
	for (size_t i = 0; i < call->len; i++) {
		free(call->args[i]);
	}
	free(call->args);
	*call = (struct action_call){ 0 };
}
