#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wlr/util/log.h>
#include "util/checked.h"
#include "vfio/private.h"
#include "vfio/sys.h"

// A region's capabilities are a few dozen bytes; more than this is no answer of a kernel
#define REGION_INFO_MAX (1 << 20)

int vfio_pci_get_region_info(struct vfio_pci *pci, uint32_t index,
		struct vfio_region_info **info_ptr) {
	if (index >= pci->num_regions) {
		return -EINVAL;
	}

	uint32_t size = sizeof(struct vfio_region_info);
	struct vfio_region_info *info = NULL;
	// The first call tells the size that the second needs. The size may grow in between
	for (int i = 0; i < 4; i++) {
		free(info);
		info = calloc(1, size);
		if (info == NULL) {
			return -ENOMEM;
		}
		info->argsz = size;
		info->index = index;
		int ret = vfio_pci_ioctl(pci, VFIO_DEVICE_GET_REGION_INFO, info);
		if (ret < 0) {
			wlr_log(WLR_ERROR, "%s: cannot describe region %" PRIu32 ": %s",
				vfio_pci_name(pci), index, strerror(-ret));
			free(info);
			return ret;
		}
		if (info->argsz <= size) {
			info->argsz = size;
			*info_ptr = info;
			return 0;
		}
		size = info->argsz;
		if (size > REGION_INFO_MAX) {
			break;
		}
	}
	free(info);
	return -EIO;
}

/** The sparse mmap capability, or NULL if there is none that lies wholly within info. */
static const struct vfio_region_info_cap_sparse_mmap *find_sparse(
		const struct vfio_region_info *info) {
	if ((info->flags & VFIO_REGION_INFO_FLAG_CAPS) == 0) {
		return NULL;
	}

	size_t offset = info->cap_offset;
	while (offset >= sizeof(*info) && offset % _Alignof(uint64_t) == 0 &&
			offset + sizeof(struct vfio_info_cap_header) <= info->argsz) {
		const struct vfio_info_cap_header *header =
			(const void *)((const char *)info + offset);
		if (header->id == VFIO_REGION_INFO_CAP_SPARSE_MMAP) {
			const struct vfio_region_info_cap_sparse_mmap *sparse = (const void *)header;
			size_t room = info->argsz - offset;
			if (room < sizeof(*sparse) ||
					sparse->nr_areas > (room - sizeof(*sparse)) / sizeof(sparse->areas[0])) {
				return NULL;
			}
			return sparse;
		}
		if (header->next <= offset) {
			break; // the end, or a loop
		}
		offset = header->next;
	}
	return NULL;
}

/** Whether the areas, which may adjoin each other, hold all of [offset, end). */
static bool is_mappable(const struct vfio_region_info_cap_sparse_mmap *sparse, uint64_t offset,
		uint64_t end) {
	// Every round but the last uses up an area
	for (uint32_t round = 0; offset < end && round < sparse->nr_areas; round++) {
		for (uint32_t i = 0; i < sparse->nr_areas; i++) {
			uint64_t area_end;
			if (sparse->areas[i].offset <= offset &&
					checked_add(sparse->areas[i].offset, sparse->areas[i].size, &area_end) &&
					area_end > offset) {
				offset = area_end;
				break;
			}
		}
	}
	return offset >= end;
}

int sluice_vfio_device_map(struct sluice_vfio_device *device, uint32_t region_index,
		uint64_t offset, uint64_t length, int prot, void **data_ptr) {
	struct vfio_pci *pci = vfio_pci_from_device(device);

	uint64_t page_mask = (uint64_t)sysconf(_SC_PAGESIZE) - 1;
	uint64_t end;
	if (length == 0 || ((offset | length) & page_mask) != 0 ||
			!checked_add(offset, length, &end) || length > SIZE_MAX ||
			prot == PROT_NONE || (prot & ~(PROT_READ | PROT_WRITE)) != 0) {
		return -EINVAL;
	}

	struct vfio_region_info *info;
	int ret = vfio_pci_get_region_info(pci, region_index, &info);
	if (ret < 0) {
		return ret;
	}

	uint64_t position;
	const struct vfio_region_info_cap_sparse_mmap *sparse = find_sparse(info);
	if (end > info->size || !checked_add(info->offset, offset, &position)) {
		ret = -EINVAL;
	} else if ((info->flags & VFIO_REGION_INFO_FLAG_MMAP) == 0 ||
			(sparse != NULL && !is_mappable(sparse, offset, end))) {
		ret = -EOPNOTSUPP;
	} else {
		ret = vfio_sys_mmap(pci->fd, position, (size_t)length, prot, data_ptr);
	}
	free(info);

	if (ret < 0) {
		wlr_log(WLR_ERROR, "%s: cannot map %" PRIu64 " bytes at 0x%" PRIx64 " of region %"
			PRIu32 ": %s", vfio_pci_name(pci), length, offset, region_index, strerror(-ret));
	}
	return ret;
}
