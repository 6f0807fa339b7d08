#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/util/log.h>
#include <zlib.h>
#include "capture/encode.h"
#include "capture/frame.h"

/** Frames of a test are many and short-lived: speed counts, and little is gained by more. */
#define LEVEL 1
#define RAW_DEFLATE (-MAX_WBITS)

enum filter {
	FILTER_NONE = 0,
	FILTER_UP = 2,
};

/** So many bytes at a time are what compilers have vectors for. */
#define STEP 16

static void subtract(uint8_t *restrict to, const uint8_t *restrict row,
		const uint8_t *restrict above, size_t size) {
	size_t i = 0;
	for (; i + STEP <= size; i += STEP) {
		for (size_t j = 0; j < STEP; j++) {
			to[i + j] = (uint8_t)(row[i + j] - above[i + j]);
		}
	}
	for (; i < size; i++) {
		to[i] = (uint8_t)(row[i] - above[i]);
	}
}

/**
 * The band's first row knows none above. Returns whether it is like the one above, and became zeros.
 */
static bool filter_row(uint8_t *to, const uint8_t *row, size_t size, bool first) {
	if (first) {
		to[0] = FILTER_NONE;
		memcpy(to + 1, row, size);
		return false;
	}
	to[0] = FILTER_UP;
	if (memcmp(row, row - size, size) == 0) {
		memset(to + 1, 0, size);
		return true;
	}
	subtract(to + 1, row, row - size, size);
	return false;
}

/** What one band after the other is made in, so that it stays in the processor's caches. */
struct deflater {
	z_stream stream;
	size_t filtered_size, deflated_size;
	uint8_t *filtered, *deflated;
	uLong repeated; // checksum of a row that is like the one above
};

static bool deflater_init(struct deflater *deflater, const struct frame *frame) {
	*deflater = (struct deflater){0};
	if (deflateInit2(&deflater->stream, LEVEL, Z_DEFLATED, RAW_DEFLATE, MAX_MEM_LEVEL,
			Z_DEFAULT_STRATEGY) != Z_OK) {
		return false;
	}
	deflater->filtered_size = ((size_t)frame->width * RGB_BYTES + 1) * BAND_HEIGHT;
	deflater->deflated_size = deflateBound(&deflater->stream, deflater->filtered_size) +
		16; // the flush's empty block
	deflater->filtered = malloc(deflater->filtered_size);
	deflater->deflated = malloc(deflater->deflated_size);
	if (deflater->filtered == NULL || deflater->deflated == NULL) {
		return false;
	}
	size_t row = (size_t)frame->width * RGB_BYTES + 1;
	memset(deflater->filtered, 0, row);
	deflater->filtered[0] = FILTER_UP;
	deflater->repeated = adler32(adler32(0, NULL, 0), deflater->filtered, (uInt)row);
	return true;
}

static void deflater_finish(struct deflater *deflater) {
	deflateEnd(&deflater->stream);
	free(deflater->filtered);
	free(deflater->deflated);
}

/** Compress by itself, up to a whole byte, so that bands can be put one behind the other. */
static bool deflate_band(struct deflater *deflater, struct band *band, int width, int height) {
	size_t row = (size_t)width * RGB_BYTES, size = (row + 1) * (size_t)height;
	uLong adler = adler32(0, NULL, 0);
	for (int y = 0; y < height; y++) {
		uint8_t *to = deflater->filtered + (row + 1) * (size_t)y;
		bool repeated = filter_row(to, band->rgb + row * (size_t)y, row, y == 0);
		adler = repeated ? adler32_combine(adler, deflater->repeated, (z_off_t)(row + 1)) :
			adler32(adler, to, (uInt)(row + 1));
	}
	z_stream *stream = &deflater->stream;
	if (deflateReset(stream) != Z_OK) {
		return false;
	}
	stream->next_in = deflater->filtered;
	stream->avail_in = (uInt)size;
	stream->next_out = deflater->deflated;
	stream->avail_out = (uInt)deflater->deflated_size;
	if (deflate(stream, Z_SYNC_FLUSH) != Z_OK || stream->avail_in > 0 || stream->avail_out == 0) {
		return false;
	}
	size_t len = deflater->deflated_size - stream->avail_out;
	uint8_t *deflated = malloc(len);
	if (deflated == NULL) {
		return false;
	}
	memcpy(deflated, deflater->deflated, len);
	band->deflated = deflated;
	band->deflated_len = len;
	band->adler = (uint32_t)adler;
	return true;
}

/** What was not already compressed in a picture before. */
static bool deflate_bands(const struct frame *frame) {
	struct deflater deflater;
	bool ok = deflater_init(&deflater, frame);
	for (size_t i = 0; ok && i < frame->bands_len; i++) {
		struct band *band = frame->bands[i];
		pthread_mutex_lock(&band->lock);
		ok = band->deflated != NULL ||
			deflate_band(&deflater, band, frame->width, frame_band_height(frame, i));
		pthread_mutex_unlock(&band->lock);
	}
	deflater_finish(&deflater);
	if (!ok) {
		errno = ENOMEM;
	}
	return ok;
}

static void handle_error(png_structp png, png_const_charp message) {
	wlr_log(WLR_DEBUG, "libpng: %s", message);
	if (errno == 0) {
		errno = EIO;
	}
	longjmp(png_jmpbuf(png), 1);
}

static void handle_warning(png_structp png, png_const_charp message) {
	wlr_log(WLR_DEBUG, "libpng: %s", message);
}

/** One zlib stream (RFC 1950) in a chunk for each band. */
static void write_bands(png_structp png, const struct frame *frame) {
	static const uint8_t zlib_header[] = { 0x78, 0x01 };
	static const uint8_t last_block[] = { 0x03, 0x00 };
	static const png_byte idat[5] = "IDAT";

	png_write_chunk(png, idat, zlib_header, sizeof(zlib_header));
	uLong adler = adler32(0, NULL, 0);
	size_t row = (size_t)frame->width * RGB_BYTES + 1;
	for (size_t i = 0; i < frame->bands_len; i++) {
		const struct band *band = frame->bands[i];
		png_write_chunk(png, idat, band->deflated, band->deflated_len);
		adler = adler32_combine(adler, band->adler,
			(z_off_t)(row * (size_t)frame_band_height(frame, i)));
	}
	const uint8_t end[] = {
		last_block[0], last_block[1],
		(uint8_t)(adler >> 24), (uint8_t)(adler >> 16), (uint8_t)(adler >> 8), (uint8_t)adler,
	};
	png_write_chunk(png, idat, end, sizeof(end));
}

bool encode_png(const struct frame *frame, FILE *file) {
	if (!deflate_bands(frame)) {
		return false;
	}
	errno = 0;
	png_structp png =
		png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, handle_error, handle_warning);
	png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
	if (info == NULL || setjmp(png_jmpbuf(png)) != 0) {
		int saved = errno;
		png_destroy_write_struct(&png, &info);
		errno = saved != 0 ? saved : ENOMEM;
		return false;
	}
	png_init_io(png, file);
	png_set_IHDR(png, info, (png_uint_32)frame->width, (png_uint_32)frame->height, 8,
		PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
		PNG_FILTER_TYPE_DEFAULT);
	png_write_info(png, info);
	write_bands(png, frame);
	// png_write_end() knows only of image data that libpng compressed itself
	png_write_chunk(png, (png_const_bytep) "IEND", NULL, 0);
	png_destroy_write_struct(&png, &info);
	return true;
}
