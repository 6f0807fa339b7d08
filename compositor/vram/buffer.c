#include <assert.h>
#include <stdlib.h>
#include <wlr/interfaces/wlr_buffer.h>
#include <wlr/util/log.h>
#include "vram/vram.h"

static void handle_destroy(struct wl_client *client, struct wl_resource *resource) {
	wl_resource_destroy(resource);
}

static const struct wl_buffer_interface buffer_impl = {
	.destroy = handle_destroy,
};

static bool is_instance(struct wl_resource *resource) {
	return wl_resource_instance_of(resource, &wl_buffer_interface, &buffer_impl);
}

static struct wlr_buffer *from_resource(struct wl_resource *resource) {
	struct vram_buffer *buffer = wl_resource_get_user_data(resource);
	return buffer->buffer;
}

static const struct wlr_buffer_resource_interface resource_interface = {
	.name = "vram_buffer",
	.is_instance = is_instance,
	.from_resource = from_resource,
};

void vram_buffer_register(void) {
	wlr_buffer_register_resource_interface(&resource_interface);
}

static void handle_release(struct wl_listener *listener, void *data) {
	struct vram_buffer *buffer = wl_container_of(listener, buffer, release);
	if (buffer->resource != NULL) {
		wl_buffer_send_release(buffer->resource);
	}
}

static void stop_listening(struct vram_buffer *buffer) {
	wl_list_remove(&buffer->revoked.link);
	wl_list_init(&buffer->revoked.link);
}

/** Free when neither the client nor a screen needs it any more. */
static void buffer_destroy(struct vram_buffer *buffer) {
	wl_list_remove(&buffer->link);
	wl_list_remove(&buffer->release.link);
	wl_list_remove(&buffer->destroy.link);
	wl_list_remove(&buffer->revoked.link);
	free(buffer);
}

/**
 * The image was revoked: framebuffers, textures and the mapping have to go, and they live as
 * long as the wlr_buffer. So the client's handle stands for a dead buffer from now on, and this
 * one is dropped.
 */
static void handle_revoked(struct wl_listener *listener, void *data) {
	struct vram_buffer *buffer = wl_container_of(listener, buffer, revoked);
	struct wlr_buffer *image = buffer->buffer;
	stop_listening(buffer);
	if (buffer->source != NULL) {
		// While it can still be found by what its surfaces show: they are to say what happened
		vram_source_lost(buffer->source);
	}
	if (buffer->resource == NULL) {
		return; // Dropped by its client already: it goes with the last lock
	}
	struct wlr_buffer *dead = sluice_dead_buffer_create(image->width, image->height);
	if (dead == NULL) {
		wlr_log(WLR_ERROR, "Out of memory: a revoked image stays until its client destroys it");
		return;
	}
	if (image->n_locks == 1) {
		// Only who revokes it holds it: there is no use that could be released
		wl_list_remove(&buffer->release.link);
		wl_list_init(&buffer->release.link);
	}
	buffer->buffer = dead;
	wlr_buffer_drop(image);
}

/** The end of an image begins: wlroots wants nobody to listen from here on. */
static void handle_image_destroy(struct wl_listener *listener, void *data) {
	struct vram_buffer *buffer = wl_container_of(listener, buffer, destroy);
	wl_list_remove(&buffer->destroy.link);
	wl_list_init(&buffer->destroy.link);
	wl_list_remove(&buffer->release.link);
	wl_list_init(&buffer->release.link);
	stop_listening(buffer);
}

/** It has ended: framebuffers, textures, mapping and DMA-BUF of the image are gone. */
static void handle_image_closed(const struct sluice_range *ranges, size_t ranges_len,
		void *data) {
	struct vram_buffer *buffer = data;
	struct vram_source *source = buffer->source;
	struct vram_device *device = buffer->device;
	buffer->device = NULL;
	if (buffer->resource == NULL) {
		buffer_destroy(buffer);
	} else {
		// A dead buffer is released like any other
		wl_signal_add(&buffer->buffer->events.release, &buffer->release);
	}
	if (source != NULL) {
		vram_source_image_gone(source);
	}
	vram_device_unref(device);
}

static void handle_resource_destroy(struct wl_resource *resource) {
	struct vram_buffer *buffer = wl_resource_get_user_data(resource);
	struct wlr_buffer *wlr_buffer = buffer->buffer;
	buffer->resource = NULL;
	if (sluice_buffer_is_dead(wlr_buffer)) {
		buffer->buffer = NULL;
		if (buffer->device == NULL) {
			buffer_destroy(buffer);
		}
	}
	// With the last lock of an image, this frees the rest
	wlr_buffer_drop(wlr_buffer);
}

struct vram_source *vram_find_source(struct vram_manager *manager, struct wlr_buffer *wanted) {
	struct vram_source *source;
	wl_list_for_each(source, &manager->sources, link) {
		const struct vram_buffer *buffer;
		wl_list_for_each(buffer, &source->buffers, link) {
			// A buffer that its client has dropped is shown until something replaces it
			if (buffer->buffer == wanted) {
				return source;
			}
		}
	}
	return vram_adopted_find(manager, wanted);
}

struct vram_buffer *vram_buffer_create(struct vram_source *source, struct wl_client *client,
		struct sluice_buffer *image) {
	struct vram_buffer *buffer = calloc(1, sizeof(*buffer));
	struct wl_resource *resource = wl_resource_create(client, &wl_buffer_interface, 1, 0);
	if (buffer == NULL || resource == NULL) {
		free(buffer);
		if (resource != NULL) {
			wl_resource_destroy(resource);
		}
		return NULL;
	}
	buffer->source = source;
	buffer->device = vram_device_ref(source->device);
	buffer->resource = resource;
	buffer->buffer = &image->base;
	wl_list_insert(&source->buffers, &buffer->link);

	buffer->release.notify = handle_release;
	wl_signal_add(&image->base.events.release, &buffer->release);
	buffer->destroy.notify = handle_image_destroy;
	wl_signal_add(&image->base.events.destroy, &buffer->destroy);
	sluice_buffer_set_release(image, handle_image_closed, buffer);
	buffer->revoked.notify = handle_revoked;
	wl_signal_add(&image->events.revoked, &buffer->revoked);
	wl_resource_set_implementation(resource, &buffer_impl, buffer, handle_resource_destroy);
	return buffer;
}
