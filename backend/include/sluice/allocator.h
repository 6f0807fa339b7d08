/*
 * libsluice: a wlr_allocator whose buffers lie in the VRAM of an exporter.
 */
#ifndef SLUICE_ALLOCATOR_H
#define SLUICE_ALLOCATOR_H

#include <stdint.h>
#include <wlr/render/allocator.h>
#include <sluice/vfio.h>

/**
 * Create an allocator over bytes [offset, offset + size) of a region: a compositor's swapchain,
 * or what it captures, can then lie in the VRAM of an exporter that it owns.
 *
 * The device must outlive the allocator. Rows are padded to a multiple of 256 bytes and images
 * to a multiple of 16 rows, as GPU drivers expect. Only DRM_FORMAT_MOD_LINEAR (or an implicit
 * modifier) is allocated.
 *
 * Destroy with wlr_allocator_destroy(); buffers that are still in use keep working.
 *
 * Returns NULL if the region cannot be exported or the arguments are invalid; errno tells.
 */
struct wlr_allocator *sluice_allocator_create(struct sluice_vfio_device *device,
	uint32_t region, uint64_t offset, uint64_t size);

/**
 * How many buffers of an allocator made by sluice_allocator_create() still exist. At 0, no import of
 * its memory is left, and the device may be reset or closed.
 */
size_t sluice_allocator_count_buffers(struct wlr_allocator *allocator);

#endif
