#ifndef PATH_DIRECT_H
#define PATH_DIRECT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <wlr/render/color.h>

struct ladder;
struct output;
struct path_surface;
struct stack_entry;

/**
 * The steady state of scanout: a surface whose last image became an output's framebuffer goes on
 * presenting images of the same kind. wlr_scene would build its render list and have the driver
 * test each of them, which is a second atomic ioctl; here they are committed at once.
 */
struct direct {
	struct path_surface *surface; // NULL: not in that state
	uint32_t format;
	uint64_t modifier;
	uint32_t stride;
	enum wlr_color_transfer_function transfer_function;
	enum wlr_color_named_primaries primaries;
	enum wlr_color_encoding color_encoding;
	enum wlr_color_range color_range;
};

/** The scene has scanned an entry out: from now on its like may go the short way. */
void direct_begin(struct output *output, struct path_surface *path_surface,
	const struct stack_entry *entry);
/** Something else is on the screen. */
void direct_end(struct output *output);
/**
 * Commit the surface's new image, if nothing else changed. false: let the scene do it; the state
 * has been left then.
 */
bool direct_commit(struct ladder *ladder, struct output *output);
/** Of what direct_commit() committed, also if the state was left since. */
void direct_send_frame_done(struct output *output, struct timespec *now);

#endif
