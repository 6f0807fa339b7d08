/*
 * libsluice: an allocator of ranges in a region of VRAM.
 */
#ifndef SLUICE_VRAM_H
#define SLUICE_VRAM_H

#include <stddef.h>
#include <stdint.h>
#include <sluice/vfio.h>

/**
 * Which bytes of a region are in use. Knows nothing of the memory itself.
 */
struct sluice_vram;

/**
 * Manage the bytes [offset, offset + size) of a region, all free at first, in units of granule
 * bytes (a power of two, a multiple of the page size). offset and size must be multiples of it.
 *
 * Returns NULL if an argument is invalid (errno is EINVAL, or EOVERFLOW) or memory ran out
 * (ENOMEM).
 */
struct sluice_vram *sluice_vram_create(uint64_t offset, uint64_t size, uint64_t granule);

/** Destroy the allocator; what is still allocated is forgotten. NULL is allowed. */
void sluice_vram_destroy(struct sluice_vram *vram);

/**
 * Allocate size bytes (rounded up to the granule).
 *
 * The first free space that holds all of it, at an offset that is a multiple of alignment (a
 * power of two; 0 means the granule), is taken. Where there is none, it is put together from
 * several ranges, largest free spaces first to keep their number small, at most ranges_cap of
 * them, each aligned.
 *
 * Returns the number of ranges written, in ascending order of offset, or -EINVAL, -ENOSPC (not
 * enough free space that alignment lets be used), -EMLINK (enough space, but in more than
 * ranges_cap pieces), -ENOMEM. On error nothing is allocated; ranges may have been written to.
 */
int sluice_vram_alloc(struct sluice_vram *vram, uint64_t size, uint64_t alignment,
	struct sluice_range *ranges, size_t ranges_cap);

/**
 * Give ranges back, all or none of them. They need not be as they were allocated: a part of an
 * allocation may be freed. Adjacent free space is joined.
 *
 * Returns 0, or -EINVAL (a range that is not, or not wholly, allocated, or is named twice), or
 * -ENOMEM.
 */
int sluice_vram_free(struct sluice_vram *vram, const struct sluice_range *ranges,
	size_t ranges_len);

/** The number of bytes that are free, and the largest space without a gap. */
uint64_t sluice_vram_get_free(const struct sluice_vram *vram);
uint64_t sluice_vram_get_largest(const struct sluice_vram *vram);

#endif
