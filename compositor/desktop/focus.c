#include <stdlib.h>
#include <wlr/types/wlr_scene.h>
#include "desktop/decoration.h"
#include "desktop/desktop.h"
#include "desktop/focus.h"
#include "desktop/foreign.h"
#include "desktop/window.h"
#include "ipc/events.h"
#include "seat/seat.h"

struct window *window_get_focused(struct server *server) {
	const struct workspace *focused = server->desktop->workspaces.focused;
	struct window *window;
	wl_list_for_each(window, &server->windows, link) {
		if (window->mapped && window->workspace == focused) {
			return window;
		}
	}
	return NULL;
}

static void activate(struct server *server, struct window *window) {
	struct desktop *desktop = server->desktop;
	struct window *previous = desktop->active;
	if (previous == window) {
		return;
	}
	desktop->active = window;
	if (previous != NULL) {
		previous->impl->set_activated(previous, false);
		foreign_window_sync(previous);
		window_decorate(previous);
	}
	if (window != NULL) {
		window->impl->set_activated(window, true);
		foreign_window_sync(window);
		window_decorate(window);
		ipc_tell_window(window, "focused");
	}
}

static void raise_one(struct window *window) {
	wl_list_remove(&window->stack_link);
	wl_list_insert(&window->server->desktop->stack, &window->stack_link);
}

static void raise(struct window *window) {
	if (window_is_tiled(window)) {
		// Tiles come together: one alone would leave the others below what it is raised above
		struct window *tile;
		wl_list_for_each_reverse(tile, &window->workspace->windows, workspace_link) {
			if (window_is_tiled(tile) && !tile->fullscreen) {
				raise_one(tile);
			}
		}
	}
	raise_one(window);
}

/** Its screen is not there, and it goes to no other. */
static bool is_out_of_sight(const struct window *window) {
	return window->workspace->bound && window->workspace->screen == NULL;
}

void window_focus_in_place(struct window *window) {
	if (window == NULL || !window->mapped || is_out_of_sight(window)) {
		return;
	}
	struct server *server = window->server;
	struct workspaces *workspaces = &server->desktop->workspaces;
	wl_list_remove(&window->link);
	wl_list_insert(&server->windows, &window->link);
	bool shown = workspace_is_shown(window->workspace);
	workspaces_show(workspaces, window->workspace);
	if (!shown) {
		desktop_arrange(server);
	}
	activate(server, window);
	seat_focus(server->seat, window);
}

void window_raise(struct window *window) {
	raise(window);
	window_restack(window->server);
}

void window_focus(struct window *window) {
	if (window == NULL || !window->mapped || is_out_of_sight(window)) {
		return;
	}
	window_raise(window);
	window_focus_in_place(window);
}

void window_refocus(struct server *server) {
	struct window *window = window_get_focused(server);
	if (window != NULL && is_out_of_sight(window)) {
		window = NULL;
	}
	if (window == server->desktop->active && window != NULL) {
		return;
	}
	activate(server, window);
	seat_focus(server->seat, window);
}

void window_focus_next(struct server *server) {
	const struct workspace *focused = server->desktop->workspaces.focused;
	struct window *window;
	wl_list_for_each_reverse(window, &server->windows, link) {
		if (window->mapped && window->workspace == focused) {
			window_focus(window);
			return;
		}
	}
}

void window_focus_previous(struct server *server) {
	const struct window *focused = window_get_focused(server);
	struct window *window;
	wl_list_for_each(window, &server->windows, link) {
		if (focused != NULL && window != focused && window->mapped &&
				window->workspace == focused->workspace) {
			window_focus(window);
			return;
		}
	}
}

struct window *window_find_neighbour(struct window *window, enum direction direction) {
	struct server *server = window->server;
	size_t count = (size_t)wl_list_length(&server->windows), len = 0, from = 0;
	struct wlr_box *boxes = calloc(count, sizeof(*boxes));
	struct window **windows = calloc(count, sizeof(struct window *));
	struct window *found = NULL, *other;
	if (boxes == NULL || windows == NULL) {
		goto out;
	}
	wl_list_for_each(other, &server->windows, link) {
		if (!other->mapped || !workspace_is_shown(other->workspace)) {
			continue;
		}
		if (other == window) {
			from = len;
		}
		windows[len] = other;
		boxes[len++] = other->target;
	}
	size_t neighbour = layout_find_neighbour(boxes, len, from, direction);
	if (neighbour < len) {
		found = windows[neighbour];
	}
out:
	free(boxes);
	free(windows);
	return found;
}

void window_focus_direction(struct server *server, enum direction direction) {
	struct window *window = window_get_focused(server);
	if (window != NULL) {
		window_focus(window_find_neighbour(window, direction));
	}
}

/** Nothing that was raised after a fullscreen window, but its dialogs, is on its workspace. */
static bool is_in_front(struct window *window) {
	struct window *other;
	wl_list_for_each(other, &window->server->desktop->stack, stack_link) {
		if (other == window) {
			return true;
		}
		if (other->mapped && other->workspace == window->workspace &&
				!window_is_dialog_of(other, window)) {
			return false;
		}
	}
	return false;
}

static enum layer get_layer(struct window *window) {
	struct window *other;
	wl_list_for_each(other, &window->workspace->windows, workspace_link) {
		if (other->mapped && other->fullscreen &&
				(other == window || window_is_dialog_of(window, other)) && is_in_front(other)) {
			return LAYER_FULLSCREEN;
		}
	}
	// A fullscreen window that is not in front is behind all that floats
	return window_is_tiled(window) || window->fullscreen ? LAYER_TILED : LAYER_FLOATING;
}

/** One round: what was put last in each layer is the lowest. */
struct round {
	unsigned number;
	struct wlr_scene_node *lowest[LAYERS];
};

static void put(struct round *round, struct window *window) {
	enum layer layer = get_layer(window);
	struct wlr_scene_tree *tree = window->server->layers[layer];
	struct wlr_scene_node *node = &window->tree->node;
	if (node->parent != tree) {
		wlr_scene_node_reparent(node, tree);
	}
	if (round->lowest[layer] == NULL) {
		wlr_scene_node_raise_to_top(node);
	} else {
		wlr_scene_node_place_below(node, round->lowest[layer]);
	}
	round->lowest[layer] = node;
}

/** A window, below its dialogs. */
static void put_family(struct round *round, struct window *window) {
	window->stacked = round->number;
	struct window *dialog;
	wl_list_for_each(dialog, &window->server->desktop->stack, stack_link) {
		if (dialog->mapped && dialog->stacked != round->number &&
				window_get_parent(dialog) == window) {
			put_family(round, dialog);
		}
	}
	put(round, window);
}

/** The one that is nobody's dialog. */
static struct window *get_root(struct window *window) {
	struct window *other, *root = window;
	wl_list_for_each(other, &window->server->windows, link) {
		if (other->mapped && window_get_parent(other) == NULL &&
				window_is_dialog_of(window, other)) {
			root = other;
		}
	}
	return root;
}

void window_restack(struct server *server) {
	struct desktop *desktop = server->desktop;
	struct round round = { .number = ++desktop->restacks };
	struct window *window;
	wl_list_for_each(window, &desktop->stack, stack_link) {
		if (window->mapped && window->stacked != round.number) {
			put_family(&round, get_root(window));
			if (window->stacked != round.number) {
				put_family(&round, window); // a dialog of a window that is not mapped
			}
		}
	}
}
