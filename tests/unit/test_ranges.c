/*
 * sluice_ranges_check(): a table of edges, and random ranges against a check of every pair.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sluice/vfio.h>
#include "cmocka_all.h"
#include "random.h"

// The pages of the machine, so that the table holds for 16 and 64 KiB too
static uint64_t page;

struct row {
	const char *name;
	struct sluice_range ranges[4]; // in pages, but see bytes
	size_t ranges_len;
	uint64_t region_size; // likewise
	bool bytes;
	int result;
	uint64_t total; // likewise
};

static const struct row rows[] = {
	{ "none", { { 0, 1 } }, 0, 4, false, -EINVAL, 0 },
	{ "one", { { 0, 1 } }, 1, 4, false, 0, 1 },
	{ "the whole region", { { 0, 4 } }, 1, 4, false, 0, 4 },
	{ "empty", { { 0, 0 } }, 1, 4, false, -EINVAL, 0 },
	{ "second is empty", { { 0, 1 }, { 1, 0 } }, 2, 4, false, -EINVAL, 0 },
	{ "offset of a byte", { { 1, 65536 } }, 1, 1 << 20, true, -EINVAL, 0 },
	{ "length of a byte", { { 0, 1 } }, 1, 1 << 20, true, -EINVAL, 0 },
	{ "past the end by a page", { { 4, 1 } }, 1, 4, false, -ERANGE, 0 },
	{ "across the end", { { 3, 2 } }, 1, 4, false, -ERANGE, 0 },
	{ "region of no size", { { 0, 1 } }, 1, 0, false, -ERANGE, 0 },
	{ "region ends within a page", { { 0, 65536 } }, 1, 65535, true, -ERANGE, 0 },
	{ "touching", { { 0, 1 }, { 1, 1 } }, 2, 4, false, 0, 2 },
	{ "touching, descending", { { 1, 1 }, { 0, 1 } }, 2, 4, false, 0, 2 },
	{ "the same twice", { { 1, 1 }, { 1, 1 } }, 2, 4, false, -EEXIST, 0 },
	{ "overlap by a page", { { 0, 2 }, { 1, 2 } }, 2, 4, false, -EEXIST, 0 },
	{ "overlap, descending", { { 1, 2 }, { 0, 2 } }, 2, 4, false, -EEXIST, 0 },
	{ "one within another", { { 0, 4 }, { 1, 1 } }, 2, 4, false, -EEXIST, 0 },
	{ "first and last overlap", { { 2, 2 }, { 6, 1 }, { 0, 1 }, { 3, 1 } }, 4, 8, false,
		-EEXIST, 0 },
	{ "four in disorder", { { 6, 2 }, { 0, 1 }, { 4, 1 }, { 2, 2 } }, 4, 8, false, 0, 6 },
	{ "offset + length is 2^64", { { UINT64_MAX - 65535, 65536 } }, 1, UINT64_MAX, true,
		-EOVERFLOW, 0 },
	{ "offset + length is over 2^64", { { UINT64_MAX - 65535, 131072 } }, 1, UINT64_MAX, true,
		-EOVERFLOW, 0 },
	{ "length is almost 2^64", { { 65536, UINT64_MAX - 65535 } }, 1, UINT64_MAX, true,
		-EOVERFLOW, 0 },
	{ "the last whole 64 KiB but one", { { UINT64_MAX - 131071, 65536 } }, 1, UINT64_MAX, true,
		0, 65536 },
	{ "the sum is 2^64", { { 0, UINT64_C(1) << 63 }, { 0, UINT64_C(1) << 63 } }, 2, UINT64_MAX,
		true, -EOVERFLOW, 0 },
	{ "all but the last 64 KiB", { { 0, UINT64_MAX - 65535 } }, 1, UINT64_MAX, true, 0,
		UINT64_MAX - 65535 },
};

static void test_table(void **state) {
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		uint64_t unit = row->bytes ? 1 : page;
		struct sluice_range ranges[4];
		for (size_t j = 0; j < 4; j++) {
			ranges[j].offset = row->ranges[j].offset * unit;
			ranges[j].length = row->ranges[j].length * unit;
		}
		uint64_t total = 12345;
		int result = sluice_ranges_check(ranges, row->ranges_len, row->region_size * unit,
			&total);
		uint64_t wanted = row->result == 0 ? row->total * unit : 12345;
		if (result != row->result || total != wanted) {
			fail_msg("%s: %d, total %llu; wanted %d, %llu", row->name, result,
				(unsigned long long)total, row->result, (unsigned long long)wanted);
		}
		assert_int_equal(sluice_ranges_check(ranges, row->ranges_len,
			row->region_size * unit, NULL), row->result);
	}
}

static void test_count(void **state) {
	struct sluice_range *ranges = calloc(SLUICE_MAX_RANGES + 1, sizeof(*ranges));
	assert_non_null(ranges);
	// Descending: what a check that only looks at neighbours gets wrong
	for (size_t i = 0; i <= SLUICE_MAX_RANGES; i++) {
		ranges[i].offset = (SLUICE_MAX_RANGES - i) * page;
		ranges[i].length = page;
	}
	uint64_t size = (SLUICE_MAX_RANGES + 1) * page, total;
	assert_int_equal(sluice_ranges_check(ranges, SLUICE_MAX_RANGES + 1, size, &total), -EINVAL);
	assert_int_equal(sluice_ranges_check(ranges, SLUICE_MAX_RANGES, size, &total), 0);
	assert_int_equal(total, SLUICE_MAX_RANGES * page);
	ranges[SLUICE_MAX_RANGES - 1].offset = ranges[0].offset;
	assert_int_equal(sluice_ranges_check(ranges, SLUICE_MAX_RANGES, size, &total), -EEXIST);
	free(ranges);
}

static bool any_pair_overlaps(const struct sluice_range *ranges, size_t len) {
	for (size_t i = 0; i < len; i++) {
		for (size_t j = 0; j < i; j++) {
			if (ranges[i].offset < ranges[j].offset + ranges[j].length &&
					ranges[j].offset < ranges[i].offset + ranges[i].length) {
				return true;
			}
		}
	}
	return false;
}

static void test_every_pair(void **state) {
	uint64_t seed = random_seed();
	size_t overlapping = 0;
	for (int round = 0; round < 20000; round++) {
		struct sluice_range ranges[8];
		size_t len = 1 + random_below(&seed, ARRAY_LEN(ranges));
		for (size_t i = 0; i < len; i++) {
			ranges[i].offset = random_below(&seed, 60) * page;
			ranges[i].length = (1 + random_below(&seed, 4)) * page;
		}
		int wanted = any_pair_overlaps(ranges, len) ? -EEXIST : 0;
		overlapping += wanted != 0;
		assert_int_equal(sluice_ranges_check(ranges, len, 64 * page, NULL), wanted);
	}
	// Else the test would say little
	assert_uint_in_range(overlapping, 1000, 19000);
}

int main(void) {
	page = (uint64_t)sysconf(_SC_PAGESIZE);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_every_pair),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
