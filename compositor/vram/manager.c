#include <stdlib.h>
#include <string.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/util/log.h>
#include "output.h"
#include "path/ladder.h"
#include "path/surface.h"
#include "sluice-vram-v1-protocol.h"
#include "vram/vram.h"

#define VERSION 1
/** Longer names only serve to fill logs. */
#define NAME_MAX_LENGTH 64

static void handle_destroy(struct wl_client *client, struct wl_resource *resource) {
	wl_resource_destroy(resource);
}

static void handle_create_source(struct wl_client *client, struct wl_resource *resource,
		uint32_t id, const char *name) {
	struct vram_manager *manager = wl_resource_get_user_data(resource);
	size_t length = strlen(name);
	if (length == 0 || length > NAME_MAX_LENGTH) {
		wl_resource_post_error(resource, SLUICE_VRAM_MANAGER_V1_ERROR_INVALID_NAME,
			"a name has 1 to %d bytes, not %zu", NAME_MAX_LENGTH, length);
		return;
	}
	vram_source_create(manager, client, (uint32_t)wl_resource_get_version(resource), id, name);
}

static void handle_get_surface_path(struct wl_client *client, struct wl_resource *resource,
		uint32_t id, struct wl_resource *surface_resource) {
	struct vram_manager *manager = wl_resource_get_user_data(resource);
	struct wlr_surface *surface = wlr_surface_from_resource(surface_resource);
	struct path_surface *path_surface =
		path_surface_find(manager->server->ladder, surface);
	struct wl_resource *path_resource = wl_resource_create(client,
		&sluice_surface_path_v1_interface, wl_resource_get_version(resource), id);
	if (path_resource == NULL || path_surface == NULL) {
		wl_client_post_no_memory(client);
		return;
	}
	bool watched = path_surface_is_watched(path_surface);
	path_surface_add_resource(path_surface, path_resource);
	if (!watched && surface->mapped) {
		output_damage_all(manager->server); // the next frame tells
	}
}

static const struct sluice_vram_manager_v1_interface manager_impl = {
	.destroy = handle_destroy,
	.create_source = handle_create_source,
	.get_surface_path = handle_get_surface_path,
};

static void handle_bind(struct wl_client *client, void *data, uint32_t version, uint32_t id) {
	struct wl_resource *resource =
		wl_resource_create(client, &sluice_vram_manager_v1_interface, (int)version, id);
	if (resource == NULL) {
		wl_client_post_no_memory(client);
		return;
	}
	wl_resource_set_implementation(resource, &manager_impl, data, NULL);
}

struct vram_manager *vram_manager_create(struct server *server) {
	struct vram_manager *manager = calloc(1, sizeof(*manager));
	if (manager == NULL) {
		return NULL;
	}
	manager->server = server;
	wl_list_init(&manager->sources);
	manager->global = wl_global_create(server->display, &sluice_vram_manager_v1_interface,
		VERSION, manager, handle_bind);
	if (manager->global == NULL) {
		free(manager);
		return NULL;
	}
	vram_buffer_register();
	return manager;
}

void vram_manager_destroy(struct vram_manager *manager) {
	if (manager == NULL) {
		return;
	}
	// Clients are gone by now, and their sources with them
	vram_manager_unwatch(manager);
	wl_global_destroy(manager->global);
	free(manager);
}
