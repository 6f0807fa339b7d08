#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pci/pci.h>
#include "doctor/pci.h"

#define DEVICES "sys/bus/pci/devices"

// Of Resizable BAR, PCI Express 6.0 section 7.8.6; libpci has no names for them
#define REBAR_CAPABILITY 4
#define REBAR_CONTROL 8
#define REBAR_CONTROL_BAR 0x7
#define REBAR_CONTROL_COUNT(control) (((control) >> 5) & 0x7)

// libpci ends the program at an error, unless it is kept from returning
static _Thread_local jmp_buf libpci_failed;

static void handle_libpci_error(char *message, ...) __attribute__((noreturn));

static void handle_libpci_error(char *message, ...) {
	longjmp(libpci_failed, 1);
}

static void ignore_message(char *message, ...) {
	// What cannot be read is told by the step that needs it
}

const struct pci_device *pci_tree_find(const struct pci_tree *tree, const char *address) {
	for (size_t i = 0; i < tree->len; i++) {
		if (strcmp(tree->devices[i].address, address) == 0) {
			return &tree->devices[i];
		}
	}
	return NULL;
}

bool pci_device_is_display(const struct pci_device *device) {
	return device->class >> 16 == 0x03;
}

bool pci_driver_is_vfio(const char *driver) {
	return strncmp(driver, "vfio-pci", 8) == 0 || strstr(driver, "-vfio-pci") != NULL;
}

/** Its bridge and its host bridge are the directories that the device's own is in. */
static void read_place(const struct pci_tree *tree, struct pci_device *device,
		const struct files *files) {
	char path[64], target[PATH_MAX];
	snprintf(path, sizeof(path), DEVICES "/%s", device->address);
	if (files_link(files, path, target, sizeof(target)) < 0) {
		return;
	}
	char *save = NULL;
	for (char *part = strtok_r(target, "/", &save); part != NULL;
			part = strtok_r(NULL, "/", &save)) {
		if (strncmp(part, "pci", 3) == 0 && strchr(part, ':') != NULL) {
			snprintf(device->host, sizeof(device->host), "%.31s", part);
			device->upstream = NULL;
		} else if (strcmp(part, device->address) != 0) {
			const struct pci_device *above = pci_tree_find(tree, part);
			device->upstream = above != NULL ? above : device->upstream;
		}
	}
}

static void read_links(struct pci_device *device, const struct files *files) {
	char path[128], name[32];
	snprintf(path, sizeof(path), DEVICES "/%s/driver", device->address);
	files_link_name(files, path, device->driver, sizeof(device->driver));
	snprintf(path, sizeof(path), DEVICES "/%s/vfio-dev", device->address);
	device->has_vfio_dev = files_access(files, path, 0) == 0;

	snprintf(path, sizeof(path), DEVICES "/%s/driver_override", device->address);
	if (files_read(files, path, device->driver_override,
			sizeof(device->driver_override)) < 0 ||
			strcmp(device->driver_override, "(null)") == 0) {
		device->driver_override[0] = '\0';
	}

	snprintf(path, sizeof(path), DEVICES "/%s/iommu_group", device->address);
	files_link_name(files, path, name, sizeof(name));
	char *end;
	long group = strtol(name, &end, 10);
	device->iommu_group = end == name || *end != '\0' || group < 0 || group > INT_MAX ?
		-1 : (int)group;
}

/** The lines of sysfs' "resource" are start, end and flags; the first six are BARs. */
static void read_bars(struct pci_device *device, const struct files *files) {
	char path[64], text[2048];
	snprintf(path, sizeof(path), DEVICES "/%s/resource", device->address);
	if (files_read(files, path, text, sizeof(text)) < 0) {
		return;
	}
	const char *line = text;
	for (size_t i = 0; i < PCI_BARS && line != NULL; i++) {
		unsigned long long start, end, flags;
		if (sscanf(line, "%llx %llx %llx", &start, &end, &flags) == 3 && end > start) {
			// IORESOURCE_MEM and IORESOURCE_PREFETCH of the kernel's linux/ioport.h
			device->bars[i] = (struct pci_bar){
				.size = end - start + 1,
				.memory = (flags & 0x200) != 0,
				.prefetchable = (flags & 0x2000) != 0,
			};
		}
		line = strchr(line, '\n');
		line = line != NULL ? line + 1 : NULL;
	}
}

/** Two registers for each BAR that can be resized. */
static void read_resizable(struct pci_device *device, struct pci_dev *dev) {
	struct pci_cap *cap = pci_find_cap(dev, PCI_EXT_CAP_ID_REBAR, PCI_CAP_EXTENDED);
	if (cap == NULL) {
		return;
	}
	uint32_t count = 1;
	for (uint32_t i = 0; i < count && i < PCI_BARS; i++) {
		int position = (int)(cap->addr + i * 8);
		uint32_t sizes = pci_read_long(dev, position + REBAR_CAPABILITY);
		uint32_t control = pci_read_long(dev, position + REBAR_CONTROL);
		if (i == 0) {
			count = REBAR_CONTROL_COUNT(control);
		}
		uint32_t bar = control & REBAR_CONTROL_BAR;
		if (bar < PCI_BARS) {
			// Bits 4 to 31 stand for 1 MiB to 128 TiB; 16 more are in the control register
			device->bars[bar].resizable = (uint64_t)sizes >> 4 |
				(uint64_t)(control >> 16) << 28;
		}
	}
}

static void read_capabilities(struct pci_device *device, struct pci_dev *dev) {
	uint8_t byte;
	device->pcie_type = -1;
	device->capabilities_readable = pci_read_block(dev, 0x40, &byte, 1) == 1;
	if (!device->capabilities_readable) {
		return;
	}
	struct pci_cap *cap = pci_find_cap(dev, PCI_CAP_ID_EXP, PCI_CAP_NORMAL);
	if (cap != NULL) {
		device->pcie_type = (pci_read_word(dev, (int)cap->addr + PCI_EXP_FLAGS) &
			PCI_EXP_FLAGS_TYPE) >> 4;
	}
	cap = pci_find_cap(dev, PCI_EXT_CAP_ID_ACS, PCI_CAP_EXTENDED);
	if (cap != NULL) {
		uint16_t control = pci_read_word(dev, (int)cap->addr + PCI_ACS_CTRL);
		// The bits that the kernel's pci_bridge_has_acs_redir() looks at
		device->acs_redirects = (control & (PCI_ACS_CTRL_REQ_RED | PCI_ACS_CTRL_CMPLT_RED |
				PCI_ACS_CTRL_EGRESS)) != 0;
	}
	read_resizable(device, dev);
}

static void read_device(struct pci_device *device, struct pci_access *access,
		struct pci_dev *dev, const struct files *files) {
	pci_fill_info(dev, PCI_FILL_IDENT | PCI_FILL_CLASS | PCI_FILL_CLASS_EXT | PCI_FILL_CAPS |
		PCI_FILL_EXT_CAPS);
	snprintf(device->address, sizeof(device->address), "%04x:%02x:%02x.%x",
		(unsigned)dev->domain, dev->bus, dev->dev, dev->func);
	device->devfn = (uint32_t)dev->dev << 3 | dev->func;
	device->vendor = dev->vendor_id;
	device->device = dev->device_id;
	device->class = (uint32_t)dev->device_class << 8 | dev->prog_if;
	pci_lookup_name(access, device->name, sizeof(device->name),
		PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE, dev->vendor_id, dev->device_id);
	read_links(device, files);
	read_bars(device, files);
	read_capabilities(device, dev);
}

static int compare_addresses(const void *a, const void *b) {
	const struct pci_device *first = a, *second = b;
	return strcmp(first->address, second->address);
}

static int read_all(struct pci_tree *tree, struct pci_access *access,
		const struct files *files) {
	if (setjmp(libpci_failed) != 0) {
		return -EIO;
	}
	pci_init(access);
	pci_scan_bus(access);
	size_t len = 0;
	for (struct pci_dev *dev = access->devices; dev != NULL; dev = dev->next) {
		len++;
	}
	tree->devices = calloc(len + 1, sizeof(*tree->devices));
	if (tree->devices == NULL) {
		return -ENOMEM;
	}
	for (struct pci_dev *dev = access->devices; dev != NULL; dev = dev->next) {
		read_device(&tree->devices[tree->len++], access, dev, files);
	}
	return 0;
}

int pci_tree_init(struct pci_tree *tree, const struct files *files) {
	*tree = (struct pci_tree){ 0 };
	int ret = files_access(files, DEVICES, 0);
	if (ret < 0) {
		return ret;
	}
	struct pci_access *access = pci_alloc();
	access->method = PCI_ACCESS_SYS_BUS_PCI;
	access->error = handle_libpci_error;
	access->warning = ignore_message;
	access->debug = ignore_message;
	char name[] = "sysfs.path", path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/sys/bus/pci", files->root);
	pci_set_param(access, name, path);

	ret = read_all(tree, access, files);
	pci_cleanup(access);
	if (ret < 0) {
		pci_tree_finish(tree);
		return ret;
	}
	qsort(tree->devices, tree->len, sizeof(tree->devices[0]), compare_addresses);
	for (size_t i = 0; i < tree->len; i++) {
		read_place(tree, &tree->devices[i], files);
	}
	return 0;
}

void pci_tree_finish(struct pci_tree *tree) {
	free(tree->devices);
	*tree = (struct pci_tree){ 0 };
}
