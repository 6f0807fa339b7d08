#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/util/log.h>
#include "launch.h"
#include "server.h"

/** Where Intel GPUs, and the rig's, have their VRAM. */
#define DEFAULT_VRAM_REGION 2

static const char usage[] =
	"Usage: sluice [options] [-- command...]\n"
	"       sluice kiosk [options] -- command...\n"
	"\n"
	"A Wayland compositor that shows frames lying in the VRAM of a GPU owned by\n"
	"vfio-pci on the screens of another GPU, without a copy by the CPU.\n"
	"\n"
	"Without \"kiosk\", sluice is a session: windows float, and it runs until it is\n"
	"ended by SIGTERM or SIGINT. A command is started as its first client.\n"
	"As a kiosk, it runs one command, every window of which fills the screen, and\n"
	"ends with it and with its exit status.\n"
	"\n"
	"Options:\n"
	"  -d, --debug       log what wlroots does, too\n"
	"  -q, --quiet       log errors only\n"
	"      --no-gpu      never let the GPU sample VRAM: use scanout or the CPU\n"
	"      --no-cpu      never let the CPU read VRAM\n"
	"      --render-vram=ADDRESS[,REGION]\n"
	"                    own the vfio device at this PCI address, which resets it, draw\n"
	"                    the screens' frames into its VRAM (region: 2 unless given) and\n"
	"                    scan them out from there\n"
	"  -h, --help        show this text and exit\n"
	"  -V, --version     show the version and exit\n"
	"\n"
	"Keys of a session: Alt+Tab next window, Logo+F fullscreen, Logo+Q close,\n"
	"Logo+left drag move, Logo+right drag resize, Ctrl+Alt+F1... switch console.\n"
	"\n"
	"SIGUSR1 logs how each VRAM surface reaches the screen, and what was read.\n"
	"\n"
	"Environment: WLR_BACKENDS (drm, headless, wayland, x11), WLR_RENDERER (pixman,\n"
	"gles2, vulkan), WLR_DRM_DEVICES, XKB_DEFAULT_LAYOUT and more, as documented\n"
	"by wlroots.\n";

struct options {
	struct server_options server;
	enum wlr_log_importance verbosity;
	char **command; // NULL if there is none
};

enum {
	OPTION_NO_GPU = 256,
	OPTION_NO_CPU,
	OPTION_RENDER_VRAM,
};

static const struct option long_options[] = {
	{ "debug", no_argument, NULL, 'd' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "no-gpu", no_argument, NULL, OPTION_NO_GPU },
	{ "no-cpu", no_argument, NULL, OPTION_NO_CPU },
	{ "render-vram", required_argument, NULL, OPTION_RENDER_VRAM },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

/** ADDRESS[,REGION] */
static void parse_render_vram(struct server_options *options, char *argument) {
	options->render_vram = argument;
	options->render_vram_region = DEFAULT_VRAM_REGION;
	char *comma = strchr(argument, ',');
	if (comma == NULL) {
		return;
	}
	*comma = '\0';
	if (comma[1] < '0' || comma[1] > '5' || comma[2] != '\0') {
		fprintf(stderr, "sluice: --render-vram: \"%s\" is no region: they go from 0 to 5\n",
			comma + 1);
		exit(EXIT_FAILURE);
	}
	options->render_vram_region = (uint32_t)(comma[1] - '0');
}

/** Exits on --help, --version and on what cannot be understood. */
static void parse_options(struct options *options, int argc, char *argv[]) {
	*options = (struct options){ .verbosity = WLR_INFO };
	if (argc > 1 && strcmp(argv[1], "kiosk") == 0) {
		options->server.mode = MODE_KIOSK;
		argv[1] = argv[0];
		argc--;
		argv++;
	}
	int c;
	while ((c = getopt_long(argc, argv, "+dqhV", long_options, NULL)) != -1) {
		switch (c) {
		case 'd':
			options->verbosity = WLR_DEBUG;
			break;
		case 'q':
			options->verbosity = WLR_ERROR;
			break;
		case OPTION_NO_GPU:
			options->server.no_gpu = true;
			break;
		case OPTION_NO_CPU:
			options->server.no_cpu = true;
			break;
		case OPTION_RENDER_VRAM:
			parse_render_vram(&options->server, optarg);
			break;
		case 'h':
			fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		case 'V':
			puts("sluice " SLUICE_VERSION);
			exit(EXIT_SUCCESS);
		default:
			fputs("Try \"sluice --help\".\n", stderr);
			exit(EXIT_FAILURE);
		}
	}
	if (optind < argc) {
		options->command = &argv[optind];
	}
	if (options->server.mode == MODE_KIOSK && options->command == NULL) {
		fputs("sluice: kiosk needs a command: sluice kiosk -- command...\n", stderr);
		exit(EXIT_FAILURE);
	}
}

int main(int argc, char *argv[]) {
	struct options options;
	parse_options(&options, argc, argv);
	wlr_log_init(options.verbosity, NULL);

	struct server server;
	if (!server_init(&server, &options.server)) {
		return EXIT_FAILURE;
	}

	struct launch *launch = NULL;
	server.exit_status = EXIT_FAILURE;
	if (server_start(&server)) {
		if (options.command != NULL) {
			launch = launch_create(&server, options.command,
				options.server.mode == MODE_KIOSK);
		}
		if (options.command == NULL || launch != NULL) {
			wl_display_run(server.display);
		}
	}
	launch_destroy(launch);
	server_finish(&server);
	return server.exit_status;
}
