/*
 * libsluice: noticing that the kernel took a device's memory away, although no event tells.
 */
#ifndef SLUICE_WATCH_H
#define SLUICE_WATCH_H

#include <stdint.h>
#include <sluice/vfio.h>

/**
 * A watch on the memory of a vfio device.
 *
 * When the kernel revokes access (memory switched off, a reset, D3hot, FLR), it removes every CPU
 * mapping of the device's regions (vfio_pci_zap_bars() in drivers/vfio/pci/vfio_pci_core.c), even
 * if access is given back at once. The watch keeps one page mapped. Looking at it costs a read of
 * that page and tells whether the mapping is still the one of the last look: a read that took
 * a page fault found it removed. Nothing else tells: the kernel informs importers only.
 */
struct sluice_watch;

enum sluice_watch_state {
	SLUICE_WATCH_INTACT, // nothing happened since the last look
	SLUICE_WATCH_INTERRUPTED, // access was taken away, and is back
	SLUICE_WATCH_LOST, // access was taken away
};

/**
 * Watch a device by a page of a region. The device must outlive the watch.
 *
 * Where the region cannot be mapped, only the memory bit of PCI_COMMAND is looked at, which misses
 * interruptions that have ended.
 *
 * Returns NULL if there is no memory. The first look finds the state as it is.
 */
struct sluice_watch *sluice_watch_create(struct sluice_vfio_device *device, uint32_t region);

/** NULL is allowed. */
void sluice_watch_destroy(struct sluice_watch *watch);

/** Look. Cheap enough for a few times a second: two system calls and a read of VRAM. */
enum sluice_watch_state sluice_watch_look(struct sluice_watch *watch);

#endif
