/*
 * The allocator of ranges, against a model that keeps a flag for every granule.
 *
 * The model knows nothing of how the allocator works. It says, from the flags alone, what the
 * header promises: which offset is the first that fits, how few ranges will do, how much is free.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sluice/vram.h>
#include "cmocka_all.h"
#include "random.h"

#define MODEL_MAX 512 // granules
#define LIVE_MAX 256 // allocations

static uint64_t page;

struct model {
	bool used[MODEL_MAX];
	size_t len; // granules
	uint64_t offset, granule; // bytes
};

struct run {
	size_t start, len; // granules
};

static bool is_aligned(const struct model *model, size_t i, uint64_t alignment) {
	return (model->offset + i * model->granule) % alignment == 0;
}

static size_t model_free(const struct model *model) {
	size_t count = 0;
	for (size_t i = 0; i < model->len; i++) {
		count += !model->used[i];
	}
	return count;
}

static size_t model_largest(const struct model *model) {
	size_t largest = 0, run = 0;
	for (size_t i = 0; i < model->len; i++) {
		run = model->used[i] ? 0 : run + 1;
		largest = run > largest ? run : largest;
	}
	return largest;
}

/** The first aligned place of count free granules in a row, or -1. */
static long model_first_fit(const struct model *model, size_t count, uint64_t alignment) {
	for (size_t i = 0; i + count <= model->len; i++) {
		if (!is_aligned(model, i, alignment)) {
			continue;
		}
		size_t n = 0;
		while (n < count && !model->used[i + n]) {
			n++;
		}
		if (n == count) {
			return (long)i;
		}
	}
	return -1;
}

/**
 * The least number of aligned ranges, one in each free run at most, that hold count granules; or
 * -ENOSPC. The longest runs first is the least, so it is enough to count them off by length.
 */
static int model_least_ranges(const struct model *model, size_t count, uint64_t alignment) {
	size_t of_length[MODEL_MAX + 1] = { 0 };
	for (size_t i = 0; i < model->len; ) {
		if (model->used[i]) {
			i++;
			continue;
		}
		size_t end = i;
		while (end < model->len && !model->used[end]) {
			end++;
		}
		while (i < end && !is_aligned(model, i, alignment)) {
			i++;
		}
		of_length[end - i]++;
		i = end;
	}
	int ranges = 0;
	for (size_t length = MODEL_MAX; length > 0; length--) {
		for (size_t n = 0; n < of_length[length]; n++) {
			ranges++;
			if (count <= length) {
				return ranges;
			}
			count -= length;
		}
	}
	return -ENOSPC;
}

static void model_set(struct model *model, const struct sluice_range *range, bool used) {
	assert_int_equal((range->offset - model->offset) % model->granule, 0);
	assert_int_equal(range->length % model->granule, 0);
	size_t start = (range->offset - model->offset) / model->granule;
	size_t len = range->length / model->granule;
	assert_true(len > 0 && start + len <= model->len);
	for (size_t i = start; i < start + len; i++) {
		assert_int_equal(model->used[i], !used);
		model->used[i] = used;
	}
}

static bool model_is_used(const struct model *model, const struct sluice_range *range) {
	for (uint64_t offset = range->offset; offset < range->offset + range->length;
			offset += model->granule) {
		if (!model->used[(offset - model->offset) / model->granule]) {
			return false;
		}
	}
	return true;
}

static void check_state(const struct sluice_vram *vram, const struct model *model) {
	assert_int_equal(sluice_vram_get_free(vram), model_free(model) * model->granule);
	assert_int_equal(sluice_vram_get_largest(vram), model_largest(model) * model->granule);
}

struct allocation {
	struct sluice_range ranges[16];
	size_t len;
};

struct counts {
	size_t contiguous, scattered, no_space, too_many, freed, partly_freed, refused;
};

static void do_alloc(struct sluice_vram *vram, struct model *model, uint64_t *seed,
		struct allocation *allocation, struct counts *counts) {
	uint64_t size = 1 + random_below(seed, (random_below(seed, 8) == 0 ? model->len / 2 + 1 : 12) *
		model->granule);
	uint64_t alignment = random_below(seed, 3) == 0 ? 0 :
		model->granule << random_below(seed, 4);
	size_t cap = 1 + random_below(seed, ARRAY_LEN(allocation->ranges));

	size_t count = (size / model->granule) + (size % model->granule != 0);
	uint64_t unit = alignment == 0 ? model->granule : alignment;
	long first = model_first_fit(model, count, unit);
	int least = first >= 0 ? 1 : model_least_ranges(model, count, unit);
	int wanted = least > (int)cap ? -EMLINK : least;

	int got = sluice_vram_alloc(vram, size, alignment, allocation->ranges, cap);
	assert_int_equal(got, wanted);
	counts->contiguous += got == 1;
	counts->scattered += got > 1;
	counts->no_space += got == -ENOSPC;
	counts->too_many += got == -EMLINK;
	allocation->len = got > 0 ? (size_t)got : 0;
	if (first >= 0) {
		assert_int_equal(allocation->ranges[0].offset,
			model->offset + (uint64_t)first * model->granule);
	}

	uint64_t total = 0;
	for (size_t i = 0; i < allocation->len; i++) {
		const struct sluice_range *range = &allocation->ranges[i];
		assert_int_equal(range->offset % unit, 0);
		assert_true(i == 0 || range->offset > allocation->ranges[i - 1].offset);
		model_set(model, range, true);
		total += range->length;
	}
	assert_int_equal(total, got > 0 ? count * model->granule : 0);
}

static void do_free(struct sluice_vram *vram, struct model *model, uint64_t *seed,
		struct allocation *allocation, struct counts *counts) {
	struct sluice_range *last = &allocation->ranges[allocation->len - 1];
	if (last->length > model->granule && random_below(seed, 3) == 0) {
		// A part, out of the middle or from an end; the rest before it stays allocated
		uint64_t granules = last->length / model->granule;
		uint64_t keep = 1 + random_below(seed, granules - 1);
		struct sluice_range part = {
			.offset = last->offset + keep * model->granule,
			.length = last->length - keep * model->granule,
		};
		assert_int_equal(sluice_vram_free(vram, &part, 1), 0);
		model_set(model, &part, false);
		last->length = keep * model->granule;
		counts->partly_freed++;
		return;
	}
	// In disorder, at times
	if (allocation->len > 1 && random_below(seed, 2) == 0) {
		struct sluice_range first = allocation->ranges[0];
		allocation->ranges[0] = *last;
		*last = first;
	}
	assert_int_equal(sluice_vram_free(vram, allocation->ranges, allocation->len), 0);
	for (size_t i = 0; i < allocation->len; i++) {
		model_set(model, &allocation->ranges[i], false);
	}
	allocation->len = 0;
	counts->freed++;
}

/** Free what may not be freed: nothing may change. */
static void do_refused_free(struct sluice_vram *vram, struct model *model, uint64_t *seed,
		const struct allocation *live, struct counts *counts) {
	struct sluice_range ranges[2];
	size_t start = random_below(seed, model->len);
	size_t len = 1 + random_below(seed, model->len - start);
	ranges[0].offset = model->offset + start * model->granule;
	ranges[0].length = len * model->granule;
	if (!model_is_used(model, &ranges[0])) {
		// Together with a good one, which must then stay as well
		size_t n = 1;
		if (live->len > 0) {
			ranges[1] = live->ranges[0];
			n = 2;
		}
		assert_int_equal(sluice_vram_free(vram, ranges, n), -EINVAL);
		counts->refused++;
	} else if (live->len > 0) {
		ranges[0] = ranges[1] = live->ranges[0];
		assert_int_equal(sluice_vram_free(vram, ranges, 2), -EINVAL);
		counts->refused++;
	}
}

static void run_sequence(uint64_t *seed, size_t granules, uint64_t offset, uint64_t granule,
		struct counts *counts) {
	struct model model = { .len = granules, .offset = offset, .granule = granule };
	struct sluice_vram *vram = sluice_vram_create(offset, granules * granule, granule);
	assert_non_null(vram);
	check_state(vram, &model);

	static struct allocation live[LIVE_MAX];
	memset(live, 0, sizeof(live));
	for (int step = 0; step < 6000; step++) {
		struct allocation *allocation = &live[random_below(seed, LIVE_MAX / 4)];
		if (random_below(seed, 10) == 0) {
			do_refused_free(vram, &model, seed, allocation, counts);
		} else if (allocation->len == 0) {
			do_alloc(vram, &model, seed, allocation, counts);
		} else {
			do_free(vram, &model, seed, allocation, counts);
		}
		check_state(vram, &model);
	}

	// When all is given back it is one space again
	for (size_t i = 0; i < LIVE_MAX; i++) {
		assert_int_equal(sluice_vram_free(vram, live[i].ranges, live[i].len), 0);
		for (size_t j = 0; j < live[i].len; j++) {
			model_set(&model, &live[i].ranges[j], false);
		}
	}
	check_state(vram, &model);
	assert_int_equal(sluice_vram_get_largest(vram), granules * granule);
	sluice_vram_destroy(vram);
}

static void test_model(void **state) {
	uint64_t seed = random_seed();
	struct counts counts = { 0 };
	for (int round = 0; round < 4; round++) {
		run_sequence(&seed, 512, 0, page, &counts);
		run_sequence(&seed, 300, 3 * page, page, &counts);
		run_sequence(&seed, 64, 0, 16 * page, &counts);
		run_sequence(&seed, 1, 8 * page, 8 * page, &counts);
		// The very end of the numbers
		run_sequence(&seed, 200, UINT64_MAX - 201 * page + 1, page, &counts);
	}
	printf("%zu contiguous, %zu scattered, %zu no space, %zu too many ranges, %zu freed, "
		"%zu partly, %zu refused\n", counts.contiguous, counts.scattered, counts.no_space,
		counts.too_many, counts.freed, counts.partly_freed, counts.refused);
	// Else the sequences miss what they are for
	assert_true(counts.contiguous > 1000 && counts.scattered > 200 && counts.no_space > 200 &&
		counts.too_many > 50 && counts.partly_freed > 500 && counts.refused > 500);
}

static void check_create_fails(uint64_t offset, uint64_t size, uint64_t granule, int error) {
	errno = 0;
	assert_null(sluice_vram_create(offset, size, granule));
	assert_int_equal(errno, error);
}

static void test_create_arguments(void **state) {
	check_create_fails(0, page, 0, EINVAL);
	check_create_fails(0, page, page / 2, EINVAL);
	check_create_fails(0, 6 * page, 3 * page, EINVAL);
	check_create_fails(0, 0, page, EINVAL);
	check_create_fails(1, page, page, EINVAL);
	check_create_fails(0, page + 1, page, EINVAL);
	check_create_fails(page, 2 * page, 2 * page, EINVAL);
	check_create_fails(UINT64_MAX - page + 1, page, page, EOVERFLOW);
	check_create_fails(UINT64_MAX - page + 1, 2 * page, page, EOVERFLOW);
	sluice_vram_destroy(NULL);
}

static void test_alloc_arguments(void **state) {
	struct sluice_vram *vram = sluice_vram_create(0, 16 * page, page);
	struct sluice_range range;
	assert_int_equal(sluice_vram_alloc(vram, 0, 0, &range, 1), -EINVAL);
	assert_int_equal(sluice_vram_alloc(vram, page, 3 * page, &range, 1), -EINVAL);
	assert_int_equal(sluice_vram_alloc(vram, page, 0, &range, 0), -EINVAL);
	assert_int_equal(sluice_vram_alloc(vram, UINT64_MAX, 0, &range, 1), -ENOSPC);
	assert_int_equal(sluice_vram_alloc(vram, UINT64_MAX - page + 1, 0, &range, 1), -ENOSPC);
	assert_int_equal(sluice_vram_alloc(vram, 17 * page, 0, &range, 1), -ENOSPC);
	// An alignment below the granule is the granule; the largest fits at 0 alone
	assert_int_equal(sluice_vram_alloc(vram, 1, 1, &range, SIZE_MAX), 1);
	assert_int_equal(range.offset, 0);
	assert_int_equal(range.length, page);
	assert_int_equal(sluice_vram_alloc(vram, page, UINT64_C(1) << 63, &range, 1), -ENOSPC);
	assert_int_equal(sluice_vram_get_free(vram), 15 * page);
	sluice_vram_destroy(vram);
}

static void test_free_arguments(void **state) {
	struct sluice_vram *vram = sluice_vram_create(4 * page, 16 * page, page);
	struct sluice_range range;
	assert_int_equal(sluice_vram_alloc(vram, 16 * page, 0, &range, 1), 1);
	const struct sluice_range bad[] = {
		{ 4 * page, 0 },
		{ 4 * page + 1, page },
		{ 4 * page, page + 1 },
		{ 3 * page, page },
		{ 3 * page, 2 * page },
		{ 19 * page, 2 * page },
		{ 20 * page, page },
		{ 4 * page, UINT64_MAX - page + 1 },
		{ UINT64_MAX - page + 1, page },
		{ UINT64_MAX - page + 1, UINT64_MAX - page + 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(sluice_vram_free(vram, &bad[i], 1), -EINVAL);
		assert_int_equal(sluice_vram_get_free(vram), 0);
	}
	assert_int_equal(sluice_vram_free(vram, NULL, 0), 0);
	assert_int_equal(sluice_vram_free(vram, &range, 1), 0);
	assert_int_equal(sluice_vram_free(vram, &range, 1), -EINVAL);
	assert_int_equal(sluice_vram_get_largest(vram), 16 * page);
	sluice_vram_destroy(vram);
}

/** The worst fragmentation there is, and a buffer put together from it. */
static void test_checkerboard(void **state) {
	enum { granules = 2 * SLUICE_MAX_RANGES };
	struct sluice_vram *vram = sluice_vram_create(0, granules * page, page);
	struct sluice_range *ranges = calloc(SLUICE_MAX_RANGES, sizeof(*ranges));
	assert_int_equal(sluice_vram_alloc(vram, granules * page, 0, ranges, 1), 1);
	for (uint64_t i = 0; i < SLUICE_MAX_RANGES; i++) {
		const struct sluice_range range = { .offset = 2 * i * page, .length = page };
		assert_int_equal(sluice_vram_free(vram, &range, 1), 0);
	}
	assert_int_equal(sluice_vram_get_largest(vram), page);
	uint64_t size = SLUICE_MAX_RANGES * page;
	assert_int_equal(sluice_vram_alloc(vram, size, 0, ranges, SLUICE_MAX_RANGES - 1), -EMLINK);
	assert_int_equal(sluice_vram_alloc(vram, size, 4 * page, ranges, SLUICE_MAX_RANGES),
		-ENOSPC);
	assert_int_equal(sluice_vram_alloc(vram, size, 0, ranges, SLUICE_MAX_RANGES),
		SLUICE_MAX_RANGES);
	assert_int_equal(sluice_vram_get_free(vram), 0);
	uint64_t total;
	assert_int_equal(sluice_ranges_check(ranges, SLUICE_MAX_RANGES, granules * page, &total), 0);
	assert_int_equal(total, size);
	assert_int_equal(sluice_vram_free(vram, ranges, SLUICE_MAX_RANGES), 0);
	free(ranges);
	sluice_vram_destroy(vram);
}

int main(void) {
	page = (uint64_t)sysconf(_SC_PAGESIZE);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_create_arguments),
		cmocka_unit_test(test_alloc_arguments),
		cmocka_unit_test(test_free_arguments),
		cmocka_unit_test(test_checkerboard),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
