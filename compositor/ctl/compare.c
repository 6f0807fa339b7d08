#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "capture/image.h"
#include "ctl/compare_report.h"
#include "ctl/ctl.h"

#define MAX_MASKS 256

struct options {
	struct image_comparison comparison;
	struct image_box masks[MAX_MASKS];
	const char *difference; // file, or directory where directories are compared; NULL: none
	const char *junit; // file, or NULL
	bool tap, bless, quiet;
};

enum {
	OPTION_SSIM = 256,
	OPTION_MASK,
	OPTION_BLESS,
	OPTION_TAP,
	OPTION_JUNIT,
};

static const struct option long_options[] = {
	{ "tolerance", required_argument, NULL, 't' },
	{ "ssim", required_argument, NULL, OPTION_SSIM },
	{ "mask", required_argument, NULL, OPTION_MASK },
	{ "difference", required_argument, NULL, 'd' },
	{ "bless", no_argument, NULL, OPTION_BLESS },
	{ "tap", no_argument, NULL, OPTION_TAP },
	{ "junit", required_argument, NULL, OPTION_JUNIT },
	{ "quiet", no_argument, NULL, 'q' },
	{ 0 },
};

/** N, or R,G,B. */
static bool parse_tolerance(struct options *options, const char *text) {
	int *tolerance = options->comparison.tolerance, len = 0;
	if (sscanf(text, "%3d,%3d,%3d%n", &tolerance[0], &tolerance[1], &tolerance[2], &len) != 3 ||
			text[len] != '\0') {
		len = 0;
		if (sscanf(text, "%3d%n", &tolerance[0], &len) != 1 || text[len] != '\0') {
			return false;
		}
		tolerance[1] = tolerance[2] = tolerance[0];
	}
	for (int i = 0; i < 3; i++) {
		if (tolerance[i] < 0 || tolerance[i] > 255) {
			return false;
		}
	}
	return true;
}

static bool parse_mask(struct options *options, const char *text) {
	struct image_comparison *comparison = &options->comparison;
	struct image_box *box = &options->masks[comparison->masks_len];
	int len = 0;
	return comparison->masks_len < MAX_MASKS &&
		sscanf(text, "%6d,%6d,%6d,%6d%n", &box->x, &box->y, &box->width, &box->height,
			&len) == 4 && text[len] == '\0' && ++comparison->masks_len > 0;
}

static bool parse_ssim(struct options *options, const char *text) {
	char *end;
	options->comparison.ssim = strtod(text, &end);
	return end != text && *end == '\0' && options->comparison.ssim > 0 &&
		options->comparison.ssim <= 1;
}

/** EXIT_SUCCESS, or EXIT_USAGE after it was told. */
static int parse_options(struct options *options, int argc, char *argv[]) {
	*options = (struct options){ .comparison.masks = options->masks };
	optind = 0;
	int c;
	while ((c = getopt_long(argc, argv, "t:d:q", long_options, NULL)) != -1) {
		switch (c) {
		case 't':
			if (!parse_tolerance(options, optarg)) {
				return ctl_usage_error(argv[0], "--tolerance: \"%s\" is neither N nor R,G,B, from "
					"0 to 255", optarg);
			}
			break;
		case OPTION_SSIM:
			if (!parse_ssim(options, optarg)) {
				return ctl_usage_error(argv[0], "--ssim: \"%s\" is not above 0 and up to 1",
					optarg);
			}
			break;
		case OPTION_MASK:
			if (!parse_mask(options, optarg)) {
				return ctl_usage_error(argv[0], "--mask: \"%s\" is not X,Y,WIDTH,HEIGHT, or one too "
					"many", optarg);
			}
			break;
		case 'd':
			options->difference = optarg;
			break;
		case OPTION_BLESS:
			options->bless = true;
			break;
		case OPTION_TAP:
			options->tap = true;
			break;
		case OPTION_JUNIT:
			options->junit = optarg;
			break;
		case 'q':
			options->quiet = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (argc - optind != 2) {
		return ctl_usage_error(argv[0], "it needs what is expected, and what is there");
	}
	return EXIT_SUCCESS;
}

/** Compare two files, and say what is wrong, or NULL. */
static char *compare_images(const struct options *options, const struct image *expected,
		const struct image *actual, const char *difference_path) {
	struct image difference = { 0 };
	struct image_result result;
	if (!image_compare(expected, actual, &options->comparison, &result,
			difference_path != NULL ? &difference : NULL)) {
		return strdup("out of memory");
	}
	char *what = result.equal ? NULL :
		image_describe(expected, actual, &options->comparison, &result);
	if (!result.equal && difference.rgb != NULL) {
		char *error = image_save(difference_path, &difference), *longer = NULL;
		if (asprintf(&longer, "%s\n%s%s", what != NULL ? what : "",
				error != NULL ? "" : "difference: ",
				error != NULL ? error : difference_path) >= 0) {
			free(what);
			what = longer;
		}
		free(error);
	}
	image_finish(&difference);
	return what != NULL || result.equal ? what : strdup("out of memory");
}

static char *compare_files(const struct options *options, const char *expected_path,
		const char *actual_path, const char *difference_path, bool *blessed) {
	struct image expected, actual;
	char *error = image_load(actual_path, &actual);
	if (error != NULL) {
		return error;
	}
	// What cannot be read, or is not there, is replaced as what is not equal is
	char *what = image_load(expected_path, &expected);
	if (what == NULL) {
		what = compare_images(options, &expected, &actual,
			options->bless ? NULL : difference_path);
	}
	if (what != NULL && options->bless) {
		free(what);
		what = image_save(expected_path, &actual);
		*blessed = what == NULL;
	}
	image_finish(&expected);
	image_finish(&actual);
	return what;
}

static char *join(const char *directory, const char *name, const char *suffix) {
	char *path = NULL;
	return asprintf(&path, "%s/%s%s", directory, name, suffix) >= 0 ? path : NULL;
}

static bool is_directory(const char *path) {
	struct stat status;
	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int is_png(const struct dirent *entry) {
	const char *dot = strrchr(entry->d_name, '.');
	return entry->d_name[0] != '.' && dot != NULL && strcmp(dot, ".png") == 0;
}

static void compare_pair(const struct options *options, struct compare_report *report,
		const char *name, const char *expected, const char *actual, const char *difference) {
	bool blessed = false;
	char *what = compare_files(options, expected, actual, difference, &blessed);
	compare_report_add(report, &(struct compare_case){
		.name = name, .expected = expected, .actual = actual, .failure = what,
		.blessed = blessed });
	free(what);
}

/** Each picture in the directory of what is expected; with --bless, in the other. */
static bool compare_directories(const struct options *options, struct compare_report *report,
		const char *expected, const char *actual) {
	struct dirent **entries;
	const char *listed = options->bless ? actual : expected;
	int len = scandir(listed, &entries, is_png, alphasort);
	if (len < 0) {
		fprintf(stderr, "sluicectl: %s: %s\n", listed, strerror(errno));
		return false;
	}
	if (options->difference != NULL) {
		mkdir(options->difference, 0777);
	}
	for (int i = 0; i < len; i++) {
		const char *name = entries[i]->d_name;
		char *a = join(expected, name, ""), *b = join(actual, name, "");
		char *d = options->difference != NULL ? join(options->difference, name, "") : NULL;
		if (a != NULL && b != NULL) {
			compare_pair(options, report, name, a, b, d);
		}
		free(a);
		free(b);
		free(d);
		free(entries[i]);
	}
	free(entries);
	if (len == 0) {
		fprintf(stderr, "sluicectl: %s: no *.png is there\n", listed);
	}
	return len > 0;
}

static int run_compare(struct ctl *ctl, int argc, char *argv[]) {
	struct options options;
	int status = parse_options(&options, argc, argv);
	if (status != EXIT_SUCCESS) {
		return status;
	}
	const char *expected = argv[optind], *actual = argv[optind + 1];
	struct compare_report report = {
		.tap = options.tap, .json = ctl->json, .quiet = options.quiet };
	bool ok = true;
	if (is_directory(actual)) {
		if (!is_directory(expected) && options.bless) {
			mkdir(expected, 0777);
		}
		ok = compare_directories(&options, &report, expected, actual);
	} else {
		const char *slash = strrchr(actual, '/');
		compare_pair(&options, &report, slash != NULL ? slash + 1 : actual, expected, actual,
			options.difference);
	}
	compare_report_end(&report);
	if (options.junit != NULL && !compare_report_write_junit(&report, options.junit)) {
		ok = false;
	}
	ok = ok && report.failures == 0;
	compare_report_finish(&report);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

const struct ctl_command ctl_compare_commands[] = {
	{ "compare", "[options] EXPECTED ACTUAL", "compare pictures (needs no compositor)",
		"Two PNG files, or those of the same name in two directories.\n"
		"\n"
		"  -t, --tolerance=N   how much a channel may differ, of 255; R,G,B for each by\n"
		"                      itself; 0 unless given\n"
		"      --ssim=F        instead: the structural similarity must be at least F, up to 1\n"
		"      --mask=X,Y,WIDTH,HEIGHT\n"
		"                      do not compare this part; several are allowed\n"
		"  -d, --difference=PATH\n"
		"                      draw what differs: a file, or a directory for directories\n"
		"      --bless         make ACTUAL what is expected, where it is not equal\n"
		"      --tap           report as TAP\n"
		"      --junit=FILE    report as JUnit XML, too\n"
		"  -q, --quiet         the exit status only\n", run_compare },
	{ 0 },
};
