#ifndef STATS_TRACE_H
#define STATS_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sluice/renderer.h>

struct frame_times;
struct path_surface;
struct stats;

/**
 * Each frame's stages, written to a file as they are known, in the JSON form of Chrome's trace
 * events, which Perfetto's viewer (ui.perfetto.dev) opens. Complete once it is destroyed.
 */
struct trace;

/** One frame of a surface, from the client's commit to the release of its buffer. */
struct trace_frame;

/** Begin a file. Returns NULL with errno. */
struct trace *trace_create(struct stats *stats, const char *path);
/**
 * End it, and tell, unless that is NULL, how many frames it has. Returns false if some of it could not
 * be written. NULL is allowed.
 */
bool trace_destroy(struct trace *trace, uint64_t *frames);

/** The surface has a new frame. Returns NULL if memory runs out. */
struct trace_frame *trace_frame_begin(struct trace *trace, struct path_surface *path_surface,
	const struct frame_times *times);
/** It was shown. What follows is its release, which ends it. */
void trace_frame_flipped(struct trace_frame *frame, const struct frame_times *times,
	int64_t flipped, enum sluice_path path);
/** It will not be shown any more. */
void trace_frame_drop(struct trace_frame *frame);

#endif
