/*
 * The free space is an array of ranges, ascending by offset, of which no two touch: that makes
 * joining a matter of looking at two neighbours, and every operation one pass over the array. What
 * is in use is what is not free; allocations are not kept.
 *
 * Every change is made by writing the new array beside the old one and swapping them, so that an
 * operation that fails half way has changed nothing. A GPU's VRAM holds a few hundred buffers at
 * most; a tree would cost more than it saved.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sluice/vram.h>
#include "util/checked.h"

struct sluice_vram {
	uint64_t offset, end;
	uint64_t granule;

	struct sluice_range *spaces; // free, ascending, not touching
	size_t spaces_len;
	struct sluice_range *scratch; // as large as spaces, for the next state
	size_t cap; // of both
};

struct sluice_vram *sluice_vram_create(uint64_t offset, uint64_t size, uint64_t granule) {
	uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	if (!is_power_of_two(granule) || granule < page_size || size == 0 ||
			((offset | size) & (granule - 1)) != 0) {
		errno = EINVAL;
		return NULL;
	}
	uint64_t end;
	if (!checked_add(offset, size, &end)) {
		errno = EOVERFLOW;
		return NULL;
	}

	struct sluice_vram *vram = calloc(1, sizeof(*vram));
	if (vram == NULL) {
		return NULL;
	}
	vram->cap = 16;
	vram->spaces = calloc(vram->cap, sizeof(vram->spaces[0]));
	vram->scratch = calloc(vram->cap, sizeof(vram->scratch[0]));
	if (vram->spaces == NULL || vram->scratch == NULL) {
		sluice_vram_destroy(vram);
		errno = ENOMEM;
		return NULL;
	}
	vram->offset = offset;
	vram->end = end;
	vram->granule = granule;
	vram->spaces[0] = (struct sluice_range){ .offset = offset, .length = size };
	vram->spaces_len = 1;
	return vram;
}

void sluice_vram_destroy(struct sluice_vram *vram) {
	if (vram == NULL) {
		return;
	}
	free(vram->spaces);
	free(vram->scratch);
	free(vram);
}

/** Make room for extra more spaces than there are. */
static bool reserve(struct sluice_vram *vram, size_t extra) {
	size_t needed;
	if (__builtin_add_overflow(vram->spaces_len, extra, &needed)) {
		return false;
	}
	if (needed <= vram->cap) {
		return true;
	}
	if (needed > SIZE_MAX / 2 / sizeof(vram->spaces[0])) {
		return false;
	}
	size_t cap = needed * 2;
	struct sluice_range *spaces = realloc(vram->spaces, cap * sizeof(*spaces));
	if (spaces == NULL) {
		return false;
	}
	vram->spaces = spaces;
	struct sluice_range *scratch = realloc(vram->scratch, cap * sizeof(*scratch));
	if (scratch == NULL) {
		return false;
	}
	vram->scratch = scratch;
	vram->cap = cap;
	return true;
}

/** Make the first len entries of scratch the free space. */
static void commit(struct sluice_vram *vram, size_t len) {
	struct sluice_range *spaces = vram->scratch;
	vram->scratch = vram->spaces;
	vram->spaces = spaces;
	vram->spaces_len = len;
}

/**
 * The part of a space that starts where alignment allows. False if there is none.
 */
static bool usable_part(const struct sluice_range *space, uint64_t alignment,
		struct sluice_range *part) {
	uint64_t start;
	if (!checked_align(space->offset, alignment, &start) ||
			start - space->offset >= space->length) {
		return false;
	}
	part->offset = start;
	part->length = space->length - (start - space->offset);
	return true;
}

/** Take ranges, which are ascending and lie in free space, out of it. */
static void take(struct sluice_vram *vram, const struct sluice_range *ranges,
		size_t ranges_len) {
	size_t len = 0, next = 0;
	for (size_t i = 0; i < vram->spaces_len; i++) {
		uint64_t start = vram->spaces[i].offset;
		uint64_t end = start + vram->spaces[i].length;
		for (; next < ranges_len && ranges[next].offset < end; next++) {
			if (ranges[next].offset > start) {
				vram->scratch[len++] = (struct sluice_range){
					.offset = start,
					.length = ranges[next].offset - start,
				};
			}
			start = ranges[next].offset + ranges[next].length;
		}
		if (start < end) {
			vram->scratch[len++] = (struct sluice_range){
				.offset = start,
				.length = end - start,
			};
		}
	}
	commit(vram, len);
}

static int compare_offset(const void *a, const void *b) {
	const struct sluice_range *left = a, *right = b;
	return (left->offset > right->offset) - (left->offset < right->offset);
}

static int compare_length_descending(const void *a, const void *b) {
	const struct sluice_range *left = a, *right = b;
	if (left->length != right->length) {
		return left->length < right->length ? 1 : -1;
	}
	return compare_offset(a, b);
}

/** Put size bytes together from several spaces. Returns the number of ranges, or an error. */
static int gather(struct sluice_vram *vram, uint64_t size, uint64_t alignment,
		struct sluice_range *ranges, size_t ranges_cap) {
	// The scratch array is free until take()
	struct sluice_range *parts = vram->scratch;
	size_t parts_len = 0;
	uint64_t usable = 0;
	for (size_t i = 0; i < vram->spaces_len; i++) {
		if (usable_part(&vram->spaces[i], alignment, &parts[parts_len])) {
			usable += parts[parts_len++].length;
		}
	}
	if (usable < size) {
		return -ENOSPC;
	}

	qsort(parts, parts_len, sizeof(parts[0]), compare_length_descending);
	size_t ranges_len = 0;
	for (; size > 0; ranges_len++) {
		if (ranges_len == ranges_cap) {
			return -EMLINK;
		}
		ranges[ranges_len] = parts[ranges_len];
		if (ranges[ranges_len].length > size) {
			ranges[ranges_len].length = size;
		}
		size -= ranges[ranges_len].length;
	}
	qsort(ranges, ranges_len, sizeof(ranges[0]), compare_offset);
	return (int)ranges_len;
}

int sluice_vram_alloc(struct sluice_vram *vram, uint64_t size, uint64_t alignment,
		struct sluice_range *ranges, size_t ranges_cap) {
	if (size == 0 || ranges_cap == 0 || (alignment != 0 && !is_power_of_two(alignment))) {
		return -EINVAL;
	}
	if (ranges_cap > INT_MAX) {
		ranges_cap = INT_MAX;
	}
	if (alignment < vram->granule) {
		alignment = vram->granule; // both are powers of two
	}
	if (!checked_align(size, vram->granule, &size)) {
		return -ENOSPC;
	}

	for (size_t i = 0; i < vram->spaces_len; i++) {
		struct sluice_range part;
		if (usable_part(&vram->spaces[i], alignment, &part) && part.length >= size) {
			if (!reserve(vram, 1)) {
				return -ENOMEM;
			}
			part.length = size;
			take(vram, &part, 1);
			ranges[0] = part;
			return 1;
		}
	}

	// Each range splits one space in two at most, and there is at most one in each space
	if (!reserve(vram, vram->spaces_len)) {
		return -ENOMEM;
	}
	int ranges_len = gather(vram, size, alignment, ranges, ranges_cap);
	if (ranges_len > 0) {
		take(vram, ranges, (size_t)ranges_len);
	}
	return ranges_len;
}

/** Add a space to the end of scratch. False if it overlaps the one before it. */
static bool append(struct sluice_vram *vram, size_t *len, const struct sluice_range *space) {
	if (*len > 0) {
		struct sluice_range *last = &vram->scratch[*len - 1];
		uint64_t last_end = last->offset + last->length;
		if (space->offset < last_end) {
			return false;
		}
		if (space->offset == last_end) {
			last->length += space->length;
			return true;
		}
	}
	vram->scratch[(*len)++] = *space;
	return true;
}

/** Merge ranges, which are ascending, with the free space. False if anything overlaps. */
static bool merge(struct sluice_vram *vram, const struct sluice_range *ranges,
		size_t ranges_len) {
	size_t len = 0, space = 0, range = 0;
	while (space < vram->spaces_len || range < ranges_len) {
		bool take_space = range == ranges_len || (space < vram->spaces_len &&
			vram->spaces[space].offset <= ranges[range].offset);
		if (!append(vram, &len, take_space ? &vram->spaces[space++] : &ranges[range++])) {
			return false;
		}
	}
	commit(vram, len);
	return true;
}

int sluice_vram_free(struct sluice_vram *vram, const struct sluice_range *ranges,
		size_t ranges_len) {
	for (size_t i = 0; i < ranges_len; i++) {
		uint64_t end;
		if (ranges[i].length == 0 ||
				((ranges[i].offset | ranges[i].length) & (vram->granule - 1)) != 0 ||
				!checked_add(ranges[i].offset, ranges[i].length, &end) ||
				ranges[i].offset < vram->offset || end > vram->end) {
			return -EINVAL;
		}
	}
	if (ranges_len == 0) {
		return 0;
	}

	struct sluice_range *sorted = calloc(ranges_len, sizeof(*sorted));
	if (sorted == NULL || !reserve(vram, ranges_len)) {
		free(sorted);
		return -ENOMEM;
	}
	memcpy(sorted, ranges, ranges_len * sizeof(*sorted));
	qsort(sorted, ranges_len, sizeof(*sorted), compare_offset);
	bool ok = merge(vram, sorted, ranges_len);
	free(sorted);
	return ok ? 0 : -EINVAL;
}

uint64_t sluice_vram_get_free(const struct sluice_vram *vram) {
	uint64_t bytes = 0;
	for (size_t i = 0; i < vram->spaces_len; i++) {
		bytes += vram->spaces[i].length;
	}
	return bytes;
}

uint64_t sluice_vram_get_largest(const struct sluice_vram *vram) {
	uint64_t largest = 0;
	for (size_t i = 0; i < vram->spaces_len; i++) {
		if (vram->spaces[i].length > largest) {
			largest = vram->spaces[i].length;
		}
	}
	return largest;
}
