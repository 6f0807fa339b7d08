#include "pattern.h"

#include <drm_fourcc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The number of a frame is drawn as a row of square blocks, one a bit.
#define BITS 24
#define BLOCK 16

static int min(int a, int b) {
	return a < b ? a : b;
}

static int max(int a, int b) {
	return a > b ? a : b;
}

struct rect rect_clip(struct rect rect, int width, int height) {
	int64_t right = (int64_t)rect.x + rect.width;
	int64_t bottom = (int64_t)rect.y + rect.height;
	struct rect clipped = { .x = max(rect.x, 0), .y = max(rect.y, 0) };
	clipped.width = max((right < width ? (int)right : width) - clipped.x, 0);
	clipped.height = max((bottom < height ? (int)bottom : height) - clipped.y, 0);
	return clipped;
}

bool rect_is_empty(struct rect rect) {
	return rect.width <= 0 || rect.height <= 0;
}

struct rect rect_union(struct rect a, struct rect b) {
	if (rect_is_empty(a)) {
		return b;
	}
	if (rect_is_empty(b)) {
		return a;
	}
	struct rect both = { .x = min(a.x, b.x), .y = min(a.y, b.y) };
	both.width = max(a.x + a.width, b.x + b.width) - both.x;
	both.height = max(a.y + a.height, b.y + b.height) - both.y;
	return both;
}

bool rect_parse(const char *text, struct rect *rect) {
	char rest;
	return sscanf(text, "%d,%d,%d,%d%c", &rect->x, &rect->y, &rect->width, &rect->height,
		&rest) == 4;
}

bool colour_parse(const char *text, uint32_t *colour) {
	char *end;
	unsigned long value = strtoul(text, &end, 16);
	*colour = (uint32_t)value;
	return strlen(text) == 6 && *end == '\0';
}

bool size_parse(const char *text, int *width, int *height) {
	char rest;
	return sscanf(text, "%dx%d%c", width, height, &rest) == 2 && *width > 0 && *height > 0;
}

bool pattern_parse(const char *text, struct pattern *pattern) {
	*pattern = (struct pattern){ 0 };
	if (strncmp(text, "solid:", 6) == 0) {
		pattern->kind = PATTERN_SOLID;
		return colour_parse(text + 6, &pattern->colour);
	}
	if (strcmp(text, "frame-number") == 0) {
		pattern->kind = PATTERN_FRAME_NUMBER;
	} else if (strcmp(text, "gradient") == 0) {
		pattern->kind = PATTERN_GRADIENT;
	} else if (strcmp(text, "checker") == 0) {
		pattern->kind = PATTERN_CHECKER;
	} else {
		return false;
	}
	return true;
}

static uint32_t frame_number_pixel(int width, int height, uint32_t n, int x, int y) {
	uint32_t colour = (n * UINT32_C(0x9E3779B1)) >> 8 & 0xffffff;
	if (x == 0 || y == 0 || x == width - 1 || y == height - 1) {
		return colour ^ 0xffffff;
	}
	bool has_blocks = width >= (BITS + 2) * BLOCK && height >= 3 * BLOCK;
	if (has_blocks && y >= BLOCK && y < 2 * BLOCK && x >= BLOCK && x < (BITS + 1) * BLOCK) {
		int bit = BITS - 1 - (x / BLOCK - 1);
		return n >> bit & 1 ? 0xffffff : 0x000000;
	}
	return colour;
}

uint32_t pattern_pixel(const struct pattern *pattern, int width, int height, uint32_t n,
		int x, int y) {
	switch (pattern->kind) {
	case PATTERN_FRAME_NUMBER:
		return frame_number_pixel(width, height, n, x, y);
	case PATTERN_GRADIENT:
		return (uint32_t)((int64_t)x * 255 / width) << 16 |
			(uint32_t)((int64_t)y * 255 / height) << 8 |
			((x / 64 + y / 64) & 1 ? 0xff : 0);
	case PATTERN_CHECKER:
		return ((uint32_t)(x / 32 + y / 32) + n) & 1 ? 0xffffff : 0x204080;
	case PATTERN_SOLID:
		return pattern->colour;
	}
	abort();
}

static uint32_t red(uint32_t colour) {
	return colour >> 16 & 0xff;
}

static uint32_t green(uint32_t colour) {
	return colour >> 8 & 0xff;
}

static uint32_t blue(uint32_t colour) {
	return colour & 0xff;
}

static uint32_t pack_rgb(uint32_t colour) {
	return colour;
}

static uint32_t pack_argb(uint32_t colour) {
	return UINT32_C(0xff000000) | colour;
}

static uint32_t pack_xbgr(uint32_t colour) {
	return blue(colour) << 16 | green(colour) << 8 | red(colour);
}

static uint32_t pack_abgr(uint32_t colour) {
	return UINT32_C(0xff000000) | pack_xbgr(colour);
}

static uint32_t pack_rgb565(uint32_t colour) {
	return red(colour) >> 3 << 11 | green(colour) >> 2 << 5 | blue(colour) >> 3;
}

// 8 bits to 10, so that black stays black and white stays white.
static uint32_t ten_bits(uint32_t value) {
	return value << 2 | value >> 6;
}

static uint32_t pack_rgb30(uint32_t colour) {
	return ten_bits(red(colour)) << 20 | ten_bits(green(colour)) << 10 |
		ten_bits(blue(colour));
}

// A format that no compositor knows, to have it refused.
#define FOURCC_NONSENSE fourcc_code('S', 'L', '?', '?')

static const struct pixel_format formats[] = {
	{ "XRGB8888", DRM_FORMAT_XRGB8888, 4, pack_rgb },
	{ "ARGB8888", DRM_FORMAT_ARGB8888, 4, pack_argb },
	{ "XBGR8888", DRM_FORMAT_XBGR8888, 4, pack_xbgr },
	{ "ABGR8888", DRM_FORMAT_ABGR8888, 4, pack_abgr },
	{ "RGB565", DRM_FORMAT_RGB565, 2, pack_rgb565 },
	{ "RGB888", DRM_FORMAT_RGB888, 3, pack_rgb },
	{ "XRGB2101010", DRM_FORMAT_XRGB2101010, 4, pack_rgb30 },
	{ "nonsense", FOURCC_NONSENSE, 4, pack_rgb },
};

const char *pixel_format_name(size_t index) {
	return index < sizeof(formats) / sizeof(formats[0]) ? formats[index].name : NULL;
}

const struct pixel_format *pixel_format_find(const char *name) {
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(formats[i].name, name) == 0) {
			return &formats[i];
		}
	}
	return NULL;
}

void pixel_format_pack(const struct pixel_format *format, const uint32_t *colours, size_t len,
		uint8_t *bytes) {
	for (size_t i = 0; i < len; i++) {
		uint32_t value = format->pack(colours[i]);
		for (uint32_t byte = 0; byte < format->bytes; byte++) {
			*bytes++ = (uint8_t)(value >> (8 * byte));
		}
	}
}
