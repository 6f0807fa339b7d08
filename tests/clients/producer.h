/*
 * Presents frames: everything that vram-client does between its start and its end.
 */
#ifndef TESTS_CLIENTS_PRODUCER_H
#define TESTS_CLIENTS_PRODUCER_H

#include <stdbool.h>
#include <stdint.h>

#include "buffers.h"
#include "loop.h"
#include "memory.h"
#include "options.h"
#include "source.h"
#include "window.h"

struct producer {
	struct options options;
	struct loop loop;
	struct globals globals;
	struct window window;
	struct memory memory;
	struct source source;
	struct buffer_set set;
	struct sluice_surface_path_v1 *path;
	struct wp_viewport *viewport;

	uint32_t frame; // number of the last frame that was committed, the first one is 1
	bool full; // draw and damage all of the next frame
	struct wl_callback *callback; // of the last commit, NULL when it was answered
	struct wl_list feedbacks; // of presentation-time, not answered yet
	bool answered; // all that was asked for the last frame
	uint32_t serial; // of the last quiesce
	uint32_t quiesced_after; // frame
	bool closed; // the device was given back
};

/** Open the memory, the connection, the window, the source and create buffers. */
bool producer_init(struct producer *producer);
void producer_finish(struct producer *producer);

/** Present frames as the options say, until they say to end. */
void producer_run(struct producer *producer);

/** (Re)create the buffers, in the size the window is configured to. */
bool producer_make_buffers(struct producer *producer);

/**
 * Draw the next frame of a pattern in a part of the image and commit it, with that damage.
 *
 * Returns NULL, or why it could not.
 */
const char *producer_present(struct producer *producer, const struct pattern *pattern,
	struct rect damage);

/** Commit a buffer as it is, whether its memory is there or not. Returns NULL, or why not. */
const char *producer_flip(struct producer *producer);

/** The whole image, as damage. */
struct rect producer_all(const struct producer *producer);

/**
 * Quiesce the source, and destroy the buffers afterwards; or keep them, which have no content any
 * more then. Adopted ones are destroyed in any case. Returns NULL, or why it could not.
 */
const char *producer_quiesce(struct producer *producer, bool keep);

/** Resume the source and create buffers. Returns NULL, or why it could not. */
const char *producer_resume(struct producer *producer);

/** If the kernel asked for the device back, give it back, unless the options say not to. */
void producer_answer_request(struct producer *producer);

/** Die without a farewell if the options say that this is the place. */
void producer_vanish_at(struct producer *producer, enum point point);

#endif
