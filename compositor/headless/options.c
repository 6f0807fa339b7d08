#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "headless/backend.h"
#include "headless/options.h"
#include "headless/verb.h"

#define EXIT_USAGE 2
#define DEFAULT_WIDTH 1280
#define DEFAULT_HEIGHT 720
#define DEFAULT_PATIENCE 30
#define DEFAULT_LIMIT 60
#define DEFAULT_SIMULATED_MIB 64
#define NSEC_PER_SEC INT64_C(1000000000)
/** Midnight, 1 January 2000, UTC. */
#define DEFAULT_DATE (INT64_C(946684800) * NSEC_PER_SEC)
#define MAX_HZ 1000

static const char usage[] =
	"Usage: sluice headless [options] -- command...\n"
	"\n"
	"Run a command in a session of its own, on screens that do not exist, and capture\n"
	"what they would show. The session has a private runtime directory and Wayland\n"
	"socket, and a seat with keyboard, pointer and touch. Time in it is virtual: it\n"
	"goes on, from one refresh of a screen to the next, only after every process of\n"
	"the session has done what it had to do and sleeps. The same input gives the same\n"
	"frames, bit by bit, however busy the machine is.\n"
	"\n"
	"Screens:\n"
	"      --output=[NAME:]WIDTHxHEIGHT[@HZ]\n"
	"                    add a screen; 1280x720@60 if there is none; several are allowed\n"
	"      --kiosk       windows fill their screen\n"
	"      --cursor      draw the pointer into the frames\n"
	"\n"
	"Time:\n"
	"      --free-run    time goes on by itself, as fast as the clients can follow\n"
	"      --frames=N    like --free-run, but end after N captured frames\n"
	"      --date=YYYY-MM-DD[THH:MM:SS]\n"
	"                    the date in the session, UTC; 2000-01-01 unless given\n"
	"      --machine-clock\n"
	"                    processes keep the machine's clocks (nothing is preloaded into\n"
	"                    them): only refreshes, frame callbacks and presentation times\n"
	"                    are virtual\n"
	"      --patience=S  give up when the processes have not fallen asleep for S seconds\n"
	"                    of the machine's time (30)\n"
	"      --limit=S     give up when there was no frame for S seconds of virtual time,\n"
	"                    and one is waited for (60)\n"
	"\n"
	"Script:\n"
	"      --script=FILE what to do and what to expect, on the session's time line; it\n"
	"                    ends with the script. sluicectl headless does the same\n"
	"      --golden=DIR  the images that \"expect\" compares with\n"
	"      --bless       make what is shown the golden images\n"
	"      --verbs       list what a script can say, and exit\n"
	"\n"
	"Capture:\n"
	"      --capture=DIR write frames and DIR/manifest.jsonl\n"
	"      --format=LIST what to write: png, rgb (raw), y4m, separated by commas, or hash\n"
	"                    for the manifest only; png unless given\n"
	"      --capture-into=ADDRESS[,REGION]\n"
	"                    own the vfio device at this PCI address, which resets it, and write\n"
	"                    frames into its VRAM as well, one behind the other; the manifest\n"
	"                    tells where. \"simulated\" is the exporter of --simulate-exporter\n"
	"      --every=N     capture each Nth frame; each one unless given, and with a script\n"
	"                    none but those it names\n"
	"      --threads=N   threads that encode; as many as there are processors\n"
	"\n"
	"Other:\n"
	"      --simulate-exporter[=MIB]\n"
	"                    have an exporter made of ordinary memory (64 MiB); producers find it\n"
	"                    as SLUICE_EXPORTER, and scripts can let it fail. What is captured\n"
	"                    is marked as simulated\n"
	"  -c, --config=FILE a configuration; none is read unless given\n"
	"      --no-gpu, --no-cpu, --render-vram=ADDRESS[,REGION]\n"
	"                    see sluice --help\n"
	"  -d, --debug, -q, --quiet, -h, --help, -V, --version\n"
	"\n"
	"Exit status: the command's; 1 if something went wrong, 2 if the command line was\n"
	"not understood.\n";

enum {
	OPTION_OUTPUT = 256,
	OPTION_KIOSK,
	OPTION_CURSOR,
	OPTION_FREE_RUN,
	OPTION_FRAMES,
	OPTION_DATE,
	OPTION_MACHINE_CLOCK,
	OPTION_PATIENCE,
	OPTION_LIMIT,
	OPTION_SCRIPT,
	OPTION_GOLDEN,
	OPTION_BLESS,
	OPTION_VERBS,
	OPTION_CAPTURE,
	OPTION_CAPTURE_INTO,
	OPTION_FORMAT,
	OPTION_EVERY,
	OPTION_THREADS,
	OPTION_SIMULATE_EXPORTER,
	OPTION_NO_GPU,
	OPTION_NO_CPU,
	OPTION_RENDER_VRAM,
};

static const struct option long_options[] = {
	{ "output", required_argument, NULL, OPTION_OUTPUT },
	{ "kiosk", no_argument, NULL, OPTION_KIOSK },
	{ "cursor", no_argument, NULL, OPTION_CURSOR },
	{ "free-run", no_argument, NULL, OPTION_FREE_RUN },
	{ "frames", required_argument, NULL, OPTION_FRAMES },
	{ "date", required_argument, NULL, OPTION_DATE },
	{ "machine-clock", no_argument, NULL, OPTION_MACHINE_CLOCK },
	{ "patience", required_argument, NULL, OPTION_PATIENCE },
	{ "limit", required_argument, NULL, OPTION_LIMIT },
	{ "script", required_argument, NULL, OPTION_SCRIPT },
	{ "golden", required_argument, NULL, OPTION_GOLDEN },
	{ "bless", no_argument, NULL, OPTION_BLESS },
	{ "verbs", no_argument, NULL, OPTION_VERBS },
	{ "capture", required_argument, NULL, OPTION_CAPTURE },
	{ "capture-into", required_argument, NULL, OPTION_CAPTURE_INTO },
	{ "format", required_argument, NULL, OPTION_FORMAT },
	{ "every", required_argument, NULL, OPTION_EVERY },
	{ "threads", required_argument, NULL, OPTION_THREADS },
	{ "config", required_argument, NULL, 'c' },
	{ "simulate-exporter", optional_argument, NULL, OPTION_SIMULATE_EXPORTER },
	{ "no-gpu", no_argument, NULL, OPTION_NO_GPU },
	{ "no-cpu", no_argument, NULL, OPTION_NO_CPU },
	{ "render-vram", required_argument, NULL, OPTION_RENDER_VRAM },
	{ "debug", no_argument, NULL, 'd' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static _Noreturn void __attribute__((format(printf, 1, 2))) fail(const char *format, ...) {
	va_list args;
	va_start(args, format);
	fputs("sluice headless: ", stderr);
	vfprintf(stderr, format, args);
	fputs("\nTry \"sluice headless --help\".\n", stderr);
	va_end(args);
	exit(EXIT_USAGE);
}

static void list_verbs(void) {
	for (const struct verb *verb = verbs; verb->name != NULL; verb++) {
		printf("%s %s\n    %s\n", verb->name, verb->arguments, verb->summary);
	}
}

static uint64_t parse_number(const char *option, const char *text, uint64_t min, uint64_t max) {
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < min ||
			value > max) {
		fail("--%s: \"%s\" is no number from %llu to %llu", option, text,
			(unsigned long long)min, (unsigned long long)max);
	}
	return value;
}

bool headless_is_name(const char *text) {
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
	return len > 0 && len <= 64 && text[len] == '\0' && text[0] != '.' && text[0] != '-';
}

bool headless_parse_mode(const char *text, int *width, int *height, int *refresh) {
	int consumed = 0;
	double hz = 0;
	if (sscanf(text, "%5dx%5d%n", width, height, &consumed) != 2 || consumed == 0) {
		return false;
	}
	if (text[consumed] == '@') {
		char *end;
		hz = strtod(text + consumed + 1, &end);
		if (end == text + consumed + 1 || *end != '\0' || !(hz >= 1 && hz <= MAX_HZ)) {
			return false;
		}
	} else if (text[consumed] != '\0') {
		return false;
	}
	*refresh = (int)lround(hz * 1000);
	return *width > 0 && *width <= HEADLESS_MAX_EXTENT && *height > 0 &&
		*height <= HEADLESS_MAX_EXTENT;
}

/** [NAME:]WIDTHxHEIGHT[@HZ] */
static void parse_output(struct headless_options *options, char *argument) {
	if (options->outputs_len == HEADLESS_MAX_OUTPUTS) {
		fail("--output: more than %d screens", HEADLESS_MAX_OUTPUTS);
	}
	struct headless_output_options *output = &options->outputs[options->outputs_len];
	char *mode = argument;
	char *colon = strchr(argument, ':');
	if (colon != NULL) {
		*colon = '\0';
		output->name = argument;
		mode = colon + 1;
		if (!headless_is_name(argument)) {
			fail("--output: \"%s\" is no name: letters, digits, \"-\", \"_\" and \".\" are",
				argument);
		}
		for (size_t i = 0; i < options->outputs_len; i++) {
			if (options->outputs[i].name != NULL &&
					strcmp(options->outputs[i].name, argument) == 0) {
				fail("--output: two screens named \"%s\"", argument);
			}
		}
	}
	if (!headless_parse_mode(mode, &output->width, &output->height, &output->refresh)) {
		fail("--output: \"%s\" is no size: WIDTHxHEIGHT[@HZ], up to %dx%d and %d Hz", mode,
			HEADLESS_MAX_EXTENT, HEADLESS_MAX_EXTENT, MAX_HZ);
	}
	options->outputs_len++;
}

static void parse_date(struct headless_options *options, const char *argument) {
	struct tm tm = { .tm_isdst = 0 };
	const char *end = strptime(argument, "%Y-%m-%d", &tm);
	if (end != NULL && *end == 'T') {
		end = strptime(end, "T%H:%M:%S", &tm);
	}
	time_t seconds = end != NULL && *end == '\0' ? timegm(&tm) : -1;
	if (seconds < 0 || seconds > INT64_MAX / NSEC_PER_SEC / 2) {
		fail("--date: \"%s\" is no date: YYYY-MM-DD[THH:MM:SS], from 1970 on", argument);
	}
	options->date = (int64_t)seconds * NSEC_PER_SEC;
}

static void parse_formats(struct headless_options *options, char *argument) {
	options->capture.formats = 0;
	char *saved = NULL;
	for (char *word = strtok_r(argument, ",", &saved); word != NULL;
			word = strtok_r(NULL, ",", &saved)) {
		if (strcmp(word, "png") == 0) {
			options->capture.formats |= CAPTURE_PNG;
		} else if (strcmp(word, "rgb") == 0) {
			options->capture.formats |= CAPTURE_RAW;
		} else if (strcmp(word, "y4m") == 0) {
			options->capture.formats |= CAPTURE_Y4M;
		} else if (strcmp(word, "hash") != 0) {
			fail("--format: \"%s\" is none of png, rgb, y4m, hash", word);
		}
	}
}

/** ADDRESS[,REGION]: the region */
static uint32_t parse_region(const char *option, char *argument) {
	char *comma = strchr(argument, ',');
	if (comma == NULL) {
		return SERVER_DEFAULT_VRAM_REGION;
	}
	*comma = '\0';
	return (uint32_t)parse_number(option, comma + 1, 0, 5);
}

static void parse_option(struct headless_options *options, int c) {
	switch (c) {
	case OPTION_OUTPUT:
		parse_output(options, optarg);
		break;
	case OPTION_KIOSK:
		options->server.mode = MODE_KIOSK;
		break;
	case OPTION_CURSOR:
		options->cursor = true;
		break;
	case OPTION_FREE_RUN:
		options->free_run = true;
		break;
	case OPTION_FRAMES:
		options->capture.limit = parse_number("frames", optarg, 1, UINT32_MAX);
		options->free_run = true;
		break;
	case OPTION_DATE:
		parse_date(options, optarg);
		break;
	case OPTION_MACHINE_CLOCK:
		options->machine_clock = true;
		break;
	case OPTION_PATIENCE:
		options->patience = (unsigned)parse_number("patience", optarg, 1, 86400);
		break;
	case OPTION_LIMIT:
		options->limit = (unsigned)parse_number("limit", optarg, 1, 1000000);
		break;
	case OPTION_SCRIPT:
		options->script = optarg;
		break;
	case OPTION_GOLDEN:
		options->golden = optarg;
		break;
	case OPTION_BLESS:
		options->bless = true;
		break;
	case OPTION_VERBS:
		list_verbs();
		exit(EXIT_SUCCESS);
	case OPTION_CAPTURE:
		options->capture.directory = optarg;
		break;
	case OPTION_CAPTURE_INTO:
		options->capture.into = optarg;
		options->capture.into_region = parse_region("capture-into", optarg);
		break;
	case OPTION_FORMAT:
		parse_formats(options, optarg);
		break;
	case OPTION_EVERY:
		options->capture.nth = (unsigned)parse_number("every", optarg, 1, UINT32_MAX);
		options->every = true;
		break;
	case OPTION_THREADS:
		options->capture.threads = (unsigned)parse_number("threads", optarg, 1, 16);
		break;
	case 'c':
		options->server.config_path = optarg;
		break;
	case OPTION_SIMULATE_EXPORTER:
		options->simulated_size = UINT64_C(1048576) * (optarg == NULL ? DEFAULT_SIMULATED_MIB :
			parse_number("simulate-exporter", optarg, 1, 65536));
		options->capture.simulated = true;
		break;
	case OPTION_NO_GPU:
		options->server.no_gpu = true;
		break;
	case OPTION_NO_CPU:
		options->server.no_cpu = true;
		break;
	case OPTION_RENDER_VRAM:
		options->server.render_vram = optarg;
		options->server.render_vram_region = parse_region("render-vram", optarg);
		break;
	case 'd':
		options->verbosity = WLR_DEBUG;
		break;
	case 'q':
		options->verbosity = WLR_ERROR;
		break;
	case 'h':
		fputs(usage, stdout);
		exit(EXIT_SUCCESS);
	case 'V':
		puts("sluice " SLUICE_VERSION);
		exit(EXIT_SUCCESS);
	default:
		fputs("Try \"sluice headless --help\".\n", stderr);
		exit(EXIT_USAGE);
	}
}

void headless_parse_options(struct headless_options *options, int argc, char *argv[]) {
	*options = (struct headless_options){
		.capture = { .formats = CAPTURE_PNG, .nth = 1 },
		.verbosity = WLR_ERROR,
		.date = DEFAULT_DATE,
		.patience = DEFAULT_PATIENCE,
		.limit = DEFAULT_LIMIT,
	};
	int c;
	while ((c = getopt_long(argc, argv, "+c:dqhV", long_options, NULL)) != -1) {
		parse_option(options, c);
	}
	if (optind >= argc) {
		fail("which command? sluice headless [options] -- command...");
	}
	options->command = &argv[optind];
	if (options->outputs_len == 0) {
		options->outputs[options->outputs_len++] = (struct headless_output_options){
			.width = DEFAULT_WIDTH,
			.height = DEFAULT_HEIGHT,
		};
	}
	// A script says itself what it wants
	options->capture.every_frame = options->capture.limit > 0 ||
		((options->capture.directory != NULL || options->capture.into != NULL) && (options->script == NULL || options->every));
}
