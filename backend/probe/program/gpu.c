#include <drm_fourcc.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/config.h>
#include "probe/config.h"
#include <wlr/render/wlr_renderer.h>
#include <wlr/render/wlr_texture.h>
#if WLR_HAS_GLES2_RENDERER
#include <wlr/render/gles2.h>
#endif
#if WLR_HAS_VULKAN_RENDERER && SLUICE_HAS_VULKAN_HEADERS
#include <wlr/render/vulkan.h>
#endif
#include "probe/program/program.h"
#include "probe/program/report.h"

#define SAMPLE_SIZE 16 // pixels

static struct wlr_renderer *create_renderer(int drm_fd, const char *name) {
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

struct read_back {
	uint32_t *data;
	uint32_t format;
	size_t width; // pixels in a row of data
};

static bool read_box(struct wlr_texture *texture, const struct read_back *back,
		const struct wlr_box *box) {
	return wlr_texture_read_pixels(texture, &(struct wlr_texture_read_pixels_options){
		.data = back->data,
		.format = back->format,
		.stride = (uint32_t)back->width * 4,
		.dst_x = (uint32_t)box->x,
		.dst_y = (uint32_t)box->y,
		.src_box = *box,
	});
}

/** Read the corners and the middle. */
static bool read_samples(struct wlr_texture *texture, const struct read_back *back) {
	const int width = (int)texture->width, height = (int)texture->height;
	const int sample_width = width < SAMPLE_SIZE ? width : SAMPLE_SIZE;
	const int sample_height = height < SAMPLE_SIZE ? height : SAMPLE_SIZE;
	const int right = width - sample_width, bottom = height - sample_height;
	const struct { int x, y; } places[] = {
		{ 0, 0 }, { right, 0 }, { 0, bottom }, { right, bottom }, { right / 2, bottom / 2 },
	};
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const struct wlr_box box = {
			.x = places[i].x,
			.y = places[i].y,
			.width = sample_width,
			.height = sample_height,
		};
		if (!read_box(texture, back, &box)) {
			return false;
		}
	}
	return true;
}

/** Compare every pixel, and report. */
static void judge(const struct wlr_texture *texture, const struct read_back *back,
		uint32_t format, const struct expected_pixels *expected, const char *renderer) {
	uint32_t rgb;
	if (!to_rgb(format, 0, &rgb)) {
		report_pass("%s read it; what it read cannot be judged in this format", renderer);
		return;
	}

	size_t wrong = 0, total = (size_t)texture->width * texture->height;
	uint32_t first_wrong = 0, first_wanted = 0;
	for (uint32_t y = 0; y < texture->height; y++) {
		const uint32_t *row = (const void *)((const char *)expected->data +
			y * expected->stride);
		for (uint32_t x = 0; x < texture->width; x++) {
			uint32_t wanted = 0, got = 0;
			to_rgb(format, row[x], &wanted);
			to_rgb(back->format, back->data[y * back->width + x], &got);
			if (got != wanted && wrong++ == 0) {
				first_wrong = got;
				first_wanted = wanted;
			}
		}
	}
	if (wrong > 0) {
		report_fail(EIO, "%s read %zu of %zu pixels wrong (the first is %06x, not %06x): the "
			"GPU does not reach the exporter's memory, or takes it to be tiled", renderer,
			wrong, total, first_wrong, first_wanted);
	} else {
		report_pass("%s read all %zu pixels right", renderer, total);
	}
}

static void read_texture(struct wlr_texture *texture, uint32_t format,
		const struct expected_pixels *expected, const char *renderer) {
	struct read_back back = {
		.format = wlr_texture_preferred_read_format(texture),
		.width = texture->width,
	};
	uint32_t rgb;
	if (!to_rgb(back.format, 0, &rgb)) {
		back.format = DRM_FORMAT_XBGR8888; // what OpenGL ES always reads
	}
	back.data = calloc((size_t)texture->width * texture->height, sizeof(*back.data));
	if (back.data == NULL) {
		report_fail(ENOMEM, "out of memory");
		return;
	}

	const struct wlr_box all = {
		.width = (int)texture->width,
		.height = (int)texture->height,
	};
	bool ok = expected->data != NULL ? read_box(texture, &back, &all) :
		read_samples(texture, &back);
	if (!ok) {
		report_fail(EIO, "%s imports it, but cannot read it back; see its log with --verbose",
			renderer);
	} else if (expected->data != NULL) {
		judge(texture, &back, format, expected, renderer);
	} else {
		report_pass("%s read it; what it should have read is not known", renderer);
	}
	free(back.data);
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
		report_fail(ENOTSUP, "there is no %s renderer on this DRM device; without a GPU, "
			"WLR_RENDERER_ALLOW_SOFTWARE=1 may give one", name);
		return;
	}
	struct wlr_texture *texture = wlr_texture_from_dmabuf(renderer, attribs);
	if (texture == NULL) {
		report_fail(EOPNOTSUPP, "%s does not import it (size %dx%d, stride %u, modifier LINEAR "
			"or as given); see its log with --verbose", name, attribs->width, attribs->height,
			attribs->stride[0]);
	} else {
		read_texture(texture, attribs->format, expected, name);
		wlr_texture_destroy(texture);
	}
	wlr_renderer_destroy(renderer);
}
