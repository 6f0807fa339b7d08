#include <stdlib.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_xdg_system_bell_v1.h>
#include "desktop/window.h"
#include "ipc/events.h"
#include "protocol/bell.h"
#include "server.h"
#include "util/listener.h"

#define SYSTEM_BELL_VERSION 1

struct bell {
	struct server *server;
	struct wl_listener ring;
};

/** The client's window that was used last. */
static struct window *find_window(struct server *server, const struct wl_client *client) {
	struct window *window;
	wl_list_for_each(window, &server->windows, link) {
		if (window->mapped &&
				wl_resource_get_client(window_get_surface(window)->resource) == client) {
			return window;
		}
	}
	return NULL;
}

static void handle_ring(struct wl_listener *listener, void *data) {
	const struct bell *bell = wl_container_of(listener, bell, ring);
	const struct wlr_xdg_system_bell_v1_ring_event *event = data;
	struct window *window = event->surface != NULL ? window_from_surface(event->surface) :
		find_window(bell->server, event->client);
	if (window != NULL && window->mapped) {
		ipc_tell_window(window, "bell");
	}
}

struct bell *bell_create(struct server *server) {
	struct bell *bell = calloc(1, sizeof(*bell));
	if (bell == NULL) {
		return NULL;
	}
	struct wlr_xdg_system_bell_v1 *wlr =
		wlr_xdg_system_bell_v1_create(server->display, SYSTEM_BELL_VERSION);
	if (wlr == NULL) {
		free(bell);
		return NULL;
	}
	bell->server = server;
	listener_add(&wlr->events.ring, &bell->ring, handle_ring);
	return bell;
}

void bell_destroy(struct bell *bell) {
	if (bell == NULL) {
		return;
	}
	wl_list_remove(&bell->ring.link);
	free(bell);
}
