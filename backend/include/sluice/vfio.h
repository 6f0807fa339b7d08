/*
 * libsluice: a PCI device owned by vfio-pci, and what it can export.
 */
#ifndef SLUICE_VFIO_H
#define SLUICE_VFIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wayland-server-core.h>

/**
 * The most ranges that one dma-buf may be made of. The kernel bounds the size of the feature
 * ioctl only by memory; this bound keeps a hostile request small.
 */
#define SLUICE_MAX_RANGES 4096

/** Room for a PCI address such as "ffffffff:ff:1f.7", and the end of the string. */
#define SLUICE_PCI_ADDRESS_SIZE 17

/**
 * Check a PCI address, with or without a domain, and write it as the kernel does
 * ("0000:03:00.0"). Returns false if it is none.
 */
bool sluice_pci_address_parse(const char *text, char address[static SLUICE_PCI_ADDRESS_SIZE]);

/**
 * A part of a region: page-aligned offset and length, both in bytes.
 *
 * Same layout as struct vfio_region_dma_range (linux/vfio.h).
 */
struct sluice_range {
	uint64_t offset;
	uint64_t length;
};

/** A VFIO region, see struct vfio_region_info (linux/vfio.h). */
struct sluice_vfio_region {
	uint32_t index; // VFIO_PCI_BAR0_REGION_INDEX…
	uint32_t flags; // VFIO_REGION_INFO_FLAG_*
	uint64_t size; // bytes, 0 if the device does not implement the region
	uint64_t offset; // of the region in the device fd, for pread, pwrite and mmap
};

/**
 * An open vfio device: an exporter.
 *
 * Owns its device fd and, when it was opened by address, the group and container fds behind it.
 * Not thread-safe.
 */
struct sluice_vfio_device {
	struct {
		struct wl_signal destroy; // data: struct sluice_vfio_device
		/**
		 * The device reported an uncorrectable error (VFIO_PCI_ERR_IRQ_INDEX); its memory must
		 * be taken for lost. Needs sluice_vfio_device_listen(). data: struct sluice_vfio_device
		 */
		struct wl_signal error;
		/**
		 * The kernel asks for the device back (VFIO_PCI_REQ_IRQ_INDEX): unbind or unplug waits
		 * until every reference is closed. Needs sluice_vfio_device_listen().
		 * data: struct sluice_vfio_device
		 */
		struct wl_signal request;
	} events;
};

/**
 * Open the vfio device at a PCI address, such as "0000:03:00.0", by its cdev and iommufd where
 * the kernel has them, else by group and container.
 *
 * Opening resets the device: the content of its VRAM is lost. An address without a domain is
 * taken to be in domain 0000.
 *
 * Returns 0, or -EINVAL (no PCI address), -ENODEV (no such device, or not bound to a vfio
 * driver), -EACCES (no right to /dev/vfio), -EBUSY (the group has another owner), -EPERM (the
 * group is not viable: a sibling is bound to another driver), or what the kernel returned.
 * The step that failed is logged.
 */
int sluice_vfio_device_open(const char *address, struct sluice_vfio_device **device_ptr);

/**
 * Make a device of a vfio device fd that somebody else opened, a VMM for example.
 *
 * Does not reset it. On success the fd belongs to the device, else to the caller.
 *
 * Returns 0, or -EBADF (not open), -ENOTTY (not a vfio device fd, or one that was never bound to
 * an address space), -EINVAL (a vfio device, but not a PCI one), or what the kernel returned.
 */
int sluice_vfio_device_adopt(int fd, struct sluice_vfio_device **device_ptr);

/**
 * Close the device. NULL is allowed. The kernel revokes, for ever, every dma-buf it exported.
 *
 * A listener to events.error or events.request may do this; one to events.destroy may not.
 */
void sluice_vfio_device_destroy(struct sluice_vfio_device *device);

/** The device fd. The device keeps it. */
int sluice_vfio_device_get_fd(const struct sluice_vfio_device *device);

/**
 * The PCI address ("0000:03:00.0"), or NULL when it is not known: an adopted fd tells it in its
 * fdinfo (vfio-device-syspath) since Linux 6.17.
 */
const char *sluice_vfio_device_get_address(const struct sluice_vfio_device *device);

/**
 * The name of the driver that the device is bound to, and which so exports its memory: "vfio-pci",
 * or "vfio-pci-dmabuf", whose dma-bufs the CPU can map where the driver itself exports them.
 *
 * Returns 0, or -ENODATA (the address of the device is not known), -ENAMETOOLONG (of a name that
 * does not fit into size bytes), or what the kernel returned (-ENOENT: it has no driver any more).
 */
int sluice_vfio_device_get_driver(const struct sluice_vfio_device *device, char *name,
	size_t size);

/**
 * The IOMMU group of the device, or -1 when it is not known.
 */
int sluice_vfio_device_get_iommu_group(const struct sluice_vfio_device *device);

/**
 * Describe a region (VFIO_DEVICE_GET_REGION_INFO).
 *
 * Returns 0, or -EINVAL (no such index), -ENODEV (device gone).
 */
int sluice_vfio_device_get_region(struct sluice_vfio_device *device, uint32_t index,
	struct sluice_vfio_region *region);

/**
 * Ask whether the driver exports dma-bufs (VFIO_DEVICE_FEATURE_PROBE of
 * VFIO_DEVICE_FEATURE_DMA_BUF).
 *
 * Returns 0, or -ENOTTY (kernel without the feature), -EOPNOTSUPP (driver without it).
 */
int sluice_vfio_device_probe_dmabuf(struct sluice_vfio_device *device);

/**
 * Export ranges of a region as one dma-buf (VFIO_DEVICE_FEATURE_GET of
 * VFIO_DEVICE_FEATURE_DMA_BUF). The ranges follow each other in the dma-buf in the order given.
 *
 * The ranges are checked against the region first, see sluice_ranges_check().
 *
 * Returns a dma-buf fd (close-on-exec) that the caller owns, or a negative errno: those of
 * sluice_ranges_check(), -ENOTTY or -EOPNOTSUPP (no such feature), -ENODEV (device gone, or no
 * such region).
 */
int sluice_vfio_device_export(struct sluice_vfio_device *device, uint32_t region,
	const struct sluice_range *ranges, size_t ranges_len);

/**
 * Check ranges against the size of the region they are to lie in.
 *
 * Returns 0 and the sum of their lengths, or -EINVAL (none, more than SLUICE_MAX_RANGES, an empty
 * one, or one not aligned to pages), -EOVERFLOW (offset + length, or the sum, leaves 64 bits),
 * -ERANGE (past the end of the region), -EEXIST (two of them overlap), -ENOMEM. total_ptr may be
 * NULL, and is only written on success.
 */
int sluice_ranges_check(const struct sluice_range *ranges, size_t ranges_len,
	uint64_t region_size, uint64_t *total_ptr);

/**
 * Switch the device's memory space on or off (PCI_COMMAND_MEMORY, PCI Local Bus 3.0 section
 * 6.2.2). Off revokes every dma-buf; the kernel may wait for importers.
 *
 * Returns 0 or a negative errno.
 */
int sluice_vfio_device_set_memory(struct sluice_vfio_device *device, bool enable);

/** Whether memory space is on: 1, 0, or a negative errno. All ones (device gone) is -ENODEV. */
int sluice_vfio_device_get_memory(struct sluice_vfio_device *device);

/**
 * Read from or write to configuration space. The whole of it or an error: 0, -EIO (short),
 * -EINVAL (past the end), or what the kernel returned.
 */
int sluice_vfio_device_read_config(struct sluice_vfio_device *device, uint64_t offset,
	void *data, size_t size);
int sluice_vfio_device_write_config(struct sluice_vfio_device *device, uint64_t offset,
	const void *data, size_t size);

/**
 * Reset the device (VFIO_DEVICE_RESET). Drop every import first: the kernel waits for importers
 * without limit.
 *
 * Memory space is on or off afterwards as it was before: the kernel restores configuration space
 * (measured on Linux 7.2). What was in VRAM may be lost, and what was exported is to be exported
 * anew.
 *
 * Returns 0, -ENOTTY (the device cannot be reset), -EAGAIN (it is being reset already), or what
 * the kernel returned.
 */
int sluice_vfio_device_reset(struct sluice_vfio_device *device);

/**
 * Map a part of a region into this process. The part may be any; the kernel's sparse areas
 * (VFIO_REGION_INFO_CAP_SPARSE_MMAP) are honoured.
 *
 * prot is PROT_READ and/or PROT_WRITE. Access raises SIGBUS while memory space is off.
 * Unmap with munmap(*data_ptr, length).
 *
 * Returns 0, -EINVAL (not aligned, empty or past the end), -EOPNOTSUPP (the region, or this part
 * of it, cannot be mapped), or what the kernel returned.
 */
int sluice_vfio_device_map(struct sluice_vfio_device *device, uint32_t region, uint64_t offset,
	uint64_t length, int prot, void **data_ptr);

/**
 * Have the device's error and request interrupts raise events.error and events.request from the
 * event loop. A device without one of the interrupts is no error. An adopted device's interrupts
 * belong to its owner: do not call this for it.
 *
 * Returns 0, -EALREADY (it was called before), or a negative errno.
 */
int sluice_vfio_device_listen(struct sluice_vfio_device *device, struct wl_event_loop *loop);

#endif
