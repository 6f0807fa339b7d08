/*
 * sluice-probe: find out what an exporter and an importer can do together. See usage below, and
 * sluice/probe.h for the library's side.
 *
 * With --porcelain it does the work and may crash; without, it runs itself with --porcelain, by
 * way of the library, and tells a person what came of it.
 */
#define _GNU_SOURCE // getopt_long()
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <drm_fourcc.h>
#include <sluice/probe.h>
#include <wlr/util/log.h>
#include "probe/child.h"
#include "probe/config.h"
#include "probe/program/program.h"
#include "probe/program/report.h"
#include "probe/start.h"

#define EXIT_USAGE 2

static const char usage[] =
	"Usage: sluice-probe [options] EXPORTER DRM-NODE\n"
	"       sluice-probe --fds --size WxH --format FOURCC --modifier M --plane FD:OFFSET:STRIDE\n"
	"\n"
	"Find out whether the GPU behind DRM-NODE (/dev/dri/card0) can show and read memory of the\n"
	"device EXPORTER (0000:03:00.0), which must be bound to vfio-pci and not be in use.\n"
	"Opening the exporter resets it.\n"
	"\n"
	"  -c, --commit       show the memory on the first screen, then switch that screen off\n"
	"      --hold MS      leave it on the screen for MS milliseconds first\n"
	"  -g, --gpu-read     have the GPU draw the memory, with the renderer of WLR_RENDERER\n"
	"  -r, --region N     use BAR N, not the largest\n"
	"  -t, --timeout MS   give up after MS milliseconds (30000)\n"
	"  -p, --porcelain    do it in this process, and print lines of\n"
	"                     step<TAB>begin|pass|fail|skipped<TAB>errno<TAB>sentence[<TAB>advice]\n"
	"  -v, --verbose      log everything to stderr\n"
	"  -h, --help         show this text\n"
	"      --version      show the version\n"
	"\n"
	"With --fds, only draw a dma-buf that was inherited as file descriptor FD (--plane may be\n"
	"repeated), by a GPU of which file descriptor 3 (--drm-fd N) is open, or by a software\n"
	"renderer without one (--no-drm); --expect FD names a file of the bytes that it should hold.\n"
	"\n"
	"Exit status: 0 if no step failed, 1 if one did, 2 if the arguments are wrong.\n";

enum {
	OPTION_VERSION = 256,
	OPTION_HOLD,
	OPTION_FDS,
	OPTION_DRM_FD,
	OPTION_NO_DRM,
	OPTION_SIZE,
	OPTION_FORMAT,
	OPTION_MODIFIER,
	OPTION_PLANE,
	OPTION_EXPECT,
};

static const struct option long_options[] = {
	{ "commit", no_argument, NULL, 'c' },
	{ "gpu-read", no_argument, NULL, 'g' },
	{ "region", required_argument, NULL, 'r' },
	{ "timeout", required_argument, NULL, 't' },
	{ "porcelain", no_argument, NULL, 'p' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "hold", required_argument, NULL, OPTION_HOLD },
	{ "fds", no_argument, NULL, OPTION_FDS },
	{ "drm-fd", required_argument, NULL, OPTION_DRM_FD },
	{ "no-drm", no_argument, NULL, OPTION_NO_DRM },
	{ "size", required_argument, NULL, OPTION_SIZE },
	{ "format", required_argument, NULL, OPTION_FORMAT },
	{ "modifier", required_argument, NULL, OPTION_MODIFIER },
	{ "plane", required_argument, NULL, OPTION_PLANE },
	{ "expect", required_argument, NULL, OPTION_EXPECT },
	{ 0 },
};

struct options {
	struct pair_options pair;
	struct fds_options fds;
	bool use_fds, porcelain, verbose;
	int timeout_ms;
};

/** Parse an unsigned number, decimal or 0x…, and step over it. */
static bool parse_number(const char **text, uint64_t max, uint64_t *value) {
	char *end;
	errno = 0;
	if (**text < '0' || **text > '9') {
		return false;
	}
	*value = strtoull(*text, &end, 0);
	if (errno != 0 || *value > max) {
		return false;
	}
	*text = end;
	return true;
}

static bool parse_int(const char *text, int *value) {
	uint64_t number;
	if (!parse_number(&text, INT_MAX, &number) || *text != '\0') {
		return false;
	}
	*value = (int)number;
	return true;
}

static bool parse_size(const char *text, struct wlr_dmabuf_attributes *attribs) {
	// So large that no device has it, so small that no sum of it overflows
	uint64_t width, height, max = 65536;
	if (!parse_number(&text, max, &width) || *text++ != 'x' ||
			!parse_number(&text, max, &height) || *text != '\0' || width == 0 || height == 0) {
		return false;
	}
	attribs->width = (int32_t)width;
	attribs->height = (int32_t)height;
	return true;
}

static bool parse_plane(const char *text, struct wlr_dmabuf_attributes *attribs) {
	uint64_t fd, offset, stride;
	if (attribs->n_planes == WLR_DMABUF_MAX_PLANES || !parse_number(&text, INT_MAX, &fd) ||
			*text++ != ':' || !parse_number(&text, UINT32_MAX, &offset) || *text++ != ':' ||
			!parse_number(&text, UINT32_MAX, &stride) || *text != '\0') {
		return false;
	}
	attribs->fd[attribs->n_planes] = (int)fd;
	attribs->offset[attribs->n_planes] = (uint32_t)offset;
	attribs->stride[attribs->n_planes] = (uint32_t)stride;
	attribs->n_planes++;
	return true;
}

static bool parse_option(struct options *options, int option, const char *value) {
	uint64_t number;
	switch (option) {
	case 'c':
		options->pair.commit = true;
		return true;
	case 'g':
		options->pair.gpu_read = true;
		return true;
	case 'r':
		return parse_int(value, &options->pair.region);
	case 't':
		return parse_int(value, &options->timeout_ms);
	case 'p':
		options->porcelain = true;
		return true;
	case 'v':
		options->verbose = true;
		return true;
	case OPTION_HOLD:
		return parse_int(value, &options->pair.hold_ms);
	case OPTION_FDS:
		options->use_fds = true;
		return true;
	case OPTION_DRM_FD:
		return parse_int(value, &options->fds.drm_fd);
	case OPTION_NO_DRM:
		options->fds.drm_fd = -1;
		return true;
	case OPTION_EXPECT:
		return parse_int(value, &options->fds.expect_fd);
	case OPTION_SIZE:
		return parse_size(value, &options->fds.attribs);
	case OPTION_FORMAT:
		if (!parse_number(&value, UINT32_MAX, &number) || *value != '\0') {
			return false;
		}
		options->fds.attribs.format = (uint32_t)number;
		return true;
	case OPTION_MODIFIER:
		return parse_number(&value, UINT64_MAX, &options->fds.attribs.modifier) &&
			*value == '\0';
	case OPTION_PLANE:
		return parse_plane(value, &options->fds.attribs);
	}
	return false;
}

static int wrong_arguments(void) {
	fprintf(stderr, "See sluice-probe --help.\n");
	return EXIT_USAGE;
}

/** The driver's crash is expected: it shall not leave a core, nor wake a crash collector. */
static void forgo_core(void) {
	// 1 and not 0: a collector that the kernel pipes cores to is run for 0 too, see core(5)
	const struct rlimit limit = { .rlim_cur = 1, .rlim_max = 1 };
	setrlimit(RLIMIT_CORE, &limit);
}

static int run_here(struct options *options) {
	forgo_core();
	if (!report_init()) {
		fprintf(stderr, "cannot set up the report: %s\n", strerror(errno));
		return 1;
	}
	if (options->use_fds) {
		fds_walk(&options->fds);
	} else {
		pair_walk(&options->pair);
	}
	return report_end();
}

static void print_result(const struct sluice_probe_result *result, void *data) {
	static const char *const words[] = {
		[SLUICE_PROBE_PASS] = "ok",
		[SLUICE_PROBE_FAIL] = "fail",
		[SLUICE_PROBE_SKIPPED] = "skipped",
	};
	for (size_t i = 0; i < result->steps_len; i++) {
		const struct sluice_probe_step *step = &result->steps[i];
		printf("%-8s %-16s %s%s%s\n", words[step->status], step->name, step->sentence,
			step->advice[0] != '\0' ? "; " : "", step->advice);
	}
	int *status = data;
	*status = result->ok ? 0 : 1;
}

/** The directory of this very program is where it finds itself. */
static bool find_self(void) {
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (len < 0) {
		return false;
	}
	path[len] = '\0';
	char *slash = strrchr(path, '/');
	if (slash == NULL || strcmp(slash, "/sluice-probe") != 0) {
		return false;
	}
	*slash = '\0';
	return setenv("SLUICE_LIBEXECDIR", path, 1) == 0;
}

/** Run this program again with --porcelain, where a crash or a hang does no harm. */
static int run_child(int argc, char *argv[], int timeout_ms) {
	struct wl_event_loop *loop = wl_event_loop_create();
	const char **child_argv = calloc((size_t)argc + 2, sizeof(*child_argv));
	int status = -1;
	if (loop == NULL || child_argv == NULL || !find_self()) {
		fprintf(stderr, "cannot run the probe: %s\n", strerror(errno));
		goto out;
	}
	child_argv[0] = "sluice-probe";
	child_argv[1] = "--porcelain";
	for (int i = 1; i < argc; i++) {
		child_argv[i + 1] = argv[i];
	}

	struct sluice_probe *probe = probe_start(loop, (char *const *)child_argv, NULL, 0,
		timeout_ms, print_result, &status);
	while (probe != NULL && status < 0) {
		wl_event_loop_dispatch(loop, -1);
	}
	sluice_probe_destroy(probe);
out:
	free(child_argv);
	if (loop != NULL) {
		wl_event_loop_destroy(loop);
	}
	return status < 0 ? 1 : status;
}

int main(int argc, char *argv[]) {
	struct options options = {
		.pair = { .region = -1 },
		.fds = {
			.drm_fd = PROBE_CHILD_FIRST_FD,
			.expect_fd = -1,
			.attribs = { .modifier = DRM_FORMAT_MOD_LINEAR },
		},
		.timeout_ms = 30000,
	};

	int option;
	while ((option = getopt_long(argc, argv, "cgr:t:pvh", long_options, NULL)) >= 0) {
		switch (option) {
		case 'h':
			fputs(usage, stdout);
			return 0;
		case OPTION_VERSION:
			puts("sluice-probe " SLUICE_VERSION);
			return 0;
		case '?':
			return wrong_arguments();
		}
		if (!parse_option(&options, option, optarg)) {
			fprintf(stderr, "sluice-probe: '%s' is no value for this option\n", optarg);
			return wrong_arguments();
		}
	}

	const struct wlr_dmabuf_attributes *attribs = &options.fds.attribs;
	if (options.use_fds && (optind != argc || attribs->width == 0 || attribs->format == 0 ||
			attribs->n_planes == 0)) {
		fprintf(stderr, "sluice-probe: --fds needs --size, --format and --plane\n");
		return wrong_arguments();
	}
	if (!options.use_fds && optind != argc - 2) {
		fprintf(stderr, "sluice-probe: an exporter and a DRM node are needed\n");
		return wrong_arguments();
	}
	if (!options.use_fds) {
		options.pair.address = argv[optind];
		options.pair.node = argv[optind + 1];
	}

	// The sentences say what went wrong
	wlr_log_init(options.verbose ? WLR_DEBUG : WLR_SILENT, NULL);
	if (options.porcelain) {
		return run_here(&options);
	}
	return run_child(argc, argv, options.timeout_ms + options.pair.hold_ms);
}
