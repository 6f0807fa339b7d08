#define _GNU_SOURCE // getopt_long()
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wlr/util/log.h>
#include "ctl/ctl.h"
#include "ctl/doctor/report.h"

#define DEFAULT_TIMEOUT_MS 30000

static const char help[] =
	"For each GPU that could export (one that vfio-pci has, or could have) and each that\n"
	"could import, doctor finds out by which path frames in the VRAM of the one can reach\n"
	"the screens of the other. It names what stands in the way, and what to do about it.\n"
	"No compositor is needed, and root only for what the kernel shows to nobody else.\n"
	"\n"
	"Most of it is read from files. The last steps open the devices, and opening a device\n"
	"of vfio RESETS it: no virtual machine may be using it. You are asked before.\n"
	"\n"
	"  -y, --yes           open the devices without asking\n"
	"  -n, --no            do not open them, and do not ask\n"
	"  -c, --commit        also show a picture on the importer's first screen, and then\n"
	"                      switch that screen off: for a console without a compositor\n"
	"  -g, --gpu-read      also have the importer's GPU draw the exporter's memory, by\n"
	"                      EGL and by Vulkan, and look whether the pixels are right\n"
	"  -j, --json          print what was found as JSON\n"
	"      --report=FILE   also write it to a file to show to others; serial numbers,\n"
	"                      addresses of network cards and the like are removed\n"
	"  -t, --timeout=MS    give each driver so many milliseconds (30000)\n"
	"      --root=DIR      look at the files of a machine that was recorded in DIR\n"
	"\n"
	"Exit status: 0 if some pair has a path, 1 if none has.\n";

enum {
	OPTION_REPORT = 256,
	OPTION_ROOT,
};

static const struct option long_options[] = {
	{ "yes", no_argument, NULL, 'y' },
	{ "no", no_argument, NULL, 'n' },
	{ "commit", no_argument, NULL, 'c' },
	{ "gpu-read", no_argument, NULL, 'g' },
	{ "json", no_argument, NULL, 'j' },
	{ "report", required_argument, NULL, OPTION_REPORT },
	{ "timeout", required_argument, NULL, 't' },
	{ "root", required_argument, NULL, OPTION_ROOT },
	{ 0 },
};

struct options {
	struct doctor_selection selection;
	bool yes, no, json;
	uint32_t flags;
	int timeout_ms;
	const char *report;
};

/** What was answered last. */
struct consent {
	const struct pci_device *exporter;
	bool given;
};

static int parse_timeout(const char *text, int *timeout_ms) {
	char *end;
	errno = 0;
	long value = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < 1 || value > INT_MAX) {
		return ctl_usage_error("doctor", "--timeout: \"%s\" is no number of milliseconds", text);
	}
	*timeout_ms = (int)value;
	return 0;
}

/** A PCI address, and the node of a DRM device: either, both or none, in any order. */
static int parse_devices(struct options *options, int argc, char *argv[]) {
	for (int i = 0; i < argc; i++) {
		const char **place = argv[i][0] == '/' ? &options->selection.importer :
			&options->selection.exporter;
		if (*place != NULL) {
			return ctl_usage_error("doctor", "one exporter and one importer at most");
		}
		*place = argv[i];
	}
	return 0;
}

static int parse(struct options *options, int argc, char *argv[]) {
	int c;
	optind = 0; // main() has used it before
	while ((c = getopt_long(argc, argv, "yncgjt:", long_options, NULL)) != -1) {
		int status = 0;
		switch (c) {
		case 'y':
			options->yes = true;
			break;
		case 'n':
			options->no = true;
			break;
		case 'c':
			options->flags |= SLUICE_PROBE_COMMIT;
			break;
		case 'g':
			options->flags |= SLUICE_PROBE_GPU_READ;
			break;
		case 'j':
			options->json = true;
			break;
		case 't':
			status = parse_timeout(optarg, &options->timeout_ms);
			break;
		case OPTION_REPORT:
			options->report = optarg;
			break;
		case OPTION_ROOT:
			options->selection.root = optarg;
			break;
		default:
			return ctl_usage_error("doctor", "see sluicectl doctor --help");
		}
		if (status != 0) {
			return status;
		}
	}
	return parse_devices(options, argc - optind, argv + optind);
}

/** Ask on the terminal, once for each exporter. */
static bool ask(struct consent *consent, const struct doctor_pair *pair, uint32_t flags) {
	if (consent->exporter == pair->exporter) {
		return consent->given;
	}
	consent->exporter = pair->exporter;
	fprintf(stderr, "\nThe last steps open %s (%s), which RESETS it: nothing may be using it.\n",
		pair->exporter->address, pair->exporter->name);
	if (flags != 0) {
		fprintf(stderr, "They also write a picture over the start of its VRAM.\n");
	}
	if ((flags & SLUICE_PROBE_COMMIT) != 0) {
		fprintf(stderr, "The first screen of each importer shows it, and is then switched off.\n");
	}
	fprintf(stderr, "Open it? [y/N] ");
	char line[16] = "";
	consent->given = fgets(line, sizeof(line), stdin) != NULL &&
		(line[0] == 'y' || line[0] == 'Y');
	return consent->given;
}

static void examine(const struct doctor *doctor, struct doctor_pair *pair,
		const struct options *options, struct consent *consent) {
	if (doctor->machine.files.root[0] != '\0') {
		doctor_skip(pair, "this machine is a recorded one");
	} else if (!doctor_can_try(pair)) {
		doctor_skip(pair, "the exporter cannot be opened yet");
	} else if (options->no) {
		doctor_skip(pair, "not wanted (--no)");
	} else if (options->yes) {
		doctor_try(pair, options->flags, options->timeout_ms);
	} else if (!isatty(STDIN_FILENO)) {
		doctor_skip(pair, "opening the exporter resets it, which nobody allowed (--yes)");
	} else if (ask(consent, pair, options->flags)) {
		doctor_try(pair, options->flags, options->timeout_ms);
	} else {
		doctor_skip(pair, "opening the exporter resets it, which was not allowed");
	}
	doctor_conclude(pair);
}

static int run_doctor(struct ctl *ctl, int argc, char *argv[]) {
	struct options options = { .json = ctl->json, .timeout_ms = DEFAULT_TIMEOUT_MS };
	int status = parse(&options, argc, argv);
	if (status != 0) {
		return status;
	}
	wlr_log_init(WLR_ERROR, NULL);
	struct doctor doctor;
	if (!doctor_init(&doctor, &options.selection)) {
		return EXIT_FAILURE;
	}

	bool any = false;
	struct consent consent = { 0 };
	if (!options.json) {
		doctor_print_machine(&doctor, ctl->colours);
	}
	for (size_t i = 0; i < doctor.pairs_len; i++) {
		struct doctor_pair *pair = &doctor.pairs[i];
		examine(&doctor, pair, &options, &consent);
		any |= pair->verdict.path != SLUICE_PATH_NONE;
		if (!options.json) {
			doctor_print_pair(pair, ctl->colours);
			fflush(stdout);
		}
	}
	if (options.json) {
		struct json_object *description = doctor_describe(&doctor);
		ctl_print_json(description);
		json_object_put(description);
	}
	if (options.report != NULL && !doctor_write_report(&doctor, options.report)) {
		fprintf(stderr, "sluicectl: cannot write the report to %s: %s\n", options.report,
			strerror(errno));
		any = false;
	}
	doctor_finish(&doctor);
	return any ? EXIT_SUCCESS : EXIT_FAILURE;
}

const struct ctl_command ctl_doctor_commands[] = {
	{
		.name = "doctor",
		.arguments = "[option...] [EXPORTER] [IMPORTER]",
		.summary = "find out what this machine's hardware can do, and what stands in the way",
		.help = help,
		.run = run_doctor,
	},
	{ 0 },
};
