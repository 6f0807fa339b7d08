#ifndef ACTION_CONTEXT_H
#define ACTION_CONTEXT_H

#include "action/action.h"

/** One call of an action. Shared by the files that do them. */
struct context {
	struct server *server;
	char *const *args;
	size_t len;
	struct window *window; // NULL: the focused one
	char *error; // NULL, or why it could not be done
};

/** Returns false, so that an action can end with it. */
bool action_fail(struct context *context, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/**
 * The window that the argument at index names, or the one that the action is about. NULL, and an
 * error, if there is none.
 */
struct window *action_get_window(struct context *context, size_t index);
int action_get_number(const struct context *context, size_t index);
/** What "on", "off", "toggle" or nothing makes of a state. */
bool action_get_state(const struct context *context, bool before);

/* Of windows and workspaces: desktop.c */

bool action_float(struct context *context);
bool action_focus(struct context *context);
bool action_focus_output(struct context *context);
bool action_master_count(struct context *context);
bool action_master_width(struct context *context);
bool action_move(struct context *context);
bool action_move_by(struct context *context);
bool action_resize(struct context *context);
bool action_resize_by(struct context *context);
bool action_send_to_output(struct context *context);
bool action_send_to_workspace(struct context *context);
bool action_swap(struct context *context);
bool action_tiling(struct context *context);
bool action_workspace(struct context *context);
bool action_workspace_to_output(struct context *context);

#endif
