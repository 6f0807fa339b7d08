#include <assert.h>
#include <drm_fourcc.h>
#include <stdlib.h>
#include <wlr/interfaces/wlr_buffer.h>
#include <wlr/util/log.h>
#include "wlr/shadow.h"

static const struct wlr_texture_impl texture_impl;

bool sluice_texture_is(struct wlr_texture *texture) {
	return texture->impl == &texture_impl;
}

struct sluice_texture *sluice_texture_from(struct wlr_texture *wlr_texture) {
	assert(sluice_texture_is(wlr_texture));
	struct sluice_texture *texture = wl_container_of(wlr_texture, texture, base);
	return texture;
}

struct wlr_buffer *sluice_texture_get_buffer(struct wlr_texture *texture) {
	return sluice_texture_from(texture)->buffer;
}

const char *sluice_texture_get_exporter(struct wlr_texture *texture) {
	struct sluice_import *import = sluice_texture_from(texture)->import;
	return import != NULL ? import->exporter : "";
}

enum sluice_path sluice_texture_get_path(struct wlr_texture *wlr_texture,
		enum sluice_reason *reason_ptr) {
	struct sluice_texture *texture = sluice_texture_from(wlr_texture);
	struct sluice_import *import = texture->import;
	const struct sluice_renderer *renderer = texture->sluice;

	enum sluice_reason reason;
	enum sluice_path path = SLUICE_PATH_NONE;
	if (import == NULL) {
		reason = SLUICE_REASON_REVOKED;
	} else if (renderer->allow_gpu && sluice_import_gpu_works(import, &reason)) {
		path = SLUICE_PATH_GPU;
		reason = SLUICE_REASON_OK;
	} else if (renderer->allow_cpu && sluice_import_cpu_works(import)) {
		path = SLUICE_PATH_CPU;
		reason = renderer->allow_gpu ? reason : SLUICE_REASON_DISABLED;
	} else {
		reason = renderer->allow_cpu ? SLUICE_REASON_NO_CPU_MAP : SLUICE_REASON_DISABLED;
	}
	if (reason_ptr != NULL) {
		*reason_ptr = reason;
	}
	return path;
}

static struct wlr_texture *resolve_gpu(struct sluice_texture *texture) {
	if (texture->gpu != NULL) {
		return texture->gpu;
	}
	struct sluice_import *import = texture->import;
	// The inner renderer keeps the import with the buffer: this is cheap after the first time
	texture->gpu = wlr_texture_from_buffer(texture->sluice->inner, texture->buffer);
	if (texture->gpu == NULL) {
		// Memory that was just revoked says nothing about the driver
		if (sluice_texture_check(&texture->base)) {
			sluice_verdict_fail(import->verdict, SLUICE_REASON_IMPORT_FAILED);
		}
		return NULL;
	}
	if (!import->imported) {
		import->imported = true;
		texture->sluice->stats.gpu_imports++;
	}
	return texture->gpu;
}

static struct wlr_texture *resolve_cpu(struct sluice_texture *texture,
		const pixman_region32_t *region) {
	if (texture->shadow == NULL) {
		struct sluice_shadow *shadow = sluice_shadow_create();
		if (shadow == NULL) {
			return NULL;
		}
		sluice_shadow_push(shadow, &texture->base, NULL);
		texture->own_shadow = true;
	}
	return sluice_shadow_update(texture->shadow, region);
}

struct wlr_texture *sluice_texture_resolve(struct sluice_texture *texture,
		const pixman_region32_t *region, enum sluice_path *path_ptr) {
	struct sluice_renderer_stats *stats = &texture->sluice->stats;
	struct wlr_texture *resolved = NULL;
	// A path that fails is not offered again, so this ends
	while (resolved == NULL) {
		*path_ptr = sluice_texture_get_path(&texture->base, NULL);
		switch (*path_ptr) {
		case SLUICE_PATH_GPU:
			resolved = resolve_gpu(texture);
			stats->gpu_draws += resolved != NULL;
			break;
		case SLUICE_PATH_CPU:
			resolved = resolve_cpu(texture, region);
			stats->cpu_draws += resolved != NULL;
			if (resolved == NULL && texture->import != NULL) {
				texture->import->cpu_works = false;
			}
			break;
		default:
			stats->placeholder_draws++;
			return NULL;
		}
	}
	return resolved;
}

void sluice_texture_set_placeholder(struct wlr_texture *wlr_texture,
		struct wlr_buffer *placeholder) {
	struct sluice_texture *texture = sluice_texture_from(wlr_texture);
	if (texture->placeholder_texture != NULL) {
		wlr_texture_destroy(texture->placeholder_texture);
		texture->placeholder_texture = NULL;
	}
	wlr_buffer_unlock(texture->placeholder);
	texture->placeholder = placeholder != NULL ? wlr_buffer_lock(placeholder) : NULL;
}

struct wlr_texture *sluice_texture_get_placeholder(struct sluice_texture *texture) {
	if (texture->placeholder != NULL && texture->placeholder_texture == NULL) {
		texture->placeholder_texture =
			wlr_texture_from_buffer(texture->sluice->inner, texture->placeholder);
	}
	return texture->placeholder_texture;
}

static bool texture_read_pixels(struct wlr_texture *wlr_texture,
		const struct wlr_texture_read_pixels_options *options) {
	struct sluice_texture *texture = sluice_texture_from(wlr_texture);
	struct wlr_box box;
	wlr_texture_read_pixels_options_get_src_box(options, wlr_texture, &box);
	if (box.width <= 0 || box.height <= 0) {
		return false;
	}
	pixman_region32_t region;
	pixman_region32_init_rect(&region, box.x, box.y, (unsigned)box.width, (unsigned)box.height);
	enum sluice_path path;
	struct wlr_texture *resolved = sluice_texture_resolve(texture, &region, &path);
	pixman_region32_fini(&region);
	return resolved != NULL && wlr_texture_read_pixels(resolved, options);
}

static uint32_t texture_preferred_read_format(struct wlr_texture *wlr_texture) {
	struct sluice_import *import = sluice_texture_from(wlr_texture)->import;
	return import != NULL ? import->dmabuf.format : DRM_FORMAT_XRGB8888;
}

void sluice_texture_detach(struct sluice_texture *texture) {
	if (texture->gpu != NULL) {
		wlr_texture_destroy(texture->gpu);
		texture->gpu = NULL;
	}
	struct wlr_buffer *buffer = texture->buffer;
	texture->import = NULL;
	texture->buffer = NULL;
	wlr_buffer_unlock(buffer);
}

void sluice_renderer_detach_buffer(struct wlr_renderer *wlr_renderer,
		struct wlr_buffer *buffer) {
	struct sluice_renderer *renderer = sluice_renderer_from(wlr_renderer);
	struct sluice_import *import = sluice_import_get(renderer, buffer);
	if (import == NULL || import->kind == IMPORT_ORDINARY) {
		return;
	}
	import->detached = true;
	sluice_verdict_forget_import(import);
	wlr_buffer_lock(buffer); // it shall not go in the middle of this
	struct sluice_texture *texture;
	wl_list_for_each(texture, &renderer->textures, link) {
		if (texture->buffer == buffer) {
			sluice_texture_detach(texture);
		}
	}
	wlr_buffer_unlock(buffer);
}

static void texture_destroy(struct wlr_texture *wlr_texture) {
	struct sluice_texture *texture = sluice_texture_from(wlr_texture);
	struct sluice_shadow *shadow = texture->shadow;
	if (shadow != NULL) {
		sluice_shadow_forget_texture(shadow);
		if (texture->own_shadow) {
			sluice_shadow_destroy(shadow);
		}
	}
	wl_list_remove(&texture->link);
	sluice_texture_set_placeholder(wlr_texture, NULL);
	sluice_texture_detach(texture);
	free(texture->sluice->spare);
	texture->sluice->spare = texture;
}

static const struct wlr_texture_impl texture_impl = {
	.read_pixels = texture_read_pixels,
	.preferred_read_format = texture_preferred_read_format,
	.destroy = texture_destroy,
};

struct wlr_texture *sluice_texture_create(struct sluice_renderer *renderer,
		struct sluice_import *import, uint32_t width, uint32_t height) {
	struct sluice_texture *texture = renderer->spare;
	renderer->spare = NULL;
	if (texture == NULL) {
		texture = malloc(sizeof(*texture));
	}
	if (texture == NULL) {
		return NULL;
	}
	*texture = (struct sluice_texture){0};
	wlr_texture_init(&texture->base, &renderer->base, &texture_impl, width, height);
	texture->sluice = renderer;
	if (import != NULL) {
		texture->import = import;
		texture->buffer = wlr_buffer_lock(import->buffer);
	}
	wl_list_insert(&renderer->textures, &texture->link);
	return &texture->base;
}
