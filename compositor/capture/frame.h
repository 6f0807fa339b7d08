#ifndef CAPTURE_FRAME_H
#define CAPTURE_FRAME_H

#include <pixman.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Rows that are kept, compared and compressed together. */
#define BAND_HEIGHT 32
#define RGB_BYTES 3

struct wlr_buffer;
struct wlr_renderer;

/**
 * Some rows of a picture: RGB, 8 bits each, without padding. Frames that have the same rows share
 * them, and what was made of them. Immutable, but for what is cached; counted from all threads.
 */
struct band {
	atomic_size_t refs;
	size_t size; // bytes of rgb
	uint8_t *rgb;

	/** The rows as PNG's filtered and compressed data. Made once, by png.c. */
	pthread_mutex_t lock;
	uint8_t *deflated; // NULL before
	size_t deflated_len;
	uint32_t adler; // of the filtered rows
};

/** A picture: bands from top to bottom, all of BAND_HEIGHT rows but the last. */
struct frame {
	int width, height;
	size_t bands_len;
	struct band *bands[];
};

size_t frame_count_bands(int height);
/** Rows of a band. */
int frame_band_height(const struct frame *frame, size_t band);
/**
 * Take a picture of a buffer. What lies outside damage (buffer coordinates) is taken from the
 * previous frame, if there is one of this size; damage NULL means everything. The CPU reads the
 * buffer, or, where it cannot, the renderer does.
 *
 * NULL, logged, if neither can, or out of memory.
 */
struct frame *frame_create(struct wlr_buffer *buffer, struct wlr_renderer *renderer,
	const pixman_region32_t *damage, const struct frame *previous);
/** A frame that shares everything with another. NULL without memory. */
struct frame *frame_copy(const struct frame *frame);
/** NULL is allowed. */
void frame_destroy(struct frame *frame);

#endif
