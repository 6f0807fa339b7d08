#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sluice-vram-v1-protocol.h"
#include "vram/vram.h"

struct vram_device *vram_device_create(struct sluice_vfio_device *vfio_device) {
	const char *address = sluice_vfio_device_get_address(vfio_device);
	struct vram_device *device = calloc(1, sizeof(*device));
	char *copy = strdup(address != NULL ? address : "");
	if (device == NULL || copy == NULL) {
		free(device);
		free(copy);
		return NULL;
	}
	*device = (struct vram_device){ .device = vfio_device, .address = copy, .refs = 1 };
	return device;
}

struct vram_device *vram_device_ref(struct vram_device *device) {
	device->refs++;
	return device;
}

void vram_device_unref(struct vram_device *device) {
	if (device == NULL || --device->refs > 0) {
		return;
	}
	sluice_vfio_device_destroy(device->device);
	free(device->address);
	free(device);
}

uint32_t vram_device_send_regions(struct vram_device *device, struct wl_resource *resource) {
	const uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	uint32_t exportable = 0;
	for (uint32_t i = VFIO_PCI_BAR0_REGION_INDEX; i <= VFIO_PCI_BAR5_REGION_INDEX; i++) {
		struct sluice_vfio_region region;
		if (sluice_vfio_device_get_region(device->device, i, &region) < 0 ||
				region.size == 0) {
			continue;
		}
		uint32_t flags = 0;
		// What can be mapped is memory, and memory can be exported, by whole pages
		if ((region.flags & VFIO_REGION_INFO_FLAG_MMAP) && region.size >= page_size) {
			exportable |= UINT32_C(1) << i;
			flags = SLUICE_VRAM_SOURCE_V1_REGION_FLAGS_EXPORT |
				SLUICE_VRAM_SOURCE_V1_REGION_FLAGS_CPU_MAP;
		}
		sluice_vram_source_v1_send_region(resource, i, (uint32_t)(region.size >> 32),
			(uint32_t)region.size, flags);
	}
	return exportable;
}
