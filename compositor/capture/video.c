#include <inttypes.h>
#include <stdlib.h>
#include "capture/encode.h"
#include "capture/frame.h"

/** ITU-R BT.709: what red and blue have in luma. */
#define KR 0.2126
#define KB 0.0722
#define KG (1 - KR - KB)
#define BITS 10
#define MAX_VALUE ((1 << BITS) - 1)
#define HALF (1 << (BITS - 1))

#define SHIFT 18
/** A factor from 8 bits to BITS, in units of 2^-SHIFT. */
#define FACTOR(k) ((int32_t)((k) * MAX_VALUE / 255 * (1 << SHIFT) + ((k) < 0 ? -0.5 : 0.5)))
#define ROUND (1 << (SHIFT - 1))

bool encode_raw(const struct frame *frame, FILE *file) {
	for (size_t i = 0; i < frame->bands_len; i++) {
		const struct band *band = frame->bands[i];
		if (fwrite(band->rgb, 1, band->size, file) != band->size) {
			return false;
		}
	}
	return true;
}

bool encode_y4m_header(int width, int height, int refresh_mhz, FILE *file) {
	return fprintf(file, "YUV4MPEG2 W%d H%d F%d:1000 Ip A1:1 C444p10 XYSCSS=444P10 "
		"XCOLORRANGE=FULL\n", width, height, refresh_mhz) > 0;
}

bool encode_y4m_frame(const uint16_t *planes, int width, int height, FILE *file) {
	size_t len = (size_t)width * (size_t)height * 3;
	return fputs("FRAME\n", file) >= 0 && fwrite(planes, sizeof(*planes), len, file) == len;
}

static uint16_t little_endian(int32_t value) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap16((uint16_t)value);
#else
	return (uint16_t)value;
#endif
}

static uint16_t chroma(int32_t sum) {
	int32_t value = ((sum + ROUND) >> SHIFT) + HALF;
	return little_endian(value > MAX_VALUE ? MAX_VALUE : value < 0 ? 0 : value);
}

uint16_t *encode_y4m_convert(const struct frame *frame) {
	size_t plane = (size_t)frame->width * (size_t)frame->height;
	uint16_t *planes = calloc(plane * 3, sizeof(*planes));
	if (planes == NULL) {
		return NULL;
	}
	uint16_t *luma = planes, *cb = planes + plane, *cr = planes + 2 * plane;
	for (size_t i = 0; i < frame->bands_len; i++) {
		const struct band *band = frame->bands[i];
		for (size_t at = 0; at < band->size; at += RGB_BYTES) {
			int32_t r = band->rgb[at], g = band->rgb[at + 1], b = band->rgb[at + 2];
			*luma++ = little_endian((FACTOR(KR) * r + FACTOR(KG) * g + FACTOR(KB) * b + ROUND) >>
				SHIFT);
			*cb++ = chroma(FACTOR(-KR / (2 * (1 - KB))) * r +
				FACTOR(-KG / (2 * (1 - KB))) * g + FACTOR(0.5) * b);
			*cr++ = chroma(FACTOR(0.5) * r + FACTOR(-KG / (2 * (1 - KR))) * g +
				FACTOR(-KB / (2 * (1 - KR))) * b);
		}
	}
	return planes;
}
