#ifndef CAPTURE_WRITER_H
#define CAPTURE_WRITER_H

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stdint.h>
#include "capture/frame.h"

/** What belongs to one output for the length of a capture: its hashes and its video. */
struct stream;

/**
 * Threads that encode frames. What can be done for several frames at a time is; hashes, video and
 * manifest follow in the order of the frames.
 */
struct writer;

struct writer_frame {
	struct frame *frame;
	struct json_object *line; // of the manifest; "sha256" and "files" are added
	struct stream *stream;
	char *base; // file name without its extension; NULL: no file of its own
	uint32_t formats; // enum capture_format
};

/** directory NULL: nothing is written. NULL, logged, on failure. */
struct writer *writer_create(const char *directory, unsigned threads);
/** Waits for what is under way. NULL is allowed. */
void writer_destroy(struct writer *writer);
/** name: of the output. Owned by the writer. NULL without memory. */
struct stream *writer_add_stream(struct writer *writer, const char *name, int refresh_mhz);
/** Takes everything over. Waits while too many are under way. */
void writer_submit(struct writer *writer, const struct writer_frame *frame);
void writer_drain(struct writer *writer);
/** Something went wrong elsewhere. Takes the message over; NULL is for want of memory. */
void writer_fail(struct writer *writer, char *message);
/** The first thing that went wrong, or NULL. */
const char *writer_get_error(struct writer *writer);
int writer_get_error_fd(const struct writer *writer);

#endif
