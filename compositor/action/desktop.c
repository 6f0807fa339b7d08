#include <string.h>
#include <wlr/util/edges.h>
#include "action/context.h"
#include "desktop/desktop.h"
#include "desktop/focus.h"
#include "desktop/window.h"
#include "output.h"

/** false if it is none of the four. */
static bool parse_direction(const char *word, enum direction *direction) {
	static const char *const words[] = {
		[DIRECTION_LEFT] = "left",
		[DIRECTION_RIGHT] = "right",
		[DIRECTION_UP] = "up",
		[DIRECTION_DOWN] = "down",
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i]) == 0) {
			*direction = (enum direction)i;
			return true;
		}
	}
	return false;
}

static struct workspaces *get_workspaces(struct context *context) {
	return &context->server->desktop->workspaces;
}

/** The workspace that the first argument names; made if it is not there. NULL, and an error. */
static struct workspace *get_workspace(struct context *context) {
	struct workspaces *workspaces = get_workspaces(context);
	const char *name = context->args[0];
	bool next = strcmp(name, "next") == 0;
	if (next || strcmp(name, "previous") == 0) {
		return workspaces_get_next(workspaces, workspaces->focused, next ? 1 : -1);
	}
	struct workspace *workspace = workspaces_get(workspaces, name);
	if (workspace == NULL) {
		action_fail(context, "out of memory");
	}
	return workspace;
}

/** The screen that lies in a direction of the focused one, or NULL. */
static struct screen *find_neighbour(struct workspaces *workspaces, enum direction direction) {
	struct wlr_box boxes[32];
	struct screen *screens[32], *screen;
	size_t len = 0, from = 0;
	wl_list_for_each(screen, &workspaces->screens, link) {
		if (len < sizeof(boxes) / sizeof(boxes[0])) {
			if (screen == workspaces->focused->screen) {
				from = len;
			}
			boxes[len] = output_get_box(screen->data);
			screens[len++] = screen;
		}
	}
	size_t found = len > 0 ? layout_find_neighbour(boxes, len, from, direction) : 0;
	return found < len ? screens[found] : NULL;
}

/** The screen that the first argument names. NULL, and an error, if there is none. */
static struct screen *get_screen(struct context *context) {
	struct workspaces *workspaces = get_workspaces(context);
	const char *name = context->args[0];
	enum direction direction;
	if (parse_direction(name, &direction)) {
		struct screen *screen = find_neighbour(workspaces, direction);
		if (screen == NULL) {
			action_fail(context, "there is no screen %s of here", name);
		}
		return screen;
	}
	struct screen *screen;
	wl_list_for_each(screen, &workspaces->screens, link) {
		if (strcmp(screen->name, name) == 0) {
			return screen;
		}
	}
	action_fail(context, "there is no screen \"%s\"; sluicectl outputs lists them", name);
	return NULL;
}

bool action_focus(struct context *context) {
	enum direction direction;
	if (strcmp(context->args[0], "next") == 0) {
		window_focus_next(context->server);
		return true;
	} else if (strcmp(context->args[0], "previous") == 0) {
		window_focus_previous(context->server);
		return true;
	} else if (parse_direction(context->args[0], &direction)) {
		window_focus_direction(context->server, direction);
		return true;
	}
	struct window *window = action_get_window(context, 0);
	window_focus(window);
	return window != NULL;
}

bool action_focus_output(struct context *context) {
	struct screen *screen = get_screen(context);
	if (screen != NULL) {
		desktop_show_workspace(context->server, screen->shown);
	}
	return screen != NULL;
}

bool action_workspace(struct context *context) {
	struct workspace *workspace = get_workspace(context);
	if (workspace != NULL) {
		desktop_show_workspace(context->server, workspace);
	}
	return workspace != NULL;
}

bool action_workspace_to_output(struct context *context) {
	struct screen *screen = get_screen(context);
	if (screen != NULL) {
		desktop_move_workspace(context->server, get_workspaces(context)->focused, screen);
	}
	return screen != NULL;
}

bool action_send_to_workspace(struct context *context) {
	// The window first: a workspace that is made for nothing would be shown by nobody
	struct window *window = action_get_window(context, 1);
	struct workspace *workspace = window != NULL ? get_workspace(context) : NULL;
	if (workspace != NULL) {
		desktop_send_window(window, workspace);
	}
	return workspace != NULL;
}

bool action_send_to_output(struct context *context) {
	struct window *window = action_get_window(context, 1);
	struct screen *screen = window != NULL ? get_screen(context) : NULL;
	if (screen != NULL) {
		desktop_send_window(window, screen->shown);
	}
	return screen != NULL;
}

bool action_float(struct context *context) {
	struct window *window = action_get_window(context, 1);
	if (window != NULL) {
		window_set_floating(window, action_get_state(context, !window_is_tiled(window)));
	}
	return window != NULL;
}

bool action_tiling(struct context *context) {
	struct workspace *workspace = get_workspaces(context)->focused;
	desktop_set_tiling(context->server, workspace, action_get_state(context, workspace->tiles));
	return true;
}

bool action_master_count(struct context *context) {
	struct workspace *workspace = get_workspaces(context)->focused;
	layout_change_masters(&workspace->layout, action_get_number(context, 0));
	desktop_arrange(context->server);
	return true;
}

bool action_master_width(struct context *context) {
	struct workspace *workspace = get_workspaces(context)->focused;
	layout_change_ratio(&workspace->layout, action_get_number(context, 0) / 100.0);
	desktop_arrange(context->server);
	return true;
}

bool action_swap(struct context *context) {
	struct window *window = action_get_window(context, 1);
	if (window == NULL) {
		return false;
	}
	if (!window_is_tiled(window)) {
		return action_fail(context, "the window is not tiled");
	}
	enum direction direction;
	bool ok = parse_direction(context->args[0], &direction) ?
		desktop_swap_direction(window, direction) : desktop_swap_master(window);
	return ok || action_fail(context, "there is no tile to swap with");
}

/** The window of a move or resize, if it may be moved. */
static struct window *get_floating(struct context *context) {
	struct window *window = action_get_window(context, 2);
	if (window != NULL && (window->fullscreen || window->maximized)) {
		action_fail(context, "the window fills its screen");
		return NULL;
	}
	if (window != NULL && window_is_tiled(window)) {
		action_fail(context, "the window is tiled; float takes it out");
		return NULL;
	}
	return window;
}

bool action_move(struct context *context) {
	struct window *window = get_floating(context);
	if (window != NULL) {
		window_move(window, action_get_number(context, 0), action_get_number(context, 1));
	}
	return window != NULL;
}

bool action_move_by(struct context *context) {
	struct window *window = get_floating(context);
	if (window != NULL) {
		struct wlr_box box = window_get_box(window);
		window_move(window, box.x + action_get_number(context, 0),
			box.y + action_get_number(context, 1));
		window_end_drag(window);
	}
	return window != NULL;
}

static bool resize(struct context *context, struct window *window, int width, int height) {
	if (width < 1 || height < 1) {
		return action_fail(context, "a size is at least 1 1");
	}
	struct wlr_box box = window_get_box(window);
	box.width = width;
	box.height = height;
	window_resize(window, &box, WLR_EDGE_RIGHT | WLR_EDGE_BOTTOM);
	return true;
}

bool action_resize(struct context *context) {
	struct window *window = get_floating(context);
	return window != NULL && resize(context, window, action_get_number(context, 0),
		action_get_number(context, 1));
}

bool action_resize_by(struct context *context) {
	struct window *window = get_floating(context);
	if (window == NULL) {
		return false;
	}
	// From what was asked for: keys come faster than clients draw
	return resize(context, window, window->target.width + action_get_number(context, 0),
		window->target.height + action_get_number(context, 1));
}
