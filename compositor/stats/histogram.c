#include <stddef.h>
#include "stats/histogram.h"

const uint32_t histogram_bounds_us[HISTOGRAM_BOUNDS] = {
	500, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 10000, 12000, 14000, 16000, 17000, 18000,
	20000, 25000, 30000, 34000, 50000, 67000, 100000, 250000, 1000000,
};

void histogram_add(struct histogram *histogram, int64_t ns) {
	if (ns < 0) {
		return;
	}
	size_t i = 0;
	while (i < HISTOGRAM_BOUNDS && ns > (int64_t)histogram_bounds_us[i] * 1000) {
		i++;
	}
	histogram->buckets[i]++;
	histogram->count++;
	histogram->sum_ns += (uint64_t)ns;
}

int64_t histogram_quantile(const struct histogram *histogram, double fraction) {
	if (histogram->count == 0) {
		return 0;
	}
	uint64_t seen = 0;
	for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
		seen += histogram->buckets[i];
		if ((double)seen >= fraction * (double)histogram->count) {
			return (int64_t)histogram_bounds_us[i] * 1000;
		}
	}
	return (int64_t)histogram_bounds_us[HISTOGRAM_BOUNDS - 1] * 2000;
}
