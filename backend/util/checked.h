/*
 * Arithmetic on numbers from outside: every function returns false, and leaves the result alone,
 * when the result would not fit.
 */
#ifndef SLUICE_UTIL_CHECKED_H
#define SLUICE_UTIL_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

static inline bool checked_add(uint64_t a, uint64_t b, uint64_t *sum) {
	uint64_t result;
	if (__builtin_add_overflow(a, b, &result)) {
		return false;
	}
	*sum = result;
	return true;
}

static inline bool checked_mul(uint64_t a, uint64_t b, uint64_t *product) {
	uint64_t result;
	if (__builtin_mul_overflow(a, b, &result)) {
		return false;
	}
	*product = result;
	return true;
}

/** Round up to a multiple of alignment, which must be a power of two. */
static inline bool checked_align(uint64_t value, uint64_t alignment, uint64_t *aligned) {
	uint64_t result;
	if (__builtin_add_overflow(value, alignment - 1, &result)) {
		return false;
	}
	*aligned = result & ~(alignment - 1);
	return true;
}

static inline bool is_power_of_two(uint64_t value) {
	return value != 0 && (value & (value - 1)) == 0;
}

#endif
