#define _DEFAULT_SOURCE // le32toh()
#include <drm_fourcc.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/interfaces/wlr_buffer.h>
#include <wlr/render/wlr_renderer.h>
#include <wlr/render/wlr_texture.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/util/log.h>
#include "capture/frame.h"

#define XRGB_BYTES 4

static struct band *band_create(size_t size) {
	struct band *band = calloc(1, sizeof(*band));
	uint8_t *rgb = malloc(size);
	if (band == NULL || rgb == NULL || pthread_mutex_init(&band->lock, NULL) != 0) {
		free(band);
		free(rgb);
		return NULL;
	}
	atomic_init(&band->refs, 1);
	band->size = size;
	band->rgb = rgb;
	return band;
}

static struct band *band_ref(struct band *band) {
	atomic_fetch_add(&band->refs, 1);
	return band;
}

static void band_unref(struct band *band) {
	if (band == NULL || atomic_fetch_sub(&band->refs, 1) > 1) {
		return;
	}
	pthread_mutex_destroy(&band->lock);
	free(band->deflated);
	free(band->rgb);
	free(band);
}

size_t frame_count_bands(int height) {
	return ((size_t)height + BAND_HEIGHT - 1) / BAND_HEIGHT;
}

int frame_band_height(const struct frame *frame, size_t band) {
	int left = frame->height - (int)band * BAND_HEIGHT;
	return left < BAND_HEIGHT ? left : BAND_HEIGHT;
}

static struct frame *frame_alloc(int width, int height) {
	size_t bands_len = frame_count_bands(height);
	struct frame *frame = calloc(1, sizeof(*frame) + bands_len * sizeof(struct band *));
	if (frame != NULL) {
		frame->width = width;
		frame->height = height;
		frame->bands_len = bands_len;
	}
	return frame;
}

struct frame *frame_copy(const struct frame *frame) {
	struct frame *copy = frame_alloc(frame->width, frame->height);
	for (size_t i = 0; copy != NULL && i < frame->bands_len; i++) {
		copy->bands[i] = band_ref(frame->bands[i]);
	}
	return copy;
}

void frame_destroy(struct frame *frame) {
	if (frame == NULL) {
		return;
	}
	for (size_t i = 0; i < frame->bands_len; i++) {
		band_unref(frame->bands[i]);
	}
	free(frame);
}

/** Where the pixels of a buffer are read from. */
struct reader {
	const uint8_t *data; // NULL: by the texture
	uint32_t format;
	size_t stride;
	int width;
	struct wlr_texture *texture;
	uint8_t *rows; // a band of XRGB8888, for what is not read as it is
};

static pixman_format_code_t get_pixman_format(uint32_t format) {
	switch (format) {
	case DRM_FORMAT_XRGB8888:
	case DRM_FORMAT_ARGB8888: // premultiplied, on black: as it is
		return PIXMAN_x8r8g8b8;
	case DRM_FORMAT_XBGR8888:
	case DRM_FORMAT_ABGR8888:
		return PIXMAN_x8b8g8r8;
	case DRM_FORMAT_RGBX8888:
	case DRM_FORMAT_RGBA8888:
		return PIXMAN_r8g8b8x8;
	case DRM_FORMAT_BGRX8888:
	case DRM_FORMAT_BGRA8888:
		return PIXMAN_b8g8r8x8;
	case DRM_FORMAT_RGB888:
		return PIXMAN_r8g8b8;
	case DRM_FORMAT_BGR888:
		return PIXMAN_b8g8r8;
	case DRM_FORMAT_RGB565:
		return PIXMAN_r5g6b5;
	case DRM_FORMAT_BGR565:
		return PIXMAN_b5g6r5;
	case DRM_FORMAT_XRGB2101010:
	case DRM_FORMAT_ARGB2101010:
		return PIXMAN_x2r10g10b10;
	case DRM_FORMAT_XBGR2101010:
	case DRM_FORMAT_ABGR2101010:
		return PIXMAN_x2b10g10r10;
	default:
		return (pixman_format_code_t)0;
	}
}

/** XRGB8888 is a little-endian word: B, G, R, X in memory. Returns 0BGR. */
static uint32_t read_pixel(const uint8_t *xrgb) {
	uint32_t pixel;
	memcpy(&pixel, xrgb, sizeof(pixel));
	return __builtin_bswap32(le32toh(pixel)) >> 8;
}

static void write_word(uint8_t *to, uint32_t word) {
	word = htole32(word);
	memcpy(to, &word, sizeof(word));
}

#define PACKED 4

/** The pixels of four words into three. */
static void pack(uint8_t *restrict rgb, const uint8_t *restrict xrgb) {
	uint32_t a = read_pixel(xrgb), b = read_pixel(xrgb + 4), c = read_pixel(xrgb + 8),
		d = read_pixel(xrgb + 12);
	write_word(rgb, a | b << 24);
	write_word(rgb + 4, b >> 8 | c << 16);
	write_word(rgb + 8, c >> 16 | d << 8);
}

static void pack_rows(uint8_t *restrict rgb, const uint8_t *restrict xrgb, size_t stride,
		int width, int height) {
	for (int y = 0; y < height; y++) {
		const uint8_t *restrict from = xrgb + (size_t)y * stride;
		int x = 0;
		for (; x + PACKED <= width; x += PACKED) {
			pack(rgb, from);
			rgb += PACKED * RGB_BYTES;
			from += PACKED * XRGB_BYTES;
		}
		for (; x < width; x++) {
			rgb[0] = from[2];
			rgb[1] = from[1];
			rgb[2] = from[0];
			rgb += RGB_BYTES;
			from += XRGB_BYTES;
		}
	}
}

/** Rows y to y + height in some format, to XRGB8888. */
static bool convert_rows(struct reader *reader, int y, int height) {
	pixman_format_code_t format = get_pixman_format(reader->format);
	void *data = (void *)(uintptr_t)(reader->data + (size_t)y * reader->stride);
	pixman_image_t *from = pixman_image_create_bits_no_clear(format, reader->width, height, data,
		(int)reader->stride);
	pixman_image_t *to = pixman_image_create_bits_no_clear(PIXMAN_x8r8g8b8, reader->width,
		height, (uint32_t *)(void *)reader->rows, reader->width * XRGB_BYTES);
	bool ok = from != NULL && to != NULL;
	if (ok) {
		pixman_image_composite32(PIXMAN_OP_SRC, from, NULL, to, 0, 0, 0, 0, 0, 0, reader->width,
			height);
	}
	if (from != NULL) {
		pixman_image_unref(from);
	}
	if (to != NULL) {
		pixman_image_unref(to);
	}
	return ok;
}

static bool read_rows(struct reader *reader, struct band *band, int y, int height) {
	bool direct = reader->data != NULL &&
		get_pixman_format(reader->format) == PIXMAN_x8r8g8b8;
	if (direct) {
		pack_rows(band->rgb, reader->data + (size_t)y * reader->stride, reader->stride,
			reader->width, height);
		return true;
	}
	if (reader->rows == NULL) {
		reader->rows = malloc((size_t)reader->width * XRGB_BYTES * BAND_HEIGHT);
		if (reader->rows == NULL) {
			return false;
		}
	}
	bool ok;
	if (reader->data != NULL) {
		ok = convert_rows(reader, y, height);
	} else {
		ok = wlr_texture_read_pixels(reader->texture, &(struct wlr_texture_read_pixels_options){
			.data = reader->rows,
			.format = DRM_FORMAT_XRGB8888,
			.stride = (uint32_t)reader->width * XRGB_BYTES,
			.src_box = { .y = y, .width = reader->width, .height = height },
		});
	}
	pack_rows(band->rgb, reader->rows, (size_t)reader->width * XRGB_BYTES, reader->width, height);
	return ok;
}

/** Whether any row of the band is damaged. */
static bool is_damaged(const pixman_region32_t *damage, int width, int y, int height) {
	if (damage == NULL) {
		return true;
	}
	pixman_box32_t box = { .x1 = 0, .y1 = y, .x2 = width, .y2 = y + height };
	return pixman_region32_contains_rectangle(damage, &box) != PIXMAN_REGION_OUT;
}

static bool read_frame(struct frame *frame, struct reader *reader,
		const pixman_region32_t *damage, const struct frame *previous) {
	for (size_t i = 0; i < frame->bands_len; i++) {
		int y = (int)i * BAND_HEIGHT, height = frame_band_height(frame, i);
		if (previous != NULL && !is_damaged(damage, frame->width, y, height)) {
			frame->bands[i] = band_ref(previous->bands[i]);
			continue;
		}
		struct band *band =
			band_create((size_t)frame->width * (size_t)height * RGB_BYTES);
		if (band == NULL || !read_rows(reader, band, y, height)) {
			band_unref(band);
			return false;
		}
		// Damaged does not mean changed
		if (previous != NULL &&
				memcmp(band->rgb, previous->bands[i]->rgb, band->size) == 0) {
			band_unref(band);
			band = band_ref(previous->bands[i]);
		}
		frame->bands[i] = band;
	}
	return true;
}

struct frame *frame_create(struct wlr_buffer *buffer, struct wlr_renderer *renderer,
		const pixman_region32_t *damage, const struct frame *previous) {
	if (previous != NULL &&
			(previous->width != buffer->width || previous->height != buffer->height)) {
		previous = NULL;
	}
	struct reader reader = { .width = buffer->width };
	void *data = NULL;
	bool accessed = wlr_buffer_begin_data_ptr_access(buffer, WLR_BUFFER_DATA_PTR_ACCESS_READ,
		&data, &reader.format, &reader.stride);
	if (accessed && get_pixman_format(reader.format) != 0) {
		reader.data = data;
	} else {
		if (accessed) {
			wlr_buffer_end_data_ptr_access(buffer);
			accessed = false;
		}
		reader.texture = wlr_texture_from_buffer(renderer, buffer);
		if (reader.texture == NULL) {
			wlr_log(WLR_ERROR, "Capture: neither the CPU nor the renderer can read the screen's "
				"buffer");
			return NULL;
		}
	}

	struct frame *frame = frame_alloc(buffer->width, buffer->height);
	if (frame == NULL || !read_frame(frame, &reader, damage, previous)) {
		wlr_log(WLR_ERROR, "Capture: cannot read the screen's buffer");
		frame_destroy(frame);
		frame = NULL;
	}
	if (accessed) {
		wlr_buffer_end_data_ptr_access(buffer);
	}
	if (reader.texture != NULL) {
		wlr_texture_destroy(reader.texture);
	}
	free(reader.rows);
	return frame;
}
