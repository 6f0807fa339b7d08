#include <stdlib.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_output_layout.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/types/wlr_xdg_shell.h>
#include <wlr/util/edges.h>
#include "desktop/decoration.h"
#include "desktop/desktop.h"
#include "desktop/focus.h"
#include "desktop/foreign.h"
#include "desktop/place.h"
#include "desktop/window.h"
#include "ipc/events.h"
#include "kiosk/kiosk.h"
#include "output.h"
#include "seat/seat.h"

#define MAX_EXTENT (1 << 24)
/** How often one may be a dialog of a dialog. */
#define MAX_GENERATIONS 32

struct wlr_surface *window_get_surface(struct window *window) {
	return window->impl->get_surface(window);
}

const char *window_get_title(struct window *window) {
	return window->impl->get_title(window);
}

const char *window_get_app_id(struct window *window) {
	return window->impl->get_app_id(window);
}

pid_t window_get_pid(struct window *window) {
	return window->impl->get_pid(window);
}

struct window *window_get_parent(struct window *window) {
	return window->impl->get_parent(window);
}

bool window_is_dialog_of(struct window *window, const struct window *other) {
	// X11 does not keep clients from being each other's dialogs
	int generations = 0;
	struct window *parent = window_get_parent(window);
	while (parent != NULL && parent != other && generations++ < MAX_GENERATIONS) {
		parent = window_get_parent(parent);
	}
	return parent != NULL && parent == other;
}

struct output *window_get_output(struct window *window) {
	const struct workspace *workspace = window->workspace;
	return workspace != NULL && workspace->screen != NULL ? workspace->screen->data : NULL;
}

bool window_is_tiled(const struct window *window) {
	return !window->floats;
}

/** A client's numbers, kept so small that sums of a few of them fit into an int. */
static int clamp(int value) {
	return value > MAX_EXTENT ? MAX_EXTENT : value < -MAX_EXTENT ? -MAX_EXTENT : value;
}

struct wlr_box window_get_geometry(struct window *window) {
	struct wlr_box geometry = window->impl->get_geometry(window);
	return (struct wlr_box){
		.x = clamp(geometry.x),
		.y = clamp(geometry.y),
		.width = clamp(geometry.width),
		.height = clamp(geometry.height),
	};
}

struct wlr_box window_get_box(struct window *window) {
	struct wlr_box geometry = window_get_geometry(window);
	return (struct wlr_box){
		.x = clamp(window->tree->node.x),
		.y = clamp(window->tree->node.y),
		.width = geometry.width,
		.height = geometry.height,
	};
}

void window_close(struct window *window) {
	window->impl->close(window);
}

/** Put it on the workspace that an output shows. */
static void send_to_output(struct window *window, struct wlr_output *wlr_output) {
	struct output *output = wlr_output != NULL ? wlr_output->data : NULL;
	struct workspace *workspace = output != NULL ? desktop_get_shown(output) : NULL;
	if (workspace == NULL || workspace == window->workspace) {
		return;
	}
	if (window->workspace != NULL) {
		desktop_send_window(window, workspace);
	} else {
		window->workspace = workspace;
		wl_list_insert(workspace->windows.prev, &window->workspace_link);
	}
}

/** After a change of what it fills. */
static void rearrange(struct window *window) {
	window->resize_edges = WLR_EDGE_NONE;
	if (window->mapped) {
		desktop_arrange(window->server);
	} else if (window->workspace != NULL) {
		window_prepare(window);
	}
}

void window_set_fullscreen(struct window *window, bool fullscreen,
		struct wlr_output *wlr_output) {
	bool at_home = kiosk_has_screen(window);
	if (window->server->options.mode == MODE_KIOSK || at_home) {
		fullscreen = true;
	}
	window->fullscreen = fullscreen;
	if (fullscreen) {
		send_to_output(window, at_home ? NULL : wlr_output);
	}
	rearrange(window);
	window_focus(window);
}

void window_set_maximized(struct window *window, bool maximized) {
	window->maximized = maximized;
	rearrange(window);
	window_focus(window);
}

void window_set_floating(struct window *window, bool floats) {
	window->floats = floats;
	rearrange(window);
}

struct window *window_from_surface(struct wlr_surface *surface) {
	while (surface != NULL) {
		surface = wlr_surface_get_root_surface(surface);
		if (surface->data != NULL) {
			return surface->data;
		}
		struct wlr_xdg_popup *popup = wlr_xdg_popup_try_from_wlr_surface(surface);
		surface = popup != NULL ? popup->parent : NULL;
	}
	return NULL;
}

struct window *window_try_from_node(struct server *server, struct wlr_scene_node *node) {
	struct wlr_scene_node *top = node;
	while (top->parent != NULL && top->parent->node.parent != &server->scene->tree) {
		top = &top->parent->node;
	}
	// Right below these layers is nothing but windows
	if (top->parent == server->layers[LAYER_TILED] ||
			top->parent == server->layers[LAYER_FLOATING] ||
			top->parent == server->layers[LAYER_FULLSCREEN]) {
		return top->data;
	}
	return NULL;
}

struct wlr_surface *window_surface_at(struct server *server, double lx, double ly,
		struct window **window_ptr, double *sx, double *sy) {
	struct wlr_scene_node *node =
		wlr_scene_node_at(&server->scene->tree.node, lx, ly, sx, sy);
	if (window_ptr != NULL) {
		*window_ptr = node != NULL ? window_try_from_node(server, node) : NULL;
	}
	if (node == NULL || node->type != WLR_SCENE_NODE_BUFFER) {
		return NULL;
	}
	struct wlr_scene_surface *scene_surface =
		wlr_scene_surface_try_from_buffer(wlr_scene_buffer_from_node(node));
	return scene_surface != NULL ? scene_surface->surface : NULL;
}

bool window_begin_drag(struct window *window) {
	if (!window->mapped || window->fullscreen || window->maximized) {
		return false;
	}
	if (window_is_tiled(window)) {
		// It leaves the columns, and stays where it is and as large
		struct wlr_box screen = workspace_get_box(window->workspace);
		window->floating = window_get_box(window);
		window->floating.x -= screen.x;
		window->floating.y -= screen.y;
		window_set_floating(window, true);
	}
	return true;
}

void window_end_drag(struct window *window) {
	struct wlr_box box = window_get_box(window);
	const struct wlr_output *wlr_output = wlr_output_layout_output_at(
		window->server->output_layout, box.x + box.width / 2.0, box.y + box.height / 2.0);
	struct workspace *shown = wlr_output != NULL && wlr_output->data != NULL ?
		desktop_get_shown(wlr_output->data) : NULL;
	if (shown != NULL && shown != window->workspace) {
		struct wlr_box before = workspace_get_box(window->workspace);
		struct wlr_box after = workspace_get_box(shown);
		window->floating.x += before.x - after.x;
		window->floating.y += before.y - after.y;
		desktop_send_window(window, shown);
		window_focus(window);
	} else {
		desktop_arrange(window->server);
	}
}

bool window_should_float(struct window *window) {
	return window_get_parent(window) != NULL || window->impl->has_fixed_size(window) ||
		!window->workspace->tiles;
}

void window_prepare(struct window *window) {
	if (window->workspace == NULL) {
		window->workspace = desktop_choose_workspace(window);
		wl_list_insert(window->workspace->windows.prev, &window->workspace_link);
	}
	window->floats = window_should_float(window);
	struct insets insets = window_get_insets(window);
	struct wlr_box box = {0};
	if (window->fullscreen) {
		box = workspace_get_box(window->workspace);
	} else if (window->maximized) {
		box = workspace_get_usable_box(window->workspace);
	} else if (window_is_tiled(window)) {
		box = desktop_predict_tile(window->workspace);
	}
	if (box.width > 0) {
		box = layout_shrink(&box, &insets);
	}
	window_place(window, &box);
}

void window_map(struct window *window) {
	if (window->workspace == NULL) {
		window_prepare(window);
	} else {
		// Its limits may have come with the first buffer
		window->floats = window_should_float(window);
	}
	window->mapped = true;
	window->drawn = window_get_geometry(window);
	window_show(window);
	foreign_window_open(window);
	desktop_arrange(window->server);
	ipc_tell_window(window, "opened");
	window_focus(window);
	kiosk_update(window->server->kiosk);
}

static void leave_workspace(struct window *window) {
	if (window->workspace != NULL) {
		wl_list_remove(&window->workspace_link);
		wl_list_init(&window->workspace_link);
		window->workspace = NULL;
	}
}

void window_unmap(struct window *window) {
	struct server *server = window->server;
	ipc_tell_window(window, "closed");
	foreign_window_close(window);
	window->mapped = false;
	wlr_scene_node_set_enabled(&window->tree->node, false);
	wlr_scene_node_set_enabled(&window->backdrop->node, false);
	window->fullscreen = window->maximized = false;
	window->target = (struct wlr_box){0};
	if (window_get_parent(window) != NULL) {
		window->floating = (struct wlr_box){0};
	}
	window->target_state = 0;
	window->resize_edges = WLR_EDGE_NONE;
	window_release(window);
	leave_workspace(window);
	seat_forget_window(server->seat, window);
	if (server->desktop->active == window) {
		server->desktop->active = NULL;
	}
	desktop_arrange(server);
	window_refocus(server);
	kiosk_update(server->kiosk);
}

bool window_begin(struct window *window, struct server *server, const struct window_impl *impl) {
	window->server = server;
	window->impl = impl;
	window->id = ++server->last_window_id;
	wl_list_init(&window->workspace_link);
	window->tree = wlr_scene_tree_create(server->layers[LAYER_FLOATING]);
	if (window->tree == NULL) {
		return false;
	}
	window->backdrop = wlr_scene_rect_create(window->tree, 0, 0, (float[]){ 0, 0, 0, 1 });
	window->content = wlr_scene_tree_create(window->tree);
	window->popups = wlr_scene_tree_create(window->tree);
	if (window->backdrop == NULL || window->content == NULL || window->popups == NULL ||
			!window_init_hold(window)) {
		wlr_scene_node_destroy(&window->tree->node);
		return false;
	}
	window->tree->node.data = window;
	wlr_scene_node_set_enabled(&window->backdrop->node, false);
	wlr_scene_node_set_enabled(&window->tree->node, false);
	wl_list_insert(server->windows.prev, &window->link);
	wl_list_insert(server->desktop->stack.prev, &window->stack_link);
	return true;
}

void window_end(struct window *window) {
	struct server *server = window->server;
	seat_forget_window(server->seat, window);
	if (server->desktop->active == window) {
		server->desktop->active = NULL;
	}
	leave_workspace(window);
	timer_finish(&window->hold_timer);
	wl_list_remove(&window->link);
	wl_list_remove(&window->stack_link);
	decoration_destroy(window->decoration);
	wlr_scene_node_destroy(&window->tree->node);
}
