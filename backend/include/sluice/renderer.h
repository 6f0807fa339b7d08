/*
 * libsluice: a wlr_renderer that can draw images lying in VRAM of a vfio-owned GPU.
 */
#ifndef SLUICE_RENDERER_H
#define SLUICE_RENDERER_H

#include <pixman.h>
#include <stdbool.h>
#include <stdint.h>
#include <wlr/render/wlr_renderer.h>

/**
 * How the pixels of a surface got to the screen.
 *
 * Same values as sluice_surface_path_v1.kind.
 */
enum sluice_path {
	SLUICE_PATH_NONE = 0, // they did not
	SLUICE_PATH_SCANOUT = 1, // as the framebuffer of the primary plane
	SLUICE_PATH_PLANE = 2, // as the framebuffer of an overlay plane
	SLUICE_PATH_GPU = 3, // sampled by the importer's GPU
	SLUICE_PATH_CPU = 4, // read by the CPU
};

/**
 * What stands in the way of the next better path.
 *
 * Same values as sluice_surface_path_v1.reason.
 */
enum sluice_reason {
	SLUICE_REASON_OK = 0,
	SLUICE_REASON_NOT_MAPPED = 1,
	SLUICE_REASON_COVERED = 2,
	SLUICE_REASON_NOT_FULLSCREEN = 3,
	SLUICE_REASON_SIZE_MISMATCH = 4,
	SLUICE_REASON_TRANSFORM = 5,
	SLUICE_REASON_SOFTWARE_CURSOR = 6,
	SLUICE_REASON_CAPTURE = 7,
	SLUICE_REASON_FORMAT = 8,
	SLUICE_REASON_IMPORT_FAILED = 9,
	SLUICE_REASON_TEST_FAILED = 10,
	SLUICE_REASON_COMMIT_FAILED = 11,
	SLUICE_REASON_NO_GPU_IMPORT = 12,
	SLUICE_REASON_GPU_IMPORT_CRASHED = 13,
	SLUICE_REASON_PROBE_PENDING = 14,
	SLUICE_REASON_NO_CPU_MAP = 15,
	SLUICE_REASON_REVOKED = 16,
	SLUICE_REASON_QUIESCED = 17,
	SLUICE_REASON_NO_OUTPUT = 18,
	SLUICE_REASON_OTHER = 19,
	SLUICE_REASON_DISABLED = 20,
};

/** One word for logs and tools, such as "scanout" or "import-failed". */
const char *sluice_path_name(enum sluice_path path);
const char *sluice_reason_name(enum sluice_reason reason);
/** A sentence without a full stop that says what the reason means. */
const char *sluice_reason_sentence(enum sluice_reason reason);

/** Counted since the renderer was created. */
struct sluice_renderer_stats {
	uint64_t vram_bytes_read; // by the CPU, out of VRAM
	uint64_t gpu_imports; // images imported into the inner renderer
	uint64_t gpu_draws, cpu_draws, placeholder_draws;
};

/**
 * Wrap a renderer. The new one behaves as the inner one does, except with buffers whose memory
 * is VRAM exported by vfio, and, where the inner renderer takes no DMA-BUFs at all, with
 * every DMA-BUF. For these a texture is made at once, without touching a driver; what happens
 * when it is drawn depends on what works:
 *
 * - gpu: the inner renderer imports the DMA-BUF and samples it. Before the first time, a child
 *   process tries it for this exporter, format and modifier (see sluice/probe.h), because
 *   drivers are known to crash there.
 * - cpu: the damaged pixels are read through a CPU mapping, see struct sluice_shadow.
 * - none: a plain dark rectangle is drawn instead.
 *
 * So a client's surface always has a texture, and can be scanned out even where the renderer
 * cannot sample it.
 *
 * The new renderer owns the inner one. drm_fd is the DRM device of the inner renderer, -1 if it
 * has none; the caller keeps it open as long as the renderer lives.
 *
 * Returns NULL when memory runs out; the inner renderer is left alone then.
 */
struct wlr_renderer *sluice_renderer_create(struct wlr_renderer *inner,
	struct wl_event_loop *loop, int drm_fd);

/** Whether a renderer was made by sluice_renderer_create(). */
bool sluice_renderer_is(struct wlr_renderer *renderer);

/** The inner renderer, to ask what kind it is. */
struct wlr_renderer *sluice_renderer_get_inner(struct wlr_renderer *renderer);

const struct sluice_renderer_stats *sluice_renderer_get_stats(struct wlr_renderer *renderer);

/**
 * A wl_signal raised when a probe has ended and textures may take another path: damage what
 * shows VRAM. data: struct wlr_renderer
 */
struct wl_signal *sluice_renderer_get_verdict_signal(struct wlr_renderer *renderer);

/** Whether a probe runs, whose end is told by that signal. */
bool sluice_renderer_is_probing(struct wlr_renderer *renderer);

/** Allow or forbid paths, for tests and users: both are allowed at first. */
void sluice_renderer_allow(struct wlr_renderer *renderer, bool gpu, bool cpu);

/**
 * Let go of a buffer: textures made of it keep their size only, and are drawn as placeholders.
 * Makes for DMA-BUFs of clients what sluice_buffer_revoke() does for libsluice's own.
 */
void sluice_renderer_detach_buffer(struct wlr_renderer *renderer, struct wlr_buffer *buffer);

/**
 * A texture that is in use of a buffer in VRAM, or NULL: for an image that the scene shows without
 * a client's surface, and so without anybody to ask for its texture.
 */
struct wlr_texture *sluice_renderer_find_texture(struct wlr_renderer *renderer,
	struct wlr_buffer *buffer);

/** Whether a texture is one that sluice_renderer made for an image in VRAM. */
bool sluice_texture_is(struct wlr_texture *texture);

/**
 * The path by which a texture would be drawn now, and why not by a better one. Does not draw.
 */
enum sluice_path sluice_texture_get_path(struct wlr_texture *texture,
	enum sluice_reason *reason_ptr);

/**
 * Look whether the memory of a texture can still be reached. If not, the texture lets go of its
 * buffer. For a sluice_buffer see sluice_buffer_check(); other DMA-BUFs are imported once more, into
 * another open file of the DRM device, which fails with ENODEV where the driver maps at import.
 * Returns false if it was revoked.
 */
bool sluice_texture_check(struct wlr_texture *texture);

/**
 * Choose what is drawn, in the middle of a dark rectangle, when no path works: a buffer that can be
 * read by the CPU, or NULL for nothing. Locked until the texture is destroyed.
 */
void sluice_texture_set_placeholder(struct wlr_texture *texture, struct wlr_buffer *placeholder);

/** The exporter's PCI address, or what the kernel calls its driver if that is all it tells. */
const char *sluice_texture_get_exporter(struct wlr_texture *texture);

/** The buffer a texture was made from, or NULL if it was revoked. */
struct wlr_buffer *sluice_texture_get_buffer(struct wlr_texture *texture);

/**
 * The copy in system memory of what one surface shows, kept from one frame to the next, so that
 * on the cpu path each damaged pixel is read from VRAM once, and undamaged ones not at all.
 *
 * Optional: a texture without one reads the whole image the first time that it is drawn.
 */
struct sluice_shadow;

/** Create an empty shadow. Memory for pixels is taken when the cpu path is first used. */
struct sluice_shadow *sluice_shadow_create(void);

/** Destroy. NULL is allowed. Textures that were pushed stay valid. */
void sluice_shadow_destroy(struct sluice_shadow *shadow);

/** How many bytes of VRAM were read into it. */
uint64_t sluice_shadow_get_bytes_read(const struct sluice_shadow *shadow);

/**
 * Say that the surface now shows this texture (one for which sluice_texture_is() holds), and that
 * it differs from the one pushed before only inside damage, in buffer coordinates. NULL damage
 * means everything.
 */
void sluice_shadow_push(struct sluice_shadow *shadow, struct wlr_texture *texture,
	const pixman_region32_t *damage);

#endif
