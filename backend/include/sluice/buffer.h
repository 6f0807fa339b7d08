/*
 * libsluice: an image in the VRAM of an exporter, as a wlr_buffer.
 */
#ifndef SLUICE_BUFFER_H
#define SLUICE_BUFFER_H

#include <stdint.h>
#include <wlr/types/wlr_buffer.h>
#include <sluice/vfio.h>

/** What an image looks like and where it lies. */
struct sluice_buffer_params {
	/**
	 * The exporter. Must outlive the buffer, or be destroyed while the buffer exists: the buffer
	 * is revoked then.
	 */
	struct sluice_vfio_device *device;
	uint32_t region;
	/** Copied. They follow each other in the dma-buf; the image starts at its offset 0. */
	const struct sluice_range *ranges;
	size_t ranges_len;

	int width, height; // pixels
	uint32_t stride; // bytes from one row to the next
	uint32_t format; // DRM_FORMAT_*, one plane
	uint64_t modifier; // DRM_FORMAT_MOD_*
};

/**
 * An image in VRAM.
 *
 * Exported once, when it is created. Its dma-buf has one plane at offset 0. If the kernel lets
 * the region be mapped and the modifier is linear, the image can also be read by the CPU, through
 * wlr_buffer_begin_data_ptr_access(): slowly, as VRAM is not cached. If the mapping is lost while
 * it is read, the reader sees zeroes and the buffer is revoked.
 *
 * A buffer whose mapping was lost never works again (wlroots keeps imports as long as a
 * wlr_buffer lives): make a new one.
 */
struct sluice_buffer {
	struct wlr_buffer base;
	struct wlr_dmabuf_attributes dmabuf;
	bool revoked;

	struct {
		struct wl_signal revoked; // data: struct sluice_buffer
	} events;
};

/**
 * Check the parameters and export the image. Drop the buffer with wlr_buffer_drop() to give it
 * back: it is destroyed when the last consumer has unlocked it.
 *
 * Returns 0, or -EINVAL (width, height or stride not positive, or unknown to dma-buf), -ENOTSUP
 * (a format whose size per pixel is not known), -EMSGSIZE (stride too small for width),
 * -ENOSPC (ranges too small for stride and height), or what sluice_vfio_device_export() returned.
 */
int sluice_buffer_create(const struct sluice_buffer_params *params,
	struct sluice_buffer **buffer_ptr);

/** The sluice_buffer that a wlr_buffer is, or NULL. */
struct sluice_buffer *sluice_buffer_try_from_buffer(struct wlr_buffer *buffer);

/**
 * Say that the kernel has taken the memory away, or is about to. CPU access and export fail from
 * now on; textures of a sluice_renderer let go of the buffer at once, other consumers keep their
 * locks. The buffer may be destroyed by this if it was dropped before. Emits events.revoked the
 * first time.
 */
void sluice_buffer_revoke(struct sluice_buffer *buffer);

/**
 * A buffer of the given size with nothing in it: what a client's handle stands for after its
 * image was revoked. A sluice_renderer makes textures of it, which it draws as placeholders.
 *
 * Returns NULL if memory runs out. Drop it with wlr_buffer_drop().
 */
struct wlr_buffer *sluice_dead_buffer_create(int width, int height);

/** Whether a buffer was made by sluice_dead_buffer_create(). */
bool sluice_buffer_is_dead(struct wlr_buffer *buffer);

/**
 * Look whether the memory can still be reached, by the memory bit of PCI_COMMAND: one read of
 * configuration space, as no event of the kernel tells. If not, the buffer is revoked.
 * Returns false if it is revoked.
 */
bool sluice_buffer_check(struct sluice_buffer *buffer);

/**
 * Have a function called at the very end of a buffer's life: framebuffers, textures, the mapping
 * and the DMA-BUF are gone by then, so its device may be reset or closed. It gets the ranges that
 * the buffer was made of. At most one function; it must not touch the buffer.
 */
typedef void (*sluice_buffer_release_func_t)(const struct sluice_range *ranges,
	size_t ranges_len, void *data);
void sluice_buffer_set_release(struct sluice_buffer *buffer,
	sluice_buffer_release_func_t release, void *data);

/** The PCI address of the exporter, or an empty string if it is not known or destroyed. */
const char *sluice_buffer_get_exporter(const struct sluice_buffer *buffer);

/**
 * Bytes per pixel of a single-plane, uncompressed RGB format (DRM_FORMAT_*), or 0 if libsluice
 * does not know it.
 */
uint32_t sluice_format_bytes_per_pixel(uint32_t format);

#endif
