#ifndef ACTION_ACTION_H
#define ACTION_ACTION_H

#include <stdbool.h>
#include <stddef.h>

struct server;
struct window;

/**
 * What a key, a button or sluicectl can have the compositor do. The table of them is all that there
 * is to know: the configuration, sluicectl, its help and the completions are made of it.
 *
 * To add one: a number here, a row in table.c, and the function that does it in run.c, or in
 * desktop.c if it is about windows and workspaces.
 */
enum action_id {
	ACTION_FLOAT,
	ACTION_FOCUS,
	ACTION_FOCUS_OUTPUT,
	ACTION_CLOSE,
	ACTION_FULLSCREEN,
	ACTION_GRAB,
	ACTION_MAXIMIZE,
	ACTION_MASTER_COUNT,
	ACTION_MASTER_WIDTH,
	ACTION_MOVE,
	ACTION_MOVE_BY,
	ACTION_RESIZE,
	ACTION_RESIZE_BY,
	ACTION_SEND_TO_OUTPUT,
	ACTION_SEND_TO_WORKSPACE,
	ACTION_SWAP,
	ACTION_TILING,
	ACTION_WORKSPACE,
	ACTION_WORKSPACE_TO_OUTPUT,
	ACTION_DRAG_MOVE,
	ACTION_DRAG_RESIZE,
	ACTION_ASSIGN,
	ACTION_EXEC,
	ACTION_SWITCH_VT,
	ACTION_OVERLAY,
	ACTION_RELOAD,
	ACTION_EXIT,
	ACTION_COUNT,
};

/** What may stand in one place after the name. */
struct action_param {
	const char *const *words; // one of these, NULL-terminated; NULL if there are none
	const char *number; // or a whole number, with what it is called in usages: "ID"; NULL if not
	const char *text; // or anything, with what it is called: "PROGRAM"; NULL if not
	bool optional; // and so are those after it
};

#define ACTION_PARAMS_MAX 4

struct action {
	const char *name;
	const char *summary; // one line, without a full stop
	struct action_param params[ACTION_PARAMS_MAX]; // up to one that is all zeroes
	bool rest; // any number of further words may follow
	bool pointer_only; // it needs a button that is held down
};

/** By enum action_id. Free of wlroots: sluicectl has it, too. */
extern const struct action actions[ACTION_COUNT];

/** The action of a name, or NULL. */
const struct action *action_find(const char *name);
/** What follows the name, such as "next|previous|ID [x]". "" if nothing does. */
void action_describe_params(const struct action *action, char *text, size_t size);
/**
 * Whether these words may follow the name. If not, why not is in message: a sentence without a full
 * stop.
 */
bool action_check(const struct action *action, const char *const args[], size_t len,
	char *message, size_t size);

/** An action with its words, checked. */
struct action_call {
	const struct action *action;
	char **args; // owned
	size_t len;
};

/** Copies the words. false if memory ran out. */
bool action_call_init(struct action_call *call, const struct action *action,
	const char *const args[], size_t len);
void action_call_finish(struct action_call *call);

/**
 * Do it. window is what it is about if no other is named: the one below the pointer, or NULL for the
 * focused one. Returns false, and why, if it could not be done: a sentence without a full stop that
 * the caller frees, or NULL if memory ran out. The call may be gone after it (reload).
 */
bool action_run(struct server *server, const struct action_call *call, struct window *window,
	char **error_ptr);

#endif
