/*
 * Where in a region the buffers lie.
 */
#ifndef TESTS_CLIENTS_LAYOUT_H
#define TESTS_CLIENTS_LAYOUT_H

#include <sluice/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct layout {
	uint64_t offset; // bytes to leave alone at the start of the region
	uint64_t size; // of the region, bytes
	uint64_t page; // bytes
	size_t buffers;
	uint64_t buffer_size; // bytes
	size_t ranges; // of each buffer
	bool scatter; // shuffle the ranges, and leave gaps
	uint32_t seed; // of the shuffling
};

/**
 * Compute the ranges of all buffers, those of buffer i at i * layout.ranges. No two overlap, and
 * the same layout gives the same ranges on every machine.
 *
 * Returns an array that the caller frees, or NULL after a complaint.
 */
struct sluice_range *layout_compute(const struct layout *layout);

#endif
