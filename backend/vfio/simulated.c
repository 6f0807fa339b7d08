#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/udmabuf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sluice/simulated.h>
#include "vfio/private.h"

/** In configuration space: no vendor has these. */
#define VENDOR_ID 0xfffe
#define DEVICE_ID 0x736c

static uint64_t page_size(void) {
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/** Bytes of VRAM in a file, or a negative errno. */
static int64_t get_vram_size(int fd) {
	struct stat stat;
	if (fstat(fd, &stat) < 0) {
		return -errno;
	}
	uint64_t size = (uint64_t)stat.st_size, page = page_size();
	return size > page && size % page == 0 ? (int64_t)(size - page) : -EINVAL;
}

static int write_header(int fd, bool present) {
	int64_t size = get_vram_size(fd);
	if (size < 0) {
		return (int)size;
	}
	uint8_t config[SLUICE_SIMULATED_CONFIG_SIZE];
	memset(config, present ? 0 : UINT8_MAX, sizeof(config));
	if (present) {
		config[PCI_VENDOR_ID] = VENDOR_ID & 0xff;
		config[PCI_VENDOR_ID + 1] = VENDOR_ID >> 8;
		config[PCI_DEVICE_ID] = DEVICE_ID & 0xff;
		config[PCI_DEVICE_ID + 1] = DEVICE_ID >> 8;
		config[PCI_COMMAND] = PCI_COMMAND_MEMORY;
	}
	ssize_t n = pwrite(fd, config, sizeof(config), size);
	return n < 0 ? -errno : n == (ssize_t)sizeof(config) ? 0 : -EIO;
}

int sluice_simulated_unplug(int fd) {
	return write_header(fd, false);
}

int sluice_simulated_replug(int fd) {
	return write_header(fd, true);
}

int sluice_simulated_create(uint64_t size) {
	if (size == 0 || size % page_size() != 0 || size > INT64_MAX - page_size()) {
		return -EINVAL;
	}
	int fd = memfd_create("sluice-simulated", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0) {
		return -errno;
	}
	// udmabuf takes only what cannot shrink
	int ret = ftruncate(fd, (off_t)(size + page_size())) < 0 ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0 ? -errno :
		sluice_simulated_replug(fd);
	if (ret < 0) {
		close(fd);
		return ret;
	}
	return fd;
}

static int get_region_info(struct vfio_pci *pci, struct vfio_region_info *info) {
	int64_t size = get_vram_size(pci->fd);
	if (size < 0) {
		return (int)size;
	}
	uint32_t index = info->index;
	*info = (struct vfio_region_info){ .argsz = sizeof(*info), .index = index };
	if (index == SLUICE_SIMULATED_REGION) {
		info->size = (uint64_t)size;
		info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE |
			VFIO_REGION_INFO_FLAG_MMAP;
	} else if (index == VFIO_PCI_CONFIG_REGION_INDEX) {
		info->size = SLUICE_SIMULATED_CONFIG_SIZE;
		info->offset = (uint64_t)size;
		info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	}
	return 0;
}

static int export_ranges(struct vfio_pci *pci, const struct vfio_device_feature_dma_buf *request) {
	int udmabuf = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (udmabuf < 0) {
		int fd = fcntl(pci->fd, F_DUPFD_CLOEXEC, 0);
		return fd < 0 ? -errno : fd;
	}
	struct udmabuf_create_list *list =
		calloc(1, sizeof(*list) + request->nr_ranges * sizeof(list->list[0]));
	int ret = -ENOMEM;
	if (list != NULL) {
		list->flags = UDMABUF_FLAGS_CLOEXEC;
		list->count = request->nr_ranges;
		for (uint32_t i = 0; i < request->nr_ranges; i++) {
			list->list[i].memfd = (uint32_t)pci->fd;
			list->list[i].offset = request->dma_ranges[i].offset;
			list->list[i].size = request->dma_ranges[i].length;
		}
		ret = ioctl(udmabuf, UDMABUF_CREATE_LIST, list);
		ret = ret < 0 ? -errno : ret;
	}
	free(list);
	close(udmabuf);
	return ret;
}

static int use_feature(struct vfio_pci *pci, struct vfio_device_feature *feature) {
	if ((feature->flags & VFIO_DEVICE_FEATURE_MASK) != VFIO_DEVICE_FEATURE_DMA_BUF) {
		return -ENOTTY;
	}
	if (feature->flags & VFIO_DEVICE_FEATURE_PROBE) {
		return 0;
	}
	// As a device whose memory is off, or that is gone, does not export
	return sluice_vfio_device_get_memory(&pci->base) == 1 ?
		export_ranges(pci, (const void *)feature->data) : -ENODEV;
}

/** In place of the kernel. */
static int simulate_ioctl(struct vfio_pci *pci, unsigned long request, void *arg) {
	switch (request) {
	case VFIO_DEVICE_GET_REGION_INFO:
		return get_region_info(pci, arg);
	case VFIO_DEVICE_FEATURE:
		return use_feature(pci, arg);
	case VFIO_DEVICE_RESET:
		return 0; // VRAM may keep its content over a reset
	default:
		return -ENOTTY;
	}
}

int sluice_simulated_adopt(int fd, struct sluice_vfio_device **device_ptr) {
	int64_t size = get_vram_size(fd);
	if (size < 0) {
		return (int)size;
	}
	struct vfio_pci *pci = vfio_pci_create();
	if (pci == NULL) {
		return -ENOMEM;
	}
	pci->fd = fd;
	pci->ioctl = simulate_ioctl;
	pci->flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
	pci->num_regions = VFIO_PCI_CONFIG_REGION_INDEX + 1;
	strcpy(pci->address, SLUICE_SIMULATED_ADDRESS);
	*device_ptr = &pci->base;
	return 0;
}
