#ifndef VRAM_LIFE_H
#define VRAM_LIFE_H

#include <stdbool.h>

/**
 * The life of a source: which state it is in, what may happen, and what follows. Pure: it does
 * nothing itself, so that every order of events can be tested. See the states in the description
 * of sluice_vram_source_v1.
 */
enum life_state {
	LIFE_NEW, // no device yet
	LIFE_READY, // images can be made
	LIFE_FAILED, // the device was refused
	LIFE_QUIESCING, // waits until the last import is gone
	LIFE_QUIESCED,
	LIFE_REVOKED, // the kernel took the memory; a resume brings it back
	LIFE_GONE, // the exporter was unplugged or unbound: final
};

enum life_event {
	LIFE_DEVICE_ACCEPTED,
	LIFE_DEVICE_REFUSED,
	LIFE_QUIESCE, // the client asks for it
	LIFE_IMPORTS_GONE, // no framebuffer, texture or mapping of its images is left
	LIFE_RESUME, // the client asks for it, and the memory is there
	LIFE_RESUME_FAILED, // the client asks for it, and the memory is not there
	LIFE_LOST, // an image was found to be revoked
	LIFE_UNPLUGGED,
};

/** What is to be done, in this order. */
enum life_action {
	LIFE_DROP_IMAGES = 1 << 0, // every one; LIFE_IMPORTS_GONE follows, perhaps at once
	LIFE_CLOSE_DEVICE = 1 << 1,
	LIFE_SEND_READY = 1 << 2,
	LIFE_SEND_FAILED = 1 << 3,
	LIFE_SEND_REVOKED = 1 << 4,
	LIFE_SEND_QUIESCED = 1 << 5,
	LIFE_SEND_RESUMED = 1 << 6,
	LIFE_ERROR_DEVICE_SET = 1 << 7,
	LIFE_ERROR_QUIESCED = 1 << 8,
	LIFE_ERROR_NOT_QUIESCED = 1 << 9,
};

struct life {
	enum life_state state;
	enum life_state rest; // NEW, READY or FAILED: what a resume leads back to
	bool quiesce_pending; // the client waits for the answer
};

/** The state at birth is all zeroes. Returns a set of enum life_action. */
unsigned life_step(struct life *life, enum life_event event);

/** Whether set_device is answered by an error at once: it came a second time. */
bool life_has_device(const struct life *life);
/** Whether images may be made, or adopted, without an error. */
bool life_takes_images(const struct life *life);

const char *life_state_name(enum life_state state);

#endif
