#ifndef PATH_STACK_H
#define PATH_STACK_H

#include <sluice/renderer.h>
#include <wlr/util/box.h>
#include "output.h"

struct ladder;

/** A buffer or a rectangle of the scene that touches an output. */
struct stack_entry {
	struct wlr_scene_buffer *scene_buffer; // NULL: a rectangle of one colour
	struct wlr_box box; // layout coordinates
};

/**
 * All of them, bottom first. Valid until the next call; the ladder keeps the memory, so that a
 * steady frame allocates nothing.
 */
const struct stack_entry *stack_collect(struct ladder *ladder, struct output *output,
	size_t *len);

/** The top one alone; false if there is none. */
bool stack_get_top(struct output *output, struct stack_entry *top);

/**
 * Why an entry cannot be the output's framebuffer, by what the compositor knows without asking
 * the driver; SLUICE_REASON_OK if it could be.
 */
enum sluice_reason stack_why_not_scanout(struct output *output,
	const struct stack_entry *stack, size_t len, size_t index);

/** Its texture has let go of the image: revoked or quiesced, it must not be scanned out again. */
bool stack_is_detached(const struct stack_entry *entry);

/** The surface that it shows, or NULL. */
struct wlr_surface *stack_get_surface(const struct stack_entry *entry);

/** The texture of the client's buffer, or NULL. */
struct wlr_texture *stack_get_texture(const struct stack_entry *entry);

/** The buffer that a scene buffer would be scanned out as, or NULL. */
struct wlr_buffer *stack_get_source(const struct stack_entry *entry);

#endif
