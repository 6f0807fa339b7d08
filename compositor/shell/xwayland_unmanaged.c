#include <stdlib.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/util/log.h>
#include <wlr/xwayland/xwayland.h>
#include "seat/seat.h"
#include "server.h"
#include "shell/xwayland_surface.h"
#include "util/listener.h"

/** A menu of X11 or the like: it is where it wants to be, above the windows. */
struct unmanaged {
	struct server *server;
	struct wlr_xwayland_surface *xsurface;
	struct wlr_scene_tree *tree; // NULL unless it is mapped

	struct wl_listener associate, dissociate, destroy;
	struct wl_listener map, unmap; // of the surface, while there is one
	struct wl_listener set_geometry, request_configure, set_override_redirect;
};

static void show(struct unmanaged *unmanaged) {
	struct server *server = unmanaged->server;
	struct wlr_xwayland_surface *xsurface = unmanaged->xsurface;
	unmanaged->tree = wlr_scene_subsurface_tree_create(server->layers[LAYER_UNMANAGED],
		xsurface->surface);
	if (unmanaged->tree == NULL) {
		wlr_log(WLR_ERROR, "out of memory: a menu of X11 is not shown");
		return;
	}
	wlr_scene_node_set_position(&unmanaged->tree->node, xsurface->x, xsurface->y);
	if (wlr_xwayland_surface_override_redirect_wants_focus(xsurface)) {
		seat_focus_unmanaged(server->seat, xsurface->surface);
	}
}

static void hide(struct unmanaged *unmanaged) {
	if (unmanaged->tree == NULL) {
		return;
	}
	wlr_scene_node_destroy(&unmanaged->tree->node);
	unmanaged->tree = NULL;
	struct seat *seat = unmanaged->server->seat;
	if (seat->focus_unmanaged == unmanaged->xsurface->surface) {
		seat_focus_unmanaged(seat, NULL);
	}
}

static void handle_map(struct wl_listener *listener, void *data) {
	struct unmanaged *unmanaged = wl_container_of(listener, unmanaged, map);
	show(unmanaged);
}

static void handle_unmap(struct wl_listener *listener, void *data) {
	struct unmanaged *unmanaged = wl_container_of(listener, unmanaged, unmap);
	hide(unmanaged);
}

static void associate(struct unmanaged *unmanaged) {
	struct wlr_surface *surface = unmanaged->xsurface->surface;
	listener_add(&surface->events.map, &unmanaged->map, handle_map);
	listener_add(&surface->events.unmap, &unmanaged->unmap, handle_unmap);
}

static void dissociate(struct unmanaged *unmanaged) {
	hide(unmanaged);
	wl_list_remove(&unmanaged->map.link);
	wl_list_remove(&unmanaged->unmap.link);
	wl_list_init(&unmanaged->map.link);
	wl_list_init(&unmanaged->unmap.link);
}

static void handle_associate(struct wl_listener *listener, void *data) {
	struct unmanaged *unmanaged = wl_container_of(listener, unmanaged, associate);
	associate(unmanaged);
}

static void handle_dissociate(struct wl_listener *listener, void *data) {
	struct unmanaged *unmanaged = wl_container_of(listener, unmanaged, dissociate);
	dissociate(unmanaged);
}

static void unmanaged_destroy(struct unmanaged *unmanaged) {
	dissociate(unmanaged);
	wl_list_remove(&unmanaged->associate.link);
	wl_list_remove(&unmanaged->dissociate.link);
	wl_list_remove(&unmanaged->destroy.link);
	wl_list_remove(&unmanaged->set_geometry.link);
	wl_list_remove(&unmanaged->request_configure.link);
	wl_list_remove(&unmanaged->set_override_redirect.link);
	free(unmanaged);
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct unmanaged *unmanaged = wl_container_of(listener, unmanaged, destroy);
	unmanaged_destroy(unmanaged);
}

static void handle_set_geometry(struct wl_listener *listener, void *data) {
	struct unmanaged *unmanaged = wl_container_of(listener, unmanaged, set_geometry);
	if (unmanaged->tree != NULL) {
		wlr_scene_node_set_position(&unmanaged->tree->node, unmanaged->xsurface->x,
			unmanaged->xsurface->y);
	}
}

static void handle_request_configure(struct wl_listener *listener, void *data) {
	const struct wlr_xwayland_surface_configure_event *event = data;
	wlr_xwayland_surface_configure(event->surface, event->x, event->y, event->width,
		event->height);
}

static void handle_set_override_redirect(struct wl_listener *listener, void *data) {
	struct unmanaged *unmanaged = wl_container_of(listener, unmanaged, set_override_redirect);
	struct server *server = unmanaged->server;
	struct wlr_xwayland_surface *xsurface = unmanaged->xsurface;
	unmanaged_destroy(unmanaged);
	xwayland_surface_create(server, xsurface);
}

void xwayland_unmanaged_create(struct server *server, struct wlr_xwayland_surface *xsurface) {
	struct unmanaged *unmanaged = calloc(1, sizeof(*unmanaged));
	if (unmanaged == NULL) {
		wlr_log(WLR_ERROR, "out of memory: a menu of X11 is not shown");
		return;
	}
	unmanaged->server = server;
	unmanaged->xsurface = xsurface;
	wl_list_init(&unmanaged->map.link);
	wl_list_init(&unmanaged->unmap.link);
	listener_add(&xsurface->events.associate, &unmanaged->associate, handle_associate);
	listener_add(&xsurface->events.dissociate, &unmanaged->dissociate, handle_dissociate);
	listener_add(&xsurface->events.destroy, &unmanaged->destroy, handle_destroy);
	listener_add(&xsurface->events.set_geometry, &unmanaged->set_geometry,
		handle_set_geometry);
	listener_add(&xsurface->events.request_configure, &unmanaged->request_configure,
		handle_request_configure);
	listener_add(&xsurface->events.set_override_redirect, &unmanaged->set_override_redirect,
		handle_set_override_redirect);
	if (xsurface->surface != NULL) {
		associate(unmanaged);
		if (xsurface->surface->mapped) {
			show(unmanaged);
		}
	}
}
