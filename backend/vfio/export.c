#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/util/log.h>
#include "vfio/private.h"
#include "vfio/sys.h"

int sluice_vfio_device_probe_dmabuf(struct sluice_vfio_device *device) {
	struct vfio_pci *pci = vfio_pci_from_device(device);
	struct vfio_device_feature feature = {
		.argsz = sizeof(feature),
		.flags = VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_GET |
			VFIO_DEVICE_FEATURE_DMA_BUF,
	};
	int ret = vfio_pci_ioctl(pci, VFIO_DEVICE_FEATURE, &feature);
	if (ret >= 0) {
		return 0;
	}

	const char *hint = "";
	if (ret == -ENOTTY) {
		hint = "; the kernel needs VFIO_PCI_DMABUF (Linux 6.19 or later) or Sluice's module";
	} else if (ret == -EOPNOTSUPP) {
		hint = "; the device's vfio driver does not export memory";
	}
	wlr_log(WLR_INFO, "%s: no dma-buf export: %s%s", vfio_pci_name(pci), strerror(-ret), hint);
	return ret;
}

int sluice_vfio_device_export(struct sluice_vfio_device *device, uint32_t region_index,
		const struct sluice_range *ranges, size_t ranges_len) {
	struct vfio_pci *pci = vfio_pci_from_device(device);

	struct sluice_vfio_region region;
	int ret = sluice_vfio_device_get_region(device, region_index, &region);
	if (ret < 0) {
		return ret == -EINVAL ? -ENODEV : ret;
	}
	ret = sluice_ranges_check(ranges, ranges_len, region.size, NULL);
	if (ret < 0) {
		wlr_log(WLR_ERROR, "%s: cannot export %zu ranges of region %" PRIu32
			" (%" PRIu64 " bytes): %s", vfio_pci_name(pci), ranges_len, region_index,
			region.size, strerror(-ret));
		return ret;
	}

	static_assert(sizeof(struct sluice_range) == sizeof(struct vfio_region_dma_range) &&
		offsetof(struct sluice_range, offset) ==
			offsetof(struct vfio_region_dma_range, offset) &&
		offsetof(struct sluice_range, length) ==
			offsetof(struct vfio_region_dma_range, length), "they are copied as they are");
	// Cannot overflow: SLUICE_MAX_RANGES bounds ranges_len
	size_t ranges_size = ranges_len * sizeof(*ranges);
	size_t size = sizeof(struct vfio_device_feature) +
		sizeof(struct vfio_device_feature_dma_buf) + ranges_size;
	struct vfio_device_feature *feature = calloc(1, size);
	if (feature == NULL) {
		return -ENOMEM;
	}
	feature->argsz = (uint32_t)size;
	feature->flags = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_BUF;
	struct vfio_device_feature_dma_buf *dma_buf = (void *)feature->data;
	dma_buf->region_index = region_index;
	dma_buf->open_flags = O_RDWR | O_CLOEXEC;
	dma_buf->nr_ranges = (uint32_t)ranges_len;
	memcpy(dma_buf->dma_ranges, ranges, ranges_size);

	int fd = vfio_pci_ioctl(pci, VFIO_DEVICE_FEATURE, feature);
	free(feature);
	if (fd < 0) {
		wlr_log(WLR_ERROR, "%s: cannot export %zu ranges of region %" PRIu32 ": %s%s",
			vfio_pci_name(pci), ranges_len, region_index, strerror(-fd),
			fd == -ENODEV ? "; is the device gone, or being reset?" : "");
	}
	return fd;
}
