/*
 * The pictures that the test clients draw, and the pixel formats they draw them in. Defined in
 * README.md; tests/lib/patterns.py implements the same definition a second time.
 */
#ifndef TESTS_CLIENTS_PATTERN_H
#define TESTS_CLIENTS_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rect {
	int x, y, width, height;
};

/** The part of a rectangle that lies in (0, 0) to (width, height); may be empty. */
struct rect rect_clip(struct rect rect, int width, int height);
bool rect_is_empty(struct rect rect);
/** The smallest rectangle that holds both. */
struct rect rect_union(struct rect a, struct rect b);
/** Parse "X,Y,W,H". */
bool rect_parse(const char *text, struct rect *rect);
/** Parse "RRGGBB". */
bool colour_parse(const char *text, uint32_t *colour);
/** Parse "WxH". */
bool size_parse(const char *text, int *width, int *height);

enum pattern_kind {
	PATTERN_FRAME_NUMBER,
	PATTERN_GRADIENT,
	PATTERN_CHECKER,
	PATTERN_SOLID,
};

struct pattern {
	enum pattern_kind kind;
	uint32_t colour; // 0xRRGGBB, for PATTERN_SOLID
};

/** Parse "frame-number", "gradient", "checker" or "solid:RRGGBB". */
bool pattern_parse(const char *text, struct pattern *pattern);

/** The colour, 0xRRGGBB, of a pixel of frame number n of an image. */
uint32_t pattern_pixel(const struct pattern *pattern, int width, int height, uint32_t n,
	int x, int y);

struct pixel_format {
	const char *name;
	uint32_t fourcc; // DRM format
	uint32_t bytes; // per pixel
	uint32_t (*pack)(uint32_t colour); // of 0xRRGGBB, to be stored little-endian
};

/**
 * A format by its name without "DRM_FORMAT_". Returns NULL if there is none.
 */
const struct pixel_format *pixel_format_find(const char *name);

/** The names of all formats, the last one followed by NULL: pixel_format_name(0), … */
const char *pixel_format_name(size_t index);

/** Store pixels of colours 0xRRGGBB in a format. */
void pixel_format_pack(const struct pixel_format *format, const uint32_t *colours, size_t len,
	uint8_t *bytes);

#endif
