#include <math.h>
#include <stdlib.h>
#include "capture/image.h"
#include "capture/ssim.h"

#define RADIUS 5
#define WIDTH (2 * RADIUS + 1)
#define SIGMA 1.5
#define C1 (0.01 * 0.01)
#define C2 (0.03 * 0.03)
#define NO_MEMORY (-2)

/** What is averaged by the window: two values, their squares, their product. */
enum { A, B, AA, BB, AB, MOMENTS };

static void make_kernel(double kernel[static WIDTH]) {
	double sum = 0;
	for (int i = 0; i < WIDTH; i++) {
		double distance = i - RADIUS;
		kernel[i] = exp(-distance * distance / (2 * SIGMA * SIGMA));
		sum += kernel[i];
	}
	for (int i = 0; i < WIDTH; i++) {
		kernel[i] /= sum;
	}
}

static int clamp(int value, int max) {
	return value < 0 ? 0 : value > max ? max : value;
}

/** The moments of one row, averaged along it. */
static void filter_row(const struct image *a, const struct image *b, int y, int channel,
		const double *kernel, double *row) {
	size_t start = (size_t)y * (size_t)a->width;
	for (int x = 0; x < a->width; x++) {
		double *moments = row + (size_t)x * MOMENTS;
		for (int i = 0; i < MOMENTS; i++) {
			moments[i] = 0;
		}
		for (int i = 0; i < WIDTH; i++) {
			size_t at = (start + (size_t)clamp(x + i - RADIUS, a->width - 1)) * 3 +
				(size_t)channel;
			double va = a->rgb[at] / 255.0, vb = b->rgb[at] / 255.0;
			moments[A] += kernel[i] * va;
			moments[B] += kernel[i] * vb;
			moments[AA] += kernel[i] * va * va;
			moments[BB] += kernel[i] * vb * vb;
			moments[AB] += kernel[i] * va * vb;
		}
	}
}

static double similarity(const double *m) {
	double var_a = m[AA] - m[A] * m[A], var_b = m[BB] - m[B] * m[B];
	double covariance = m[AB] - m[A] * m[B];
	return (2 * m[A] * m[B] + C1) * (2 * covariance + C2) /
		((m[A] * m[A] + m[B] * m[B] + C1) * (var_a + var_b + C2));
}

/** The sum over the pixels that are compared. rows holds those that the window is over. */
static double sum_channel(const struct image *a, const struct image *b, const uint8_t *mask,
		int channel, const double *kernel, double *rows) {
	size_t row_len = (size_t)a->width * MOMENTS;
	int filled = 0; // rows of the image that were filtered; row y lies at y modulo WIDTH
	double sum = 0;
	for (int y = 0; y < a->height; y++) {
		for (; filled < a->height && filled <= y + RADIUS; filled++) {
			filter_row(a, b, filled, channel, kernel, rows + (size_t)(filled % WIDTH) * row_len);
		}
		for (int x = 0; x < a->width; x++) {
			if (mask[(size_t)y * (size_t)a->width + (size_t)x] != 0) {
				continue;
			}
			double moments[MOMENTS] = { 0 };
			for (int i = 0; i < WIDTH; i++) {
				int from = clamp(y + i - RADIUS, a->height - 1);
				const double *row = rows + (size_t)(from % WIDTH) * row_len + (size_t)x * MOMENTS;
				for (int j = 0; j < MOMENTS; j++) {
					moments[j] += kernel[i] * row[j];
				}
			}
			sum += similarity(moments);
		}
	}
	return sum;
}

double image_ssim(const struct image *a, const struct image *b, const uint8_t *mask) {
	double *rows = calloc((size_t)a->width * MOMENTS * WIDTH, sizeof(*rows));
	if (rows == NULL) {
		return NO_MEMORY;
	}
	double kernel[WIDTH];
	make_kernel(kernel);
	size_t len = (size_t)a->width * (size_t)a->height, compared = 0;
	for (size_t i = 0; i < len; i++) {
		compared += mask[i] == 0;
	}
	double sum = 0;
	for (int channel = 0; channel < 3; channel++) {
		sum += sum_channel(a, b, mask, channel, kernel, rows);
	}
	free(rows);
	return compared > 0 ? sum / 3 / (double)compared : 1;
}
