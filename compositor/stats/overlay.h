#ifndef STATS_OVERLAY_H
#define STATS_OVERLAY_H

struct stats;

/**
 * What is known of an output's frames, drawn in its corner: frames a second, path and reason, and a
 * graph of the newest latencies. What it lies on cannot be scanned out meanwhile.
 */
struct overlay;

/** Show it on every output. Returns NULL if memory runs out. */
struct overlay *overlay_create(struct stats *stats);
/** NULL is allowed. */
void overlay_destroy(struct overlay *overlay);

#endif
