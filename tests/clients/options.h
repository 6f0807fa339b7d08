/*
 * The command line of vram-client.
 */
#ifndef TESTS_CLIENTS_OPTIONS_H
#define TESTS_CLIENTS_OPTIONS_H

#include <sluice/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pattern.h"
#include "window.h"

enum transport {
	TRANSPORT_SLUICE,
	TRANSPORT_DMABUF,
	TRANSPORT_UDMABUF,
};

/** Where in the course of things --vanish-at dies. */
enum point {
	POINT_NONE,
	POINT_CONNECT,
	POINT_SOURCE,
	POINT_DEVICE,
	POINT_PARAMS,
	POINT_BUFFER,
	POINT_COMMIT,
	POINT_QUIESCE,
};

struct options {
	// memory
	const char *device; // NULL: the only one
	int device_fd; // -1: open the device
	uint32_t region;
	enum transport transport;
	bool adopt, hand_over;
	const char *source_name;

	// buffers
	int width, height; // 0: as configured
	size_t buffers;
	size_t ranges; // pieces of a buffer
	bool scatter;
	uint32_t seed;
	struct sluice_range *explicit_ranges; // owned
	size_t explicit_len;
	uint64_t offset; // bytes of the region to leave alone at its start
	const struct pixel_format *format;
	uint64_t modifier;
	uint32_t stride; // bytes, 0: that of the width

	// window
	struct window_options window;
	int viewport_width, viewport_height; // 0: none
	bool has_crop;
	struct rect crop;
	int transform; // enum wl_output_transform
	bool opaque;

	// frames
	long frames; // 0: without end, -1: one, and stay
	struct pattern pattern;
	bool redraw;
	bool has_damage;
	struct rect damage;
	bool has_poison;
	struct rect poison;
	uint32_t poison_colour;
	long poison_after;
	bool step;
	bool presentation;
	bool quiet;
	int timeout; // seconds, 0: none

	// trouble
	long quiesce_every; // 0: never
	bool resume_on_revoke;
	bool ignore_request;
	long vanish_after; // 0: never
	enum point vanish_at;
	const char *bad; // NULL: none
	bool list_bad;
	const char *orders; // NULL: none
};

/**
 * Returns -1 to go on, or the exit status. The options are to be finished in any case.
 */
int options_init(struct options *options, int argc, char *argv[]);
void options_finish(struct options *options);

/** Parse "OFF+LEN"; both may be hexadecimal. */
bool range_parse(const char *text, struct sluice_range *range);

#endif
