#include <stdlib.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_cursor.h>
#include <wlr/types/wlr_output_layout.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/types/wlr_seat.h>
#include <wlr/types/wlr_xdg_shell.h>
#include <wlr/util/edges.h>
#include <wlr/util/log.h>
#include "output.h"
#include "popup.h"
#include "seat.h"
#include "window.h"

#define XDG_SHELL_VERSION 6
#define MAX_EXTENT (1 << 24)

struct window *window_get_focused(struct server *server) {
	struct window *window;
	wl_list_for_each(window, &server->windows, link) {
		if (window->mapped) {
			return window;
		}
	}
	return NULL;
}

struct wlr_surface *window_get_surface(struct window *window) {
	return window->toplevel->base->surface;
}

/** A client's numbers, kept so small that sums of a few of them fit into an int. */
static int clamp(int value) {
	return value > MAX_EXTENT ? MAX_EXTENT : value < -MAX_EXTENT ? -MAX_EXTENT : value;
}

struct wlr_box window_get_geometry(struct window *window) {
	const struct wlr_box *geometry = &window->toplevel->base->geometry;
	return (struct wlr_box){
		.x = clamp(geometry->x),
		.y = clamp(geometry->y),
		.width = clamp(geometry->width),
		.height = clamp(geometry->height),
	};
}

struct wlr_box window_get_box(struct window *window) {
	// The scene puts the geometry's corner, not the surface's, at the tree's place
	const struct wlr_box *geometry = &window->toplevel->base->geometry;
	return (struct wlr_box){
		.x = clamp(window->tree->node.x),
		.y = clamp(window->tree->node.y),
		.width = clamp(geometry->width),
		.height = clamp(geometry->height),
	};
}

/** What belongs to a window stays above it. */
static void raise_with_dialogs(struct window *window) {
	wlr_scene_node_raise_to_top(&window->tree->node);
	struct window *dialog;
	wl_list_for_each_reverse(dialog, &window->server->windows, link) {
		if (dialog->toplevel->parent == window->toplevel) {
			raise_with_dialogs(dialog);
		}
	}
}

void window_focus(struct window *window) {
	if (window == NULL || !window->mapped) {
		return;
	}
	struct server *server = window->server;
	struct window *previous = window_get_focused(server);
	if (previous != NULL && previous != window) {
		wlr_xdg_toplevel_set_activated(previous->toplevel, false);
	}
	raise_with_dialogs(window);
	wl_list_remove(&window->link);
	wl_list_insert(&server->windows, &window->link);
	wlr_xdg_toplevel_set_activated(window->toplevel, true);
	seat_focus(server->seat, window);
}

void window_focus_next(struct server *server) {
	struct window *window;
	wl_list_for_each_reverse(window, &server->windows, link) {
		if (window->mapped) {
			window_focus(window);
			return;
		}
	}
}

void window_move(struct window *window, int x, int y) {
	wlr_scene_node_set_position(&window->tree->node, x, y);
}

void window_resize(struct window *window, const struct wlr_box *box, uint32_t edges) {
	window->resize_edges = edges;
	window->resize_right = box->x + box->width;
	window->resize_bottom = box->y + box->height;
	window->resize_serial =
		wlr_xdg_toplevel_set_size(window->toplevel, box->width, box->height);
}

/** The client has taken a new size: keep the edges that are not dragged where they are. */
static void settle_resize(struct window *window) {
	struct wlr_box box = window_get_box(window);
	int x = window->resize_edges & WLR_EDGE_LEFT ? window->resize_right - box.width : box.x;
	int y = window->resize_edges & WLR_EDGE_TOP ? window->resize_bottom - box.height : box.y;
	window_move(window, x, y);
	if (window->toplevel->base->current.configure_serial == window->resize_serial &&
			!seat_is_grabbing(window->server->seat, window)) {
		window->resize_edges = WLR_EDGE_NONE;
	}
}

void window_close(struct window *window) {
	wlr_xdg_toplevel_send_close(window->toplevel);
}

static struct output *get_output(struct window *window) {
	if (window->output != NULL && window->output->data != NULL) {
		return window->output->data;
	}
	if (!window->mapped) {
		const struct seat *seat = window->server->seat;
		return output_at(window->server, seat->cursor->x, seat->cursor->y);
	}
	struct wlr_box box = window_get_box(window);
	return output_at(window->server, box.x + box.width / 2.0, box.y + box.height / 2.0);
}

/** A client that fills its screen only in part is put in the middle, on black. */
static void center(struct window *window) {
	struct output *output = get_output(window);
	if (output == NULL) {
		return;
	}
	struct wlr_box screen = output_get_box(output);
	struct wlr_box box = window_get_box(window);
	int dx = (screen.width - box.width) / 2, dy = (screen.height - box.height) / 2;
	window_move(window, screen.x + dx, screen.y + dy);
	wlr_scene_node_set_position(&window->backdrop->node, -dx, -dy);
	wlr_scene_rect_set_size(window->backdrop, screen.width, screen.height);
}

/** Ask a window that fills a screen for that screen's size. */
static void fill_output(struct window *window) {
	struct output *output = get_output(window);
	window->output = output != NULL ? output->wlr_output : NULL;
	if (output == NULL) {
		return;
	}
	struct wlr_box box = output_get_box(output);
	wlr_xdg_toplevel_set_size(window->toplevel, box.width, box.height);
	center(window);
}

static void set_filling(struct window *window, bool fullscreen, bool maximized,
		struct wlr_output *wlr_output) {
	bool was_filling = window->fullscreen || window->maximized;
	bool filling = fullscreen || maximized;
	if (filling && !was_filling && window->mapped) {
		window->saved = window_get_box(window);
	}
	window->fullscreen = fullscreen;
	window->maximized = maximized;
	window->output = filling ? wlr_output : NULL;
	wlr_xdg_toplevel_set_fullscreen(window->toplevel, fullscreen);
	wlr_xdg_toplevel_set_maximized(window->toplevel, maximized);
	wlr_scene_node_set_enabled(&window->backdrop->node, fullscreen);
	window->resize_edges = WLR_EDGE_NONE;
	if (filling) {
		fill_output(window);
	} else if (was_filling) {
		// 0x0 lets the client choose
		window_move(window, window->saved.x, window->saved.y);
		wlr_xdg_toplevel_set_size(window->toplevel, window->saved.width,
			window->saved.height);
	}
	if (window->mapped) {
		window_focus(window);
	}
}

void window_set_fullscreen(struct window *window, bool fullscreen,
		struct wlr_output *wlr_output) {
	if (window->server->options.mode == MODE_KIOSK) {
		fullscreen = true;
	}
	set_filling(window, fullscreen, window->maximized && !fullscreen, wlr_output);
}

void window_arrange_output(struct server *server) {
	struct window *window;
	wl_list_for_each(window, &server->windows, link) {
		if (window->output != NULL && window->output->data == NULL) {
			window->output = NULL;
		}
		if (window->toplevel->base->initialized &&
				(window->fullscreen || window->maximized)) {
			fill_output(window);
		}
	}
}

struct wlr_surface *window_surface_at(struct server *server, double lx, double ly,
		struct window **window_ptr, double *sx, double *sy) {
	struct wlr_scene_node *node =
		wlr_scene_node_at(&server->scene->tree.node, lx, ly, sx, sy);
	if (node == NULL || node->type != WLR_SCENE_NODE_BUFFER) {
		return NULL;
	}
	struct wlr_scene_surface *scene_surface =
		wlr_scene_surface_try_from_buffer(wlr_scene_buffer_from_node(node));
	if (scene_surface == NULL) {
		return NULL;
	}
	if (window_ptr != NULL) {
		struct wlr_scene_tree *tree = node->parent;
		while (tree != NULL && tree->node.data == NULL) {
			tree = tree->node.parent;
		}
		*window_ptr = tree != NULL ? tree->node.data : NULL;
	}
	return scene_surface->surface;
}

/** Where a new window appears: in the middle of the screen that the pointer is on. */
static void place(struct window *window) {
	struct output *output = get_output(window);
	if (output == NULL) {
		return;
	}
	struct wlr_box screen = output_get_box(output);
	struct wlr_box box = window_get_box(window);
	int x = screen.x + (screen.width - box.width) / 2;
	int y = screen.y + (screen.height - box.height) / 2;
	window_move(window, x > screen.x ? x : screen.x, y > screen.y ? y : screen.y);
}

static void handle_map(struct wl_listener *listener, void *data) {
	struct window *window = wl_container_of(listener, window, map);
	bool filling = window->fullscreen || window->maximized;
	if (filling) {
		fill_output(window);
	} else {
		place(window);
	}
	window->mapped = true;
	wlr_scene_node_set_enabled(&window->tree->node, true);
	window_focus(window);
}

static void handle_unmap(struct wl_listener *listener, void *data) {
	struct window *window = wl_container_of(listener, window, unmap);
	struct server *server = window->server;
	window->mapped = false;
	wlr_scene_node_set_enabled(&window->tree->node, false);
	wlr_scene_node_set_enabled(&window->backdrop->node, false);
	// It comes back as a new window does, or not at all
	window->fullscreen = window->maximized = false;
	window->output = NULL;
	window->resize_edges = WLR_EDGE_NONE;
	seat_forget_window(server->seat, window);
	struct window *next = window_get_focused(server);
	if (next != NULL) {
		window_focus(next);
	} else {
		seat_focus(server->seat, NULL);
	}
}

static void handle_commit(struct wl_listener *listener, void *data) {
	struct window *window = wl_container_of(listener, window, commit);
	struct wlr_xdg_surface *surface = window->toplevel->base;
	if (window->mapped && (window->fullscreen || window->maximized)) {
		center(window);
	} else if (window->mapped && window->resize_edges != WLR_EDGE_NONE) {
		settle_resize(window);
	}
	if (!surface->initial_commit) {
		return;
	}
	wlr_xdg_toplevel_set_wm_capabilities(window->toplevel,
		WLR_XDG_TOPLEVEL_WM_CAPABILITIES_FULLSCREEN | WLR_XDG_TOPLEVEL_WM_CAPABILITIES_MAXIMIZE);
	bool dialog = window->toplevel->parent != NULL;
	if (window->server->options.mode == MODE_KIOSK && !dialog) {
		window_set_fullscreen(window, true, window->toplevel->requested.fullscreen_output);
	} else if (window->toplevel->requested.fullscreen) {
		window_set_fullscreen(window, true, window->toplevel->requested.fullscreen_output);
	} else if (window->toplevel->requested.maximized) {
		set_filling(window, false, true, NULL);
	} else {
		wlr_xdg_toplevel_set_size(window->toplevel, 0, 0);
	}
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct window *window = wl_container_of(listener, window, destroy);
	seat_forget_window(window->server->seat, window);
	struct wl_listener *listeners[] = {
		&window->map, &window->unmap, &window->commit, &window->destroy,
		&window->request_move, &window->request_resize, &window->request_maximize,
		&window->request_fullscreen,
	};
	for (size_t i = 0; i < sizeof(listeners) / sizeof(listeners[0]); i++) {
		wl_list_remove(&listeners[i]->link);
	}
	wl_list_remove(&window->link);
	window->toplevel->base->data = NULL; // a popup may still be made of it
	wlr_scene_node_destroy(&window->tree->node);
	free(window);
}

/** Whether a request comes of a button that is still held down on the window. */
static bool is_pressed_on(struct window *window, uint32_t serial) {
	return wlr_seat_validate_pointer_grab_serial(window->server->seat->wlr_seat, NULL, serial);
}

static void handle_request_move(struct wl_listener *listener, void *data) {
	struct window *window = wl_container_of(listener, window, request_move);
	const struct wlr_xdg_toplevel_move_event *event = data;
	if (!is_pressed_on(window, event->serial)) {
		return;
	}
	seat_begin_grab(window->server->seat, window, GRAB_MOVE, 0);
}

static void handle_request_resize(struct wl_listener *listener, void *data) {
	struct window *window = wl_container_of(listener, window, request_resize);
	const struct wlr_xdg_toplevel_resize_event *event = data;
	if (!is_pressed_on(window, event->serial)) {
		return;
	}
	seat_begin_grab(window->server->seat, window, GRAB_RESIZE, event->edges);
}

static void handle_request_maximize(struct wl_listener *listener, void *data) {
	struct window *window = wl_container_of(listener, window, request_maximize);
	if (!window->toplevel->base->initialized) {
		return; // Answered with the first configure
	}
	if (window->fullscreen) {
		wlr_xdg_surface_schedule_configure(window->toplevel->base);
		return;
	}
	set_filling(window, false, window->toplevel->requested.maximized, NULL);
}

static void handle_request_fullscreen(struct wl_listener *listener, void *data) {
	struct window *window = wl_container_of(listener, window, request_fullscreen);
	if (!window->toplevel->base->initialized) {
		return;
	}
	window_set_fullscreen(window, window->toplevel->requested.fullscreen,
		window->toplevel->requested.fullscreen_output);
}

static void connect(struct wl_signal *signal, struct wl_listener *listener,
		wl_notify_func_t notify) {
	listener->notify = notify;
	wl_signal_add(signal, listener);
}

static void handle_new_toplevel(struct wl_listener *listener, void *data) {
	struct server *server = wl_container_of(listener, server, new_toplevel);
	struct wlr_xdg_toplevel *toplevel = data;
	struct wlr_surface *surface = toplevel->base->surface;

	struct window *window = calloc(1, sizeof(*window));
	if (window == NULL) {
		wl_client_post_no_memory(wl_resource_get_client(toplevel->resource));
		return;
	}
	window->server = server;
	window->toplevel = toplevel;
	window->tree = wlr_scene_tree_create(&server->scene->tree);
	struct wlr_scene_tree *surface_tree = NULL;
	if (window->tree != NULL) {
		window->backdrop = wlr_scene_rect_create(window->tree, 0, 0, (float[]){ 0, 0, 0, 1 });
		surface_tree = wlr_scene_xdg_surface_create(window->tree, toplevel->base);
	}
	if (window->backdrop == NULL || surface_tree == NULL) {
		if (window->tree != NULL) {
			wlr_scene_node_destroy(&window->tree->node);
		}
		free(window);
		wl_client_post_no_memory(wl_resource_get_client(toplevel->resource));
		return;
	}
	window->tree->node.data = window;
	toplevel->base->data = surface_tree;
	wlr_scene_node_set_enabled(&window->backdrop->node, false);
	wlr_scene_node_set_enabled(&window->tree->node, false);
	wl_list_insert(server->windows.prev, &window->link);

	connect(&surface->events.map, &window->map, handle_map);
	connect(&surface->events.unmap, &window->unmap, handle_unmap);
	connect(&surface->events.commit, &window->commit, handle_commit);
	connect(&toplevel->events.destroy, &window->destroy, handle_destroy);
	connect(&toplevel->events.request_move, &window->request_move, handle_request_move);
	connect(&toplevel->events.request_resize, &window->request_resize, handle_request_resize);
	connect(&toplevel->events.request_maximize, &window->request_maximize,
		handle_request_maximize);
	connect(&toplevel->events.request_fullscreen, &window->request_fullscreen,
		handle_request_fullscreen);
}

bool window_init(struct server *server) {
	struct wlr_xdg_shell *shell = wlr_xdg_shell_create(server->display, XDG_SHELL_VERSION);
	if (shell == NULL) {
		return false;
	}
	connect(&shell->events.new_toplevel, &server->new_toplevel, handle_new_toplevel);
	connect(&shell->events.new_popup, &server->new_popup, popup_handle_new);
	return true;
}
