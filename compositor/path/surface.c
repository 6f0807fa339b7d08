#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_output.h>
#include <wlr/types/wlr_xdg_shell.h>
#include <wlr/util/log.h>
#include <sluice/buffer.h>
#include <sluice/simulated.h>
#include "ipc/events.h"
#include "path/ladder.h"
#include "path/surface.h"
#include "sluice-vram-v1-protocol.h"
#include "vram/vram.h"

// The library's numbers are those of the protocol, so that nobody has to translate
static_assert((int)SLUICE_PATH_CPU == (int)SLUICE_SURFACE_PATH_V1_KIND_CPU, "path numbers");
static_assert((int)SLUICE_REASON_DISABLED == (int)SLUICE_SURFACE_PATH_V1_REASON_DISABLED,
	"reason numbers");
static_assert((int)SLUICE_REASON_PROBE_PENDING ==
	(int)SLUICE_SURFACE_PATH_V1_REASON_PROBE_PENDING, "reason numbers");

bool path_surface_is_watched(const struct path_surface *path_surface) {
	return path_surface->surface == NULL || path_surface->shadow != NULL ||
		!wl_list_empty(&path_surface->resources);
}

const char *path_surface_get_title(const struct path_surface *path_surface) {
	if (path_surface->surface == NULL) {
		return path_surface->name;
	}
	struct wlr_xdg_toplevel *toplevel =
		wlr_xdg_toplevel_try_from_wlr_surface(path_surface->surface);
	return toplevel != NULL && toplevel->title != NULL ? toplevel->title : "untitled";
}

bool path_surface_is_simulated(const struct path_surface *path_surface) {
	const char *exporter = NULL;
	const struct wlr_surface *surface = path_surface->surface;
	if (path_surface->source != NULL && path_surface->source->device != NULL) {
		exporter = path_surface->source->device->address;
	} else if (surface != NULL && surface->buffer != NULL && surface->buffer->source != NULL) {
		const struct sluice_buffer *image =
			sluice_buffer_try_from_buffer(surface->buffer->source);
		exporter = image != NULL ? sluice_buffer_get_exporter(image) : NULL;
	}
	return exporter != NULL && strcmp(exporter, SLUICE_SIMULATED_ADDRESS) == 0;
}

static void send_path(struct path_surface *path_surface, struct wl_resource *resource) {
	struct wl_resource *found = NULL;
	if (path_surface->output != NULL && path_surface->path != SLUICE_PATH_NONE) {
		// A client may have bound the output several times: any of them names it
		struct wl_client *client = wl_resource_get_client(resource);
		struct wl_resource *candidate;
		wl_resource_for_each(candidate, &path_surface->output->resources) {
			if (wl_resource_get_client(candidate) == client) {
				found = candidate;
				break;
			}
		}
	}
	sluice_surface_path_v1_send_path(resource, path_surface->path, path_surface->reason, found);
}

void path_surface_set(struct path_surface *path_surface, enum sluice_path path,
		enum sluice_reason reason, struct wlr_output *output) {
	bool changed = path_surface->path != path || path_surface->reason != reason ||
		path_surface->output != output;
	path_surface->path = path;
	path_surface->reason = reason;
	path_surface->output = output;
	stats_frame_shown(path_surface->ladder->server->stats, path_surface);
	if (!changed) {
		path_surface->frames++;
		return;
	}
	path_surface->frames = 1;

	bool worse = path == SLUICE_PATH_CPU || (path == SLUICE_PATH_NONE && output != NULL);
	wlr_log(WLR_INFO, "path: \"%s\" on %s: %s (%s): %s%s%s%s",
		path_surface_get_title(path_surface),
		output != NULL ? output->name : "no output", sluice_path_name(path),
		sluice_reason_name(reason), sluice_reason_sentence(reason),
		worse ? "; no scanout: " : "",
		worse ? sluice_reason_name(path_surface->scanout_reason) : "",
		path_surface_is_simulated(path_surface) ? "; simulated" : "");
	struct wl_resource *resource;
	wl_resource_for_each(resource, &path_surface->resources) {
		send_path(path_surface, resource);
	}
	ipc_tell_path(path_surface);
}

uint64_t path_surface_get_bytes_read(const struct path_surface *path_surface) {
	return path_surface->bytes_read + (path_surface->shadow != NULL ?
		sluice_shadow_get_bytes_read(path_surface->shadow) : 0);
}

static void handle_resource_destroy(struct wl_resource *resource) {
	wl_list_remove(wl_resource_get_link(resource));
}

static void handle_destroy_request(struct wl_client *client, struct wl_resource *resource) {
	wl_resource_destroy(resource);
}

static const struct sluice_surface_path_v1_interface path_impl = {
	.destroy = handle_destroy_request,
};

void path_surface_add_resource(struct path_surface *path_surface, struct wl_resource *resource) {
	wl_resource_set_implementation(resource, &path_impl, NULL, handle_resource_destroy);
	wl_list_insert(&path_surface->resources, wl_resource_get_link(resource));
	send_path(path_surface, resource);
}

void path_surface_retire(struct path_surface *path_surface) {
	wlr_buffer_unlock(path_surface->retiring);
	path_surface->retiring = NULL;
}

void path_surface_unlock(struct path_surface *path_surface) {
	path_surface_retire(path_surface);
	wlr_buffer_unlock(path_surface->shown);
	path_surface->shown = NULL;
}

/** The surface has a new texture. */
static void lock_shown(struct path_surface *path_surface, struct wlr_texture *texture) {
	path_surface_retire(path_surface);
	path_surface->retiring = path_surface->shown;
	bool gpu = sluice_texture_get_path(texture, NULL) == SLUICE_PATH_GPU;
	path_surface->shown = gpu ? wlr_buffer_lock(sluice_texture_get_buffer(texture)) : NULL;
}

static void handle_client_commit(struct wl_listener *listener, void *data) {
	struct path_surface *path_surface =
		wl_container_of(listener, path_surface, client_commit);
	stats_frame_received(path_surface->ladder->server->stats, path_surface);
}

/** Its content was committed, and its texture may be another one. */
static void take_texture(struct path_surface *path_surface) {
	struct wlr_surface *surface = path_surface->surface;
	struct wlr_texture *texture = wlr_surface_get_texture(surface);

	if (texture == NULL || !sluice_texture_is(texture)) {
		path_surface->bytes_read = path_surface_get_bytes_read(path_surface);
		sluice_shadow_destroy(path_surface->shadow);
		path_surface->shadow = NULL;
		path_surface_unlock(path_surface);
		return;
	}
	if (!(surface->current.committed & WLR_SURFACE_STATE_BUFFER)) {
		return;
	}
	if (path_surface->shadow == NULL) {
		path_surface->shadow = sluice_shadow_create();
		if (path_surface->shadow == NULL) {
			return; // The texture makes a shadow of its own when it needs one
		}
	}
	sluice_shadow_push(path_surface->shadow, texture, &surface->buffer_damage);
	lock_shown(path_surface, texture);

	path_surface->source = NULL;
	if (sluice_texture_get_buffer(texture) == NULL && surface->buffer->source != NULL) {
		// A client that has not heard yet, or does not care
		path_surface->source = vram_find_source(path_surface->ladder->server->vram,
			surface->buffer->source);
		if (path_surface->source != NULL) {
			vram_source_dress_texture(path_surface->source, texture);
		}
	}
}

static void handle_commit(struct wl_listener *listener, void *data) {
	struct path_surface *path_surface = wl_container_of(listener, path_surface, commit);
	take_texture(path_surface);
	if ((path_surface->surface->current.committed & WLR_SURFACE_STATE_BUFFER) &&
			path_surface_is_watched(path_surface)) {
		stats_frame_acquired(path_surface->ladder->server->stats, path_surface);
	}
}

static void handle_unmap(struct wl_listener *listener, void *data) {
	struct path_surface *path_surface = wl_container_of(listener, path_surface, unmap);
	if (path_surface_is_watched(path_surface)) {
		path_surface_set(path_surface, SLUICE_PATH_NONE, SLUICE_REASON_NOT_MAPPED, NULL);
	}
}

void path_surface_destroy(struct path_surface *path_surface) {
	struct wl_resource *resource, *tmp;
	wl_resource_for_each_safe(resource, tmp, &path_surface->resources) {
		// The object stays, as an inert one, until its client destroys it
		if (path_surface->path != SLUICE_PATH_NONE ||
				path_surface->reason != SLUICE_REASON_NOT_MAPPED) {
			sluice_surface_path_v1_send_path(resource, SLUICE_SURFACE_PATH_V1_KIND_NONE,
				SLUICE_SURFACE_PATH_V1_REASON_NOT_MAPPED, NULL);
		}
		wl_list_remove(wl_resource_get_link(resource));
		wl_list_init(wl_resource_get_link(resource));
	}
	ladder_surface_gone(path_surface->ladder, path_surface);
	stats_surface_gone(path_surface->ladder->server->stats, path_surface);
	sluice_shadow_destroy(path_surface->shadow);
	path_surface_unlock(path_surface);
	wl_list_remove(&path_surface->link);
	wl_list_remove(&path_surface->client_commit.link);
	wl_list_remove(&path_surface->commit.link);
	wl_list_remove(&path_surface->unmap.link);
	wl_list_remove(&path_surface->destroy.link);
	free(path_surface);
}

static void handle_surface_destroy(struct wl_listener *listener, void *data) {
	struct path_surface *path_surface = wl_container_of(listener, path_surface, destroy);
	path_surface_destroy(path_surface);
}

static struct path_surface *create(struct ladder *ladder) {
	struct path_surface *path_surface = calloc(1, sizeof(*path_surface));
	if (path_surface != NULL) {
		path_surface->ladder = ladder;
		path_surface->reason = SLUICE_REASON_NOT_MAPPED;
		path_surface->id = ++ladder->last_id;
		wl_list_init(&path_surface->resources);
		wl_list_init(&path_surface->client_commit.link);
		wl_list_init(&path_surface->commit.link);
		wl_list_init(&path_surface->unmap.link);
		wl_list_init(&path_surface->destroy.link);
		wl_list_insert(&ladder->surfaces, &path_surface->link);
	}
	return path_surface;
}

struct path_surface *path_surface_create_own(struct ladder *ladder,
		struct wlr_scene_buffer *scene_buffer, const char *name) {
	struct path_surface *path_surface = create(ladder);
	if (path_surface != NULL) {
		path_surface->scene_buffer = scene_buffer;
		path_surface->name = name;
	}
	return path_surface;
}

struct path_surface *path_surface_create(struct ladder *ladder, struct wlr_surface *surface) {
	struct path_surface *path_surface = create(ladder);
	if (path_surface == NULL) {
		return NULL;
	}
	path_surface->surface = surface;
	path_surface->client_commit.notify = handle_client_commit;
	wl_signal_add(&surface->events.client_commit, &path_surface->client_commit);
	path_surface->commit.notify = handle_commit;
	wl_signal_add(&surface->events.commit, &path_surface->commit);
	path_surface->unmap.notify = handle_unmap;
	wl_signal_add(&surface->events.unmap, &path_surface->unmap);
	path_surface->destroy.notify = handle_surface_destroy;
	wl_signal_add(&surface->events.destroy, &path_surface->destroy);
	return path_surface;
}

struct path_surface *path_surface_find(struct ladder *ladder, struct wlr_surface *surface) {
	struct path_surface *path_surface;
	wl_list_for_each(path_surface, &ladder->surfaces, link) {
		if (path_surface->surface == surface) {
			return path_surface;
		}
	}
	return NULL;
}

struct path_surface *path_surface_find_own(struct ladder *ladder,
		const struct wlr_scene_buffer *scene_buffer) {
	struct path_surface *path_surface;
	wl_list_for_each(path_surface, &ladder->surfaces, link) {
		if (path_surface->surface == NULL && path_surface->scene_buffer == scene_buffer) {
			return path_surface;
		}
	}
	return NULL;
}
