#include <stdlib.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_cursor.h>
#include <wlr/types/wlr_output_layout.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/types/wlr_session_lock_v1.h>
#include <wlr/util/log.h>
#include "output.h"
#include "protocol/idle.h"
#include "seat/seat.h"
#include "server.h"
#include "shell/lock.h"
#include "util/listener.h"

struct lock {
	struct server *server;
	bool locked;
	struct wlr_session_lock_v1 *wlr; // the client that locked it, NULL after it has died
	struct wlr_scene_rect *cover; // over all screens, below the client's surfaces
	struct wl_list surfaces; // lock_surface.link

	struct wl_listener new_lock;
	struct wl_listener new_surface, unlock, wlr_destroy;
};

/** The picture of one screen. Its scene tree goes with its surface. */
struct lock_surface {
	struct wl_list link; // lock.surfaces
	struct lock *lock;
	struct wlr_session_lock_surface_v1 *wlr;
	struct wlr_scene_tree *tree;

	struct wl_listener map, unmap, destroy;
};

bool lock_is_locked(const struct lock *lock) {
	return lock != NULL && lock->locked;
}

struct wlr_surface *lock_get_focus(const struct lock *lock) {
	const struct wlr_cursor *cursor = lock->server->seat->cursor;
	struct output *output = output_at(lock->server, cursor->x, cursor->y);
	struct wlr_surface *any = NULL;
	const struct lock_surface *surface;
	wl_list_for_each(surface, &lock->surfaces, link) {
		if (!surface->wlr->surface->mapped) {
			continue;
		}
		any = surface->wlr->surface;
		if (output != NULL && surface->wlr->output == output->wlr_output) {
			return any;
		}
	}
	return any;
}

static void place(struct lock_surface *surface) {
	struct output *output = surface->wlr->output != NULL ? surface->wlr->output->data : NULL;
	struct wlr_box box = output != NULL ? output_get_box(output) : (struct wlr_box){0};
	// Of one that is switched off there is no size that a client could draw
	if (!wlr_box_empty(&box)) {
		wlr_scene_node_set_position(&surface->tree->node, box.x, box.y);
		wlr_session_lock_surface_v1_configure(surface->wlr, (uint32_t)box.width,
			(uint32_t)box.height);
	}
}

void lock_arrange(struct lock *lock) {
	if (!lock_is_locked(lock)) {
		return;
	}
	struct wlr_box box;
	wlr_output_layout_get_box(lock->server->output_layout, NULL, &box);
	wlr_scene_node_set_position(&lock->cover->node, box.x, box.y);
	wlr_scene_rect_set_size(lock->cover, box.width, box.height);
	struct lock_surface *surface;
	wl_list_for_each(surface, &lock->surfaces, link) {
		place(surface);
	}
}

/** What is locked away is not in the scene: it can be neither seen nor hit. */
static void set_locked(struct lock *lock, bool locked) {
	struct server *server = lock->server;
	lock->locked = locked;
	for (int layer = 0; layer < LAYERS; layer++) {
		wlr_scene_node_set_enabled(&server->layers[layer]->node, locked == (layer == LAYER_LOCK));
	}
	seat_let_go(server->seat);
	lock_arrange(lock);
	seat_update_focus(server->seat);
	seat_rebase(server->seat);
	idle_update(server->protocols.idle);
}

static void handle_surface_map(struct wl_listener *listener, void *data) {
	struct lock_surface *surface = wl_container_of(listener, surface, map);
	seat_update_focus(surface->lock->server->seat);
}

static void handle_surface_unmap(struct wl_listener *listener, void *data) {
	struct lock_surface *surface = wl_container_of(listener, surface, unmap);
	seat_update_focus(surface->lock->server->seat);
}

static void handle_surface_destroy(struct wl_listener *listener, void *data) {
	struct lock_surface *surface = wl_container_of(listener, surface, destroy);
	wl_list_remove(&surface->map.link);
	wl_list_remove(&surface->unmap.link);
	wl_list_remove(&surface->destroy.link);
	wl_list_remove(&surface->link);
	free(surface);
}

static void handle_new_surface(struct wl_listener *listener, void *data) {
	struct lock *lock = wl_container_of(listener, lock, new_surface);
	struct wlr_session_lock_surface_v1 *wlr = data;
	struct lock_surface *surface = calloc(1, sizeof(*surface));
	if (surface != NULL) {
		surface->tree = wlr_scene_subsurface_tree_create(lock->server->layers[LAYER_LOCK],
			wlr->surface);
	}
	if (surface == NULL || surface->tree == NULL) {
		free(surface);
		wl_resource_post_no_memory(wlr->resource);
		return;
	}
	surface->lock = lock;
	surface->wlr = wlr;
	wl_list_insert(&lock->surfaces, &surface->link);
	listener_add(&wlr->surface->events.map, &surface->map, handle_surface_map);
	listener_add(&wlr->surface->events.unmap, &surface->unmap, handle_surface_unmap);
	listener_add(&wlr->events.destroy, &surface->destroy, handle_surface_destroy);
	place(surface);
}

static void forget_client(struct lock *lock) {
	wl_list_remove(&lock->new_surface.link);
	wl_list_remove(&lock->unlock.link);
	wl_list_remove(&lock->wlr_destroy.link);
	lock->wlr = NULL;
}

static void handle_unlock(struct wl_listener *listener, void *data) {
	struct lock *lock = wl_container_of(listener, lock, unlock);
	wlr_log(WLR_INFO, "The session is unlocked");
	forget_client(lock);
	set_locked(lock, false);
}

static void handle_wlr_destroy(struct wl_listener *listener, void *data) {
	struct lock *lock = wl_container_of(listener, lock, wlr_destroy);
	wlr_log(WLR_ERROR, "The screen locker is gone without unlocking: the session stays locked; "
		"start another one, from another console perhaps");
	forget_client(lock);
}

static void handle_new_lock(struct wl_listener *listener, void *data) {
	struct lock *lock = wl_container_of(listener, lock, new_lock);
	struct wlr_session_lock_v1 *wlr = data;
	if (lock->wlr != NULL) {
		wlr_log(WLR_INFO, "The session is locked already");
		wlr_session_lock_v1_destroy(wlr);
		return;
	}
	lock->wlr = wlr;
	listener_add(&wlr->events.new_surface, &lock->new_surface, handle_new_surface);
	listener_add(&wlr->events.unlock, &lock->unlock, handle_unlock);
	listener_add(&wlr->events.destroy, &lock->wlr_destroy, handle_wlr_destroy);
	wlr_log(WLR_INFO, "The session is locked");
	set_locked(lock, true);
	wlr_session_lock_v1_send_locked(wlr);
}

struct lock *lock_create(struct server *server) {
	struct lock *lock = calloc(1, sizeof(*lock));
	if (lock == NULL) {
		return NULL;
	}
	lock->server = server;
	wl_list_init(&lock->surfaces);
	struct wlr_session_lock_manager_v1 *manager =
		wlr_session_lock_manager_v1_create(server->display);
	struct wlr_scene_tree *tree = server->layers[LAYER_LOCK];
	lock->cover = wlr_scene_rect_create(tree, 0, 0, (float[]){ 0, 0, 0, 1 });
	if (manager == NULL || lock->cover == NULL) {
		free(lock);
		return NULL;
	}
	wlr_scene_node_set_enabled(&tree->node, false);
	listener_add(&manager->events.new_lock, &lock->new_lock, handle_new_lock);
	return lock;
}

void lock_destroy(struct lock *lock) {
	if (lock == NULL) {
		return;
	}
	// Clients, and with them the locker, are gone
	wl_list_remove(&lock->new_lock.link);
	free(lock);
}
