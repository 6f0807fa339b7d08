/*
 * The PCI devices of a machine, and how they hang together: what sysfs tells, and, of configuration
 * space, what the rules of peer-to-peer DMA need.
 */
#ifndef SLUICE_DOCTOR_PCI_H
#define SLUICE_DOCTOR_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "doctor/files.h"
#include "vfio/private.h"

#define PCI_BARS 6

struct pci_bar {
	uint64_t size; // bytes, 0 if there is none
	bool memory, prefetchable;
	/** Sizes that it can be resized to: bit n stands for 2^n MiB. 0 if it cannot, or is not known. */
	uint64_t resizable;
};

struct pci_device {
	char address[PCI_ADDRESS_SIZE];
	uint32_t devfn; // device << 3 | function
	uint16_t vendor, device;
	uint32_t class; // 0xbbsspp: base class, subclass, programming interface
	char name[128]; // for people, from pci.ids
	char driver[32]; // empty: none
	char driver_override[32]; // empty: none
	int iommu_group; // -1: in none
	bool has_vfio_dev; // a vfio driver, whatever its name, has it

	char host[32]; // the host bridge that it is behind: "pci0000:00"
	const struct pci_device *upstream; // the bridge above it; NULL: it is on the root bus

	struct pci_bar bars[PCI_BARS];

	/**
	 * Whether all of configuration space could be read. The kernel shows the first 64 bytes to
	 * everybody, and the capabilities, which come after them, only to root.
	 */
	bool capabilities_readable;
	int pcie_type; // PCI_EXP_TYPE_*, -1: no PCIe device, or not known
	bool acs_redirects; // ACS sends peer-to-peer requests up to the root
};

struct pci_tree {
	struct pci_device *devices; // in the order of their addresses
	size_t len;
};

/** Read them. Returns 0 or a negative errno; -ENOENT: a machine without PCI. */
int pci_tree_init(struct pci_tree *tree, const struct files *files);
void pci_tree_finish(struct pci_tree *tree);

/** The device at an address in the kernel's form, or NULL. */
const struct pci_device *pci_tree_find(const struct pci_tree *tree, const char *address);

bool pci_device_is_display(const struct pci_device *device);

/** Whether a driver's name is that of vfio's own driver, or of Sluice's. */
bool pci_driver_is_vfio(const char *driver);

#endif
