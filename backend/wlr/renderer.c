#include <assert.h>
#include <drm_fourcc.h>
#include <stdlib.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/util/log.h>
#include "wlr/shadow.h"

static const struct wlr_renderer_impl renderer_impl;

bool sluice_renderer_is(struct wlr_renderer *renderer) {
	// Marked private, but it is how every implementation knows its own
	return renderer->WLR_PRIVATE.impl == &renderer_impl;
}

struct sluice_renderer *sluice_renderer_from(struct wlr_renderer *wlr_renderer) {
	assert(sluice_renderer_is(wlr_renderer));
	struct sluice_renderer *renderer = wl_container_of(wlr_renderer, renderer, base);
	return renderer;
}

struct wlr_renderer *sluice_renderer_get_inner(struct wlr_renderer *renderer) {
	return sluice_renderer_from(renderer)->inner;
}

const struct sluice_renderer_stats *sluice_renderer_get_stats(struct wlr_renderer *renderer) {
	return &sluice_renderer_from(renderer)->stats;
}

struct wl_signal *sluice_renderer_get_verdict_signal(struct wlr_renderer *renderer) {
	return &sluice_renderer_from(renderer)->events.verdict;
}

struct wlr_texture *sluice_renderer_find_texture(struct wlr_renderer *wlr_renderer,
		struct wlr_buffer *buffer) {
	struct sluice_renderer *renderer = sluice_renderer_from(wlr_renderer);
	struct sluice_texture *texture;
	wl_list_for_each(texture, &renderer->textures, link) {
		if (texture->buffer == buffer) {
			return &texture->base;
		}
	}
	return NULL;
}

void sluice_renderer_allow(struct wlr_renderer *wlr_renderer, bool gpu, bool cpu) {
	struct sluice_renderer *renderer = sluice_renderer_from(wlr_renderer);
	renderer->allow_gpu = gpu;
	renderer->allow_cpu = cpu;
}

static const struct wlr_drm_format_set *get_texture_formats(struct wlr_renderer *wlr_renderer,
		uint32_t buffer_caps) {
	struct sluice_renderer *renderer = sluice_renderer_from(wlr_renderer);
	const struct wlr_drm_format_set *formats =
		wlr_renderer_get_texture_formats(renderer->inner, buffer_caps);
	if (formats == NULL && buffer_caps == WLR_BUFFER_CAP_DMABUF) {
		return &renderer->readable_formats;
	}
	return formats;
}

static const struct wlr_drm_format_set *get_render_formats(struct wlr_renderer *wlr_renderer) {
	struct sluice_renderer *renderer = sluice_renderer_from(wlr_renderer);
	// wlroots offers no public form of this one; every renderer that can draw has it
	return renderer->inner->WLR_PRIVATE.impl->get_render_formats(renderer->inner);
}

static int get_drm_fd(struct wlr_renderer *wlr_renderer) {
	struct sluice_renderer *renderer = sluice_renderer_from(wlr_renderer);
	int fd = wlr_renderer_get_drm_fd(renderer->inner);
	// pixman has none, but DMA-BUF feedback must name the device that scans out
	return fd >= 0 ? fd : renderer->drm_fd;
}

static struct wlr_texture *texture_from_buffer(struct wlr_renderer *wlr_renderer,
		struct wlr_buffer *buffer) {
	struct sluice_renderer *renderer = sluice_renderer_from(wlr_renderer);
	if (sluice_buffer_is_dead(buffer)) {
		return sluice_texture_create(renderer, NULL, (uint32_t)buffer->width,
			(uint32_t)buffer->height);
	}
	struct sluice_import *import = sluice_import_get(renderer, buffer);
	if (import == NULL || import->kind == IMPORT_ORDINARY) {
		return wlr_texture_from_buffer(renderer->inner, buffer);
	}
	return sluice_texture_create(renderer, import->detached ? NULL : import,
		(uint32_t)buffer->width, (uint32_t)buffer->height);
}

static struct wlr_render_pass *begin_buffer_pass(struct wlr_renderer *wlr_renderer,
		struct wlr_buffer *buffer, const struct wlr_buffer_pass_options *options) {
	struct sluice_renderer *renderer = sluice_renderer_from(wlr_renderer);
	struct wlr_render_pass *inner =
		wlr_renderer_begin_buffer_pass(renderer->inner, buffer, options);
	return inner != NULL ? sluice_pass_create(renderer, inner) : NULL;
}

static struct wlr_render_timer *render_timer_create(struct wlr_renderer *wlr_renderer) {
	return wlr_render_timer_create(sluice_renderer_from(wlr_renderer)->inner);
}

static void destroy(struct wlr_renderer *wlr_renderer) {
	struct sluice_renderer *renderer = sluice_renderer_from(wlr_renderer);

	// wlroots expects a renderer to take its textures along
	struct sluice_texture *texture, *texture_tmp;
	wl_list_for_each_safe(texture, texture_tmp, &renderer->textures, link) {
		wlr_texture_destroy(&texture->base);
	}
	free(renderer->spare);
	struct sluice_shadow *shadow, *shadow_tmp;
	wl_list_for_each_safe(shadow, shadow_tmp, &renderer->shadows, link) {
		sluice_shadow_release(shadow);
	}
	struct sluice_import *import, *import_tmp;
	wl_list_for_each_safe(import, import_tmp, &renderer->imports, link) {
		sluice_import_destroy(import);
	}
	struct sluice_verdict *verdict, *verdict_tmp;
	wl_list_for_each_safe(verdict, verdict_tmp, &renderer->verdicts, link) {
		sluice_verdict_destroy(verdict);
	}

	wl_list_remove(&renderer->inner_lost.link);
	wlr_renderer_destroy(renderer->inner);
	wlr_drm_format_set_finish(&renderer->readable_formats);
	free(renderer);
}

static const struct wlr_renderer_impl renderer_impl = {
	.get_texture_formats = get_texture_formats,
	.get_render_formats = get_render_formats,
	.destroy = destroy,
	.get_drm_fd = get_drm_fd,
	.texture_from_buffer = texture_from_buffer,
	.begin_buffer_pass = begin_buffer_pass,
	.render_timer_create = render_timer_create,
};

static void handle_inner_lost(struct wl_listener *listener, void *data) {
	struct sluice_renderer *renderer = wl_container_of(listener, renderer, inner_lost);
	wl_signal_emit_mutable(&renderer->base.events.lost, NULL);
}

/**
 * A renderer without DMA-BUF import (pixman) can still be given linear images: they are scanned
 * out, or read through a mapping. So every format that it draws from memory is offered.
 */
static bool collect_readable_formats(struct sluice_renderer *renderer) {
	const struct wlr_drm_format_set *drawable =
		wlr_renderer_get_texture_formats(renderer->inner, WLR_BUFFER_CAP_DATA_PTR);
	for (size_t i = 0; drawable != NULL && i < drawable->len; i++) {
		uint32_t format = drawable->formats[i].format;
		if (sluice_format_bytes_per_pixel(format) == 0) {
			continue;
		}
		if (!wlr_drm_format_set_add(&renderer->readable_formats, format,
				DRM_FORMAT_MOD_LINEAR) ||
				!wlr_drm_format_set_add(&renderer->readable_formats, format,
				DRM_FORMAT_MOD_INVALID)) {
			return false;
		}
	}
	return true;
}

struct wlr_renderer *sluice_renderer_create(struct wlr_renderer *inner,
		struct wl_event_loop *loop, int drm_fd) {
	struct sluice_renderer *renderer = calloc(1, sizeof(*renderer));
	if (renderer == NULL) {
		return NULL;
	}
	wlr_renderer_init(&renderer->base, &renderer_impl, inner->render_buffer_caps);
	renderer->base.color_encodings = inner->color_encodings;
	renderer->base.features = inner->features;
	renderer->inner = inner;
	renderer->loop = loop;
	renderer->drm_fd = drm_fd;
	renderer->allow_gpu = true;
	renderer->allow_cpu = true;
	wl_list_init(&renderer->verdicts);
	wl_list_init(&renderer->imports);
	wl_list_init(&renderer->shadows);
	wl_list_init(&renderer->textures);
	wl_signal_init(&renderer->events.verdict);

	if (!collect_readable_formats(renderer)) {
		wlr_drm_format_set_finish(&renderer->readable_formats);
		free(renderer);
		return NULL;
	}

	renderer->inner_lost.notify = handle_inner_lost;
	wl_signal_add(&inner->events.lost, &renderer->inner_lost);
	return &renderer->base;
}
