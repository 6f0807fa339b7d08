#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "kiosk/backoff.h"

static const struct backoff_config config = {
	.first_ms = 1000,
	.longest_ms = 60000,
	.healthy_ms = 10000,
};

static void test_doubles_up_to_the_longest(void **state) {
	struct backoff backoff = {0};
	const int expected[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_int_equal(backoff_next(&backoff, &config, 10), expected[i]);
	}
}

static void test_a_healthy_run_resets_it(void **state) {
	struct backoff backoff = {0};
	for (int i = 0; i < 4; i++) {
		backoff_next(&backoff, &config, 0);
	}
	assert_int_equal(backoff_next(&backoff, &config, 9999), 16000);
	assert_int_equal(backoff_next(&backoff, &config, 10000), 1000);
	assert_int_equal(backoff_next(&backoff, &config, 0), 2000);
}

static void test_the_first_pause_may_be_longer_than_the_longest(void **state) {
	struct backoff backoff = {0};
	const struct backoff_config odd = { .first_ms = 5000, .longest_ms = 100, .healthy_ms = 1 };
	assert_int_equal(backoff_next(&backoff, &odd, 0), 100);
	assert_int_equal(backoff_next(&backoff, &odd, 0), 100);
}

static void test_no_number_overflows(void **state) {
	struct backoff backoff = {0};
	const struct backoff_config huge =
		{ .first_ms = INT_MAX - 1, .longest_ms = INT_MAX, .healthy_ms = INT_MAX };
	assert_int_equal(backoff_next(&backoff, &huge, 0), INT_MAX - 1);
	assert_int_equal(backoff_next(&backoff, &huge, 0), INT_MAX);
	assert_int_equal(backoff_next(&backoff, &huge, LLONG_MAX), INT_MAX - 1);
}

static void test_no_pause_at_all(void **state) {
	struct backoff backoff = {0};
	const struct backoff_config none = {0};
	assert_int_equal(backoff_next(&backoff, &none, 0), 0);
	assert_int_equal(backoff_next(&backoff, &none, 0), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doubles_up_to_the_longest),
		cmocka_unit_test(test_a_healthy_run_resets_it),
		cmocka_unit_test(test_the_first_pause_may_be_longer_than_the_longest),
		cmocka_unit_test(test_no_number_overflows),
		cmocka_unit_test(test_no_pause_at_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
