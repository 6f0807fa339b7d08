#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"
#include "say.h"

static const char usage[] =
"Usage: vram-client [OPTION…]\n"
"\n"
"Presents frames that lie in the VRAM of a device owned by vfio-pci. What it draws and\n"
"what it prints is described in tests/clients/README.md.\n"
"\n"
"Memory\n"
"  --device BDF            vfio device to open (default: the only one there is)\n"
"  --device-fd N           inherited vfio device fd to use instead of opening one\n"
"  --region N              region that holds the VRAM (default: 2, which is BAR 2)\n"
"  --protocol sluice       hand the device to the compositor (default)\n"
"  --protocol dmabuf       export here, and use linux-dmabuf\n"
"  --protocol udmabuf      the same with system memory, without a device\n"
"  --adopt                 with dmabuf: tie the buffers to a source\n"
"  --hand-over             with --adopt: hand the device to the compositor, too\n"
"  --source-name NAME      name of the source (default: vram-client)\n"
"\n"
"Buffers\n"
"  --size WxH              size (default: as configured, else 640x480)\n"
"  --buffers N             number of buffers (default: 3)\n"
"  --ranges K[:SEED]       make each buffer of K ranges scattered over the region\n"
"  --range OFF+LEN         make one buffer of this range, and of those that follow;\n"
"                          they are sent as they are\n"
"  --offset BYTES          leave the start of the region alone\n"
"  --format NAME           XRGB8888 (default), ARGB8888, XBGR8888, ABGR8888, RGB565,\n"
"                          RGB888, XRGB2101010, or nonsense\n"
"  --modifier N            DRM format modifier (default: 0, linear)\n"
"  --stride BYTES          bytes from row to row (default: those of the width)\n"
"\n"
"Window\n"
"  --fullscreen[=OUTPUT]   be fullscreen\n"
"  --window                be a window (default)\n"
"  --title T               (default: vram-client)\n"
"  --app-id A              (default: sluice.vram-client)\n"
"  --viewport WxH          scale to this size\n"
"  --crop X,Y,W,H          show this part of the buffer\n"
"  --transform N           buffer transform, 0 to 7 as in wl_output.transform\n"
"  --opaque                set an opaque region\n"
"\n"
"Frames\n"
"  --frames N              exit after N frames; 0 never does (default), -1 presents one\n"
"                          frame and stays\n"
"  --pattern P             frame-number (default), gradient, checker or solid:RRGGBB\n"
"  --no-redraw             draw each buffer once, then only flip\n"
"  --damage X,Y,W,H        after the first frame, draw and damage only this part\n"
"  --poison X,Y,W,H[,RRGGBB]\n"
"                          overwrite this part of the VRAM without damaging it\n"
"                          (default: FF00FF)\n"
"  --poison-after N        from the frame after N on (default: 8)\n"
"  --presentation          print presentation feedback\n"
"  --quiet                 print no lines for single frames\n"
"  --step                  do what stdin says, see README.md\n"
"  --timeout S             exit with status 4 after S seconds\n"
"\n"
"Trouble\n"
"  --quiesce-every N       after each N frames: quiesce, reset the device, resume, and\n"
"                          go on with new buffers\n"
"  --resume-on-revoke      when revoked: switch memory on, resume, and go on\n"
"  --ignore-request        keep the device when the kernel asks for it back\n"
"  --vanish-after N        die by SIGKILL when N frames were committed\n"
"  --vanish-at POINT       die by SIGKILL after: connect, source, device, params,\n"
"                          buffer, commit, quiesce\n"
"  --bad KIND              make a bad request and print what came of it; all: every kind\n"
"  --list-bad              list the kinds, and what is to come of them\n"
"  --orders SITUATION      destroy everything, in every order: all, idle, frame, quiesce,\n"
"                          quiesced, revoked\n"
"\n"
"SIGUSR1 stops and continues flipping, SIGTERM ends the client.\n"
"Exit status: 0 done, 1 setup failed, 2 refused by the compositor, 3 disconnected,\n"
"4 timeout.\n";

enum {
	OPT_DEVICE = 256, OPT_DEVICE_FD, OPT_REGION, OPT_PROTOCOL, OPT_ADOPT, OPT_HAND_OVER, OPT_SOURCE_NAME,
	OPT_SIZE, OPT_BUFFERS, OPT_RANGES, OPT_RANGE, OPT_OFFSET, OPT_FORMAT, OPT_MODIFIER,
	OPT_STRIDE, OPT_FULLSCREEN, OPT_WINDOW, OPT_TITLE, OPT_APP_ID, OPT_VIEWPORT, OPT_CROP,
	OPT_TRANSFORM, OPT_OPAQUE, OPT_FRAMES, OPT_PATTERN, OPT_NO_REDRAW, OPT_DAMAGE,
	OPT_POISON, OPT_POISON_AFTER, OPT_PRESENTATION, OPT_QUIET, OPT_STEP, OPT_TIMEOUT,
	OPT_QUIESCE_EVERY, OPT_RESUME_ON_REVOKE, OPT_IGNORE_REQUEST, OPT_VANISH_AFTER,
	OPT_VANISH_AT, OPT_BAD, OPT_LIST_BAD, OPT_ORDERS, OPT_HELP,
};

static const struct option long_options[] = {
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "device-fd", required_argument, NULL, OPT_DEVICE_FD },
	{ "region", required_argument, NULL, OPT_REGION },
	{ "protocol", required_argument, NULL, OPT_PROTOCOL },
	{ "adopt", no_argument, NULL, OPT_ADOPT },
	{ "hand-over", no_argument, NULL, OPT_HAND_OVER },
	{ "source-name", required_argument, NULL, OPT_SOURCE_NAME },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "buffers", required_argument, NULL, OPT_BUFFERS },
	{ "ranges", required_argument, NULL, OPT_RANGES },
	{ "range", required_argument, NULL, OPT_RANGE },
	{ "offset", required_argument, NULL, OPT_OFFSET },
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "modifier", required_argument, NULL, OPT_MODIFIER },
	{ "stride", required_argument, NULL, OPT_STRIDE },
	{ "fullscreen", optional_argument, NULL, OPT_FULLSCREEN },
	{ "window", no_argument, NULL, OPT_WINDOW },
	{ "title", required_argument, NULL, OPT_TITLE },
	{ "app-id", required_argument, NULL, OPT_APP_ID },
	{ "viewport", required_argument, NULL, OPT_VIEWPORT },
	{ "crop", required_argument, NULL, OPT_CROP },
	{ "transform", required_argument, NULL, OPT_TRANSFORM },
	{ "opaque", no_argument, NULL, OPT_OPAQUE },
	{ "frames", required_argument, NULL, OPT_FRAMES },
	{ "pattern", required_argument, NULL, OPT_PATTERN },
	{ "no-redraw", no_argument, NULL, OPT_NO_REDRAW },
	{ "damage", required_argument, NULL, OPT_DAMAGE },
	{ "poison", required_argument, NULL, OPT_POISON },
	{ "poison-after", required_argument, NULL, OPT_POISON_AFTER },
	{ "presentation", no_argument, NULL, OPT_PRESENTATION },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "step", no_argument, NULL, OPT_STEP },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "quiesce-every", required_argument, NULL, OPT_QUIESCE_EVERY },
	{ "resume-on-revoke", no_argument, NULL, OPT_RESUME_ON_REVOKE },
	{ "ignore-request", no_argument, NULL, OPT_IGNORE_REQUEST },
	{ "vanish-after", required_argument, NULL, OPT_VANISH_AFTER },
	{ "vanish-at", required_argument, NULL, OPT_VANISH_AT },
	{ "bad", required_argument, NULL, OPT_BAD },
	{ "list-bad", no_argument, NULL, OPT_LIST_BAD },
	{ "orders", required_argument, NULL, OPT_ORDERS },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

static bool parse_number(const char *text, uint64_t max, uint64_t *value) {
	char *end;
	errno = 0;
	*value = strtoull(text, &end, 0);
	return errno == 0 && end != text && *end == '\0' && *text != '-' && *value <= max;
}

static bool parse_u32(const char *text, uint32_t *value) {
	uint64_t number;
	bool ok = parse_number(text, UINT32_MAX, &number);
	*value = (uint32_t)number;
	return ok;
}

static bool parse_int(const char *text, int *value) {
	uint64_t number;
	bool ok = parse_number(text, INT_MAX, &number);
	*value = (int)number;
	return ok;
}

static bool parse_count(const char *text, long *value) {
	uint64_t number;
	bool ok = parse_number(text, INT32_MAX, &number) && number > 0;
	*value = (long)number;
	return ok;
}

static bool parse_frames(const char *text, long *value) {
	if (strcmp(text, "-1") == 0) {
		*value = -1;
		return true;
	}
	uint64_t number;
	bool ok = parse_number(text, INT32_MAX, &number);
	*value = (long)number;
	return ok;
}

// The position of a word in a list that ends with NULL, or -1.
static int parse_word(const char *text, const char *const words[]) {
	for (int i = 0; words[i] != NULL; i++) {
		if (strcmp(text, words[i]) == 0) {
			return i;
		}
	}
	return -1;
}

static bool parse_transport(const char *text, enum transport *transport) {
	static const char *const words[] = { "sluice", "dmabuf", "udmabuf", NULL };
	int word = parse_word(text, words);
	*transport = (enum transport)word;
	return word >= 0;
}

static bool parse_point(const char *text, enum point *point) {
	static const char *const words[] = {
		"", "connect", "source", "device", "params", "buffer", "commit", "quiesce", NULL,
	};
	int word = parse_word(text, words);
	*point = (enum point)word;
	return word > 0;
}

static bool parse_ranges(const char *text, struct options *options) {
	unsigned int ranges;
	char rest;
	options->seed = 1;
	int fields = sscanf(text, "%u:%u%c", &ranges, &options->seed, &rest);
	options->ranges = ranges;
	options->scatter = true;
	return (fields == 2 || (fields == 1 && strchr(text, ':') == NULL)) && ranges > 0;
}

static bool parse_poison(const char *text, struct options *options) {
	int end = 0;
	struct rect *rect = &options->poison;
	options->has_poison = true;
	if (sscanf(text, "%d,%d,%d,%d%n", &rect->x, &rect->y, &rect->width, &rect->height,
			&end) != 4) {
		return false;
	}
	return text[end] == '\0' ||
		(text[end] == ',' && colour_parse(text + end + 1, &options->poison_colour));
}

bool range_parse(const char *text, struct sluice_range *range) {
	char *plus, *end;
	errno = 0;
	range->offset = strtoull(text, &plus, 0);
	if (errno != 0 || plus == text || *plus != '+') {
		return false;
	}
	range->length = strtoull(plus + 1, &end, 0);
	return errno == 0 && end != plus + 1 && *end == '\0';
}

static bool add_range(struct options *options, const char *text) {
	struct sluice_range *ranges = realloc(options->explicit_ranges,
		(options->explicit_len + 1) * sizeof(*ranges));
	if (ranges == NULL) {
		return false;
	}
	options->explicit_ranges = ranges;
	return range_parse(text, &ranges[options->explicit_len++]);
}

static bool parse_option(struct options *options, int option, const char *arg) {
	uint64_t number;
	switch (option) {
	case OPT_DEVICE:
		options->device = arg;
		return true;
	case OPT_DEVICE_FD:
		return parse_int(arg, &options->device_fd);
	case OPT_REGION:
		return parse_u32(arg, &options->region);
	case OPT_PROTOCOL:
		return parse_transport(arg, &options->transport);
	case OPT_ADOPT:
		options->adopt = true;
		return true;
	case OPT_HAND_OVER:
		options->hand_over = true;
		return true;
	case OPT_SOURCE_NAME:
		options->source_name = arg;
		return true;
	case OPT_SIZE:
		return size_parse(arg, &options->width, &options->height);
	case OPT_BUFFERS:
		if (!parse_number(arg, 64, &number) || number == 0) {
			return false;
		}
		options->buffers = (size_t)number;
		return true;
	case OPT_RANGES:
		return parse_ranges(arg, options);
	case OPT_RANGE:
		return add_range(options, arg);
	case OPT_OFFSET:
		return parse_number(arg, UINT64_MAX, &options->offset);
	case OPT_FORMAT:
		options->format = pixel_format_find(arg);
		return options->format != NULL;
	case OPT_MODIFIER:
		return parse_number(arg, UINT64_MAX, &options->modifier);
	case OPT_STRIDE:
		return parse_u32(arg, &options->stride);
	case OPT_FULLSCREEN:
		options->window.fullscreen = true;
		options->window.fullscreen_output = arg;
		return true;
	case OPT_WINDOW:
		options->window.fullscreen = false;
		return true;
	case OPT_TITLE:
		options->window.title = arg;
		return true;
	case OPT_APP_ID:
		options->window.app_id = arg;
		return true;
	case OPT_VIEWPORT:
		return size_parse(arg, &options->viewport_width, &options->viewport_height);
	case OPT_CROP:
		options->has_crop = true;
		return rect_parse(arg, &options->crop);
	case OPT_TRANSFORM:
		return parse_int(arg, &options->transform) && options->transform < 8;
	case OPT_OPAQUE:
		options->opaque = true;
		return true;
	case OPT_FRAMES:
		return parse_frames(arg, &options->frames);
	case OPT_PATTERN:
		return pattern_parse(arg, &options->pattern);
	case OPT_NO_REDRAW:
		options->redraw = false;
		return true;
	case OPT_DAMAGE:
		options->has_damage = true;
		return rect_parse(arg, &options->damage);
	case OPT_POISON:
		return parse_poison(arg, options);
	case OPT_POISON_AFTER:
		return parse_frames(arg, &options->poison_after);
	case OPT_PRESENTATION:
		options->presentation = true;
		return true;
	case OPT_QUIET:
		options->quiet = true;
		return true;
	case OPT_STEP:
		options->step = true;
		return true;
	case OPT_TIMEOUT:
		return parse_int(arg, &options->timeout);
	case OPT_QUIESCE_EVERY:
		return parse_count(arg, &options->quiesce_every);
	case OPT_RESUME_ON_REVOKE:
		options->resume_on_revoke = true;
		return true;
	case OPT_IGNORE_REQUEST:
		options->ignore_request = true;
		return true;
	case OPT_VANISH_AFTER:
		return parse_count(arg, &options->vanish_after);
	case OPT_VANISH_AT:
		return parse_point(arg, &options->vanish_at);
	case OPT_BAD:
		options->bad = arg;
		return true;
	case OPT_LIST_BAD:
		options->list_bad = true;
		return true;
	case OPT_ORDERS:
		options->orders = arg;
		return true;
	default:
		return false;
	}
}

static const char *find_conflict(const struct options *options) {
	bool has_source = options->transport == TRANSPORT_SLUICE || options->adopt;
	if (options->adopt && options->transport != TRANSPORT_DMABUF) {
		return "--adopt needs --protocol dmabuf";
	}
	if (options->hand_over && !options->adopt) {
		return "--hand-over needs --adopt";
	}
	if (options->quiesce_every != 0 && !has_source) {
		return "--quiesce-every needs a source: --protocol sluice or --adopt";
	}
	if (options->resume_on_revoke && !has_source) {
		return "--resume-on-revoke needs a source: --protocol sluice or --adopt";
	}
	if (options->explicit_len > 0 && options->scatter) {
		return "--ranges and --range exclude each other";
	}
	if (!options->redraw && (options->has_damage || options->has_poison)) {
		return "--no-redraw excludes --damage and --poison";
	}
	return NULL;
}

int options_init(struct options *options, int argc, char *argv[]) {
	*options = (struct options){
		.device_fd = -1,
		.region = 2,
		.source_name = "vram-client",
		.buffers = 3,
		.ranges = 1,
		.format = pixel_format_find("XRGB8888"),
		.window = { .title = "vram-client", .app_id = "sluice.vram-client" },
		.pattern = { .kind = PATTERN_FRAME_NUMBER },
		.redraw = true,
		.poison_colour = 0xff00ff,
		.poison_after = 8,
	};
	int option;
	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		if (option == 'h' || option == OPT_HELP) {
			fputs(usage, stdout);
			return STATUS_OK;
		}
		if (option == '?') {
			return STATUS_SETUP;
		}
		if (!parse_option(options, option, optarg)) {
			complain("--%s: invalid value %s", long_options[option - OPT_DEVICE].name,
				optarg != NULL ? optarg : "");
			return STATUS_SETUP;
		}
	}
	if (optind < argc) {
		complain("unexpected argument %s", argv[optind]);
		return STATUS_SETUP;
	}
	if (options->explicit_len > 0) {
		options->buffers = 1;
	}
	const char *conflict = find_conflict(options);
	if (conflict != NULL) {
		complain("%s", conflict);
		return STATUS_SETUP;
	}
	return -1;
}

void options_finish(struct options *options) {
	free(options->explicit_ranges);
	options->explicit_ranges = NULL;
}
