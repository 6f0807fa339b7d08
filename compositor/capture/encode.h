#ifndef CAPTURE_ENCODE_H
#define CAPTURE_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct frame;

/**
 * Write a frame as PNG (8 bit RGB). Bands that were written before, in this or another frame, are
 * not compressed again. false with errno set.
 */
bool encode_png(const struct frame *frame, FILE *file);
/** Write a frame's rows as they are: RGB, no padding, no header. false with errno set. */
bool encode_raw(const struct frame *frame, FILE *file);

/**
 * YUV4MPEG2, 4:4:4 with 10 bits in a 16-bit little-endian word, ITU-R BT.709 matrix, full range. With
 * 8 bits, colours would be lost; with 10 every RGB colour comes back exactly from a decoder that
 * computes exactly.
 */
bool encode_y4m_header(int width, int height, int refresh_mhz, FILE *file);
bool encode_y4m_frame(const uint16_t *planes, int width, int height, FILE *file);
/** The three planes of a frame one behind the other; NULL without memory. */
uint16_t *encode_y4m_convert(const struct frame *frame);

#endif
