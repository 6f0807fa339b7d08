#include <assert.h>
#include <stdlib.h>
#include <wlr/interfaces/wlr_buffer.h>
#include <wlr/util/log.h>
#include "wlr/shadow.h"

/** Above this many rectangles, bookkeeping costs more than reading a few pixels too many. */
#define MAX_RECTS 64

static void pixels_destroy(struct wlr_buffer *buffer) {
	struct sluice_pixels *pixels = wl_container_of(buffer, pixels, base);
	wlr_buffer_finish(buffer);
	free(pixels->data);
	free(pixels);
}

static bool pixels_begin_data_ptr_access(struct wlr_buffer *buffer, uint32_t flags,
		void **data, uint32_t *format, size_t *stride) {
	struct sluice_pixels *pixels = wl_container_of(buffer, pixels, base);
	*data = pixels->data;
	*format = pixels->format;
	*stride = pixels->stride;
	return true;
}

static void pixels_end_data_ptr_access(struct wlr_buffer *buffer) {
	// Memory of our own
}

static const struct wlr_buffer_impl pixels_impl = {
	.destroy = pixels_destroy,
	.begin_data_ptr_access = pixels_begin_data_ptr_access,
	.end_data_ptr_access = pixels_end_data_ptr_access,
};

static struct sluice_pixels *pixels_create(uint32_t width, uint32_t height, uint32_t format) {
	// Renderers want rows of whole pixels that start at multiples of 4 bytes
	size_t unit = 4 * (size_t)sluice_format_bytes_per_pixel(format);
	size_t stride =
		((size_t)width * sluice_format_bytes_per_pixel(format) + unit - 1) / unit * unit;
	struct sluice_pixels *pixels = calloc(1, sizeof(*pixels));
	void *data = calloc(height, stride);
	if (pixels == NULL || data == NULL) {
		free(pixels);
		free(data);
		return NULL;
	}
	wlr_buffer_init(&pixels->base, &pixels_impl, (int)width, (int)height);
	pixels->format = format;
	pixels->stride = stride;
	pixels->data = data;
	return pixels;
}

struct sluice_shadow *sluice_shadow_create(void) {
	struct sluice_shadow *shadow = calloc(1, sizeof(*shadow));
	if (shadow == NULL) {
		return NULL;
	}
	wl_list_init(&shadow->link);
	pixman_region32_init(&shadow->stale);
	return shadow;
}

uint64_t sluice_shadow_get_bytes_read(const struct sluice_shadow *shadow) {
	return shadow->bytes_read;
}

void sluice_shadow_release(struct sluice_shadow *shadow) {
	wl_list_remove(&shadow->link);
	wl_list_init(&shadow->link);
	if (shadow->texture != NULL) {
		wlr_texture_destroy(shadow->texture);
		shadow->texture = NULL;
	}
	if (shadow->pixels != NULL) {
		wlr_buffer_drop(&shadow->pixels->base);
		shadow->pixels = NULL;
	}
}

void sluice_shadow_forget_texture(struct sluice_shadow *shadow) {
	if (shadow->current != NULL) {
		shadow->current->shadow = NULL;
		shadow->current = NULL;
	}
}

void sluice_shadow_destroy(struct sluice_shadow *shadow) {
	if (shadow == NULL) {
		return;
	}
	sluice_shadow_forget_texture(shadow);
	sluice_shadow_release(shadow);
	pixman_region32_fini(&shadow->stale);
	free(shadow);
}

void sluice_shadow_push(struct sluice_shadow *shadow, struct wlr_texture *wlr_texture,
		const pixman_region32_t *damage) {
	struct sluice_texture *texture = sluice_texture_from(wlr_texture);
	const pixman_box32_t whole =
		{ .x2 = (int32_t)texture->base.width, .y2 = (int32_t)texture->base.height };

	// What was read before is of no use for an image of another shape, nor after its return
	uint32_t format = texture->import != NULL ? texture->import->dmabuf.format : 0;
	bool same_shape = shadow->width == texture->base.width &&
		shadow->height == texture->base.height && shadow->format == format;
	shadow->width = texture->base.width;
	shadow->height = texture->base.height;
	shadow->format = format;
	if (damage != NULL && same_shape) {
		pixman_region32_union(&shadow->stale, &shadow->stale, damage);
	} else {
		pixman_region32_reset(&shadow->stale, &whole);
	}
	if (pixman_region32_n_rects(&shadow->stale) > MAX_RECTS) {
		pixman_box32_t extents = *pixman_region32_extents(&shadow->stale);
		pixman_region32_reset(&shadow->stale, &extents);
	}
	pixman_region32_intersect_rect(&shadow->stale, &shadow->stale, 0, 0,
		texture->base.width, texture->base.height);

	if (shadow->current == texture) {
		return;
	}
	sluice_shadow_forget_texture(shadow);
	if (texture->shadow != NULL) {
		// It had made one of its own, because it was drawn before it was pushed
		struct sluice_shadow *other = texture->shadow;
		sluice_shadow_forget_texture(other);
		if (texture->own_shadow) {
			sluice_shadow_destroy(other);
			texture->own_shadow = false;
		}
	}
	shadow->current = texture;
	texture->shadow = shadow;
}

static bool fits(const struct sluice_shadow *shadow, const struct sluice_texture *texture) {
	const struct sluice_pixels *pixels = shadow->pixels;
	return pixels != NULL && (uint32_t)pixels->base.width == texture->base.width &&
		(uint32_t)pixels->base.height == texture->base.height &&
		pixels->format == texture->import->dmabuf.format;
}

struct wlr_texture *sluice_shadow_update(struct sluice_shadow *shadow,
		const pixman_region32_t *region) {
	struct sluice_texture *texture = shadow->current;
	assert(texture != NULL);
	struct sluice_renderer *renderer = texture->sluice;

	if (!fits(shadow, texture)) {
		sluice_shadow_release(shadow);
		shadow->pixels = pixels_create(texture->base.width, texture->base.height,
			texture->import->dmabuf.format);
		if (shadow->pixels == NULL) {
			wlr_log(WLR_ERROR, "No memory to read %ux%u pixels of VRAM into",
				texture->base.width, texture->base.height);
			return NULL;
		}
		pixman_region32_union_rect(&shadow->stale, &shadow->stale, 0, 0,
			texture->base.width, texture->base.height);
	}

	pixman_region32_t read;
	pixman_region32_init(&read);
	pixman_region32_intersect(&read, &shadow->stale, region);
	bool ok = true;
	if (pixman_region32_not_empty(&read)) {
		uint64_t before = renderer->stats.vram_bytes_read;
		ok = sluice_import_read(texture->import, &read, shadow->pixels->data,
			shadow->pixels->stride);
		shadow->bytes_read += renderer->stats.vram_bytes_read - before;
	}
	if (ok) {
		pixman_region32_subtract(&shadow->stale, &shadow->stale, &read);
		// Renderers that hold a copy take the change; pixman, which draws from the pixels
		// themselves, refuses, and makes a new texture of them at no cost
		if (shadow->texture == NULL) {
			shadow->texture = wlr_texture_from_buffer(renderer->inner, &shadow->pixels->base);
			if (shadow->texture != NULL) {
				wl_list_remove(&shadow->link);
				wl_list_insert(&renderer->shadows, &shadow->link);
			}
		} else if (pixman_region32_not_empty(&read) && !wlr_texture_update_from_buffer(
				shadow->texture, &shadow->pixels->base, &read)) {
			wlr_texture_destroy(shadow->texture);
			shadow->texture = wlr_texture_from_buffer(renderer->inner, &shadow->pixels->base);
		}
	}
	pixman_region32_fini(&read);
	return ok ? shadow->texture : NULL;
}
