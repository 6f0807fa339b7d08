#include "stats/histogram.h"
#include "cmocka_all.h"

#define MS 1000000

static void test_empty(void **state) {
	struct histogram histogram = { 0 };
	assert_int_equal(histogram_quantile(&histogram, 0.5), 0);
}

static void test_bounds(void **state) {
	// A bound belongs to its own bucket
	struct histogram histogram = { 0 };
	for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
		histogram_add(&histogram, (int64_t)histogram_bounds_us[i] * 1000);
		histogram_add(&histogram, (int64_t)histogram_bounds_us[i] * 1000 + 1);
	}
	assert_int_equal(histogram.buckets[0], 1);
	for (size_t i = 1; i < HISTOGRAM_BOUNDS; i++) {
		assert_true(histogram_bounds_us[i] > histogram_bounds_us[i - 1]);
		assert_int_equal(histogram.buckets[i], 2);
	}
	assert_int_equal(histogram.buckets[HISTOGRAM_BOUNDS], 1);
	assert_int_equal(histogram.count, 2 * HISTOGRAM_BOUNDS);
}

static void test_clocks_that_do_not_agree(void **state) {
	struct histogram histogram = { 0 };
	histogram_add(&histogram, -1);
	assert_int_equal(histogram.count, 0);
	histogram_add(&histogram, 0);
	assert_int_equal(histogram.buckets[0], 1);
}

static void test_quantile(void **state) {
	struct histogram histogram = { 0 };
	for (int i = 0; i < 98; i++) {
		histogram_add(&histogram, 3 * MS + 1);
	}
	histogram_add(&histogram, 40 * MS);
	histogram_add(&histogram, (int64_t)5000 * MS);
	assert_int_equal(histogram_quantile(&histogram, 0.5), 4 * MS);
	assert_int_equal(histogram_quantile(&histogram, 0.98), 4 * MS);
	assert_int_equal(histogram_quantile(&histogram, 0.99), 50 * MS);
	assert_int_equal(histogram_quantile(&histogram, 1), (int64_t)2000 * MS);
	assert_int_equal(histogram.sum_ns, 98 * (3 * (uint64_t)MS + 1) + 5040 * (uint64_t)MS);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_clocks_that_do_not_agree),
		cmocka_unit_test(test_quantile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
