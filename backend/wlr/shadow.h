#ifndef SLUICE_WLR_SHADOW_H
#define SLUICE_WLR_SHADOW_H

#include "wlr/renderer.h"

/** Pixels in system memory, as a wlr_buffer that the inner renderer makes a texture of. */
struct sluice_pixels {
	struct wlr_buffer base;
	uint32_t format;
	size_t stride; // bytes
	void *data;
};

struct sluice_shadow {
	struct wl_list link; // sluice_renderer.shadows, while there is a texture
	struct sluice_texture *current; // what the surface shows, NULL before the first push
	uint32_t width, height, format; // of the last one pushed
	struct sluice_pixels *pixels; // NULL until the cpu path is used
	struct wlr_texture *texture; // of the inner renderer, made of pixels
	uint64_t bytes_read; // of VRAM
	/** Where pixels differ from current, in buffer coordinates. */
	pixman_region32_t stale;
};

#endif
