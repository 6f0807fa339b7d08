#include <stdlib.h>
#include <wlr/types/wlr_buffer.h>
#include <sluice/renderer.h>
#include "vram/vram.h"

/** A linux-dmabuf buffer that a client tied to a source. */
struct vram_adopted {
	struct wl_list link; // vram_source.adopted
	struct vram_source *source;
	struct wlr_buffer *buffer; // not locked
	struct wl_listener destroy;
};

static void adopted_destroy(struct vram_adopted *adopted) {
	wl_list_remove(&adopted->link);
	wl_list_remove(&adopted->destroy.link);
	free(adopted);
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct vram_adopted *adopted = wl_container_of(listener, adopted, destroy);
	struct vram_source *source = adopted->source;
	adopted_destroy(adopted);
	vram_source_image_gone(source);
}

static struct vram_adopted *find(struct vram_manager *manager, struct wlr_buffer *buffer) {
	struct vram_source *source;
	wl_list_for_each(source, &manager->sources, link) {
		struct vram_adopted *adopted;
		wl_list_for_each(adopted, &source->adopted, link) {
			if (adopted->buffer == buffer) {
				return adopted;
			}
		}
	}
	return NULL;
}

struct vram_source *vram_adopted_find(struct vram_manager *manager, struct wlr_buffer *buffer) {
	struct vram_adopted *adopted = find(manager, buffer);
	return adopted != NULL ? adopted->source : NULL;
}

bool vram_adopt(struct vram_source *source, struct wlr_buffer *buffer) {
	struct vram_adopted *adopted = find(source->manager, buffer);
	if (adopted != NULL) {
		// It belongs to one source at most
		struct vram_source *previous = adopted->source;
		wl_list_remove(&adopted->link);
		adopted->source = source;
		wl_list_insert(&source->adopted, &adopted->link);
		vram_source_image_gone(previous);
		return true;
	}
	adopted = calloc(1, sizeof(*adopted));
	if (adopted == NULL) {
		return false;
	}
	adopted->source = source;
	adopted->buffer = buffer;
	adopted->destroy.notify = handle_destroy;
	wl_signal_add(&buffer->events.destroy, &adopted->destroy);
	wl_list_insert(&source->adopted, &adopted->link);
	return true;
}

void vram_adopted_lost(struct vram_manager *manager, struct wlr_buffer *buffer) {
	struct vram_source *source = vram_adopted_find(manager, buffer);
	if (source != NULL) {
		vram_source_lost(source);
	}
}

void vram_adopted_detach(struct vram_source *source) {
	// A buffer that its client has destroyed goes with its last texture
	struct vram_adopted *adopted, *tmp;
	wl_list_for_each_safe(adopted, tmp, &source->adopted, link) {
		sluice_renderer_detach_buffer(source->manager->server->renderer, adopted->buffer);
	}
}

void vram_adopted_finish(struct vram_source *source) {
	struct vram_adopted *adopted, *tmp;
	wl_list_for_each_safe(adopted, tmp, &source->adopted, link) {
		adopted_destroy(adopted);
	}
}
