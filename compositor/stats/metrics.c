#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <wlr/types/wlr_output.h>
#include "desktop/window.h"
#include "output.h"
#include "path/ladder.h"
#include "path/surface.h"
#include "stats/metrics.h"
#include "stats/stats.h"

/** A counter, or what is counted by path, or a histogram: a member of the stats of its subject. */
struct metric {
	const char *name, *help;
	enum {
		METRIC_COUNT, // uint64_t
		METRIC_FRAMES, // uint64_t[STATS_PATHS]
		METRIC_HISTOGRAM, // struct histogram
	} kind;
	size_t offset; // of the member
};

static const struct metric output_metrics[] = {
	{ "output_frames_total", "Frames that an output was given, by how their picture came to be.",
		METRIC_FRAMES, offsetof(struct output_stats, frames) },
	{ "output_imports_total", "Images imported as framebuffers of an output.",
		METRIC_COUNT, offsetof(struct output_stats, imports) },
	{ "output_vram_bytes_read_total", "Bytes that the CPU read out of VRAM for an output.",
		METRIC_COUNT, offsetof(struct output_stats, vram_bytes_read) },
	{ "output_failed_total", "Commits that the driver refused.",
		METRIC_COUNT, offsetof(struct output_stats, failed) },
	{ "output_retried_total", "Commits that were tried again, on another path.",
		METRIC_COUNT, offsetof(struct output_stats, retried) },
	{ "output_commit_to_flip_seconds", "From the commit to the page flip, while times are taken.",
		METRIC_HISTOGRAM, offsetof(struct output_stats, commit_to_flip) },
	{ "output_producer_to_flip_seconds",
		"From a client's commit to the page flip, while times are taken.",
		METRIC_HISTOGRAM, offsetof(struct output_stats, producer_to_flip) },
};

static const struct metric surface_metrics[] = {
	{ "surface_frames_total", "Frames of a surface that reached a screen, by their path.",
		METRIC_FRAMES, offsetof(struct surface_stats, frames) },
	{ "surface_imports_total", "Images of a surface imported as framebuffers.",
		METRIC_COUNT, offsetof(struct surface_stats, imports) },
	{ "surface_vram_bytes_read_total", "Bytes that the CPU read out of VRAM for a surface.",
		METRIC_COUNT, offsetof(struct surface_stats, bytes_read) },
	{ "surface_failed_total", "Commits of a surface's framebuffers that the driver refused.",
		METRIC_COUNT, offsetof(struct surface_stats, failed) },
	{ "surface_commit_to_flip_seconds", "From the commit to the page flip, while times are taken.",
		METRIC_HISTOGRAM, offsetof(struct surface_stats, commit_to_flip) },
	{ "surface_producer_to_flip_seconds",
		"From the client's commit to the page flip, while times are taken.",
		METRIC_HISTOGRAM, offsetof(struct surface_stats, producer_to_flip) },
};

static const struct metric counter_metrics[] = {
	{ "exports_total", "Images exported from VRAM.",
		METRIC_COUNT, offsetof(struct stats, exports) },
	{ "imports_total", "Images imported as framebuffers.",
		METRIC_COUNT, offsetof(struct stats, imports) },
	{ "revocations_total", "How often the memory of a source was taken away.",
		METRIC_COUNT, offsetof(struct stats, revocations) },
};

static const struct metric renderer_metrics[] = {
	{ "gpu_imports_total", "Images imported to be sampled.",
		METRIC_COUNT, offsetof(struct sluice_renderer_stats, gpu_imports) },
	{ "vram_bytes_read_total", "Bytes that the CPU read out of VRAM.",
		METRIC_COUNT, offsetof(struct sluice_renderer_stats, vram_bytes_read) },
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/** A label's value: a client may have put anything into a name. */
static void write_label(FILE *stream, const char *name, const char *value) {
	fprintf(stream, "%s=\"", name);
	for (const char *c = value; *c != '\0'; c++) {
		if (*c == '\n') {
			fputs("\\n", stream);
		} else {
			if (*c == '\\' || *c == '"') {
				fputc('\\', stream);
			}
			fputc(*c, stream);
		}
	}
	fputc('"', stream);
}

static char *make_label(const char *name, const char *value) {
	char *labels = NULL;
	size_t size;
	FILE *stream = open_memstream(&labels, &size);
	if (stream == NULL) {
		return NULL;
	}
	write_label(stream, name, value);
	fclose(stream);
	return labels;
}

/** No titles: they change, and each would begin a time series of its own. */
static char *make_surface_labels(const struct path_surface *path_surface) {
	struct window *window = path_surface->surface != NULL ?
		window_from_surface(path_surface->surface) : NULL;
	const char *app_id = window != NULL ? window_get_app_id(window) : path_surface->name;
	char *labels = NULL;
	size_t size;
	FILE *stream = open_memstream(&labels, &size);
	if (stream == NULL) {
		return NULL;
	}
	fprintf(stream, "surface=\"%" PRIu32 "\",", path_surface->id);
	write_label(stream, "app_id", app_id != NULL ? app_id : "");
	fclose(stream);
	return labels;
}

static void write_head(FILE *stream, const struct metric *metric) {
	fprintf(stream, "# HELP sluice_%s %s\n# TYPE sluice_%s %s\n", metric->name, metric->help,
		metric->name, metric->kind == METRIC_HISTOGRAM ? "histogram" : "counter");
}

static void write_histogram(FILE *stream, const char *name, const char *labels,
		const struct histogram *histogram) {
	uint64_t sum = 0;
	for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
		sum += histogram->buckets[i];
		fprintf(stream, "sluice_%s_bucket{%s,le=\"%g\"} %" PRIu64 "\n", name, labels,
			histogram_bounds_us[i] / 1e6, sum);
	}
	fprintf(stream, "sluice_%s_bucket{%s,le=\"+Inf\"} %" PRIu64 "\n", name, labels,
		histogram->count);
	fprintf(stream, "sluice_%s_sum{%s} %.9f\n", name, labels, (double)histogram->sum_ns / 1e9);
	fprintf(stream, "sluice_%s_count{%s} %" PRIu64 "\n", name, labels, histogram->count);
}

/** Of one thing; without labels (NULL), of the whole compositor. */
static void write_samples(FILE *stream, const struct metric *metric, const char *labels,
		const void *stats) {
	const void *member = (const char *)stats + metric->offset;
	const uint64_t *counts = member;
	switch (metric->kind) {
	case METRIC_COUNT:
		fprintf(stream, "sluice_%s", metric->name);
		if (labels != NULL) {
			fprintf(stream, "{%s}", labels);
		}
		fprintf(stream, " %" PRIu64 "\n", counts[0]);
		break;
	case METRIC_FRAMES:
		for (int i = 0; i < STATS_PATHS; i++) {
			fprintf(stream, "sluice_%s{%s,path=\"%s\"} %" PRIu64 "\n", metric->name,
				labels, sluice_path_name((enum sluice_path)i), counts[i]);
		}
		break;
	case METRIC_HISTOGRAM:
		write_histogram(stream, metric->name, labels, member);
		break;
	}
}

/** The same, and frees the labels. What memory was lacking for is left out. */
static void write_labelled(FILE *stream, const struct metric *metric, char *labels,
		const void *stats) {
	if (labels != NULL) {
		write_samples(stream, metric, labels, stats);
	}
	free(labels);
}

static void write_outputs(FILE *stream, const struct stats *stats) {
	for (size_t i = 0; i < LENGTH(output_metrics); i++) {
		write_head(stream, &output_metrics[i]);
		const struct output *output;
		wl_list_for_each(output, &stats->server->outputs, link) {
			write_labelled(stream, &output_metrics[i],
				make_label("output", output->wlr_output->name), &output->stats);
		}
	}
}

static void write_surfaces(FILE *stream, const struct stats *stats) {
	for (size_t i = 0; i < LENGTH(surface_metrics); i++) {
		write_head(stream, &surface_metrics[i]);
		const struct path_surface *path_surface;
		wl_list_for_each(path_surface, &stats->server->ladder->surfaces, link) {
			if (path_surface_is_watched(path_surface)) {
				write_labelled(stream, &surface_metrics[i],
					make_surface_labels(path_surface), &path_surface->stats);
			}
		}
	}
}

static void write_all(FILE *stream, const struct metric *metrics, size_t len, const void *stats) {
	for (size_t i = 0; i < len; i++) {
		write_head(stream, &metrics[i]);
		write_samples(stream, &metrics[i], NULL, stats);
	}
}

char *metrics_write(const struct stats *stats) {
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	if (stream == NULL) {
		return NULL;
	}
	write_all(stream, counter_metrics, LENGTH(counter_metrics), stats);
	write_all(stream, renderer_metrics, LENGTH(renderer_metrics),
		sluice_renderer_get_stats(stats->server->renderer));
	write_outputs(stream, stats);
	write_surfaces(stream, stats);
	if (fclose(stream) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
