#ifndef SLUICE_WLR_RENDERER_PRIVATE_H
#define SLUICE_WLR_RENDERER_PRIVATE_H

#include <wlr/render/drm_format_set.h>
#include <wlr/render/interface.h>
#include <wlr/util/addon.h>
#include <sluice/buffer.h>
#include <sluice/renderer.h>

struct sluice_renderer {
	struct wlr_renderer base;
	struct wlr_renderer *inner; // owned
	struct wl_event_loop *loop;
	int drm_fd; // not owned, or -1
	bool allow_gpu, allow_cpu;

	/** What clients may send as DMA-BUF where the inner renderer takes none. */
	struct wlr_drm_format_set readable_formats;

	struct wl_list verdicts; // sluice_verdict.link
	struct wl_list imports; // sluice_import.link
	struct wl_list shadows; // sluice_shadow.link, those with a texture of inner
	struct wl_list textures; // sluice_texture.link
	/**
	 * Each commit of a surface makes a texture and destroys the one before: kept for the next one,
	 * so that a frame allocates nothing. May be NULL.
	 */
	struct sluice_texture *spare;

	struct sluice_renderer_stats stats;

	struct {
		struct wl_signal verdict; // data: struct wlr_renderer
	} events;

	struct wl_listener inner_lost;
};

struct sluice_renderer *sluice_renderer_from(struct wlr_renderer *renderer);

/* Verdicts: can the inner renderer sample images of this exporter? */

enum verdict_state {
	VERDICT_QUEUED, // until another probe has ended, or an image of the kind comes
	VERDICT_PENDING,
	VERDICT_PASSED,
	VERDICT_FAILED,
};

struct sluice_verdict {
	struct wl_list link; // sluice_renderer.verdicts
	struct sluice_renderer *renderer;
	char *exporter; // PCI address, or how the kernel calls the exporting driver
	uint32_t format;
	uint64_t modifier;
	enum verdict_state state;
	enum sluice_reason reason; // unless it passed
	struct sluice_probe *probe; // while pending
	struct sluice_import *probed; // what it reads, while pending
};

/**
 * The verdict of images like this one. The first of its kind starts a probe, or has it wait for
 * another one's end. NULL: the inner renderer takes no such images, or there is no memory.
 */
struct sluice_verdict *sluice_verdict_get(struct sluice_renderer *renderer,
	struct sluice_import *import);
/** The import goes: a child that reads it is killed, and another image's turn comes. */
void sluice_verdict_forget_import(struct sluice_import *import);
/** What was learnt the hard way: the real import failed although the probe had passed. */
void sluice_verdict_fail(struct sluice_verdict *verdict, enum sluice_reason reason);
void sluice_verdict_destroy(struct sluice_verdict *verdict);

/* Imports: what a renderer knows of one buffer. */

enum import_kind {
	/** Nothing special: left to the inner renderer. */
	IMPORT_ORDINARY,
	/** A sluice_buffer. */
	IMPORT_VRAM,
	/** A DMA-BUF that a client exported itself, of vfio or not. */
	IMPORT_FOREIGN,
};

struct sluice_import {
	struct wlr_addon addon; // of wlr_buffer.addons
	struct wl_list link; // sluice_renderer.imports
	struct sluice_renderer *renderer;
	struct wlr_buffer *buffer;
	enum import_kind kind;
	char exporter[64]; // PCI address, or how the kernel calls the exporting driver
	struct sluice_verdict *verdict; // NULL where the inner renderer takes no such image
	bool detached; // for good: textures are made without it
	bool imported; // the GPU import was counted

	struct wl_listener revoked; // IMPORT_VRAM

	bool cpu_tried, cpu_works;
	void *data; // IMPORT_FOREIGN: the DMA-BUF mapped, NULL before
	size_t size;
	struct wlr_dmabuf_attributes dmabuf; // not owned
};

/** Find or make it. NULL if memory ran out, or the buffer is none that textures are made of. */
struct sluice_import *sluice_import_get(struct sluice_renderer *renderer,
	struct wlr_buffer *buffer);
/** Whether the GPU can sample it, and why not. */
bool sluice_import_gpu_works(const struct sluice_import *import, enum sluice_reason *reason);
/** Whether the CPU can read it and the inner renderer draw what was read. */
bool sluice_import_cpu_works(struct sluice_import *import);
/** Whether its memory is there. If not, it is detached from all textures. */
bool sluice_import_check(struct sluice_import *import);
/**
 * Copy the pixels of a region, in buffer coordinates and inside the buffer, to the same place in
 * an image of the same size and format. Returns false if the memory cannot be read or went away.
 */
bool sluice_import_read(struct sluice_import *import, const pixman_region32_t *region,
	void *data, size_t stride);
void sluice_import_destroy(struct sluice_import *import);

struct sluice_shadow;

/* Textures */

struct sluice_texture {
	struct wlr_texture base;
	struct wl_list link; // sluice_renderer.textures
	struct sluice_renderer *sluice; // base.renderer
	/** Both NULL after the image was revoked. The buffer is locked, so import lives as long. */
	struct sluice_import *import;
	struct wlr_buffer *buffer;
	struct wlr_texture *gpu; // of the inner renderer, made when first drawn
	struct wlr_buffer *placeholder; // locked, may be NULL
	struct wlr_texture *placeholder_texture; // of the inner renderer, made when first drawn
	struct sluice_shadow *shadow; // whose current texture this is, NULL if none
	bool own_shadow;
};

struct sluice_texture *sluice_texture_from(struct wlr_texture *texture);
/** Without an import, it is one of a dead buffer of the given size. */
struct wlr_texture *sluice_texture_create(struct sluice_renderer *renderer,
	struct sluice_import *import, uint32_t width, uint32_t height);
/** What is drawn instead, of the inner renderer, or NULL. */
struct wlr_texture *sluice_texture_get_placeholder(struct sluice_texture *texture);
/** Let go of the buffer, which may destroy it; only the size stays. */
void sluice_texture_detach(struct sluice_texture *texture);
/**
 * A texture of the inner renderer with the right pixels inside region (buffer coordinates), or
 * NULL if they cannot be had. Valid until the next call for a texture of the same surface.
 */
struct wlr_texture *sluice_texture_resolve(struct sluice_texture *texture,
	const pixman_region32_t *region, enum sluice_path *path_ptr);

/** Make the pixels of the shadow's current texture right inside region, reading what is stale. */
struct wlr_texture *sluice_shadow_update(struct sluice_shadow *shadow,
	const pixman_region32_t *region);
void sluice_shadow_forget_texture(struct sluice_shadow *shadow);
/** Let go of what belongs to the inner renderer. */
void sluice_shadow_release(struct sluice_shadow *shadow);

struct wlr_render_pass *sluice_pass_create(struct sluice_renderer *renderer,
	struct wlr_render_pass *inner);

#endif
