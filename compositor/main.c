#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/util/log.h>
#include "config/config.h"
#include "config/kiosk.h"
#include "headless/headless.h"
#include "kiosk/kiosk.h"
#include "server.h"
#include "system/notify.h"

/** The command line was not understood. */
#define EXIT_USAGE 2

static const char usage[] =
	"Usage: sluice [options] [-- command...]\n"
	"       sluice kiosk [options] [-- command...]\n"
	"       sluice headless [options] -- command...\n"
	"       sluice --check [file]\n"
	"\n"
	"A Wayland compositor that shows frames lying in the VRAM of a GPU owned by\n"
	"vfio-pci on the screens of another GPU, without a copy by the CPU.\n"
	"\n"
	"Without \"kiosk\", sluice is a session of windows that float or tile, on workspaces,\n"
	"and runs until it is ended by SIGTERM or SIGINT. A command is started as its first\n"
	"client.\n"
	"As a kiosk, it runs one command, every window of which fills the screen, and\n"
	"ends with it and with its exit status; or, without one, the commands and sources\n"
	"of the configuration, each on its own screen.\n"
	"Headless, it runs a command on screens that do not exist, in virtual time, and\n"
	"captures what they would show: sluice headless --help.\n"
	"\n"
	"Options:\n"
	"  -c, --config=FILE the configuration, instead of the one that is found\n"
	"      --check       check the configuration, or the file named, tell what is wrong\n"
	"                    with it, and exit\n"
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
	"Keys of a session, unless the configuration says something else:\n"
	"  Alt+Tab, Logo+arrow      focus the next window, or the one that lies there\n"
	"  Logo+F, Logo+M, Logo+Q   fullscreen, maximize, close\n"
	"  Logo+T, Logo+Space       tile the workspace; take a window out of the tiles\n"
	"  Logo+Shift+arrow         swap a tile with its neighbour (Return: with the master)\n"
	"  Logo+Minus, Logo+Equal   narrow or widen the masters' column\n"
	"  Logo+1 to 9              show a workspace (with Shift: send the window there)\n"
	"  Logo+Ctrl+arrow          send the window to the screen that lies there\n"
	"  Scroll Lock              give all input to the window, and back; of a kiosk, too\n"
	"  Logo+drag                move, with the right button resize\n"
	"  Logo+I                   figures of each frame's path on the screen, or not\n"
	"  Ctrl+Alt+F1...           switch console\n"
	"\n"
	"The configuration is $XDG_CONFIG_HOME/sluice/config (~/.config/sluice/config),\n"
	"else sluice/config in XDG_CONFIG_DIRS or in " SLUICE_SYSCONFDIR ".\n"
	"\n"
	"sluicectl speaks to a running sluice. SIGHUP has it read the configuration again;\n"
	"SIGUSR1 logs how each VRAM surface reaches the screen, and what was read.\n"
	"\n"
	"Environment: WLR_BACKENDS (drm, headless, wayland, x11), WLR_RENDERER (pixman,\n"
	"gles2, vulkan), WLR_DRM_DEVICES, XKB_DEFAULT_LAYOUT and more, as documented\n"
	"by wlroots.\n"
	"\n"
	"Exit status: 0 if all went well, 1 if it could not run, 2 if the command line was\n"
	"not understood; a kiosk has that of its command.\n";

struct options {
	struct server_options server;
	enum wlr_log_importance verbosity;
	bool check;
	char **command; // NULL if there is none
};

enum {
	OPTION_NO_GPU = 256,
	OPTION_NO_CPU,
	OPTION_RENDER_VRAM,
	OPTION_CHECK,
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check", no_argument, NULL, OPTION_CHECK },
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
	options->render_vram_region = SERVER_DEFAULT_VRAM_REGION;
	char *comma = strchr(argument, ',');
	if (comma == NULL) {
		return;
	}
	*comma = '\0';
	if (comma[1] < '0' || comma[1] > '5' || comma[2] != '\0') {
		fprintf(stderr, "sluice: --render-vram: \"%s\" is no region: they go from 0 to 5\n",
			comma + 1);
		exit(EXIT_USAGE);
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
	while ((c = getopt_long(argc, argv, "+c:dqhV", long_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			options->server.config_path = optarg;
			break;
		case OPTION_CHECK:
			options->check = true;
			break;
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
			exit(EXIT_USAGE);
		}
	}
	if (optind < argc) {
		options->command = &argv[optind];
	}
}

/** Look through a configuration, and exit. */
static int check_config(const struct options *options) {
	const char *given =
		options->command != NULL ? options->command[0] : options->server.config_path;
	if (options->command != NULL && options->command[1] != NULL) {
		fputs("sluice: --check takes one file\n", stderr);
		return EXIT_USAGE;
	}
	char *found = given == NULL ? config_find() : NULL;
	const char *path = given != NULL ? given : found;
	if (path == NULL) {
		fputs("There is no configuration: all is as built in\n", stderr);
		return EXIT_SUCCESS;
	}
	struct config_report report;
	if (!config_report_init(&report)) {
		return EXIT_FAILURE;
	}
	struct config *config = config_load(path, &report);
	bool ok = config != NULL;
	if (ok) {
		printf("%s: good\n", path);
	} else {
		fputs(config_report_get_text(&report), stderr);
	}
	config_destroy(config);
	config_report_finish(&report);
	free(found);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char *argv[]) {
	// Who pastes, or reads a trace or our log, may go away in the middle of it
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && strcmp(argv[1], "headless") == 0) {
		return headless_main(argc - 1, argv + 1);
	}
	struct options options;
	parse_options(&options, argc, argv);
	if (options.check) {
		return check_config(&options);
	}
	wlr_log_init(options.verbosity, NULL);
	// For desktop portals and toolkits; a session's starter may have said otherwise
	setenv("XDG_CURRENT_DESKTOP", "sluice:wlroots", false);
	setenv("XDG_SESSION_TYPE", "wayland", true);

	struct server server;
	if (!server_init(&server, &options.server)) {
		return EXIT_FAILURE;
	}

	server.exit_status = EXIT_FAILURE;
	if (options.server.mode == MODE_KIOSK && options.command == NULL &&
			!kiosk_config_has_items(server.config)) {
		fputs("sluice: kiosk needs a command: sluice kiosk -- command..., or a command or source "
			"in the configuration\n", stderr);
		server.exit_status = EXIT_USAGE;
	} else if (server_start(&server) && kiosk_start(server.kiosk, options.command)) {
		notify_ready(&server);
		wl_display_run(server.display);
		notify_stopping(&server);
	}
	server_finish(&server);
	return server.exit_status;
}
