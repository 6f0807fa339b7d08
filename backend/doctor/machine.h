/*
 * What a machine is, as far as the ways between its GPUs go: a snapshot, taken once.
 */
#ifndef SLUICE_DOCTOR_MACHINE_H
#define SLUICE_DOCTOR_MACHINE_H

#include "doctor/files.h"
#include "doctor/pci.h"

/** A DRM device with a primary node: an importer. */
struct drm_device {
	char name[32]; // "card0"
	char node[48]; // "/dev/dri/card0"
	char driver[32]; // the kernel's, empty if none
	const struct pci_device *pci; // the PCI device that it belongs to, NULL if it is none
	uint32_t screens; // that are connected
	bool blob, virgl; // features of a virtio-gpu
};

struct kernel_version {
	unsigned major, minor;
};

enum config_state {
	CONFIG_UNKNOWN, // the kernel's configuration cannot be read
	CONFIG_OFF,
	CONFIG_ON,
};

struct machine {
	struct files files;
	struct pci_tree pci;
	struct drm_device *drm;
	size_t drm_len;

	char kernel_release[128];
	struct kernel_version kernel;
	enum config_state vfio_dmabuf; // CONFIG_VFIO_PCI_DMABUF

	char cpu_vendor[16], cpu_name[96];
	unsigned cpu_family;
	bool has_iommu; // some device is in an IOMMU group
};

/**
 * Look at the machine below a root, NULL for this one. A machine without PCI or DRM devices is no
 * error. Returns 0 or a negative errno.
 */
int machine_init(struct machine *machine, const char *root);
void machine_finish(struct machine *machine);

/** "6.19", or a whole release. False if it is no version. */
bool kernel_version_parse(const char *text, struct kernel_version *version);
int kernel_version_compare(struct kernel_version a, struct kernel_version b);

#endif
