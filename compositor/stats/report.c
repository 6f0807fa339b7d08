#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_output.h>
#include "ipc/commands.h"
#include "ipc/ipc.h"
#include "output.h"
#include "path/ladder.h"
#include "path/surface.h"
#include "stats/metrics.h"
#include "stats/stats.h"
#include "stats/trace.h"
#include "vram/vram.h"

/** How long times can be asked for at once, in seconds. */
#define LONGEST_LEASE 86400

static void add(struct json_object *object, const char *key, struct json_object *value) {
	json_object_object_add(object, key, value);
}

static void add_count(struct json_object *object, const char *key, uint64_t count) {
	add(object, key, json_object_new_uint64(count));
}

struct json_object *stats_describe_frames(const uint64_t frames[STATS_PATHS]) {
	struct json_object *object = json_object_new_object();
	for (int i = 0; i < STATS_PATHS; i++) {
		add_count(object, sluice_path_name((enum sluice_path)i), frames[i]);
	}
	return object;
}

static struct json_object *describe_histogram(const struct histogram *histogram) {
	struct json_object *object = json_object_new_object();
	add_count(object, "count", histogram->count);
	add_count(object, "sum_us", histogram->sum_ns / 1000);
	add(object, "p50_us", json_object_new_int64(histogram_quantile(histogram, 0.5) / 1000));
	add(object, "p99_us", json_object_new_int64(histogram_quantile(histogram, 0.99) / 1000));
	struct json_object *buckets = json_object_new_array();
	for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
		json_object_array_add(buckets, json_object_new_uint64(histogram->buckets[i]));
	}
	add(object, "buckets", buckets);
	return object;
}

static struct json_object *describe_output(const struct output *output) {
	const struct output_stats *stats = &output->stats;
	const struct path_surface *path_surface = stats_find_surface(output);
	struct json_object *object = json_object_new_object();
	add(object, "name", ipc_text(output->wlr_output->name));
	add(object, "refresh_mhz", json_object_new_int(output->wlr_output->refresh));
	add(object, "path", json_object_new_string(sluice_path_name(stats->path)));
	add(object, "scanout_reason", path_surface != NULL ?
		ipc_describe_reason(path_surface->scanout_reason) : NULL);
	add(object, "frames", stats_describe_frames(stats->frames));
	add_count(object, "imports", stats->imports);
	add_count(object, "vram_bytes_read", stats->vram_bytes_read);
	add_count(object, "failed", stats->failed);
	add_count(object, "retried", stats->retried);
	add(object, "commit_to_flip", describe_histogram(&stats->commit_to_flip));
	add(object, "producer_to_flip", describe_histogram(&stats->producer_to_flip));
	return object;
}

/** What "paths" tells, and latencies. */
static struct json_object *describe_surface(struct path_surface *path_surface) {
	const struct surface_stats *stats = &path_surface->stats;
	struct json_object *object = ipc_describe_path(path_surface);
	add(object, "commit_to_flip", describe_histogram(&stats->commit_to_flip));
	add(object, "producer_to_flip", describe_histogram(&stats->producer_to_flip));
	return object;
}

static struct json_object *describe_source(const struct vram_source *source) {
	struct json_object *object = json_object_new_object();
	add(object, "name", ipc_text(source->name));
	add(object, "state", json_object_new_string(life_state_name(source->life.state)));
	add_count(object, "exports", source->exports);
	add_count(object, "revocations", source->revocations);
	return object;
}

static struct json_object *describe_counters(const struct stats *stats) {
	const struct sluice_renderer_stats *renderer =
		sluice_renderer_get_stats(stats->server->renderer);
	struct json_object *object = json_object_new_object();
	add_count(object, "exports", stats->exports);
	add_count(object, "imports", stats->imports);
	add_count(object, "revocations", stats->revocations);
	add_count(object, "vram_bytes_read", renderer->vram_bytes_read);
	add_count(object, "gpu_imports", renderer->gpu_imports);
	add_count(object, "gpu_draws", renderer->gpu_draws);
	add_count(object, "cpu_draws", renderer->cpu_draws);
	add_count(object, "placeholder_draws", renderer->placeholder_draws);
	return object;
}

/** {"times": SECONDS}: take times for that long. Returns false, with the request answered, if it is none. */
static bool handle_times(struct stats *stats, struct ipc_request *request,
		struct json_object *object) {
	struct json_object *times;
	if (!json_object_object_get_ex(object, "times", &times)) {
		return true;
	}
	int seconds = json_object_get_int(times);
	if (!json_object_is_type(times, json_type_int) || seconds < 1 || seconds > LONGEST_LEASE) {
		ipc_fail(request, "\"times\" has to be a number of seconds, 1 to %d", LONGEST_LEASE);
		return false;
	}
	stats_ask(stats, seconds);
	return true;
}

static void handle_counters(struct ipc_request *request, struct json_object *object,
		void *data) {
	ipc_answer(request, describe_counters(data));
}

static void handle_status(struct ipc_request *request, struct json_object *object, void *data) {
	struct stats *stats = data;
	if (!handle_times(stats, request, object)) {
		return;
	}
	struct json_object *answer = json_object_new_object();
	struct json_object *outputs = json_object_new_array();
	const struct output *output;
	wl_list_for_each(output, &stats->server->outputs, link) {
		json_object_array_add(outputs, describe_output(output));
	}
	add(answer, "outputs", outputs);
	struct json_object *surfaces = json_object_new_array();
	struct path_surface *path_surface;
	wl_list_for_each(path_surface, &stats->server->ladder->surfaces, link) {
		if (path_surface_is_watched(path_surface)) {
			json_object_array_add(surfaces, describe_surface(path_surface));
		}
	}
	add(answer, "surfaces", surfaces);
	struct json_object *sources = json_object_new_array();
	const struct vram_source *source;
	wl_list_for_each(source, &stats->server->vram->sources, link) {
		json_object_array_add(sources, describe_source(source));
	}
	add(answer, "sources", sources);
	add(answer, "counters", describe_counters(stats));
	struct json_object *bounds = json_object_new_array();
	for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
		json_object_array_add(bounds, json_object_new_int64(histogram_bounds_us[i]));
	}
	add(answer, "bounds_us", bounds);
	ipc_answer(request, answer);
}

static void handle_metrics(struct ipc_request *request, struct json_object *object, void *data) {
	struct stats *stats = data;
	if (!handle_times(stats, request, object)) {
		return;
	}
	char *text = metrics_write(stats);
	if (text == NULL) {
		ipc_fail(request, "out of memory");
		return;
	}
	struct json_object *answer = json_object_new_object();
	add(answer, "text", ipc_text(text));
	free(text);
	ipc_answer(request, answer);
}

static void end_trace(struct stats *stats, struct ipc_request *request) {
	if (stats->trace == NULL) {
		ipc_fail(request, "frames are not traced");
		return;
	}
	uint64_t frames = 0;
	bool ok = trace_destroy(stats->trace, &frames);
	stats->trace = NULL;
	stats_update_timing(stats);
	if (ok) {
		struct json_object *answer = json_object_new_object();
		add_count(answer, "frames", frames);
		ipc_answer(request, answer);
	} else {
		ipc_fail(request, "the trace could not be written whole; is the disk full?");
	}
}

/** {"file": PATH} begins a trace, and without it, the trace ends. */
static void handle_trace(struct ipc_request *request, struct json_object *object, void *data) {
	struct stats *stats = data;
	struct json_object *file;
	if (!json_object_object_get_ex(object, "file", &file)) {
		end_trace(stats, request);
		return;
	}
	const char *path = json_object_get_string(file);
	if (!json_object_is_type(file, json_type_string) || path[0] != '/') {
		ipc_fail(request, "\"file\" has to be an absolute path");
	} else if (stats->trace != NULL) {
		ipc_fail(request, "frames are traced already; sluicectl trace stop ends that");
	} else {
		stats->trace = trace_create(stats, path);
		if (stats->trace != NULL) {
			stats_update_timing(stats);
			ipc_answer(request, NULL);
		} else {
			ipc_fail(request, "cannot write to %s: %s", path, strerror(errno));
		}
	}
}

bool stats_register_ipc(struct stats *stats) {
	struct ipc *ipc = stats->server->ipc;
	return ipc_register(ipc, "counters", handle_counters, stats) &&
		ipc_register(ipc, "status", handle_status, stats) &&
		ipc_register(ipc, "metrics", handle_metrics, stats) &&
		ipc_register(ipc, "trace", handle_trace, stats);
}
