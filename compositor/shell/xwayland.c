#include <stdlib.h>
#include <wlr/types/wlr_xcursor_manager.h>
#include <wlr/util/log.h>
#include <wlr/xcursor.h>
#include <wlr/xwayland/server.h>
#include <wlr/xwayland/shell.h>
#include <wlr/xwayland/xwayland.h>
#include "seat/seat.h"
#include "server.h"
#include "shell/xwayland.h"
#include "shell/xwayland_surface.h"
#include "util/listener.h"

struct xwayland {
	struct server *server;
	struct wlr_xwayland *wlr_xwayland;
	struct wl_listener new_surface, ready;
};

void xwayland_surface_create(struct server *server, struct wlr_xwayland_surface *xsurface) {
	if (xsurface->override_redirect) {
		xwayland_unmanaged_create(server, xsurface);
	} else {
		xwayland_window_create(server, xsurface);
	}
}

static void handle_new_surface(struct wl_listener *listener, void *data) {
	struct xwayland *xwayland = wl_container_of(listener, xwayland, new_surface);
	xwayland_surface_create(xwayland->server, data);
}

static void handle_ready(struct wl_listener *listener, void *data) {
	const struct xwayland *xwayland = wl_container_of(listener, xwayland, ready);
	wlr_log(WLR_INFO, "Xwayland runs as %s", xwayland->wlr_xwayland->display_name);
}

void xwayland_update_cursor(struct xwayland *xwayland) {
	if (xwayland == NULL) {
		return;
	}
	struct wlr_xcursor_manager *xcursors = xwayland->server->seat->xcursors;
	wlr_xcursor_manager_load(xcursors, 1);
	const struct wlr_xcursor *xcursor =
		wlr_xcursor_manager_get_xcursor(xcursors, "default", 1);
	if (xcursor == NULL) {
		return;
	}
	struct wlr_xcursor_image *image = xcursor->images[0];
	wlr_xwayland_set_cursor(xwayland->wlr_xwayland, wlr_xcursor_image_get_buffer(image),
		(int32_t)image->hotspot_x, (int32_t)image->hotspot_y);
}

bool xwayland_hides(const struct xwayland *xwayland, const struct wl_client *client,
		const struct wl_global *global) {
	if (xwayland == NULL || global != xwayland->wlr_xwayland->shell_v1->global) {
		return false;
	}
	const struct wlr_xwayland_server *xserver = xwayland->wlr_xwayland->server;
	return xserver == NULL || client != xserver->client;
}

struct xwayland *xwayland_create(struct server *server) {
	struct xwayland *xwayland = calloc(1, sizeof(*xwayland));
	if (xwayland == NULL) {
		return NULL;
	}
	xwayland->server = server;
	xwayland->wlr_xwayland = wlr_xwayland_create(server->display, server->compositor, true);
	if (xwayland->wlr_xwayland == NULL) {
		wlr_log(WLR_INFO, "X11 programs cannot be shown: is Xwayland installed, and "
			"/tmp/.X11-unix writable? \"xwayland off\" in the configuration does without");
		free(xwayland);
		return NULL;
	}
	listener_add(&xwayland->wlr_xwayland->events.new_surface, &xwayland->new_surface,
		handle_new_surface);
	listener_add(&xwayland->wlr_xwayland->events.ready, &xwayland->ready, handle_ready);
	wlr_xwayland_set_seat(xwayland->wlr_xwayland, server->seat->wlr_seat);
	xwayland_update_cursor(xwayland);
	setenv("DISPLAY", xwayland->wlr_xwayland->display_name, true);
	wlr_log(WLR_INFO, "DISPLAY=%s", xwayland->wlr_xwayland->display_name);
	return xwayland;
}

void xwayland_destroy(struct xwayland *xwayland) {
	if (xwayland == NULL) {
		return;
	}
	wl_list_remove(&xwayland->new_surface.link);
	wl_list_remove(&xwayland->ready.link);
	wlr_xwayland_destroy(xwayland->wlr_xwayland);
	free(xwayland);
}
