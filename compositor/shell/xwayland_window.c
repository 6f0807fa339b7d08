#include <stdlib.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/types/wlr_seat.h>
#include <wlr/util/log.h>
#include <wlr/xwayland/server.h>
#include <wlr/xwayland/xwayland.h>
#include "desktop/decoration.h"
#include "desktop/desktop.h"
#include "desktop/focus.h"
#include "desktop/foreign.h"
#include "desktop/window.h"
#include "ipc/events.h"
#include "kiosk/kiosk.h"
#include "seat/seat.h"
#include "shell/xwayland_surface.h"
#include "util/listener.h"

/** A window of X11 that the desktop manages. */
struct x11_window {
	struct window base;
	struct wlr_xwayland_surface *xsurface;
	struct wlr_scene_tree *surfaces; // NULL unless it is mapped
	int width, height; // as its client would have it

	struct wl_listener associate, dissociate, destroy, set_override_redirect;
	struct wl_listener map, unmap, commit; // of the surface, while there is one
	struct wl_listener map_request, request_configure, request_activate;
	struct wl_listener request_move, request_resize;
	struct wl_listener request_maximize, request_fullscreen, request_minimize;
	struct wl_listener set_title, set_decorations;
};

static struct wlr_xwayland_surface *get_xsurface(struct window *window) {
	struct x11_window *x11_window = wl_container_of(window, x11_window, base);
	return x11_window->xsurface;
}

static struct wlr_surface *get_surface(struct window *window) {
	return get_xsurface(window)->surface;
}

static struct wlr_box get_geometry(struct window *window) {
	const struct wlr_surface *surface = get_surface(window);
	return surface == NULL ? (struct wlr_box){0} : (struct wlr_box){
		.width = surface->current.width,
		.height = surface->current.height,
	};
}

static const char *get_title(struct window *window) {
	return get_xsurface(window)->title;
}

static const char *get_app_id(struct window *window) {
	return get_xsurface(window)->class;
}

static pid_t get_pid(struct window *window) {
	return get_xsurface(window)->pid;
}

static struct window *get_parent(struct window *window) {
	const struct wlr_xwayland_surface *parent = get_xsurface(window)->parent;
	return parent != NULL ? parent->data : NULL; // of one that is not managed, NULL
}

static bool has_type(const struct wlr_xwayland_surface *xsurface) {
	return wlr_xwayland_surface_has_window_type(xsurface,
			WLR_XWAYLAND_NET_WM_WINDOW_TYPE_DIALOG) ||
		wlr_xwayland_surface_has_window_type(xsurface,
			WLR_XWAYLAND_NET_WM_WINDOW_TYPE_UTILITY) ||
		wlr_xwayland_surface_has_window_type(xsurface,
			WLR_XWAYLAND_NET_WM_WINDOW_TYPE_TOOLBAR) ||
		wlr_xwayland_surface_has_window_type(xsurface,
			WLR_XWAYLAND_NET_WM_WINDOW_TYPE_SPLASH);
}

/** Something small that belongs to a window, even if it does not say to which. */
static bool is_dialog(const struct wlr_xwayland_surface *xsurface) {
	return xsurface->parent != NULL || xsurface->modal || has_type(xsurface);
}

static bool has_fixed_size(struct window *window) {
	const struct wlr_xwayland_surface *xsurface = get_xsurface(window);
	const xcb_size_hints_t *hints = xsurface->size_hints;
	bool fixed = hints != NULL && (hints->flags & XCB_ICCCM_SIZE_HINT_P_MIN_SIZE) &&
		(hints->flags & XCB_ICCCM_SIZE_HINT_P_MAX_SIZE) &&
		hints->min_width > 0 && hints->min_width == hints->max_width &&
		hints->min_height > 0 && hints->min_height == hints->max_height;
	return fixed || is_dialog(xsurface);
}

static void set_activated(struct window *window, bool activated) {
	struct wlr_xwayland_surface *xsurface = get_xsurface(window);
	wlr_xwayland_surface_activate(xsurface, activated);
	if (activated) {
		// X11 asks its own stack which of two windows a pointer is on
		wlr_xwayland_surface_restack(xsurface, NULL, XCB_STACK_MODE_ABOVE);
	}
}

/** X11 has no word for it. */
static void set_suspended(struct window *window, bool suspended) {
}

static int clamp(int value, int min, int max) {
	return value < min ? min : value > max ? max : value;
}

static void send(struct wlr_xwayland_surface *xsurface, const struct wlr_box *box) {
	wlr_xwayland_surface_configure(xsurface, (int16_t)clamp(box->x, INT16_MIN, INT16_MAX),
		(int16_t)clamp(box->y, INT16_MIN, INT16_MAX),
		(uint16_t)clamp(box->width, 1, INT16_MAX), (uint16_t)clamp(box->height, 1, INT16_MAX));
}

/** Tell it once more what it has: X11 wants an answer to each request. */
static void send_same(struct wlr_xwayland_surface *xsurface) {
	wlr_xwayland_surface_configure(xsurface, xsurface->x, xsurface->y, xsurface->width,
		xsurface->height);
}

static void tell_state(struct window *window) {
	struct wlr_xwayland_surface *xsurface = get_xsurface(window);
	if (xsurface->fullscreen != window->fullscreen) {
		wlr_xwayland_surface_set_fullscreen(xsurface, window->fullscreen);
	}
	if (xsurface->maximized_horz != window->maximized ||
			xsurface->maximized_vert != window->maximized) {
		wlr_xwayland_surface_set_maximized(xsurface, window->maximized, window->maximized);
	}
}

static void configure(struct window *window, const struct wlr_box *box) {
	const struct x11_window *x11_window = wl_container_of(window, x11_window, base);
	struct wlr_xwayland_surface *xsurface = x11_window->xsurface;
	tell_state(window);
	struct wlr_box wanted = *box;
	if (box->width == 0) {
		wanted = (struct wlr_box){ xsurface->x, xsurface->y, x11_window->width,
			x11_window->height };
	}
	send(xsurface, &wanted);
}

static bool has_settled(struct window *window) {
	const struct wlr_xwayland_surface *xsurface = get_xsurface(window);
	const struct wlr_surface *surface = xsurface->surface;
	return surface == NULL || (surface->current.width == xsurface->width &&
		surface->current.height == xsurface->height);
}

/** It opens its menus where it believes to be. */
static void moved(struct window *window) {
	struct wlr_xwayland_surface *xsurface = get_xsurface(window);
	const struct wlr_scene_node *node = &window->tree->node;
	if (node->x != xsurface->x || node->y != xsurface->y) {
		send(xsurface, &(struct wlr_box){ node->x, node->y, xsurface->width,
			xsurface->height });
	}
}

static void close(struct window *window) {
	wlr_xwayland_surface_close(get_xsurface(window));
}

static const struct window_impl impl = {
	.get_surface = get_surface,
	.get_geometry = get_geometry,
	.get_title = get_title,
	.get_app_id = get_app_id,
	.get_pid = get_pid,
	.get_parent = get_parent,
	.has_fixed_size = has_fixed_size,
	.set_activated = set_activated,
	.set_suspended = set_suspended,
	.configure = configure,
	.has_settled = has_settled,
	.moved = moved,
	.close = close,
};

static void map(struct x11_window *x11_window) {
	x11_window->surfaces = wlr_scene_subsurface_tree_create(x11_window->base.content,
		x11_window->xsurface->surface);
	if (x11_window->surfaces == NULL) {
		wlr_log(WLR_ERROR, "out of memory: a window of X11 is not shown");
		return;
	}
	window_map(&x11_window->base);
}

static void unmap(struct x11_window *x11_window) {
	if (x11_window->surfaces == NULL) {
		return;
	}
	window_unmap(&x11_window->base);
	wlr_scene_node_destroy(&x11_window->surfaces->node);
	x11_window->surfaces = NULL;
}

static void handle_map(struct wl_listener *listener, void *data) {
	struct x11_window *x11_window = wl_container_of(listener, x11_window, map);
	map(x11_window);
}

static void handle_unmap(struct wl_listener *listener, void *data) {
	struct x11_window *x11_window = wl_container_of(listener, x11_window, unmap);
	unmap(x11_window);
}

static void handle_commit(struct wl_listener *listener, void *data) {
	struct x11_window *x11_window = wl_container_of(listener, x11_window, commit);
	window_committed(&x11_window->base);
}

/** Whether it says where it is to be: programs that say 0, 0 seldom mean it, people do. */
static bool has_place(const struct wlr_xwayland_surface *xsurface) {
	const xcb_size_hints_t *hints = xsurface->size_hints;
	return hints != NULL && ((hints->flags & XCB_ICCCM_SIZE_HINT_US_POSITION) ||
		((hints->flags & XCB_ICCCM_SIZE_HINT_P_POSITION) &&
		(xsurface->x != 0 || xsurface->y != 0)));
}

/** It is the corner of what is around it that it says the place of. */
static void take_place(struct x11_window *x11_window) {
	struct window *window = &x11_window->base;
	const struct wlr_xwayland_surface *xsurface = x11_window->xsurface;
	struct insets insets = window_get_insets(window);
	struct wlr_box screen = workspace_get_box(window->workspace);
	window->target.x = xsurface->x + insets.left;
	window->target.y = xsurface->y + insets.top;
	window->floating = (struct wlr_box){
		.x = window->target.x - screen.x,
		.y = window->target.y - screen.y,
		.width = x11_window->width,
		.height = x11_window->height,
	};
}

static void decorate(struct x11_window *x11_window) {
	struct window *window = &x11_window->base;
	window_set_decorated(window, window->server->options.mode != MODE_KIOSK &&
		x11_window->xsurface->decorations == WLR_XWAYLAND_SURFACE_DECORATIONS_ALL);
}

/** Before it is mapped: a size and a place, as far as it has said what it is. */
static void prepare(struct x11_window *x11_window) {
	struct window *window = &x11_window->base;
	const struct wlr_xwayland_surface *xsurface = x11_window->xsurface;
	decorate(x11_window);
	window->fullscreen = window->maximized = false;
	bool kiosk = window->server->options.mode == MODE_KIOSK || kiosk_has_screen(window);
	if ((kiosk && !is_dialog(xsurface)) || xsurface->fullscreen) {
		window_set_fullscreen(window, true, NULL);
	} else {
		window->maximized = xsurface->maximized_horz && xsurface->maximized_vert;
	}
	window_prepare(window);
	if (has_place(xsurface) && !window_is_tiled(window) && !window->fullscreen &&
			!window->maximized) {
		take_place(x11_window);
	}
}

/** There is a surface, and all that the client said of itself is known. */
static void associate(struct x11_window *x11_window) {
	struct wlr_surface *surface = x11_window->xsurface->surface;
	surface->data = &x11_window->base;
	prepare(x11_window);
	listener_add(&surface->events.map, &x11_window->map, handle_map);
	listener_add(&surface->events.unmap, &x11_window->unmap, handle_unmap);
	listener_add(&surface->events.commit, &x11_window->commit, handle_commit);
}

static void dissociate(struct x11_window *x11_window) {
	unmap(x11_window);
	struct wl_listener *listeners[] =
		{ &x11_window->map, &x11_window->unmap, &x11_window->commit };
	for (size_t i = 0; i < sizeof(listeners) / sizeof(listeners[0]); i++) {
		wl_list_remove(&listeners[i]->link);
		wl_list_init(&listeners[i]->link);
	}
	if (x11_window->xsurface->surface != NULL) {
		x11_window->xsurface->surface->data = NULL;
	}
}

static void handle_associate(struct wl_listener *listener, void *data) {
	struct x11_window *x11_window = wl_container_of(listener, x11_window, associate);
	associate(x11_window);
}

static void handle_dissociate(struct wl_listener *listener, void *data) {
	struct x11_window *x11_window = wl_container_of(listener, x11_window, dissociate);
	dissociate(x11_window);
}

static void x11_window_destroy(struct x11_window *x11_window) {
	dissociate(x11_window);
	struct wl_listener *listeners[] = {
		&x11_window->associate, &x11_window->dissociate, &x11_window->destroy,
		&x11_window->set_override_redirect, &x11_window->map_request,
		&x11_window->request_configure, &x11_window->request_activate,
		&x11_window->request_move, &x11_window->request_resize,
		&x11_window->request_maximize, &x11_window->request_fullscreen,
		&x11_window->request_minimize, &x11_window->set_title, &x11_window->set_decorations,
	};
	for (size_t i = 0; i < sizeof(listeners) / sizeof(listeners[0]); i++) {
		wl_list_remove(&listeners[i]->link);
	}
	x11_window->xsurface->data = NULL;
	window_end(&x11_window->base);
	free(x11_window);
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct x11_window *x11_window = wl_container_of(listener, x11_window, destroy);
	x11_window_destroy(x11_window);
}

static void handle_set_override_redirect(struct wl_listener *listener, void *data) {
	struct x11_window *x11_window =
		wl_container_of(listener, x11_window, set_override_redirect);
	struct server *server = x11_window->base.server;
	struct wlr_xwayland_surface *xsurface = x11_window->xsurface;
	x11_window_destroy(x11_window);
	xwayland_surface_create(server, xsurface);
}

static void handle_map_request(struct wl_listener *listener, void *data) {
	struct x11_window *x11_window = wl_container_of(listener, x11_window, map_request);
	x11_window->width = x11_window->xsurface->width;
	x11_window->height = x11_window->xsurface->height;
	prepare(x11_window);
}

static void handle_request_configure(struct wl_listener *listener, void *data) {
	struct x11_window *x11_window = wl_container_of(listener, x11_window, request_configure);
	const struct wlr_xwayland_surface_configure_event *event = data;
	struct window *window = &x11_window->base;
	const struct wlr_box box = { event->x, event->y, event->width, event->height };
	x11_window->width = event->width;
	x11_window->height = event->height;
	if (window->workspace == NULL) {
		send(x11_window->xsurface, &box); // it is not to be seen yet
	} else if (!window->mapped || window->fullscreen || window->maximized ||
			window_is_tiled(window)) {
		send_same(x11_window->xsurface);
	} else {
		window_move(window, box.x, box.y);
		send(x11_window->xsurface, &box);
	}
}

/** One X11 window may pass the focus on to another; what a person does elsewhere is not disturbed. */
static void handle_request_activate(struct wl_listener *listener, void *data) {
	struct x11_window *x11_window = wl_container_of(listener, x11_window, request_activate);
	struct window *window = &x11_window->base;
	const struct wlr_surface *surface = get_surface(window);
	const struct wlr_surface *focused =
		window->server->seat->wlr_seat->keyboard_state.focused_surface;
	if (surface != NULL && (focused == NULL || wl_resource_get_client(focused->resource) ==
			wl_resource_get_client(surface->resource))) {
		window_focus(window);
	}
}

/** Whether a button is held down on it. */
static bool is_pressed(struct x11_window *x11_window) {
	const struct seat *seat = x11_window->base.server->seat;
	return seat->pressed != NULL &&
		window_from_surface(seat->pressed) == &x11_window->base;
}

static void handle_request_move(struct wl_listener *listener, void *data) {
	struct x11_window *x11_window = wl_container_of(listener, x11_window, request_move);
	if (is_pressed(x11_window)) {
		seat_begin_grab(x11_window->base.server->seat, &x11_window->base, GRAB_MOVE, 0);
	}
}

static void handle_request_resize(struct wl_listener *listener, void *data) {
	struct x11_window *x11_window = wl_container_of(listener, x11_window, request_resize);
	const struct wlr_xwayland_resize_event *event = data;
	if (is_pressed(x11_window)) {
		seat_begin_grab(x11_window->base.server->seat, &x11_window->base, GRAB_RESIZE,
			event->edges);
	}
}

static void handle_request_maximize(struct wl_listener *listener, void *data) {
	struct x11_window *x11_window = wl_container_of(listener, x11_window, request_maximize);
	window_set_maximized(&x11_window->base, x11_window->xsurface->maximized_horz &&
		x11_window->xsurface->maximized_vert);
	tell_state(&x11_window->base); // perhaps it may not be as it asked
}

static void handle_request_fullscreen(struct wl_listener *listener, void *data) {
	struct x11_window *x11_window = wl_container_of(listener, x11_window, request_fullscreen);
	window_set_fullscreen(&x11_window->base, x11_window->xsurface->fullscreen, NULL);
	tell_state(&x11_window->base); // perhaps it may not be as it asked
}

/** There is nowhere that it could go, and it should not believe that it is out of sight. */
static void handle_request_minimize(struct wl_listener *listener, void *data) {
	struct x11_window *x11_window = wl_container_of(listener, x11_window, request_minimize);
	wlr_xwayland_surface_set_minimized(x11_window->xsurface, false);
}

static void handle_set_title(struct wl_listener *listener, void *data) {
	struct x11_window *x11_window = wl_container_of(listener, x11_window, set_title);
	if (x11_window->base.mapped) {
		window_decorate(&x11_window->base);
		ipc_tell_window(&x11_window->base, "title");
	}
	foreign_window_sync(&x11_window->base);
}

static void handle_set_decorations(struct wl_listener *listener, void *data) {
	struct x11_window *x11_window = wl_container_of(listener, x11_window, set_decorations);
	if (x11_window->base.mapped) {
		decorate(x11_window);
	}
}

void xwayland_window_create(struct server *server, struct wlr_xwayland_surface *xsurface) {
	struct x11_window *x11_window = calloc(1, sizeof(*x11_window));
	if (x11_window == NULL) {
		wlr_log(WLR_ERROR, "out of memory: a window of X11 is not shown");
		return;
	}
	x11_window->xsurface = xsurface;
	if (!window_begin(&x11_window->base, server, &impl)) {
		wlr_log(WLR_ERROR, "out of memory: a window of X11 is not shown");
		free(x11_window);
		return;
	}
	xsurface->data = &x11_window->base;
	x11_window->width = xsurface->width;
	x11_window->height = xsurface->height;
	wl_list_init(&x11_window->map.link);
	wl_list_init(&x11_window->unmap.link);
	wl_list_init(&x11_window->commit.link);
	listener_add(&xsurface->events.associate, &x11_window->associate, handle_associate);
	listener_add(&xsurface->events.dissociate, &x11_window->dissociate, handle_dissociate);
	listener_add(&xsurface->events.destroy, &x11_window->destroy, handle_destroy);
	listener_add(&xsurface->events.set_override_redirect, &x11_window->set_override_redirect,
		handle_set_override_redirect);
	listener_add(&xsurface->events.map_request, &x11_window->map_request, handle_map_request);
	listener_add(&xsurface->events.request_configure, &x11_window->request_configure,
		handle_request_configure);
	listener_add(&xsurface->events.request_activate, &x11_window->request_activate,
		handle_request_activate);
	listener_add(&xsurface->events.request_move, &x11_window->request_move,
		handle_request_move);
	listener_add(&xsurface->events.request_resize, &x11_window->request_resize,
		handle_request_resize);
	listener_add(&xsurface->events.request_maximize, &x11_window->request_maximize,
		handle_request_maximize);
	listener_add(&xsurface->events.request_fullscreen, &x11_window->request_fullscreen,
		handle_request_fullscreen);
	listener_add(&xsurface->events.request_minimize, &x11_window->request_minimize,
		handle_request_minimize);
	listener_add(&xsurface->events.set_title, &x11_window->set_title, handle_set_title);
	listener_add(&xsurface->events.set_decorations, &x11_window->set_decorations,
		handle_set_decorations);
	if (xsurface->surface != NULL) {
		associate(x11_window);
		if (xsurface->surface->mapped) {
			map(x11_window);
		}
	}
}
