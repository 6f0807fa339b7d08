#ifndef PATH_SURFACE_H
#define PATH_SURFACE_H

#include <sluice/renderer.h>
#include <wayland-server-core.h>

struct ladder;
struct wlr_output;
struct vram_source;
struct wlr_buffer;
struct wlr_surface;

/** What is known about the way of one surface's frames to the screen. */
struct path_surface {
	struct wl_list link; // ladder.surfaces
	struct ladder *ladder;
	struct wlr_surface *surface;
	/** It shows an image in VRAM: not NULL as long as it does. */
	struct sluice_shadow *shadow;
	/**
	 * On the gpu path, vfio's DMA-BUFs carry no fences that would keep a producer from drawing into
	 * what is still sampled. So what is shown, and what was until the next page flip, is locked.
	 */
	struct wlr_buffer *shown, *retiring;
	/** The source of what it shows, once that is a placeholder; else NULL. */
	struct vram_source *source;
	struct wl_list resources; // sluice_surface_path_v1, wl_resource_get_link()

	enum sluice_path path;
	enum sluice_reason reason;
	struct wlr_output *output; // NULL if on none
	uint64_t frames; // that took this path
	uint64_t seen_frame; // ladder.frame when an output last showed it
	enum sluice_reason scanout_reason; // what stands in the way of the best path

	struct wl_listener commit;
	struct wl_listener unmap;
	struct wl_listener destroy;
};

struct path_surface *path_surface_create(struct ladder *ladder, struct wlr_surface *surface);
/** The one of a surface, or NULL. */
struct path_surface *path_surface_find(struct ladder *ladder, struct wlr_surface *surface);
/** Whether anybody wants to know. */
bool path_surface_is_watched(const struct path_surface *path_surface);
/** A page flip has ended: nothing samples what was shown before. */
void path_surface_retire(struct path_surface *path_surface);
/** Let go of what is locked. */
void path_surface_unlock(struct path_surface *path_surface);
/** Record, log and tell the client, if anything changed. */
void path_surface_set(struct path_surface *path_surface, enum sluice_path path,
	enum sluice_reason reason, struct wlr_output *output);
/** Give a client's sluice_surface_path_v1 its events. The resource has no implementation yet. */
void path_surface_add_resource(struct path_surface *path_surface, struct wl_resource *resource);

#endif
