#include <stdlib.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_server_decoration.h>
#include <wlr/types/wlr_xdg_decoration_v1.h>
#include "desktop/decoration.h"
#include "desktop/window.h"
#include "protocol/decoration.h"
#include "server.h"
#include "util/listener.h"

struct decorations {
	struct server *server;
	struct wl_listener new_xdg, new_kde;
};

/** What one client says of one of its windows, by xdg-decoration. */
struct xdg {
	struct server *server;
	struct wlr_xdg_toplevel_decoration_v1 *decoration;
	struct wl_listener request_mode, commit, destroy;
};

/** And by KDE's protocol. */
struct kde {
	struct server *server;
	struct wlr_server_decoration *decoration;
	struct wl_listener mode, destroy;
};

static void set_decorated(struct server *server, struct wlr_surface *surface, bool decorated) {
	struct window *window = window_from_surface(surface);
	if (window != NULL) {
		// Who looks at a kiosk should see what it shows, and nothing else
		window_set_decorated(window, decorated && server->options.mode != MODE_KIOSK);
	}
}

static void answer(struct xdg *xdg) {
	struct wlr_xdg_toplevel_decoration_v1 *decoration = xdg->decoration;
	bool client_side = decoration->requested_mode ==
		WLR_XDG_TOPLEVEL_DECORATION_V1_MODE_CLIENT_SIDE;
	// Before the first commit there is nothing to configure yet
	if (decoration->toplevel->base->initialized) {
		wlr_xdg_toplevel_decoration_v1_set_mode(decoration, client_side ?
			WLR_XDG_TOPLEVEL_DECORATION_V1_MODE_CLIENT_SIDE :
			WLR_XDG_TOPLEVEL_DECORATION_V1_MODE_SERVER_SIDE);
	}
	set_decorated(xdg->server, decoration->toplevel->base->surface, !client_side);
}

static void handle_xdg_request_mode(struct wl_listener *listener, void *data) {
	struct xdg *xdg = wl_container_of(listener, xdg, request_mode);
	answer(xdg);
}

static void handle_xdg_commit(struct wl_listener *listener, void *data) {
	struct xdg *xdg = wl_container_of(listener, xdg, commit);
	if (xdg->decoration->toplevel->base->initial_commit) {
		answer(xdg);
	}
}

static void handle_xdg_destroy(struct wl_listener *listener, void *data) {
	struct xdg *xdg = wl_container_of(listener, xdg, destroy);
	set_decorated(xdg->server, xdg->decoration->toplevel->base->surface, false);
	wl_list_remove(&xdg->request_mode.link);
	wl_list_remove(&xdg->commit.link);
	wl_list_remove(&xdg->destroy.link);
	free(xdg);
}

static void handle_new_xdg(struct wl_listener *listener, void *data) {
	struct decorations *decorations = wl_container_of(listener, decorations, new_xdg);
	struct wlr_xdg_toplevel_decoration_v1 *decoration = data;
	struct xdg *xdg = calloc(1, sizeof(*xdg));
	if (xdg == NULL) {
		wl_resource_post_no_memory(decoration->resource);
		return;
	}
	xdg->server = decorations->server;
	xdg->decoration = decoration;
	listener_add(&decoration->events.request_mode, &xdg->request_mode,
		handle_xdg_request_mode);
	listener_add(&decoration->toplevel->base->surface->events.commit, &xdg->commit,
		handle_xdg_commit);
	listener_add(&decoration->events.destroy, &xdg->destroy, handle_xdg_destroy);
	answer(xdg);
}

static void handle_kde_mode(struct wl_listener *listener, void *data) {
	struct kde *kde = wl_container_of(listener, kde, mode);
	set_decorated(kde->server, kde->decoration->surface,
		kde->decoration->mode == WLR_SERVER_DECORATION_MANAGER_MODE_SERVER);
}

static void handle_kde_destroy(struct wl_listener *listener, void *data) {
	struct kde *kde = wl_container_of(listener, kde, destroy);
	wl_list_remove(&kde->mode.link);
	wl_list_remove(&kde->destroy.link);
	free(kde);
}

static void handle_new_kde(struct wl_listener *listener, void *data) {
	struct decorations *decorations = wl_container_of(listener, decorations, new_kde);
	struct wlr_server_decoration *decoration = data;
	struct kde *kde = calloc(1, sizeof(*kde));
	if (kde == NULL) {
		wl_resource_post_no_memory(decoration->resource);
		return;
	}
	kde->server = decorations->server;
	kde->decoration = decoration;
	listener_add(&decoration->events.mode, &kde->mode, handle_kde_mode);
	listener_add(&decoration->events.destroy, &kde->destroy, handle_kde_destroy);
	// It may have been told the default one already, and asks for nothing then
	handle_kde_mode(&kde->mode, NULL);
}

struct decorations *decorations_create(struct server *server) {
	struct decorations *decorations = calloc(1, sizeof(*decorations));
	struct wlr_xdg_decoration_manager_v1 *xdg =
		wlr_xdg_decoration_manager_v1_create(server->display);
	struct wlr_server_decoration_manager *kde =
		wlr_server_decoration_manager_create(server->display);
	if (decorations == NULL || xdg == NULL || kde == NULL) {
		free(decorations);
		return NULL;
	}
	decorations->server = server;
	wlr_server_decoration_manager_set_default_mode(kde,
		WLR_SERVER_DECORATION_MANAGER_MODE_SERVER);
	listener_add(&xdg->events.new_toplevel_decoration, &decorations->new_xdg, handle_new_xdg);
	listener_add(&kde->events.new_decoration, &decorations->new_kde, handle_new_kde);
	return decorations;
}

void decorations_destroy(struct decorations *decorations) {
	if (decorations == NULL) {
		return;
	}
	wl_list_remove(&decorations->new_xdg.link);
	wl_list_remove(&decorations->new_kde.link);
	free(decorations);
}
