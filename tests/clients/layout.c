#include "layout.h"

#include <inttypes.h>
#include <stdlib.h>

#include "say.h"

// xorshift64*, so that a seed means the same with every libc.
static uint64_t next_random(uint64_t *state) {
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (*state * UINT64_C(0x2545F4914F6CDD1D)) >> 16;
}

static void shuffle(size_t *order, size_t len, uint64_t *random) {
	for (size_t i = len; i > 1; i--) {
		size_t other = (size_t)(next_random(random) % i);
		size_t tmp = order[i - 1];
		order[i - 1] = order[other];
		order[other] = tmp;
	}
}

struct sluice_range *layout_compute(const struct layout *layout) {
	uint64_t pages = (layout->buffer_size + layout->page - 1) / layout->page;
	uint64_t start = (layout->offset + layout->page - 1) / layout->page;
	uint64_t end = layout->size / layout->page;
	if (layout->ranges > pages) {
		complain("a buffer of %" PRIu64 " pages cannot be made of %zu ranges", pages,
			layout->ranges);
		return NULL;
	}
	if (start >= end || pages > (end - start) / layout->buffers) {
		complain("%zu buffers of %" PRIu64 " bytes do not fit into the region",
			layout->buffers, layout->buffer_size);
		return NULL;
	}
	size_t len = layout->buffers * layout->ranges;
	struct sluice_range *ranges = calloc(len, sizeof(*ranges));
	size_t *order = calloc(len, sizeof(*order));
	if (ranges == NULL || order == NULL) {
		complain("out of memory");
		free(ranges);
		free(order);
		return NULL;
	}
	for (size_t i = 0; i < len; i++) {
		order[i] = i;
	}
	// Zero is the one state that xorshift never leaves.
	uint64_t random = layout->seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
	if (layout->scatter) {
		shuffle(order, len, &random);
	}
	uint64_t free_pages = end - start - pages * layout->buffers;
	uint64_t position = start;
	for (size_t i = 0; i < len; i++) {
		if (layout->scatter) {
			uint64_t gap = next_random(&random) % (free_pages / (len - i) + 1);
			free_pages -= gap;
			position += gap;
		}
		uint64_t piece = order[i] % layout->ranges;
		uint64_t piece_pages = pages / layout->ranges + (piece < pages % layout->ranges);
		ranges[order[i]].offset = position * layout->page;
		ranges[order[i]].length = piece_pages * layout->page;
		position += piece_pages;
	}
	free(order);
	return ranges;
}
