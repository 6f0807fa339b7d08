#ifndef CAPTURE_SSIM_H
#define CAPTURE_SSIM_H

#include <stdint.h>

struct image;

/**
 * The structural similarity of two pictures of one size (Wang, Bovik, Sheikh and Simoncelli 2004),
 * with a Gaussian window of 11×11 and sigma 1.5, as ImageMagick's compare -metric SSIM computes
 * it: the mean of the three channels, over the pixels whose mask is 0. 1 is equal. -2: no memory.
 */
double image_ssim(const struct image *a, const struct image *b, const uint8_t *mask);

#endif
