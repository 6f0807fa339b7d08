#include <drm_fourcc.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/config.h>
#include "probe/config.h"
#include <wlr/backend.h>
#include <wlr/backend/headless.h>
#include <wlr/render/allocator.h>
#include <wlr/render/drm_format_set.h>
#include <wlr/render/wlr_renderer.h>
#include <wlr/render/wlr_texture.h>
#include <wlr/types/wlr_buffer.h>
#if WLR_HAS_GLES2_RENDERER
#include <wlr/render/gles2.h>
#endif
#if WLR_HAS_VULKAN_RENDERER && SLUICE_HAS_VULKAN_HEADERS
#include <wlr/render/vulkan.h>
#endif
#include "probe/program/program.h"
#include "probe/program/report.h"
#include "probe/program/target.h"

#define SAMPLE_SIZE 16 // pixels

static const char see_log[] = "see its log with sluice-probe --verbose";

/** As wlr_renderer_autocreate() has it: a renderer that was asked to be software has no device. */
static bool is_software_forced(void) {
	const char *force = getenv("WLR_RENDERER_FORCE_SOFTWARE");
	return force != NULL && strcmp(force, "1") == 0;
}

static struct wlr_renderer *create_renderer(int drm_fd, const char *name) {
	if (is_software_forced()) {
		drm_fd = -1;
	}
#if WLR_HAS_VULKAN_RENDERER && SLUICE_HAS_VULKAN_HEADERS
	if (strcmp(name, "vulkan") == 0) {
		return wlr_vk_renderer_create_with_drm_fd(drm_fd);
	}
#endif
#if WLR_HAS_GLES2_RENDERER
	if (strcmp(name, "gles2") == 0) {
		return wlr_gles2_renderer_create_with_drm_fd(drm_fd);
	}
#endif
	return NULL;
}

/** The red, green and blue of a pixel, as 0xRRGGBB. False if the format is not known here. */
static bool to_rgb(uint32_t format, uint32_t pixel, uint32_t *rgb) {
	switch (format) {
	case DRM_FORMAT_XRGB8888:
	case DRM_FORMAT_ARGB8888:
		*rgb = pixel & 0xffffff;
		return true;
	case DRM_FORMAT_XBGR8888:
	case DRM_FORMAT_ABGR8888:
		*rgb = (pixel & 0xff) << 16 | (pixel & 0xff00) | (pixel >> 16 & 0xff);
		return true;
	}
	return false;
}

/** A place of the texture, and where it goes in the picture that is drawn. */
struct tile {
	struct wlr_box from;
	int to_x, to_y;
};

struct drawing {
	int width, height;
	struct tile tiles[5];
	size_t tiles_len;
};

/** All of the texture, or, to be quick, its corners and its middle beside each other. */
static struct drawing plan_drawing(int width, int height, bool all) {
	if (all) {
		return (struct drawing){
			.width = width,
			.height = height,
			.tiles = { { .from = { .width = width, .height = height } } },
			.tiles_len = 1,
		};
	}
	const int tile_width = width < SAMPLE_SIZE ? width : SAMPLE_SIZE;
	const int tile_height = height < SAMPLE_SIZE ? height : SAMPLE_SIZE;
	const int right = width - tile_width, bottom = height - tile_height;
	const int x[] = { 0, right, 0, right, right / 2 };
	const int y[] = { 0, 0, bottom, bottom, bottom / 2 };
	struct drawing drawing = {
		.width = 5 * tile_width,
		.height = tile_height,
		.tiles_len = 5,
	};
	for (int i = 0; i < 5; i++) {
		drawing.tiles[i] = (struct tile){
			.from = { .x = x[i], .y = y[i], .width = tile_width, .height = tile_height },
			.to_x = i * tile_width,
		};
	}
	return drawing;
}

static bool draw(struct wlr_renderer *renderer, struct wlr_buffer *target,
		struct wlr_texture *texture, const struct drawing *drawing) {
	struct wlr_render_pass *pass = wlr_renderer_begin_buffer_pass(renderer, target, NULL);
	if (pass == NULL) {
		return false;
	}
	for (size_t i = 0; i < drawing->tiles_len; i++) {
		const struct tile *tile = &drawing->tiles[i];
		wlr_render_pass_add_texture(pass, &(struct wlr_render_texture_options){
			.texture = texture,
			.src_box = {
				.x = tile->from.x,
				.y = tile->from.y,
				.width = tile->from.width,
				.height = tile->from.height,
			},
			.dst_box = {
				.x = tile->to_x,
				.y = tile->to_y,
				.width = tile->from.width,
				.height = tile->from.height,
			},
			.filter_mode = WLR_SCALE_FILTER_NEAREST,
			.blend_mode = WLR_RENDER_BLEND_MODE_NONE,
		});
	}
	return wlr_render_pass_submit(pass);
}

struct read_back {
	uint32_t *data;
	uint32_t format;
	size_t width, height; // pixels; rows without padding
};

/** Read what was drawn. The caller frees back->data. */
static bool read_target(struct wlr_renderer *renderer, struct wlr_buffer *target,
		struct read_back *back) {
	struct wlr_texture *texture = wlr_texture_from_buffer(renderer, target);
	if (texture == NULL) {
		return false;
	}
	back->width = texture->width;
	back->height = texture->height;
	back->format = wlr_texture_preferred_read_format(texture);
	uint32_t rgb;
	if (!to_rgb(back->format, 0, &rgb)) {
		back->format = DRM_FORMAT_XBGR8888; // what OpenGL ES always reads
	}
	back->data = calloc(back->width * back->height, sizeof(*back->data));
	bool ok = back->data != NULL &&
		wlr_texture_read_pixels(texture, &(struct wlr_texture_read_pixels_options){
			.data = back->data,
			.format = back->format,
			.stride = (uint32_t)back->width * 4,
		});
	wlr_texture_destroy(texture);
	return ok;
}

/** A buffer that the GPU can draw to. The format is what screens have. */
static struct wlr_buffer *create_target(int drm_fd, struct wlr_allocator *allocator,
		const struct drawing *drawing) {
	// Some drivers do without modifiers alone, some draw to linear buffers alone
	uint64_t modifiers[] = { DRM_FORMAT_MOD_INVALID, DRM_FORMAT_MOD_LINEAR };
	for (size_t i = 0; i < 2 && allocator != NULL; i++) {
		const struct wlr_drm_format format = {
			.format = DRM_FORMAT_XRGB8888,
			.len = 1,
			.capacity = 1,
			.modifiers = &modifiers[i],
		};
		struct wlr_buffer *buffer = wlr_allocator_create_buffer(allocator, drawing->width,
			drawing->height, &format);
		if (buffer != NULL) {
			return buffer;
		}
	}
	return dumb_target_create(drm_fd, drawing->width, drawing->height);
}

/**
 * Whether two colours are the same, but for the rounding of a colour space there and back: wlroots'
 * Vulkan renderer works in linear light, in which lavapipe loses 3 of 255 of what is nearly black.
 */
static bool is_close(uint32_t a, uint32_t b) {
	for (int shift = 0; shift < 24; shift += 8) {
		int difference = (int)(a >> shift & 0xff) - (int)(b >> shift & 0xff);
		if (difference < -3 || difference > 3) {
			return false;
		}
	}
	return true;
}

/** Compare every pixel, and report. */
static void judge(const struct read_back *back, uint32_t format,
		const struct expected_pixels *expected, const char *name) {
	uint32_t rgb;
	if (!to_rgb(format, 0, &rgb)) {
		report_pass("%s drew it; what it drew cannot be judged in this format", name);
		return;
	}

	size_t wrong = 0, total = back->width * back->height;
	uint32_t first_wrong = 0, first_wanted = 0;
	for (size_t y = 0; y < back->height; y++) {
		const uint32_t *row = (const void *)((const char *)expected->data +
			y * expected->stride);
		for (size_t x = 0; x < back->width; x++) {
			uint32_t wanted = 0, got = 0;
			to_rgb(format, row[x], &wanted);
			to_rgb(back->format, back->data[y * back->width + x], &got);
			if (!is_close(got, wanted) && wrong++ == 0) {
				first_wrong = got;
				first_wanted = wanted;
			}
		}
	}
	if (wrong > 0) {
		report_fail(EIO, "%s drew %zu of %zu pixels wrong (the first is %06x, not %06x): the "
			"GPU does not reach the exporter's memory, or takes it to be tiled", name, wrong,
			total, first_wrong, first_wanted);
	} else {
		report_pass("%s drew all %zu pixels right", name, total);
	}
}

struct gpu {
	const char *name; // of the renderer
	int drm_fd;
	struct wlr_renderer *renderer;
	struct wlr_allocator *allocator; // may be NULL
};

/** Do as a compositor does: draw the texture. Only reading it back is less than that. */
static void draw_texture(const struct gpu *gpu, struct wlr_texture *texture, uint32_t format,
		const struct expected_pixels *expected) {
	const char *name = gpu->name;
	const struct drawing drawing = plan_drawing((int)texture->width, (int)texture->height,
		expected->data != NULL);
	struct wlr_buffer *target = create_target(gpu->drm_fd, gpu->allocator, &drawing);
	if (target == NULL) {
		report_fail_try(ENOTSUP, see_log, "%s has no buffer to draw to", name);
		return;
	}

	struct read_back back = { 0 };
	if (!draw(gpu->renderer, target, texture, &drawing)) {
		report_fail_try(EIO, see_log, "%s imports it, but cannot draw it", name);
	} else if (!read_target(gpu->renderer, target, &back)) {
		report_fail_try(EIO, see_log, "%s drew it, but what it drew cannot be read", name);
	} else if (expected->data != NULL) {
		judge(&back, format, expected, name);
	} else {
		report_pass("%s drew it; what it should have drawn is not known", name);
	}
	free(back.data);
	wlr_buffer_drop(target);
}

static void import_and_draw(const struct gpu *gpu, struct wlr_dmabuf_attributes *attribs,
		const struct expected_pixels *expected) {
	struct wlr_texture *texture = wlr_texture_from_dmabuf(gpu->renderer, attribs);
	if (texture == NULL) {
		report_fail_try(EOPNOTSUPP, see_log, "%s does not import it (%dx%d, stride %u, "
			"modifier 0x%" PRIx64 ")", gpu->name, attribs->width, attribs->height,
			attribs->stride[0], attribs->modifier);
		return;
	}
	draw_texture(gpu, texture, attribs->format, expected);
	wlr_texture_destroy(texture);
}

void gpu_read(int drm_fd, struct wlr_dmabuf_attributes *attribs,
		const struct expected_pixels *expected) {
	const char *name = getenv("WLR_RENDERER");
	if (name == NULL || strcmp(name, "auto") == 0) {
		name = "gles2";
	}
	if (strcmp(name, "pixman") == 0) {
		report_skip("the pixman renderer imports no dma-bufs (WLR_RENDERER)");
		return;
	}

	struct wlr_renderer *renderer = create_renderer(drm_fd, name);
	if (renderer == NULL) {
		report_fail_try(ENOTSUP, "without a GPU, WLR_RENDERER_ALLOW_SOFTWARE=1 may give one",
			"there is no %s renderer on this DRM device", name);
		return;
	}

	// Only so that an allocator can be had
	struct wl_event_loop *loop = wl_event_loop_create();
	struct wlr_backend *backend = loop != NULL ? wlr_headless_backend_create(loop) : NULL;
	const struct gpu gpu = {
		.name = name,
		.drm_fd = drm_fd,
		.renderer = renderer,
		.allocator = backend != NULL ? wlr_allocator_autocreate(backend, renderer) : NULL,
	};
	import_and_draw(&gpu, attribs, expected);
	wlr_allocator_destroy(gpu.allocator);
	wlr_renderer_destroy(renderer);
	if (backend != NULL) {
		wlr_backend_destroy(backend);
	}
	if (loop != NULL) {
		wl_event_loop_destroy(loop);
	}
}
