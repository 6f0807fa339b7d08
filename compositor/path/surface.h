#ifndef PATH_SURFACE_H
#define PATH_SURFACE_H

#include <sluice/renderer.h>
#include <wayland-server-core.h>
#include "stats/stats.h"

struct ladder;
struct wlr_output;
struct vram_source;
struct wlr_buffer;
struct wlr_scene_buffer;
struct wlr_surface;

/**
 * What is known about the way of one surface's frames to the screen, or of an image of Sluice's own
 * (a fixed framebuffer source), which no client knows of.
 */
struct path_surface {
	struct wl_list link; // ladder.surfaces
	struct ladder *ladder;
	uint32_t id; // never given again
	struct wlr_surface *surface; // NULL for an image of our own
	struct wlr_scene_buffer *scene_buffer; // that shows it, NULL for a surface
	const char *name; // of an image of our own
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
	uint64_t frames; // that took this path, since it last changed
	uint64_t bytes_read; // by shadows that it has no longer
	uint64_t seen_frame; // ladder.frame when an output last showed it
	enum sluice_reason scanout_reason; // what stands in the way of the best path
	struct surface_stats stats;

	struct wl_listener client_commit, commit;
	struct wl_listener unmap;
	struct wl_listener destroy;
};

struct path_surface *path_surface_create(struct ladder *ladder, struct wlr_surface *surface);
/** The one of a surface, or NULL. */
struct path_surface *path_surface_find(struct ladder *ladder, struct wlr_surface *surface);
/** For an image of our own, which its owner destroys. The name must outlive it. */
struct path_surface *path_surface_create_own(struct ladder *ladder,
	struct wlr_scene_buffer *scene_buffer, const char *name);
/** Only for those made by path_surface_create_own(): the others go with their surface. */
void path_surface_destroy(struct path_surface *path_surface);
/** The one of an image of our own that a scene buffer shows, or NULL. */
struct path_surface *path_surface_find_own(struct ladder *ladder,
	const struct wlr_scene_buffer *scene_buffer);
/** What to call it. */
const char *path_surface_get_title(const struct path_surface *path_surface);
/** Whether anybody wants to know. */
bool path_surface_is_watched(const struct path_surface *path_surface);
/** A page flip has ended: nothing samples what was shown before. */
void path_surface_retire(struct path_surface *path_surface);
/** Let go of what is locked. */
void path_surface_unlock(struct path_surface *path_surface);
/** Whether the image that it shows, or showed, lies in an exporter made of ordinary memory. */
bool path_surface_is_simulated(const struct path_surface *path_surface);
/** How many bytes the CPU has read of its images' VRAM. */
uint64_t path_surface_get_bytes_read(const struct path_surface *path_surface);
/** Record, log and tell the client, if anything changed. */
void path_surface_set(struct path_surface *path_surface, enum sluice_path path,
	enum sluice_reason reason, struct wlr_output *output);
/** Give a client's sluice_surface_path_v1 its events. The resource has no implementation yet. */
void path_surface_add_resource(struct path_surface *path_surface, struct wl_resource *resource);

#endif
