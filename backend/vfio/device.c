#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/util/log.h>
#include "vfio/private.h"
#include "vfio/sys.h"

struct vfio_pci *vfio_pci_from_device(struct sluice_vfio_device *device) {
	struct vfio_pci *pci = wl_container_of(device, pci, base);
	return pci;
}

const struct vfio_pci *vfio_pci_from_const_device(const struct sluice_vfio_device *device) {
	const struct vfio_pci *pci = wl_container_of(device, pci, base);
	return pci;
}

int vfio_pci_ioctl(struct vfio_pci *pci, unsigned long request, void *arg) {
	return pci->ioctl != NULL ? pci->ioctl(pci, request, arg) :
		vfio_sys_ioctl(pci->fd, request, arg);
}

const char *vfio_pci_name(const struct vfio_pci *pci) {
	return pci->address[0] != '\0' ? pci->address : "adopted vfio device";
}

void sluice_vfio_device_destroy(struct sluice_vfio_device *device) {
	if (device == NULL) {
		return;
	}

	struct vfio_pci *pci = vfio_pci_from_device(device);
	wl_signal_emit_mutable(&device->events.destroy, device);
	// The list of a signal that is being emitted holds more than listeners
	assert(wl_list_empty(&device->events.destroy.listener_list));
	assert(pci->emitting == &device->events.error ||
		wl_list_empty(&device->events.error.listener_list));
	assert(pci->emitting == &device->events.request ||
		wl_list_empty(&device->events.request.listener_list));

	vfio_pci_unlisten(pci);
	// The device first: the group and the address space stay busy while it is open
	vfio_sys_close(pci->fd);
	vfio_sys_close(pci->iommufd);
	vfio_sys_close(pci->group_fd);
	vfio_sys_close(pci->container_fd);
	if (pci->emitting != NULL) {
		pci->destroyed = true;
	} else {
		free(pci);
	}
}

int sluice_vfio_device_get_fd(const struct sluice_vfio_device *device) {
	return vfio_pci_from_const_device(device)->fd;
}

const char *sluice_vfio_device_get_address(const struct sluice_vfio_device *device) {
	const struct vfio_pci *pci = vfio_pci_from_const_device(device);
	return pci->address[0] != '\0' ? pci->address : NULL;
}

int sluice_vfio_device_get_driver(const struct sluice_vfio_device *device, char *name,
		size_t size) {
	const struct vfio_pci *pci = vfio_pci_from_const_device(device);
	if (pci->address[0] == '\0') {
		return -ENODATA;
	}
	char path[64];
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", pci->address);
	return vfio_sys_link_name(path, name, size);
}

int sluice_vfio_device_get_iommu_group(const struct sluice_vfio_device *device) {
	return vfio_pci_from_const_device(device)->iommu_group;
}

int sluice_vfio_device_get_region(struct sluice_vfio_device *device, uint32_t index,
		struct sluice_vfio_region *region) {
	struct vfio_pci *pci = vfio_pci_from_device(device);
	if (index >= pci->num_regions) {
		return -EINVAL;
	}

	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };
	int ret = vfio_pci_ioctl(pci, VFIO_DEVICE_GET_REGION_INFO, &info);
	if (ret < 0) {
		wlr_log(WLR_ERROR, "%s: cannot describe region %" PRIu32 ": %s",
			vfio_pci_name(pci), index, strerror(-ret));
		return ret;
	}

	*region = (struct sluice_vfio_region){
		.index = index,
		.flags = info.flags,
		.size = info.size,
		.offset = info.offset,
	};
	return 0;
}

int sluice_vfio_device_reset(struct sluice_vfio_device *device) {
	struct vfio_pci *pci = vfio_pci_from_device(device);
	if ((pci->flags & VFIO_DEVICE_FLAGS_RESET) == 0) {
		wlr_log(WLR_ERROR, "%s: the device has no reset that works on it alone",
			vfio_pci_name(pci));
		return -ENOTTY;
	}

	int ret = vfio_pci_ioctl(pci, VFIO_DEVICE_RESET, NULL);
	if (ret < 0) {
		wlr_log(WLR_ERROR, "%s: cannot reset the device: %s%s", vfio_pci_name(pci),
			strerror(-ret), ret == -EAGAIN ? "; it is being reset already" : "");
		return ret;
	}
	return 0;
}
