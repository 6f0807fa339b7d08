#include <stdlib.h>
#include <time.h>
#include <wlr/render/swapchain.h>
#include <wlr/render/pixman.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_output.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/util/addon.h>
#include "output.h"
#include "path/ladder.h"
#include "path/surface.h"
#include "stats/overlay.h"
#include "stats/stats.h"
#include "stats/trace.h"
#include "util/listener.h"

static int64_t to_ns(const struct timespec *time) {
	return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

int64_t stats_now(const struct stats *stats) {
	struct timespec now = server_now(stats->server);
	return to_ns(&now);
}

void stats_update_timing(struct stats *stats) {
	stats->timing = stats->leased || stats->overlay != NULL || stats->trace != NULL;
}

static int handle_lease_end(void *data) {
	struct stats *stats = data;
	stats->leased = false;
	stats_update_timing(stats);
	return 0;
}

void stats_ask(struct stats *stats, int seconds) {
	stats->leased = true;
	wl_event_source_timer_update(stats->lease, seconds * 1000);
	stats_update_timing(stats);
}

bool stats_show_overlay(struct stats *stats, bool show) {
	if (!show) {
		overlay_destroy(stats->overlay);
		stats->overlay = NULL;
	} else if (stats->overlay == NULL) {
		stats->overlay = overlay_create(stats);
	}
	stats_update_timing(stats);
	return show == (stats->overlay != NULL);
}

const struct path_surface *stats_find_surface(const struct output *output) {
	const struct path_surface *path_surface;
	wl_list_for_each(path_surface, &output->server->ladder->surfaces, link) {
		if (path_surface->output == output->wlr_output &&
				path_surface_is_watched(path_surface)) {
			return path_surface;
		}
	}
	return NULL;
}

static void drop(struct frame_times *frame) {
	if (frame->trace != NULL) {
		trace_frame_drop(frame->trace);
	}
	*frame = (struct frame_times){ 0 };
}

void stats_frame_received(struct stats *stats, struct path_surface *path_surface) {
	path_surface->stats.received = stats->timing ? stats_now(stats) : 0;
}

void stats_frame_acquired(struct stats *stats, struct path_surface *path_surface) {
	struct surface_stats *surface = &path_surface->stats;
	surface->fresh = true;
	// What was not shown until now never will be
	drop(&surface->pending);
	if (!stats->timing) {
		return;
	}
	int64_t now = stats_now(stats);
	surface->pending = (struct frame_times){
		.received = surface->received != 0 ? surface->received : now,
		.acquired = now,
	};
	if (stats->trace != NULL) {
		surface->pending.trace = trace_frame_begin(stats->trace, path_surface,
			&surface->pending);
	}
}

void stats_surface_gone(struct stats *stats, struct path_surface *path_surface) {
	drop(&path_surface->stats.pending);
	drop(&path_surface->stats.flying);
}

/** Marks a buffer whose framebuffer was counted. */
struct import_mark {
	struct wlr_addon addon;
};

static void handle_mark_destroy(struct wlr_addon *addon) {
	struct import_mark *mark = wl_container_of(addon, mark, addon);
	wlr_addon_finish(addon);
	free(mark);
}

static const struct wlr_addon_interface mark_interface = {
	.name = "import_mark",
	.destroy = handle_mark_destroy,
};

/** Whether this buffer is scanned out for the first time. */
static bool mark_import(struct stats *stats, struct wlr_buffer *buffer) {
	if (buffer == NULL || wlr_addon_find(&buffer->addons, stats, &mark_interface) != NULL) {
		return false;
	}
	struct import_mark *mark = calloc(1, sizeof(*mark));
	if (mark != NULL) { // else it may be counted twice
		wlr_addon_init(&mark->addon, &buffer->addons, stats, &mark_interface);
	}
	return true;
}

static struct wlr_buffer *get_buffer(const struct path_surface *path_surface) {
	if (path_surface->surface == NULL) {
		return path_surface->scene_buffer->buffer;
	}
	struct wlr_client_buffer *client_buffer = path_surface->surface->buffer;
	return client_buffer != NULL ? client_buffer->source : NULL;
}

void stats_frame_shown(struct stats *stats, struct path_surface *path_surface) {
	struct surface_stats *surface = &path_surface->stats;
	struct output *output =
		path_surface->output != NULL ? path_surface->output->data : NULL;
	if (output == NULL || path_surface->reason == SLUICE_REASON_COVERED ||
			path_surface->reason == SLUICE_REASON_NO_OUTPUT) {
		return;
	}
	uint64_t bytes_read = path_surface_get_bytes_read(path_surface);
	output->stats.vram_bytes_read += bytes_read - surface->bytes_read;
	surface->bytes_read = bytes_read;
	if (path_surface->path == SLUICE_PATH_SCANOUT &&
			mark_import(stats, get_buffer(path_surface))) {
		surface->imports++;
		output->stats.imports++;
		stats->imports++;
	}
	// An image of our own has no client that would say when it changed
	surface->frames[path_surface->path] += surface->fresh || path_surface->surface == NULL;
	surface->fresh = false;
	if (surface->pending.acquired != 0 && output->stats.committed != 0) {
		drop(&surface->flying);
		surface->flying = surface->pending;
		surface->flying.committed = output->stats.committed;
		surface->pending = (struct frame_times){ 0 };
	}
}

/** What the renderer drew is in a buffer of the swapchain; anything else is scanned out as it is. */
static enum sluice_path get_path(const struct output *output,
		const struct wlr_output_state *state) {
	// A new mode has a new swapchain, which is the output's only after this, and no scanout yet
	const uint32_t reconfigured = WLR_OUTPUT_STATE_ENABLED | WLR_OUTPUT_STATE_MODE |
		WLR_OUTPUT_STATE_RENDER_FORMAT;
	struct wlr_swapchain *swapchain = output->wlr_output->swapchain;
	if (!(state->committed & reconfigured) &&
			(swapchain == NULL || !wlr_swapchain_has_buffer(swapchain, state->buffer))) {
		return SLUICE_PATH_SCANOUT;
	}
	struct wlr_renderer *inner = sluice_renderer_get_inner(output->server->renderer);
	return wlr_renderer_is_pixman(inner) ? SLUICE_PATH_CPU : SLUICE_PATH_GPU;
}

static void handle_precommit(struct wl_listener *listener, void *data) {
	struct output_stats *counted = wl_container_of(listener, counted, precommit);
	const struct stats *stats = counted->output->server->stats;
	const struct wlr_output_event_precommit *event = data;
	counted->begun = 0;
	if (stats->timing) {
		// What wlroots tells is always the machine's time
		counted->begun = stats->server->options.headless != NULL ? stats_now(stats) :
			to_ns(&event->when);
	}
}

static void handle_commit(struct wl_listener *listener, void *data) {
	struct output_stats *counted = wl_container_of(listener, counted, commit);
	const struct wlr_output_event_commit *event = data;
	if (!(event->state->committed & WLR_OUTPUT_STATE_BUFFER)) {
		return;
	}
	counted->path = get_path(counted->output, event->state);
	counted->frames[counted->path]++;
	counted->committed = counted->begun;
}

static void land_frames(struct output *output, int64_t flipped) {
	struct path_surface *path_surface;
	wl_list_for_each(path_surface, &output->server->ladder->surfaces, link) {
		struct surface_stats *surface = &path_surface->stats;
		if (surface->flying.committed == 0 || path_surface->output != output->wlr_output) {
			continue;
		}
		const struct frame_times *frame = &surface->flying;
		histogram_add(&surface->commit_to_flip, flipped - frame->committed);
		histogram_add(&surface->producer_to_flip, flipped - frame->received);
		histogram_add(&output->stats.producer_to_flip, flipped - frame->received);
		if (frame->trace != NULL) {
			trace_frame_flipped(frame->trace, frame, flipped, path_surface->path);
		}
		surface->flying = (struct frame_times){ 0 };
	}
}

static void handle_present(struct wl_listener *listener, void *data) {
	struct output_stats *counted = wl_container_of(listener, counted, present);
	const struct wlr_output_event_present *event = data;
	if (counted->committed == 0) {
		return;
	}
	int64_t flipped = to_ns(&event->when);
	int64_t latency = flipped - counted->committed;
	counted->committed = 0;
	if (!event->presented || latency < 0) {
		return;
	}
	histogram_add(&counted->commit_to_flip, latency);
	counted->recent[counted->recent_count++ % STATS_RECENT] = latency;
	land_frames(counted->output, flipped);
}

void stats_add_output(struct stats *stats, struct output *output) {
	output->stats.output = output;
	listener_add(&output->wlr_output->events.precommit, &output->stats.precommit,
		handle_precommit);
	listener_add(&output->wlr_output->events.commit, &output->stats.commit, handle_commit);
	listener_add(&output->wlr_output->events.present, &output->stats.present, handle_present);
}

void stats_remove_output(struct output *output) {
	wl_list_remove(&output->stats.precommit.link);
	wl_list_remove(&output->stats.commit.link);
	wl_list_remove(&output->stats.present.link);
}

struct stats *stats_create(struct server *server) {
	struct stats *stats = calloc(1, sizeof(*stats));
	if (stats == NULL) {
		return NULL;
	}
	stats->server = server;
	stats->lease = wl_event_loop_add_timer(server->loop, handle_lease_end, stats);
	if (stats->lease == NULL) {
		free(stats);
		return NULL;
	}
	return stats;
}

void stats_destroy(struct stats *stats) {
	if (stats == NULL) {
		return;
	}
	overlay_destroy(stats->overlay);
	trace_destroy(stats->trace, NULL);
	wl_event_source_remove(stats->lease);
	free(stats);
}
