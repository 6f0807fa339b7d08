#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ctl/ctl.h"

/** How long latencies are taken after each request, in seconds: a scraper comes more often. */
#define PATIENCE 300

/** Writes a whole file, or leaves the one that was there: readers never see a half. */
static bool write_file(const char *path, const char *text) {
	char temporary[PATH_MAX];
	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return false;
	}
	int fd = mkostemp(temporary, O_CLOEXEC);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (file == NULL) {
		return false;
	}
	bool ok = fchmod(fd, 0644) == 0 && fputs(text, file) >= 0;
	ok = fclose(file) == 0 && ok;
	if (!ok || rename(temporary, path) != 0) {
		int saved_errno = errno;
		unlink(temporary);
		errno = saved_errno;
		return false;
	}
	return true;
}

static bool write_metrics(struct ctl *ctl, const char *path, int seconds) {
	struct json_object *request = ctl_request("metrics"), *data;
	json_object_object_add(request, "times", json_object_new_int(seconds));
	if (!ctl_ask(ctl, request, &data)) {
		return false;
	}
	const char *text = ctl_get_text(data, "text");
	bool ok = true;
	if (path == NULL) {
		fputs(text, stdout);
	} else if (!write_file(path, text)) {
		fprintf(stderr, "sluicectl: cannot write %s: %s\n", path, strerror(errno));
		ok = false;
	}
	json_object_put(data);
	return ok;
}

static int run_metrics(struct ctl *ctl, int argc, char *argv[]) {
	double interval = 0;
	if (argc > 3 || (argc == 3 && !ctl_parse_seconds(argv[2], &interval))) {
		return ctl_usage_error("metrics", "it takes a file, and a number of seconds, 0.1 to 3600");
	}
	const char *path = argc > 1 ? argv[1] : NULL;
	while (write_metrics(ctl, path, (int)interval + PATIENCE)) {
		if (interval <= 0) {
			return EXIT_SUCCESS;
		}
		ctl_wait(interval);
	}
	return EXIT_FAILURE;
}

const struct ctl_command ctl_metrics_commands[] = {
	{
		.name = "metrics",
		.arguments = "[FILE [SECONDS]]",
		.summary = "print all counters and latencies for Prometheus",
		.help = "With a file, it is written whole or not at all, for node_exporter's textfile\n"
			"collector; with a number of seconds as well, again and again. Latencies are taken\n"
			"for five minutes after each request.\n",
		.run = run_metrics,
	},
	{ 0 },
};
