#ifndef CAPTURE_CAPTURE_H
#define CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>
#include "server.h"

struct output;
struct frame;

enum capture_format {
	CAPTURE_PNG = 1 << 0,
	CAPTURE_RAW = 1 << 1,
	CAPTURE_Y4M = 1 << 2,
};

struct capture_options {
	const char *directory; // NULL: nothing is written
	uint32_t formats; // enum capture_format; 0: hashes only
	bool every_frame; // else only what is asked for by name
	unsigned nth; // of every_frame: each nth, 1 is all
	uint64_t limit; // frames, 0: none
	unsigned threads; // that encode, 0: as many as there are processors
	bool simulated; // an exporter of the session is: to be said with each frame
	const char *into; // address of an exporter whose VRAM frames are written into, too, or NULL
	uint32_t into_region;
};

/**
 * Takes pictures of what outputs show: frame by frame as they are committed, or when asked. They
 * are encoded by threads, and the compositor waits for these when more than a few are under way.
 *
 * DIRECTORY/manifest.jsonl gets a line for each, in their order, once its files are complete.
 */
struct capture;

/**
 * simulated: the file of a simulated exporter, -1 if there is none. NULL, logged, if the directory
 * or the exporter cannot be used.
 */
struct capture *capture_create(struct server *server, const struct capture_options *options,
	int simulated);
/**
 * Wait until everything is written. false, logged, if something could not be. May be called
 * several times.
 */
bool capture_drain(struct capture *capture);
/** NULL is allowed. */
void capture_destroy(struct capture *capture);
/** An fd that is readable once something went wrong. */
int capture_get_error_fd(const struct capture *capture);

/** The following are for output.c. NULL is allowed as capture. */
void capture_add_output(struct capture *capture, struct output *output);
/** An output's frame event was dealt with. */
void capture_frame_done(struct capture *capture, struct output *output);

/** How many frames outputs have committed since the first window was seen. */
uint64_t capture_count_committed(const struct capture *capture);
/** How many were captured because every frame is. */
uint64_t capture_count_captured(const struct capture *capture);
/** What an output shows now. Owned by the capture. NULL, logged, if it shows nothing. */
const struct frame *capture_look(struct capture *capture, struct output *output);
/** Write it as NAME.png, with a line in the manifest. false, logged. */
bool capture_save(struct capture *capture, struct output *output, const char *name);

#endif
