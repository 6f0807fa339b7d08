/*
 * Random numbers that repeat: the seed is printed, and SLUICE_TEST_SEED sets it.
 */
#ifndef TEST_RANDOM_H
#define TEST_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static inline uint64_t random_seed(void) {
	const char *text = getenv("SLUICE_TEST_SEED");
	uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : UINT64_C(0x5eed);
	printf("SLUICE_TEST_SEED=0x%llx\n", (unsigned long long)seed);
	return seed;
}

/** splitmix64, by Sebastiano Vigna, in the public domain. */
static inline uint64_t random_next(uint64_t *state) {
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static inline uint64_t random_below(uint64_t *state, uint64_t bound) {
	return random_next(state) % bound;
}

#endif
