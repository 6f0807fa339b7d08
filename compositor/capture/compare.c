#define _GNU_SOURCE
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "capture/image.h"
#include "capture/ssim.h"

static const uint8_t differing_colour[3] = { 255, 0, 0 };
static const uint8_t masked_colour[3] = { 64, 64, 160 };

/** One byte a pixel: 1 where nothing is compared. NULL without memory. */
static uint8_t *draw_masks(const struct image *image, const struct image_comparison *comparison) {
	uint8_t *mask = calloc((size_t)image->width, (size_t)image->height);
	for (size_t i = 0; mask != NULL && i < comparison->masks_len; i++) {
		const struct image_box *box = &comparison->masks[i];
		int64_t right = (int64_t)box->x + box->width, bottom = (int64_t)box->y + box->height;
		for (int64_t y = box->y > 0 ? box->y : 0; y < bottom && y < image->height; y++) {
			for (int64_t x = box->x > 0 ? box->x : 0; x < right && x < image->width; x++) {
				mask[y * image->width + x] = 1;
			}
		}
	}
	return mask;
}

static void note_difference(struct image_result *result, int x, int y) {
	struct image_box *box = &result->box;
	if (result->differing++ == 0) {
		result->first_x = x;
		result->first_y = y;
		*box = (struct image_box){ .x = x, .y = y, .width = 1, .height = 1 };
		return;
	}
	int right = box->x + box->width, bottom = y + 1; // y only grows
	right = x + 1 > right ? x + 1 : right;
	box->x = x < box->x ? x : box->x;
	box->width = right - box->x;
	box->height = bottom - box->y;
}

/** What is equal is shown pale, so that what differs stands out. */
static void draw_pixel(uint8_t *to, const uint8_t *pixel, bool differs, bool masked) {
	if (differs || masked) {
		memcpy(to, differs ? differing_colour : masked_colour, 3);
		return;
	}
	int grey = (pixel[0] * 2 + pixel[1] * 5 + pixel[2]) / 8;
	memset(to, 160 + grey * 3 / 8, 3);
}

static void compare_pixels(const struct image *expected, const struct image *actual,
		const struct image_comparison *comparison, const uint8_t *mask,
		struct image_result *result, struct image *difference) {
	for (int y = 0; y < expected->height; y++) {
		for (int x = 0; x < expected->width; x++) {
			size_t at = (size_t)y * (size_t)expected->width + (size_t)x;
			const uint8_t *a = expected->rgb + at * 3, *b = actual->rgb + at * 3;
			bool masked = mask[at] != 0, differs = false;
			for (int i = 0; i < 3 && !masked; i++) {
				int distance = abs(a[i] - b[i]);
				differs = differs || distance > comparison->tolerance[i];
				result->worst[i] = distance > result->worst[i] ? distance : result->worst[i];
			}
			result->compared += !masked;
			if (differs) {
				note_difference(result, x, y);
			}
			if (difference != NULL) {
				draw_pixel(difference->rgb + at * 3, a, differs, masked);
			}
		}
	}
}

bool image_compare(const struct image *expected, const struct image *actual,
		const struct image_comparison *comparison, struct image_result *result,
		struct image *difference) {
	*result = (struct image_result){ .ssim = 1 };
	if (difference != NULL) {
		*difference = (struct image){0};
	}
	if (expected->width != actual->width || expected->height != actual->height) {
		result->sizes_differ = true;
		return true;
	}
	uint8_t *mask = draw_masks(expected, comparison);
	if (mask == NULL ||
			(difference != NULL && !image_init(difference, expected->width, expected->height))) {
		free(mask);
		return false;
	}
	compare_pixels(expected, actual, comparison, mask, result, difference);
	bool ok = true;
	if (comparison->ssim > 0) {
		result->ssim = image_ssim(expected, actual, mask);
		ok = result->ssim >= -1;
		result->equal = result->ssim >= comparison->ssim;
	} else {
		result->equal = result->differing == 0;
	}
	free(mask);
	return ok;
}

char *image_describe(const struct image *expected, const struct image *actual,
		const struct image_comparison *comparison, const struct image_result *result) {
	char *text = NULL;
	int ret;
	if (result->sizes_differ) {
		ret = asprintf(&text, "it is %dx%d, and %dx%d was expected", actual->width,
			actual->height, expected->width, expected->height);
	} else if (comparison->ssim > 0) {
		ret = asprintf(&text, "its similarity (SSIM) is %.5f, and at least %g was expected",
			result->ssim, comparison->ssim);
	} else {
		const struct image_box *box = &result->box;
		ret = asprintf(&text, "%" PRIu64 " of %" PRIu64 " pixels differ, within %dx%d at (%d, %d), "
			"the first at (%d, %d), by up to %d red, %d green, %d blue", result->differing,
			result->compared, box->width, box->height, box->x, box->y, result->first_x,
			result->first_y, result->worst[0], result->worst[1], result->worst[2]);
	}
	return ret >= 0 ? text : NULL;
}
