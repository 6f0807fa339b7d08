/*
 * The buffers of one image size: where in the memory they lie, their wl_buffers, and what is
 * drawn in them.
 */
#ifndef TESTS_CLIENTS_BUFFERS_H
#define TESTS_CLIENTS_BUFFERS_H

#include <sluice/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"
#include "options.h"
#include "pattern.h"
#include "source.h"

struct buffer_set;

struct vram_buffer {
	struct buffer_set *set;
	size_t index;
	struct wl_buffer *wl_buffer; // NULL until created
	bool busy; // from commit to release
	struct rect stale; // where it differs from the canvas
	struct sluice_range *ranges;
	size_t ranges_len;
};

struct buffer_set {
	const struct options *options;
	struct memory *memory;
	int width, height;
	uint32_t stride; // bytes

	struct vram_buffer *buffers;
	size_t len;
	size_t last; // index of the buffer that was used last
	uint32_t *canvas; // what is to be seen, as 0xRRGGBB
	uint8_t *row; // a row in the format of the buffers

	size_t waiting; // for an answer of the compositor
	bool settled; // it has answered for all buffers
	bool failed; // one of them could not be created
};

/** Lay out buffers in the memory, and print how. Complains on failure. */
bool buffer_set_init(struct buffer_set *set, const struct options *options,
	struct memory *memory, int width, int height);

/** Destroy the wl_buffers and forget the layout. */
void buffer_set_finish(struct buffer_set *set);

/**
 * Have the compositor create wl_buffers. It answers later, see settled; answers are printed.
 *
 * The source may have no wl_source when the buffers are made by linux-dmabuf.
 */
bool buffer_set_create(struct buffer_set *set, struct globals *globals, struct source *source);

/** Whether buffer_set_next() has one. */
bool buffer_set_has_free(const struct buffer_set *set);

/** A buffer that may be drawn to, or NULL. A single buffer always may. */
struct vram_buffer *buffer_set_next(struct buffer_set *set);

/** Draw frame n of a pattern into a part of the canvas. */
void buffer_set_draw(struct buffer_set *set, const struct pattern *pattern, uint32_t n,
	struct rect rect);

/** Bring a buffer up to date with the canvas. */
void vram_buffer_upload(struct vram_buffer *buffer);

/** Overwrite a part of a buffer, and of nothing else, with a colour. */
void vram_buffer_poison(struct vram_buffer *buffer, struct rect rect, uint32_t colour);

#endif
