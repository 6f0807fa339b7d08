#define _GNU_SOURCE
#include <inttypes.h>
#include <json-c/linkhash.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "ctl/ctl.h"

/** How much longer than until its next question watch wants times, in seconds. */
#define PATIENCE 5

static int64_t count_frames(struct json_object *object) {
	int64_t sum = 0;
	json_object_object_foreach(ctl_get(object, "frames"), path, count) {
		(void)path;
		sum += json_object_get_int64(count);
	}
	return sum;
}

static double get_mean_ms(int64_t sum_us, int64_t count) {
	return count > 0 ? (double)sum_us / 1000 / (double)count : 0;
}

static void print_latency(struct json_object *object, const char *key, const char *words) {
	struct json_object *histogram = ctl_get(object, key);
	int64_t count = ctl_get_number(histogram, "count");
	if (count > 0) {
		printf("    %s: mean %.1f ms, half within %.1f ms, 99 %% within %.1f ms\n", words,
			get_mean_ms(ctl_get_number(histogram, "sum_us"), count),
			(double)ctl_get_number(histogram, "p50_us") / 1000,
			(double)ctl_get_number(histogram, "p99_us") / 1000);
	}
}

static void print_latencies(struct json_object *object) {
	print_latency(object, "commit_to_flip", "commit to flip");
	print_latency(object, "producer_to_flip", "producer to flip");
}

static void print_output(struct ctl *ctl, struct json_object *output) {
	ctl_bold(ctl, true);
	ctl_print_text(ctl_get_text(output, "name"));
	ctl_bold(ctl, false);
	printf("  %s\n    frames:", ctl_get_text(output, "path"));
	ctl_print_frames(ctl_get(output, "frames"));
	printf("; commits: %" PRId64 " failed, %" PRId64 " retried\n",
		ctl_get_number(output, "failed"), ctl_get_number(output, "retried"));
	print_latencies(output);
}

static void print_each(struct ctl *ctl, struct json_object *list,
		void (*print)(struct ctl *ctl, struct json_object *entry)) {
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		print(ctl, json_object_array_get_idx(list, i));
	}
}

static void print_surface(struct ctl *ctl, struct json_object *surface) {
	ctl_print_path(surface);
	print_latencies(surface);
}

static void print_source(struct ctl *ctl, struct json_object *source) {
	fputs("  source ", stdout);
	ctl_print_text(ctl_get_text(source, "name"));
	printf(": %s, %" PRId64 " exports, %" PRId64 " revocations\n", ctl_get_text(source, "state"),
		ctl_get_number(source, "exports"), ctl_get_number(source, "revocations"));
}

/** Asks for the status; times are taken for so many seconds more, unless that is 0. */
static bool ask_status(struct ctl *ctl, int seconds, struct json_object **status) {
	struct json_object *request = ctl_request("status");
	if (seconds > 0) {
		json_object_object_add(request, "times", json_object_new_int(seconds));
	}
	return ctl_ask(ctl, request, status);
}

static int run_status(struct ctl *ctl, int argc, char *argv[]) {
	struct json_object *status;
	if (!ask_status(ctl, 0, &status)) {
		return EXIT_FAILURE;
	}
	if (ctl->json) {
		ctl_print_json(status);
	} else {
		print_each(ctl, ctl_get(status, "outputs"), print_output);
		print_each(ctl, ctl_get(status, "surfaces"), print_surface);
		print_each(ctl, ctl_get(status, "sources"), print_source);
	}
	json_object_put(status);
	return EXIT_SUCCESS;
}

/** The entry of a list that has the same value of a key, or NULL. */
static struct json_object *find_same(struct json_object *list, const char *key,
		struct json_object *entry) {
	for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++) {
		struct json_object *other = json_object_array_get_idx(list, i);
		if (strcmp(ctl_get_text(other, key), ctl_get_text(entry, key)) == 0) {
			return other;
		}
	}
	return NULL;
}

/** Of the frames since then. */
static double get_new_mean_ms(struct json_object *entry, struct json_object *before,
		const char *key) {
	struct json_object *histogram = ctl_get(entry, key), *old = ctl_get(before, key);
	return get_mean_ms(ctl_get_number(histogram, "sum_us") - ctl_get_number(old, "sum_us"),
		ctl_get_number(histogram, "count") - ctl_get_number(old, "count"));
}

static void print_row(struct json_object *entry, struct json_object *before, double seconds,
		const char *name) {
	int64_t frames = count_frames(entry) - (before != NULL ? count_frames(before) : 0);
	printf("%8.1f  %-8s %-20s %8.1f ms %11.1f ms  ", (double)frames / seconds,
		ctl_get_text(entry, "path"), ctl_get_text(ctl_get(entry, "scanout_reason"), "name"),
		get_new_mean_ms(entry, before, "commit_to_flip"),
		get_new_mean_ms(entry, before, "producer_to_flip"));
	ctl_print_text(name);
	putchar('\n');
}

static void print_table(struct ctl *ctl, struct json_object *status, struct json_object *before,
		double seconds) {
	ctl_bold(ctl, true);
	puts("frames/s  path     scanout              commit-flip  producer-flip  what");
	ctl_bold(ctl, false);
	struct json_object *outputs = ctl_get(status, "outputs");
	for (size_t i = 0; i < json_object_array_length(outputs); i++) {
		struct json_object *output = json_object_array_get_idx(outputs, i);
		print_row(output, find_same(ctl_get(before, "outputs"), "name", output), seconds,
			ctl_get_text(output, "name"));
	}
	struct json_object *surfaces = ctl_get(status, "surfaces");
	for (size_t i = 0; i < json_object_array_length(surfaces); i++) {
		struct json_object *surface = json_object_array_get_idx(surfaces, i);
		print_row(surface, find_same(ctl_get(before, "surfaces"), "id", surface), seconds,
			ctl_get_text(surface, "title"));
	}
}

static double get_time(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run_watch(struct ctl *ctl, int argc, char *argv[]) {
	double interval = 1;
	if (argc > 2 || (argc == 2 && !ctl_parse_seconds(argv[1], &interval))) {
		return ctl_usage_error("watch", "it takes a number of seconds, 0.1 to 3600");
	}
	const bool terminal = isatty(STDOUT_FILENO);
	struct json_object *status, *before = NULL;
	double then = 0;
	while (ask_status(ctl, (int)interval + PATIENCE, &status)) {
		double now = get_time();
		if (ctl->json) {
			ctl_print_json(status);
		} else if (before != NULL) {
			if (terminal) {
				fputs("\033[H\033[J", stdout);
			}
			print_table(ctl, status, before, now - then);
		}
		json_object_put(before);
		before = status;
		then = now;
		if (!ctl_wait(interval)) {
			break; // who was reading has gone
		}
	}
	json_object_put(before);
	return EXIT_FAILURE;
}

const struct ctl_command ctl_status_commands[] = {
	{
		.name = "status",
		.summary = "tell how frames reach the screens, and what was counted",
		.help = "Latencies are of frames while somebody wanted them: sluicectl watch, metrics or\n"
			"trace, or the overlay.\n",
		.run = run_status,
	},
	{
		.name = "watch",
		.arguments = "[SECONDS]",
		.summary = "show the same as a table, live",
		.help = "A row for each screen, and for each surface that shows VRAM: frames a second, path,\n"
			"what stands in the way of scanout, and mean latencies of the last second, or another\n"
			"period.\n",
		.run = run_watch,
	},
	{ 0 },
};
