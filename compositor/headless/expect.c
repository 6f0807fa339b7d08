#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wlr/types/wlr_output.h>
#include "capture/frame.h"
#include "capture/image.h"
#include "headless/headless.h"
#include "headless/verb.h"
#include "output.h"

#define MAX_MASKS 32

/** The named one, or the first. */
static struct output *get_output(struct verb_call *call, const char *name) {
	struct server *server = &call->headless->server;
	struct output *output;
	wl_list_for_each(output, &server->outputs, link) {
		if (name == NULL || strcmp(output->wlr_output->name, name) == 0) {
			return output;
		}
	}
	verb_fail(call, name != NULL ? "there is no output %s" : "there is no output%s",
		name != NULL ? name : "");
	return NULL;
}

static bool check_name(struct verb_call *call) {
	return headless_is_name(call->argv[0]) ||
		verb_fail(call, "\"%s\" is no name of a picture: letters, digits, \"-\", \"_\" and \".\" "
			"are", call->argv[0]);
}

static bool check_directory(struct verb_call *call) {
	const struct capture_options *options = &call->headless->options->capture;
	return options->directory != NULL || options->into != NULL ||
		verb_fail(call, "there is nowhere to write it: --capture=DIR tells where");
}

bool verb_capture(struct verb_call *call) {
	if (!check_name(call) || !check_directory(call)) {
		return false;
	}
	struct output *output = get_output(call, call->argc > 1 ? call->argv[1] : NULL);
	if (output == NULL) {
		return false;
	}
	struct capture *capture = call->headless->server.capture;
	return capture_save(capture, output, call->argv[0]) ||
		verb_fail(call, "%s shows nothing yet", output->wlr_output->name);
}

/** What follows the name. */
struct expectation {
	struct image_comparison comparison;
	struct image_box masks[MAX_MASKS];
	const char *output; // NULL: the first
};

static bool parse_mask(struct verb_call *call, const char *text, struct expectation *expectation) {
	struct image_box *box = &expectation->masks[expectation->comparison.masks_len];
	int len = 0;
	if (sscanf(text, "%6d,%6d,%6d,%6d%n", &box->x, &box->y, &box->width, &box->height,
			&len) != 4 || text[len] != '\0') {
		return verb_fail(call, "\"%s\" is no mask: X,Y,WIDTH,HEIGHT", text);
	}
	if (expectation->comparison.masks_len + 1 == MAX_MASKS) {
		return verb_fail(call, "more than %d masks", MAX_MASKS - 1);
	}
	expectation->comparison.masks_len++;
	return true;
}

static bool parse_expectation(struct verb_call *call, struct expectation *expectation) {
	*expectation = (struct expectation){ .comparison.masks = expectation->masks };
	for (size_t i = 1; i < call->argc; i++) {
		const char *word = call->argv[i];
		bool tolerance = strcmp(word, "tolerance") == 0, ssim = strcmp(word, "ssim") == 0;
		bool mask = strcmp(word, "mask") == 0;
		if (!tolerance && !ssim && !mask) {
			if (i > 1) {
				return verb_fail(call, "\"%s\" is none of tolerance, ssim, mask", word);
			}
			expectation->output = word;
			continue;
		}
		if (++i == call->argc) {
			return verb_fail(call, "%s needs a value", word);
		}
		double number;
		if (mask && !parse_mask(call, call->argv[i], expectation)) {
			return false;
		} else if (!mask && !verb_get_number(call, i, 0, tolerance ? 255 : 1, &number)) {
			return false;
		}
		if (ssim) {
			expectation->comparison.ssim = number;
		} else if (tolerance) {
			for (int channel = 0; channel < 3; channel++) {
				expectation->comparison.tolerance[channel] = (int)number;
			}
		}
	}
	return true;
}

static bool frame_to_image(const struct frame *frame, struct image *image) {
	if (!image_init(image, frame->width, frame->height)) {
		return false;
	}
	uint8_t *to = image->rgb;
	for (size_t i = 0; i < frame->bands_len; i++) {
		memcpy(to, frame->bands[i]->rgb, frame->bands[i]->size);
		to += frame->bands[i]->size;
	}
	return true;
}

static bool disagree(struct verb_call *call, char *message) {
	call->disagrees = true;
	free(call->error);
	call->error = message;
	return false;
}

/** Where the pictures of a failure are, for its message. They are written as far as possible. */
static char *save_evidence(struct verb_call *call, const struct image *actual,
		const struct image *difference) {
	const char *directory = call->headless->options->capture.directory;
	char *text = NULL, path[4096];
	if (directory == NULL) {
		return strdup("; --capture=DIR would show it");
	}
	snprintf(path, sizeof(path), "%s/%s.png", directory, call->argv[0]);
	char *error = image_save(path, actual);
	int ret = error != NULL ? asprintf(&text, "; it could not be written: %s", error) :
		asprintf(&text, "\n    seen: %s", path);
	free(error);
	if (difference->rgb == NULL || ret < 0) {
		return ret >= 0 ? text : NULL;
	}
	snprintf(path, sizeof(path), "%s/%s-difference.png", directory, call->argv[0]);
	error = image_save(path, difference);
	if (error == NULL) {
		char *longer = NULL;
		if (asprintf(&longer, "%s\n    difference: %s", text, path) >= 0) {
			free(text);
			text = longer;
		}
	}
	free(error);
	return text;
}

/** Make what is seen the golden image. */
static bool bless(struct verb_call *call, const char *golden, const struct image *actual) {
	mkdir(call->headless->options->golden, 0777);
	char *error = image_save(golden, actual);
	if (error != NULL) {
		verb_fail(call, "%s", error);
		free(error);
		return false;
	}
	fprintf(stderr, "blessed: %s\n", golden);
	return true;
}

static bool compare(struct verb_call *call, const char *golden,
		const struct expectation *expectation, const struct image *expected,
		const struct image *actual) {
	struct image difference = { 0 };
	struct image_result result;
	if (!image_compare(expected, actual, &expectation->comparison, &result, &difference)) {
		return verb_fail(call, "out of memory");
	}
	if (result.equal || call->headless->options->bless) {
		image_finish(&difference);
		return result.equal || bless(call, golden, actual);
	}
	char *what = image_describe(expected, actual, &expectation->comparison, &result);
	char *where = save_evidence(call, actual, &difference), *message = NULL;
	image_finish(&difference);
	if (asprintf(&message, "what is shown is not %s: %s\n    expected: %s%s", call->argv[0],
			what != NULL ? what : "", golden, where != NULL ? where : "") < 0) {
		message = NULL;
	}
	free(what);
	free(where);
	return disagree(call, message);
}

static bool expect_image(struct verb_call *call, const struct expectation *expectation,
		const struct image *actual) {
	char golden[4096];
	snprintf(golden, sizeof(golden), "%s/%s.png", call->headless->options->golden,
		call->argv[0]);
	if (access(golden, F_OK) < 0) {
		if (call->headless->options->bless) {
			return bless(call, golden, actual);
		}
		char *message = NULL, *where = save_evidence(call, actual, &(struct image){ 0 });
		if (asprintf(&message, "there is no golden image %s; --bless makes it of what is "
				"shown%s", golden, where != NULL ? where : "") < 0) {
			message = NULL;
		}
		free(where);
		return disagree(call, message);
	}
	struct image expected;
	char *error = image_load(golden, &expected);
	if (error != NULL) {
		verb_fail(call, "%s", error);
		free(error);
		return false;
	}
	bool ok = compare(call, golden, expectation, &expected, actual);
	image_finish(&expected);
	return ok;
}

bool verb_expect(struct verb_call *call) {
	struct expectation expectation;
	if (!check_name(call) || !parse_expectation(call, &expectation)) {
		return false;
	}
	if (call->headless->options->golden == NULL) {
		return verb_fail(call, "there is nothing to compare with: --golden=DIR tells where the "
			"golden images are");
	}
	struct output *output = get_output(call, expectation.output);
	if (output == NULL) {
		return false;
	}
	const struct frame *frame = capture_look(call->headless->server.capture, output);
	struct image actual;
	if (frame == NULL) {
		return verb_fail(call, "%s shows nothing yet", output->wlr_output->name);
	}
	if (!frame_to_image(frame, &actual)) {
		return verb_fail(call, "out of memory");
	}
	bool ok = expect_image(call, &expectation, &actual);
	image_finish(&actual);
	return ok;
}
