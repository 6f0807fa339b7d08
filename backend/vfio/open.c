#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/util/log.h>
#include "vfio/private.h"
#include "vfio/sys.h"

#define SYSFS_DEVICES "/sys/bus/pci/devices"

struct vfio_pci *vfio_pci_create(void) {
	struct vfio_pci *pci = calloc(1, sizeof(*pci));
	if (pci == NULL) {
		return NULL;
	}
	wl_signal_init(&pci->base.events.destroy);
	wl_signal_init(&pci->base.events.error);
	wl_signal_init(&pci->base.events.request);
	pci->fd = pci->iommufd = pci->group_fd = pci->container_fd = -1;
	pci->error.fd = pci->request.fd = -1;
	pci->iommu_group = -1;
	return pci;
}

/** Log that a step failed, and return its error. */
static int fail(const struct vfio_pci *pci, const char *step, int error, const char *hint) {
	wlr_log(WLR_ERROR, "%s: cannot %s: %s%s%s", vfio_pci_name(pci), step, strerror(-error),
		hint != NULL ? "; " : "", hint != NULL ? hint : "");
	return error;
}

static int fail_to_open(const struct vfio_pci *pci, const char *path, int error) {
	char step[64];
	snprintf(step, sizeof(step), "open %s", path);
	const char *hint = NULL;
	switch (error) {
	case -EACCES:
		hint = "is your user in the group that owns it?";
		break;
	case -EBUSY:
		hint = "is a virtual machine or another program using the device?";
		break;
	case -ENOENT:
		hint = "is the device bound to vfio-pci, and the vfio module loaded?";
		break;
	}
	return fail(pci, step, error, hint);
}

/** Read what the device is, which also tells whether fd is a vfio device at all. */
static int read_info(struct vfio_pci *pci) {
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int ret = vfio_pci_ioctl(pci, VFIO_DEVICE_GET_INFO, &info);
	if (ret < 0) {
		// A container and a cdev that is not bound to an iommufd say EINVAL
		return fail(pci, "describe the vfio device", ret == -EINVAL ? -ENOTTY : ret,
			ret == -EINVAL || ret == -ENOTTY ? "is it a vfio device fd, and bound?" : NULL);
	}
	if ((info.flags & VFIO_DEVICE_FLAGS_PCI) == 0) {
		return fail(pci, "use the vfio device", -EINVAL, "it is not a PCI device");
	}
	pci->flags = info.flags;
	pci->num_regions = info.num_regions;
	pci->num_irqs = info.num_irqs;
	return 0;
}

static int read_iommu_group(const char *address) {
	char path[sizeof(SYSFS_DEVICES) + PCI_ADDRESS_SIZE + sizeof("/iommu_group")];
	snprintf(path, sizeof(path), "%s/%s/iommu_group", SYSFS_DEVICES, address);
	char name[16];
	if (vfio_sys_link_name(path, name, sizeof(name)) < 0) {
		return -1;
	}
	char *end;
	long group = strtol(name, &end, 10);
	return end == name || *end != '\0' || group < 0 || group > INT32_MAX ? -1 : (int)group;
}

/**
 * Open by the device's own character device. Returns -ENOENT, without a word, where the kernel has
 * none or no iommufd.
 */
static int open_cdev(struct vfio_pci *pci) {
	char path[sizeof(SYSFS_DEVICES) + PCI_ADDRESS_SIZE + sizeof("/vfio-dev")];
	snprintf(path, sizeof(path), "%s/%s/vfio-dev", SYSFS_DEVICES, pci->address);
	char name[32];
	if (vfio_sys_find_entry(path, "vfio", name, sizeof(name)) < 0) {
		return -ENOENT;
	}

	char cdev_path[sizeof("/dev/vfio/devices/") + sizeof(name)];
	snprintf(cdev_path, sizeof(cdev_path), "/dev/vfio/devices/%s", name);
	int fd = vfio_sys_open(cdev_path, O_RDWR);
	if (fd < 0) {
		return fd == -ENOENT ? fd : fail_to_open(pci, cdev_path, fd);
	}
	int iommufd = vfio_sys_open("/dev/iommu", O_RDWR);
	if (iommufd < 0) {
		vfio_sys_close(fd);
		return iommufd == -ENOENT ? iommufd : fail_to_open(pci, "/dev/iommu", iommufd);
	}

	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind), .iommufd = iommufd };
	int ret = vfio_sys_ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &bind);
	if (ret < 0) {
		vfio_sys_close(fd);
		vfio_sys_close(iommufd);
		return fail(pci, "bind the device to an iommufd", ret,
			ret == -EBUSY ? "another program is using it" : NULL);
	}
	pci->fd = fd;
	pci->iommufd = iommufd;
	return 0;
}

/** The kernel gives a device out of a group only once the group has an address space. */
static int attach_group(struct vfio_pci *pci) {
	struct vfio_group_status status = { .argsz = sizeof(status) };
	int ret = vfio_sys_ioctl(pci->group_fd, VFIO_GROUP_GET_STATUS, &status);
	if (ret < 0) {
		return fail(pci, "read the state of its IOMMU group", ret, NULL);
	}
	if ((status.flags & VFIO_GROUP_FLAGS_VIABLE) == 0) {
		return fail(pci, "use its IOMMU group", -EPERM,
			"bind every device of the group to vfio-pci, or to no driver");
	}

	ret = vfio_sys_ioctl(pci->group_fd, VFIO_GROUP_SET_CONTAINER, &pci->container_fd);
	if (ret < 0) {
		return fail(pci, "put its IOMMU group into a container", ret, NULL);
	}

	uintptr_t type = VFIO_TYPE1v2_IOMMU;
	ret = vfio_sys_ioctl(pci->container_fd, VFIO_SET_IOMMU, (void *)type);
	if (ret < 0) {
		type = VFIO_TYPE1_IOMMU;
		ret = vfio_sys_ioctl(pci->container_fd, VFIO_SET_IOMMU, (void *)type);
	}
	if (ret < 0) {
		return fail(pci, "set up its IOMMU", ret, "is the vfio_iommu_type1 module loaded?");
	}
	return 0;
}

static int open_group(struct vfio_pci *pci) {
	char path[sizeof("/dev/vfio/") + 11];
	snprintf(path, sizeof(path), "/dev/vfio/%d", pci->iommu_group);
	pci->group_fd = vfio_sys_open(path, O_RDWR);
	if (pci->group_fd < 0) {
		int ret = fail_to_open(pci, path, pci->group_fd);
		return ret == -ENOENT ? -ENODEV : ret;
	}
	pci->container_fd = vfio_sys_open("/dev/vfio/vfio", O_RDWR);
	if (pci->container_fd < 0) {
		return fail_to_open(pci, "/dev/vfio/vfio", pci->container_fd);
	}

	int ret = attach_group(pci);
	if (ret < 0) {
		return ret;
	}
	pci->fd = vfio_sys_ioctl(pci->group_fd, VFIO_GROUP_GET_DEVICE_FD, pci->address);
	if (pci->fd < 0) {
		return fail(pci, "get the device from its IOMMU group", pci->fd,
			pci->fd == -ENODEV ? "is it bound to vfio-pci?" : NULL);
	}
	return 0;
}

/** Whether the device exists and has a driver; the name of the driver is for the log alone. */
static int check_driver(const struct vfio_pci *pci) {
	char path[sizeof(SYSFS_DEVICES) + PCI_ADDRESS_SIZE + sizeof("/subsystem")];
	snprintf(path, sizeof(path), "%s/%s/subsystem", SYSFS_DEVICES, pci->address);
	char name[64];
	int ret = vfio_sys_link_name(path, name, sizeof(name));
	if (ret < 0) {
		return fail(pci, "find the device", -ENODEV, "see lspci -D for the addresses");
	}

	snprintf(path, sizeof(path), "%s/%s/driver", SYSFS_DEVICES, pci->address);
	ret = vfio_sys_link_name(path, name, sizeof(name));
	if (ret < 0) {
		return fail(pci, "use the device", -ENODEV, "it has no driver; bind it to vfio-pci");
	}
	// Not compared: vfio has variant drivers of many names
	wlr_log(WLR_DEBUG, "%s: bound to %s", pci->address, name);
	return 0;
}

static int open_by_address(struct vfio_pci *pci) {
	int ret = check_driver(pci);
	if (ret < 0) {
		return ret;
	}
	pci->iommu_group = read_iommu_group(pci->address);

	ret = open_cdev(pci);
	// A user may have been given the group, and not the newer node beside it
	if ((ret == -ENOENT || ret == -EACCES) && pci->iommu_group >= 0) {
		ret = open_group(pci);
	} else if (ret == -ENOENT) {
		ret = fail(pci, "find its IOMMU group", -ENODEV,
			"switch the IOMMU on in the firmware and the kernel");
	}
	if (ret < 0) {
		return ret;
	}
	return read_info(pci);
}

int sluice_vfio_device_open(const char *address, struct sluice_vfio_device **device_ptr) {
	struct vfio_pci *pci = vfio_pci_create();
	if (pci == NULL) {
		return -ENOMEM;
	}
	if (!pci_address_parse(address, pci->address)) {
		wlr_log(WLR_ERROR, "'%s' is no PCI address; one looks like 0000:03:00.0", address);
		sluice_vfio_device_destroy(&pci->base);
		return -EINVAL;
	}

	int ret = open_by_address(pci);
	if (ret < 0) {
		sluice_vfio_device_destroy(&pci->base);
		return ret;
	}
	wlr_log(WLR_DEBUG, "%s: opened by %s", pci->address,
		pci->iommufd >= 0 ? "its own node" : "its IOMMU group");
	*device_ptr = &pci->base;
	return 0;
}

/** Take the PCI address from the fd's fdinfo, which has it since Linux 6.17. */
static void read_fdinfo(struct vfio_pci *pci) {
	char path[sizeof("/proc/self/fdinfo/") + 11];
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pci->fd);
	int fd = vfio_sys_open(path, O_RDONLY);
	if (fd < 0) {
		return;
	}
	// One read: the kernel makes the whole text at once
	char text[4096];
	int64_t len = vfio_sys_read(fd, text, sizeof(text) - 1);
	vfio_sys_close(fd);
	if (len <= 0) {
		return;
	}
	text[len] = '\0';

	static const char key[] = "vfio-device-syspath:";
	char *value = strstr(text, key);
	if (value == NULL) {
		return;
	}
	value += strlen(key);
	value[strcspn(value, "\n")] = '\0';
	const char *slash = strrchr(value, '/');
	if (slash != NULL && pci_address_parse(slash + 1, pci->address)) {
		pci->iommu_group = read_iommu_group(pci->address);
	}
}

int sluice_vfio_device_adopt(int fd, struct sluice_vfio_device **device_ptr) {
	int ret = vfio_sys_check_fd(fd);
	if (ret < 0) {
		return ret;
	}
	struct vfio_pci *pci = vfio_pci_create();
	if (pci == NULL) {
		return -ENOMEM;
	}
	pci->fd = fd;
	ret = read_info(pci);
	if (ret < 0) {
		pci->fd = -1; // still the caller's
		sluice_vfio_device_destroy(&pci->base);
		return ret;
	}
	read_fdinfo(pci);
	*device_ptr = &pci->base;
	return 0;
}
