#include <stdlib.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/types/wlr_seat.h>
#include <wlr/types/wlr_xdg_shell.h>
#include <wlr/util/edges.h>
#include "desktop/decoration.h"
#include "desktop/desktop.h"
#include "desktop/foreign.h"
#include "desktop/popup.h"
#include "desktop/window.h"
#include "desktop/xdg_window.h"
#include "ipc/events.h"
#include "kiosk/kiosk.h"
#include "seat/seat.h"
#include "util/listener.h"

#define XDG_SHELL_VERSION 6
#define ALL_EDGES (WLR_EDGE_TOP | WLR_EDGE_BOTTOM | WLR_EDGE_LEFT | WLR_EDGE_RIGHT)

/** A toplevel of xdg-shell. */
struct xdg_window {
	struct window base;
	struct wlr_xdg_toplevel *toplevel;
	uint32_t serial; // of the last configure

	struct wl_listener map, unmap, commit, destroy;
	struct wl_listener request_move, request_resize, request_maximize, request_fullscreen;
	struct wl_listener set_title, set_app_id;
};

static struct wlr_xdg_toplevel *get_toplevel(struct window *window) {
	struct xdg_window *xdg_window = wl_container_of(window, xdg_window, base);
	return xdg_window->toplevel;
}

static struct wlr_surface *get_surface(struct window *window) {
	return get_toplevel(window)->base->surface;
}

static struct wlr_box get_geometry(struct window *window) {
	return get_toplevel(window)->base->geometry;
}

static bool has_implied_geometry(struct window *window) {
	return wlr_box_empty(&get_toplevel(window)->base->current.geometry);
}

static const char *get_title(struct window *window) {
	return get_toplevel(window)->title;
}

static const char *get_app_id(struct window *window) {
	return get_toplevel(window)->app_id;
}

static pid_t get_pid(struct window *window) {
	pid_t pid;
	wl_client_get_credentials(wl_resource_get_client(get_surface(window)->resource), &pid, NULL,
		NULL);
	return pid;
}

static struct window *get_parent(struct window *window) {
	struct wlr_xdg_toplevel *parent = get_toplevel(window)->parent;
	return parent != NULL ? parent->base->surface->data : NULL;
}

static bool has_fixed_size(struct window *window) {
	const struct wlr_xdg_toplevel_state *state = &get_toplevel(window)->current;
	return state->min_width > 0 && state->min_width == state->max_width &&
		state->min_height > 0 && state->min_height == state->max_height;
}

static void set_activated(struct window *window, bool activated) {
	struct wlr_xdg_toplevel *toplevel = get_toplevel(window);
	if (toplevel->base->initialized && toplevel->scheduled.activated != activated) {
		wlr_xdg_toplevel_set_activated(toplevel, activated);
	}
}

static void set_suspended(struct window *window, bool suspended) {
	struct wlr_xdg_toplevel *toplevel = get_toplevel(window);
	if (toplevel->base->initialized && toplevel->scheduled.suspended != suspended) {
		wlr_xdg_toplevel_set_suspended(toplevel, suspended);
	}
}

static void configure(struct window *window, const struct wlr_box *box) {
	struct xdg_window *xdg_window = wl_container_of(window, xdg_window, base);
	struct wlr_xdg_toplevel *toplevel = xdg_window->toplevel;
	if (!toplevel->base->initialized) {
		return; // It is asked with the first configure
	}
	bool tiled = window_is_tiled(window) && !window->fullscreen && !window->maximized;
	wlr_xdg_toplevel_set_fullscreen(toplevel, window->fullscreen);
	wlr_xdg_toplevel_set_maximized(toplevel, window->maximized);
	wlr_xdg_toplevel_set_tiled(toplevel, tiled ? ALL_EDGES : WLR_EDGE_NONE);
	if (window->workspace != NULL) {
		struct wlr_box usable = workspace_get_usable_box(window->workspace);
		wlr_xdg_toplevel_set_bounds(toplevel, usable.width, usable.height);
	}
	xdg_window->serial = wlr_xdg_toplevel_set_size(toplevel, box->width, box->height);
}

static bool has_settled(struct window *window) {
	struct xdg_window *xdg_window = wl_container_of(window, xdg_window, base);
	// Serials may wrap
	uint32_t current = xdg_window->toplevel->base->current.configure_serial;
	return (int32_t)(current - xdg_window->serial) >= 0;
}

static void close(struct window *window) {
	wlr_xdg_toplevel_send_close(get_toplevel(window));
}

static const struct window_impl impl = {
	.get_surface = get_surface,
	.get_geometry = get_geometry,
	.has_implied_geometry = has_implied_geometry,
	.get_title = get_title,
	.get_app_id = get_app_id,
	.get_pid = get_pid,
	.get_parent = get_parent,
	.has_fixed_size = has_fixed_size,
	.set_activated = set_activated,
	.set_suspended = set_suspended,
	.configure = configure,
	.has_settled = has_settled,
	.close = close,
};

static void handle_map(struct wl_listener *listener, void *data) {
	struct xdg_window *xdg_window = wl_container_of(listener, xdg_window, map);
	window_map(&xdg_window->base);
}

static void handle_unmap(struct wl_listener *listener, void *data) {
	struct xdg_window *xdg_window = wl_container_of(listener, xdg_window, unmap);
	window_unmap(&xdg_window->base);
}

static void handle_initial_commit(struct xdg_window *xdg_window) {
	struct window *window = &xdg_window->base;
	struct wlr_xdg_toplevel *toplevel = xdg_window->toplevel;
	wlr_xdg_toplevel_set_wm_capabilities(toplevel,
		WLR_XDG_TOPLEVEL_WM_CAPABILITIES_FULLSCREEN | WLR_XDG_TOPLEVEL_WM_CAPABILITIES_MAXIMIZE);
	window->maximized = toplevel->requested.maximized;
	bool dialog = toplevel->parent != NULL;
	bool kiosk = window->server->options.mode == MODE_KIOSK || kiosk_has_screen(window);
	if ((kiosk && !dialog) ||
			toplevel->requested.fullscreen) {
		window_set_fullscreen(window, true, toplevel->requested.fullscreen_output);
	}
	window_prepare(window);
}

/** They move, and change places, with this commit: the pointer may be over another of them. */
static void point_at_subsurfaces(struct xdg_window *xdg_window) {
	const struct wlr_surface_state *state = &xdg_window->toplevel->base->surface->current;
	if (!wl_list_empty(&state->subsurfaces_above) || !wl_list_empty(&state->subsurfaces_below)) {
		seat_rebase(xdg_window->base.server->seat);
	}
}

static void handle_commit(struct wl_listener *listener, void *data) {
	struct xdg_window *xdg_window = wl_container_of(listener, xdg_window, commit);
	if (xdg_window->toplevel->base->initial_commit) {
		handle_initial_commit(xdg_window);
	} else {
		window_committed(&xdg_window->base);
		point_at_subsurfaces(xdg_window);
	}
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct xdg_window *xdg_window = wl_container_of(listener, xdg_window, destroy);
	struct wl_listener *listeners[] = {
		&xdg_window->map, &xdg_window->unmap, &xdg_window->commit, &xdg_window->destroy,
		&xdg_window->request_move, &xdg_window->request_resize,
		&xdg_window->request_maximize, &xdg_window->request_fullscreen,
		&xdg_window->set_title, &xdg_window->set_app_id,
	};
	for (size_t i = 0; i < sizeof(listeners) / sizeof(listeners[0]); i++) {
		wl_list_remove(&listeners[i]->link);
	}
	xdg_window->toplevel->base->data = NULL; // a popup may still be made of it
	xdg_window->toplevel->base->surface->data = NULL;
	window_end(&xdg_window->base);
	free(xdg_window);
}

/** Whether a request comes of a button that is still held down on the window. */
static bool is_pressed_on(struct xdg_window *xdg_window, uint32_t serial) {
	struct wlr_seat *seat = xdg_window->base.server->seat->wlr_seat;
	return wlr_seat_validate_pointer_grab_serial(seat, NULL, serial);
}

static void handle_request_move(struct wl_listener *listener, void *data) {
	struct xdg_window *xdg_window = wl_container_of(listener, xdg_window, request_move);
	const struct wlr_xdg_toplevel_move_event *event = data;
	if (is_pressed_on(xdg_window, event->serial)) {
		seat_begin_grab(xdg_window->base.server->seat, &xdg_window->base, GRAB_MOVE,
			WLR_EDGE_NONE);
	}
}

static void handle_request_resize(struct wl_listener *listener, void *data) {
	struct xdg_window *xdg_window = wl_container_of(listener, xdg_window, request_resize);
	const struct wlr_xdg_toplevel_resize_event *event = data;
	if (is_pressed_on(xdg_window, event->serial)) {
		seat_begin_grab(xdg_window->base.server->seat, &xdg_window->base, GRAB_RESIZE,
			event->edges);
	}
}

static void handle_request_maximize(struct wl_listener *listener, void *data) {
	struct xdg_window *xdg_window = wl_container_of(listener, xdg_window, request_maximize);
	struct wlr_xdg_toplevel *toplevel = xdg_window->toplevel;
	if (!toplevel->base->initialized) {
		return; // Answered with the first configure
	}
	window_set_maximized(&xdg_window->base, toplevel->requested.maximized);
	// The protocol wants an answer, even if nothing has changed
	wlr_xdg_surface_schedule_configure(toplevel->base);
}

static void handle_request_fullscreen(struct wl_listener *listener, void *data) {
	struct xdg_window *xdg_window = wl_container_of(listener, xdg_window, request_fullscreen);
	struct wlr_xdg_toplevel *toplevel = xdg_window->toplevel;
	if (!toplevel->base->initialized) {
		return;
	}
	window_set_fullscreen(&xdg_window->base, toplevel->requested.fullscreen,
		toplevel->requested.fullscreen_output);
	wlr_xdg_surface_schedule_configure(toplevel->base);
}

static void handle_set_title(struct wl_listener *listener, void *data) {
	struct xdg_window *xdg_window = wl_container_of(listener, xdg_window, set_title);
	window_decorate(&xdg_window->base);
	if (xdg_window->base.mapped) {
		ipc_tell_window(&xdg_window->base, "title");
	}
	foreign_window_sync(&xdg_window->base);
}

static void handle_set_app_id(struct wl_listener *listener, void *data) {
	struct xdg_window *xdg_window = wl_container_of(listener, xdg_window, set_app_id);
	foreign_window_sync(&xdg_window->base);
}

static void handle_new_toplevel(struct wl_listener *listener, void *data) {
	struct server *server = wl_container_of(listener, server, new_toplevel);
	struct wlr_xdg_toplevel *toplevel = data;
	struct wlr_surface *surface = toplevel->base->surface;

	struct xdg_window *xdg_window = calloc(1, sizeof(*xdg_window));
	if (xdg_window == NULL || !window_begin(&xdg_window->base, server, &impl)) {
		free(xdg_window);
		wl_client_post_no_memory(wl_resource_get_client(toplevel->resource));
		return;
	}
	xdg_window->toplevel = toplevel;
	if (wlr_scene_subsurface_tree_create(xdg_window->base.content, surface) == NULL) {
		window_end(&xdg_window->base);
		free(xdg_window);
		wl_client_post_no_memory(wl_resource_get_client(toplevel->resource));
		return;
	}
	toplevel->base->data = xdg_window->base.popups;
	surface->data = &xdg_window->base;

	listener_add(&surface->events.map, &xdg_window->map, handle_map);
	listener_add(&surface->events.unmap, &xdg_window->unmap, handle_unmap);
	listener_add(&surface->events.commit, &xdg_window->commit, handle_commit);
	listener_add(&toplevel->events.destroy, &xdg_window->destroy, handle_destroy);
	listener_add(&toplevel->events.request_move, &xdg_window->request_move,
		handle_request_move);
	listener_add(&toplevel->events.request_resize, &xdg_window->request_resize,
		handle_request_resize);
	listener_add(&toplevel->events.request_maximize, &xdg_window->request_maximize,
		handle_request_maximize);
	listener_add(&toplevel->events.request_fullscreen, &xdg_window->request_fullscreen,
		handle_request_fullscreen);
	listener_add(&toplevel->events.set_title, &xdg_window->set_title, handle_set_title);
	listener_add(&toplevel->events.set_app_id, &xdg_window->set_app_id, handle_set_app_id);
}

bool xdg_window_init(struct server *server) {
	struct wlr_xdg_shell *shell = wlr_xdg_shell_create(server->display, XDG_SHELL_VERSION);
	if (shell == NULL) {
		return false;
	}
	server->xdg_shell = shell;
	listener_add(&shell->events.new_toplevel, &server->new_toplevel, handle_new_toplevel);
	listener_add(&shell->events.new_popup, &server->new_popup, popup_handle_new);
	return true;
}
