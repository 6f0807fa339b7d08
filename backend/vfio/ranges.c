#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "util/checked.h"
#include "vfio/private.h"

static int compare_offset(const void *a, const void *b) {
	const struct sluice_range *left = a, *right = b;
	return (left->offset > right->offset) - (left->offset < right->offset);
}

// The ranges are known not to overflow
static bool overlaps_next(const struct sluice_range *ranges, size_t ranges_len) {
	for (size_t i = 1; i < ranges_len; i++) {
		if (ranges[i].offset < ranges[i - 1].offset + ranges[i - 1].length) {
			return true;
		}
	}
	return false;
}

static bool is_sorted(const struct sluice_range *ranges, size_t ranges_len) {
	for (size_t i = 1; i < ranges_len; i++) {
		if (ranges[i].offset < ranges[i - 1].offset) {
			return false;
		}
	}
	return true;
}

static int check_overlap(const struct sluice_range *ranges, size_t ranges_len) {
	if (is_sorted(ranges, ranges_len)) {
		return overlaps_next(ranges, ranges_len) ? -EEXIST : 0;
	}

	struct sluice_range *sorted = malloc(ranges_len * sizeof(*sorted));
	if (sorted == NULL) {
		return -ENOMEM;
	}
	memcpy(sorted, ranges, ranges_len * sizeof(*sorted));
	qsort(sorted, ranges_len, sizeof(*sorted), compare_offset);
	bool overlap = overlaps_next(sorted, ranges_len);
	free(sorted);
	return overlap ? -EEXIST : 0;
}

int sluice_ranges_check(const struct sluice_range *ranges, size_t ranges_len,
		uint64_t region_size, uint64_t *total_ptr) {
	if (ranges_len == 0 || ranges_len > SLUICE_MAX_RANGES) {
		return -EINVAL;
	}

	uint64_t page_mask = (uint64_t)sysconf(_SC_PAGESIZE) - 1;
	uint64_t total = 0;
	for (size_t i = 0; i < ranges_len; i++) {
		const struct sluice_range *range = &ranges[i];
		uint64_t end;
		if (range->length == 0 || ((range->offset | range->length) & page_mask) != 0) {
			return -EINVAL;
		}
		if (!checked_add(range->offset, range->length, &end) ||
				!checked_add(total, range->length, &total)) {
			return -EOVERFLOW;
		}
		if (end > region_size) {
			return -ERANGE;
		}
	}

	int ret = check_overlap(ranges, ranges_len);
	if (ret == 0 && total_ptr != NULL) {
		*total_ptr = total;
	}
	return ret;
}
