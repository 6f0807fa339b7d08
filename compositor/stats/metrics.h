#ifndef STATS_METRICS_H
#define STATS_METRICS_H

struct stats;

/**
 * Everything that was counted, in the text format of Prometheus, version 0.0.4. The caller frees it;
 * NULL if memory ran out.
 */
char *metrics_write(const struct stats *stats);

#endif
