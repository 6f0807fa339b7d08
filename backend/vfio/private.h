/*
 * Shared between the files of backend/vfio/.
 */
#ifndef SLUICE_VFIO_PRIVATE_H
#define SLUICE_VFIO_PRIVATE_H

#include <sluice/vfio.h>
#include "vfio/uapi.h"

#define PCI_ADDRESS_SIZE SLUICE_PCI_ADDRESS_SIZE

/** What sluice_vfio_device_listen() sets up for one interrupt. */
struct vfio_irq {
	struct vfio_pci *pci;
	struct wl_signal *signal;
	struct wl_event_source *source;
	const char *meaning; // for the log
	uint32_t index; // VFIO_PCI_*_IRQ_INDEX
	int fd; // eventfd, -1 while not set up
};

struct vfio_pci {
	struct sluice_vfio_device base;

	int fd;
	/** In place of the kernel's, see simulated.c; NULL on a real device. */
	int (*ioctl)(struct vfio_pci *pci, unsigned long request, void *arg);
	// Either the first, or the other two, when opened by address; else all -1
	int iommufd;
	int group_fd, container_fd;

	char address[PCI_ADDRESS_SIZE]; // empty when not known
	int iommu_group; // -1 when not known

	uint32_t flags; // VFIO_DEVICE_FLAGS_*
	uint32_t num_regions, num_irqs;

	// Configuration space is read often; its place in the device fd never changes
	struct sluice_vfio_region config;

	bool listening;
	struct wl_signal *emitting; // NULL but while listeners are called
	bool destroyed; // while emitting: to be freed after it
	struct vfio_irq error, request;
};

/** All zeroes and closed. NULL without memory. */
struct vfio_pci *vfio_pci_create(void);
/** ioctl(2) on the device fd. Returns what the kernel did, or a negative errno. */
int vfio_pci_ioctl(struct vfio_pci *pci, unsigned long request, void *arg);
struct vfio_pci *vfio_pci_from_device(struct sluice_vfio_device *device);
const struct vfio_pci *vfio_pci_from_const_device(
	const struct sluice_vfio_device *device);

/** What to call the device in the log. */
const char *vfio_pci_name(const struct vfio_pci *pci);

/**
 * Parse a PCI address, with or without a domain, and write it as the kernel does. Returns false
 * if it is none.
 */
bool pci_address_parse(const char *text, char address[static PCI_ADDRESS_SIZE]);

/**
 * Describe a region with its capabilities. *info_ptr is to be freed; its argsz is the number of
 * bytes it holds. Returns 0 or a negative errno.
 */
int vfio_pci_get_region_info(struct vfio_pci *pci, uint32_t index,
	struct vfio_region_info **info_ptr);

/** Turn the interrupts off again. */
void vfio_pci_unlisten(struct vfio_pci *pci);

#endif
