#ifndef CAPTURE_IMAGE_H
#define CAPTURE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A picture: RGB, 8 bits each, rows without padding. */
struct image {
	int width, height;
	uint8_t *rgb;
};

/** What a picture may at most have. */
#define IMAGE_MAX_EXTENT 32768

/** Read a PNG file, of whatever kind. Returns NULL, or a sentence (to be freed) that says why not. */
char *image_load(const char *path, struct image *image);
/** Write one. Returns like image_load(); the file does not exist then. */
char *image_save(const char *path, const struct image *image);
bool image_init(struct image *image, int width, int height);
void image_finish(struct image *image);

struct image_box {
	int x, y, width, height;
};

struct image_comparison {
	int tolerance[3]; // how much red, green and blue may differ
	double ssim; // at least so similar, instead of pixel by pixel; 0: not asked for
	const struct image_box *masks; // not compared
	size_t masks_len;
};

struct image_result {
	bool equal; // as far as it was asked for
	bool sizes_differ;
	uint64_t differing; // pixels that differ by more than the tolerance
	uint64_t compared; // pixels outside of masks
	int worst[3]; // differences
	int first_x, first_y; // of differing
	struct image_box box; // around them
	double ssim; // mean of the channels; 1 if equal. Only if it was asked for
};

/**
 * Compare two pictures. difference, if it is not NULL, is made a picture that shows where: what is
 * equal in grey, what differs in red, what is masked in blue. It is left empty if sizes differ.
 * false: no memory.
 */
bool image_compare(const struct image *expected, const struct image *actual,
	const struct image_comparison *comparison, struct image_result *result,
	struct image *difference);
/** A sentence about a result that is not equal. To be freed; NULL without memory. */
char *image_describe(const struct image *expected, const struct image *actual,
	const struct image_comparison *comparison, const struct image_result *result);

#endif
