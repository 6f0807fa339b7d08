#define _GNU_SOURCE
#include <glib.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wlr/backend/session.h>
#include <wlr/util/edges.h>
#include "action/context.h"
#include "config/reload.h"
#include "desktop/focus.h"
#include "desktop/window.h"
#include "kiosk/kiosk.h"
#include "seat/captor.h"
#include "seat/seat.h"
#include "server.h"
#include "stats/stats.h"

bool action_fail(struct context *context, const char *format, ...) {
	va_list args;
	va_start(args, format);
	if (vasprintf(&context->error, format, args) < 0) {
		context->error = NULL;
	}
	va_end(args);
	return false;
}

struct window *action_get_window(struct context *context, size_t index) {
	if (index >= context->len) {
		struct window *window = context->window != NULL ? context->window :
			window_get_focused(context->server);
		if (window == NULL) {
			action_fail(context, "there is no window");
		}
		return window;
	}
	long id = strtol(context->args[index], NULL, 10);
	struct window *window;
	wl_list_for_each(window, &context->server->windows, link) {
		if (window->mapped && window->id == id) {
			return window;
		}
	}
	action_fail(context, "there is no window %s; sluicectl windows lists them",
		context->args[index]);
	return NULL;
}

int action_get_number(const struct context *context, size_t index) {
	return (int)strtol(context->args[index], NULL, 10);
}

bool action_get_state(const struct context *context, bool before) {
	if (context->len == 0 || strcmp(context->args[0], "toggle") == 0) {
		return !before;
	}
	return strcmp(context->args[0], "on") == 0;
}

static bool close_window(struct context *context) {
	struct window *window = action_get_window(context, 0);
	if (window != NULL) {
		window_close(window);
	}
	return window != NULL;
}

static bool fullscreen(struct context *context) {
	struct window *window = action_get_window(context, 1);
	if (window != NULL) {
		window_set_fullscreen(window, action_get_state(context, window->fullscreen), NULL);
	}
	return window != NULL;
}

static bool maximize(struct context *context) {
	struct window *window = action_get_window(context, 1);
	if (window != NULL) {
		window_set_maximized(window, action_get_state(context, window->maximized));
	}
	return window != NULL;
}

static bool drag_move(struct context *context) {
	struct window *window = action_get_window(context, 0);
	if (window != NULL) {
		seat_begin_grab(context->server->seat, window, GRAB_MOVE, WLR_EDGE_NONE);
	}
	return window != NULL;
}

static bool drag_resize(struct context *context) {
	struct window *window = action_get_window(context, 0);
	if (window != NULL) {
		seat_begin_resize(context->server->seat, window);
	}
	return window != NULL;
}

/** What was on that screen goes to where the other was. */
static bool assign(struct context *context) {
	const char *item = context->len > 1 ? context->args[1] : NULL;
	return kiosk_assign(context->server->kiosk, context->args[0], item, &context->error);
}

/** In the child: the event loop blocks the signals that it handles, and a program wants them all. */
static void set_up_child(void *data) {
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
}

static bool exec(struct context *context) {
	GError *error = NULL;
	// It becomes a child of another, so that nobody has to wait for it
	if (g_spawn_async(NULL, (char **)context->args, NULL, G_SPAWN_SEARCH_PATH, set_up_child,
			NULL, NULL, &error)) {
		return true;
	}
	action_fail(context, "%s", error->message);
	g_error_free(error);
	return false;
}

static bool switch_vt(struct context *context) {
	struct wlr_session *session = context->server->session;
	int number = action_get_number(context, 0);
	if (session == NULL) {
		return action_fail(context, "this compositor does not run on a console");
	}
	return (number > 0 && wlr_session_change_vt(session, (unsigned)number)) ||
		action_fail(context, "the seat cannot switch to console %d", number);
}

static bool overlay(struct context *context) {
	struct stats *stats = context->server->stats;
	return stats_show_overlay(stats, action_get_state(context, stats->overlay != NULL));
}

static bool reload(struct context *context) {
	return config_reload(context->server, &context->error);
}

static bool exit_compositor(struct context *context) {
	server_quit(context->server, EXIT_SUCCESS);
	return true;
}

static bool grab(struct context *context) {
	struct seat *seat = context->server->seat;
	if (!action_get_state(context, captor_is_there(seat))) {
		captor_end(seat);
		return true;
	}
	return captor_begin(seat) || action_fail(context, "no window has the keyboard");
}

static bool (*const functions[ACTION_COUNT])(struct context *context) = {
	[ACTION_FLOAT] = action_float,
	[ACTION_FOCUS] = action_focus,
	[ACTION_FOCUS_OUTPUT] = action_focus_output,
	[ACTION_CLOSE] = close_window,
	[ACTION_FULLSCREEN] = fullscreen,
	[ACTION_GRAB] = grab,
	[ACTION_MAXIMIZE] = maximize,
	[ACTION_MASTER_COUNT] = action_master_count,
	[ACTION_MASTER_WIDTH] = action_master_width,
	[ACTION_MOVE] = action_move,
	[ACTION_MOVE_BY] = action_move_by,
	[ACTION_RESIZE] = action_resize,
	[ACTION_RESIZE_BY] = action_resize_by,
	[ACTION_SEND_TO_OUTPUT] = action_send_to_output,
	[ACTION_SEND_TO_WORKSPACE] = action_send_to_workspace,
	[ACTION_SWAP] = action_swap,
	[ACTION_TILING] = action_tiling,
	[ACTION_WORKSPACE] = action_workspace,
	[ACTION_WORKSPACE_TO_OUTPUT] = action_workspace_to_output,
	[ACTION_DRAG_MOVE] = drag_move,
	[ACTION_DRAG_RESIZE] = drag_resize,
	[ACTION_ASSIGN] = assign,
	[ACTION_EXEC] = exec,
	[ACTION_SWITCH_VT] = switch_vt,
	[ACTION_OVERLAY] = overlay,
	[ACTION_RELOAD] = reload,
	[ACTION_EXIT] = exit_compositor,
};

bool action_run(struct server *server, const struct action_call *call, struct window *window,
		char **error_ptr) {
	struct context context = {
		.server = server,
		.args = call->args,
		.len = call->len,
		.window = window,
	};
	bool ok = functions[call->action - actions](&context);
	if (error_ptr != NULL) {
		*error_ptr = context.error;
	} else {
		free(context.error);
	}
	return ok;
}
