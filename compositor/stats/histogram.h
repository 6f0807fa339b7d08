#ifndef STATS_HISTOGRAM_H
#define STATS_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BOUNDS 24

/** How many of some latencies were how long. */
struct histogram {
	uint64_t buckets[HISTOGRAM_BOUNDS + 1]; // the last one: longer than all bounds
	uint64_t count;
	uint64_t sum_ns;
};

/** The largest latency that a bucket counts, in microseconds: steps of two around a refresh. */
extern const uint32_t histogram_bounds_us[HISTOGRAM_BOUNDS];

/** Count one, in nanoseconds; a negative one, of clocks that do not agree, is not counted. */
void histogram_add(struct histogram *histogram, int64_t ns);

/**
 * A bound, in nanoseconds, that a fraction (0.5: half) of the latencies do not exceed; 0 if none was
 * counted. Where it is beyond all bounds, twice the last of them.
 */
int64_t histogram_quantile(const struct histogram *histogram, double fraction);

#endif
