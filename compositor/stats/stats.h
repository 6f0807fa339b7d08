#ifndef STATS_STATS_H
#define STATS_STATS_H

#include <sluice/renderer.h>
#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>
#include "stats/histogram.h"

#define STATS_PATHS (SLUICE_PATH_CPU + 1)
/** How many of the newest latencies an output remembers, for the overlay's graph. */
#define STATS_RECENT 128

struct json_object;
struct output;
struct overlay;
struct path_surface;
struct server;
struct trace;
struct trace_frame;

/** When what happened to one frame, in nanoseconds of the compositor's time; 0: not yet. */
struct frame_times {
	int64_t received; // the client's commit
	int64_t acquired; // its fence has signalled, if it has one: the commit was applied
	int64_t committed; // given to the screen
	struct trace_frame *trace; // NULL unless frames are traced
};

/** What was counted of one surface. Embedded in struct path_surface. */
struct surface_stats {
	uint64_t frames[STATS_PATHS]; // that reached a screen, by enum sluice_path
	uint64_t imports; // images whose framebuffer was scanned out for the first time
	uint64_t failed; // commits with such a framebuffer
	uint64_t bytes_read; // of VRAM, that were counted for an output
	bool fresh; // its newest frame was not shown yet
	struct histogram commit_to_flip, producer_to_flip;
	int64_t received; // of the commit that has not been applied
	struct frame_times pending, flying; // not committed, not flipped
};

/** What was counted of one output. Embedded in struct output. */
struct output_stats {
	struct output *output;
	uint64_t frames[STATS_PATHS]; // commits with a picture, by enum sluice_path
	uint64_t imports, vram_bytes_read; // for the surfaces that it showed
	uint64_t failed, retried; // commits
	enum sluice_path path; // of the last frame
	struct histogram commit_to_flip, producer_to_flip;
	int64_t begun; // the commit that is being made; 0 while times are not taken
	int64_t committed; // the one that has not flipped, 0 if there is none
	int64_t recent[STATS_RECENT]; // commit to flip, a ring
	uint64_t recent_count; // how many there ever were

	struct wl_listener precommit, commit, present;
};

/**
 * The truth about frames. Counters always count. Times are only taken while somebody wants them,
 * as it takes the clock: while the overlay is shown, frames are traced, or for as long as somebody
 * has asked for.
 */
struct stats {
	struct server *server;
	bool timing;
	uint64_t exports, imports, revocations;
	struct overlay *overlay; // NULL unless shown
	struct trace *trace; // NULL unless frames are traced
	struct wl_event_source *lease; // fires when nobody has asked for a while
	bool leased;
};

struct stats *stats_create(struct server *server);
void stats_destroy(struct stats *stats);
/** By the names of their paths. */
struct json_object *stats_describe_frames(const uint64_t frames[STATS_PATHS]);
/** Add the commands "counters", "status", "metrics" and "trace". */
bool stats_register_ipc(struct stats *stats);

/** In nanoseconds: CLOCK_MONOTONIC, or virtual time. */
int64_t stats_now(const struct stats *stats);
/** Take times for so many seconds more. */
void stats_ask(struct stats *stats, int seconds);
/** After overlay or trace began or ended. */
void stats_update_timing(struct stats *stats);
/** Show the overlay, or hide it. false if memory ran out. */
bool stats_show_overlay(struct stats *stats, bool show);

/** Count what an output commits and shows. */
void stats_add_output(struct stats *stats, struct output *output);
void stats_remove_output(struct output *output);
/** The surface with VRAM whose frames an output shows, of several the newest; or NULL. */
const struct path_surface *stats_find_surface(const struct output *output);

/** A surface's frame is on its way: the client has committed it; its commit was applied. */
void stats_frame_received(struct stats *stats, struct path_surface *path_surface);
void stats_frame_acquired(struct stats *stats, struct path_surface *path_surface);
/** Its output has committed what it shows, by the path that it has now. */
void stats_frame_shown(struct stats *stats, struct path_surface *path_surface);
void stats_surface_gone(struct stats *stats, struct path_surface *path_surface);

#endif
