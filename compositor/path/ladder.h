#ifndef PATH_LADDER_H
#define PATH_LADDER_H

#include "output.h"

struct path_surface;
struct vram_source;
struct wlr_renderer;

/**
 * The path ladder: scanout, gpu, cpu, none. The scene tries scanout by itself and the renderer
 * knows gpu from cpu (sluice/renderer.h). The ladder watches what comes of it, tells producers,
 * and remembers what failed, so that it is not tried again each frame.
 */
struct ladder {
	struct server *server;
	struct wl_list surfaces; // path_surface.link
	struct wl_list demotions; // demotion.link
	struct wl_array stack; // struct stack_entry, see path/stack.h
	uint64_t frame; // counts the frames of all outputs
	uint32_t last_id; // of a path_surface

	struct wl_listener new_surface;
	struct wl_listener verdict;
};

struct ladder *ladder_create(struct server *server);
void ladder_destroy(struct ladder *ladder);
/** After the renderer was replaced. */
void ladder_set_renderer(struct ladder *ladder, struct wlr_renderer *renderer);

/** Before the frame of an output is built: keep what failed before from being tried. */
void ladder_prepare(struct ladder *ladder, struct output *output);
/** After it was committed: see which path each surface took. */
void ladder_committed(struct ladder *ladder, struct output *output,
	const struct wlr_output_state *state);
/**
 * After the commit failed. Returns true if it was for a client's framebuffer, which is now
 * demoted: build the frame anew.
 */
bool ladder_commit_failed(struct ladder *ladder, struct output *output,
	const struct wlr_output_state *state);
void ladder_surface_gone(struct ladder *ladder, struct path_surface *path_surface);
/** A page flip of the output has ended. */
void ladder_presented(struct ladder *ladder, struct output *output);
void ladder_output_gone(struct ladder *ladder, struct output *output);
/** A source changed: what its surfaces show instead of images is to say so. */
void ladder_dress_source(struct ladder *ladder, struct vram_source *source);
void ladder_forget_source(struct ladder *ladder, struct vram_source *source);
/** Whether a screen shows an image of a source that has a watch; adds the frames that did so to the count. */
bool ladder_shows_source(struct ladder *ladder, const struct vram_source *source,
	uint64_t *frames);
/** Log the path of each surface. */
void ladder_log(struct ladder *ladder);

#endif
