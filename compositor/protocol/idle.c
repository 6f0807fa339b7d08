#include <stdlib.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_idle_inhibit_v1.h>
#include <wlr/types/wlr_idle_notify_v1.h>
#include "protocol/idle.h"
#include "server.h"
#include "util/listener.h"

struct idle {
	struct server *server;
	struct wlr_idle_notifier_v1 *notifier;
	struct wlr_idle_inhibit_manager_v1 *inhibitors;
	struct wl_event_source *update; // idle callback, NULL unless pending

	struct wl_listener new_inhibitor;
};

/** A client's wish that the screen stays on while a surface of it is shown. */
struct inhibitor {
	struct idle *idle;
	struct wl_listener map, unmap, destroy;
};

static void update(void *data) {
	struct idle *idle = data;
	idle->update = NULL;
	bool inhibited = false;
	struct wlr_idle_inhibitor_v1 *inhibitor;
	wl_list_for_each(inhibitor, &idle->inhibitors->inhibitors, link) {
		inhibited = inhibited || !wl_list_empty(&inhibitor->surface->current_outputs);
	}
	wlr_idle_notifier_v1_set_inhibited(idle->notifier, inhibited);
}

void idle_update(struct idle *idle) {
	// Not at once: the inhibitor that goes is still in the list, the window is not yet shown
	if (idle != NULL && idle->update == NULL) {
		idle->update = wl_event_loop_add_idle(idle->server->loop, update, idle);
	}
}

static void handle_map(struct wl_listener *listener, void *data) {
	struct inhibitor *inhibitor = wl_container_of(listener, inhibitor, map);
	idle_update(inhibitor->idle);
}

static void handle_unmap(struct wl_listener *listener, void *data) {
	struct inhibitor *inhibitor = wl_container_of(listener, inhibitor, unmap);
	idle_update(inhibitor->idle);
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct inhibitor *inhibitor = wl_container_of(listener, inhibitor, destroy);
	idle_update(inhibitor->idle);
	wl_list_remove(&inhibitor->map.link);
	wl_list_remove(&inhibitor->unmap.link);
	wl_list_remove(&inhibitor->destroy.link);
	free(inhibitor);
}

static void handle_new_inhibitor(struct wl_listener *listener, void *data) {
	struct idle *idle = wl_container_of(listener, idle, new_inhibitor);
	struct wlr_idle_inhibitor_v1 *wlr_inhibitor = data;
	struct inhibitor *inhibitor = calloc(1, sizeof(*inhibitor));
	if (inhibitor == NULL) {
		wl_resource_post_no_memory(wlr_inhibitor->resource);
		return;
	}
	inhibitor->idle = idle;
	listener_add(&wlr_inhibitor->surface->events.map, &inhibitor->map, handle_map);
	listener_add(&wlr_inhibitor->surface->events.unmap, &inhibitor->unmap, handle_unmap);
	listener_add(&wlr_inhibitor->events.destroy, &inhibitor->destroy, handle_destroy);
	idle_update(idle);
}

void idle_notify_activity(struct idle *idle, struct wlr_seat *seat) {
	if (idle != NULL) {
		wlr_idle_notifier_v1_notify_activity(idle->notifier, seat);
	}
}

struct idle *idle_create(struct server *server) {
	struct idle *idle = calloc(1, sizeof(*idle));
	if (idle == NULL) {
		return NULL;
	}
	idle->server = server;
	idle->notifier = wlr_idle_notifier_v1_create(server->display);
	idle->inhibitors = wlr_idle_inhibit_v1_create(server->display);
	if (idle->notifier == NULL || idle->inhibitors == NULL) {
		free(idle);
		return NULL;
	}
	listener_add(&idle->inhibitors->events.new_inhibitor, &idle->new_inhibitor, handle_new_inhibitor);
	return idle;
}

void idle_destroy(struct idle *idle) {
	if (idle == NULL) {
		return;
	}
	wl_list_remove(&idle->new_inhibitor.link);
	if (idle->update != NULL) {
		wl_event_source_remove(idle->update);
	}
	free(idle);
}
