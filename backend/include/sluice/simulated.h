/*
 * libsluice: an exporter made of ordinary memory, for tests where there is no vfio.
 */
#ifndef SLUICE_SIMULATED_H
#define SLUICE_SIMULATED_H

#include <stdint.h>
#include <sluice/vfio.h>

/** What sluice_vfio_device_get_address() says of one. */
#define SLUICE_SIMULATED_ADDRESS "simulated"
/** Its VRAM; all other regions of memory are absent. */
#define SLUICE_SIMULATED_REGION 2
/** Bytes of configuration space. They lie in the file behind the region. */
#define SLUICE_SIMULATED_CONFIG_SIZE 256

/**
 * Make a simulated exporter: a memfd of so many bytes of VRAM (a multiple of the page size),
 * followed by a page with configuration space. Whoever has the file has the device: its VRAM is
 * mapped at offset 0. Its memory is on.
 *
 * It exports by udmabuf, where the kernel has that. Elsewhere the memfd itself stands in for
 * the dma-buf: no GPU takes it, and only the CPU can read it.
 *
 * Returns the memfd, which the caller owns, or a negative errno.
 */
int sluice_simulated_create(uint64_t size);

/**
 * Make a device of such a file, as sluice_vfio_device_adopt() does of a vfio device fd. On success
 * the fd belongs to the device, else to the caller.
 *
 * Returns 0, or -EINVAL (not made by sluice_simulated_create()), or another negative errno.
 */
int sluice_simulated_adopt(int fd, struct sluice_vfio_device **device_ptr);

/** Have reads of configuration space return all ones, as if the device fell off the bus. */
int sluice_simulated_unplug(int fd);
/** And back on, with its memory on. */
int sluice_simulated_replug(int fd);

#endif
