#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/pci_regs.h>
#include "vfio/sys.h"
#include "cmocka_all.h"
#include "kernel.h"

// Above what a process of this size has open, so that a real one cannot be mistaken for one of ours
#define FIRST_FD 5000
#define SYSFS "/sys/bus/pci/devices/" KERNEL_ADDRESS

struct kernel kernel;

int __wrap_vfio_sys_open(const char *path, int flags);
void __wrap_vfio_sys_close(int fd);
int __wrap_vfio_sys_ioctl(int fd, unsigned long request, void *arg);
int __wrap_vfio_sys_check_fd(int fd);
int __wrap_vfio_sys_eventfd(void);
int64_t __wrap_vfio_sys_read(int fd, void *data, size_t size);
int64_t __wrap_vfio_sys_pread(int fd, void *data, size_t size, uint64_t offset);
int64_t __wrap_vfio_sys_pwrite(int fd, const void *data, size_t size, uint64_t offset);
int __wrap_vfio_sys_mmap(int fd, uint64_t offset, size_t length, int prot, void **data_ptr);
int __wrap_vfio_sys_link_name(const char *path, char *name, size_t name_size);
int __wrap_vfio_sys_find_entry(const char *path, const char *prefix, char *name,
	size_t name_size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size) {
	if (kernel.fail_calloc > 0 && ++kernel.callocs == kernel.fail_calloc) {
		errno = ENOMEM;
		return NULL;
	}
	return __real_calloc(count, size);
}

void kernel_init(void) {
	kernel = (struct kernel){
		.driver = "vfio-pci",
		.group_viable = true,
		.device_flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET,
		.num_regions = VFIO_PCI_NUM_REGIONS,
		.num_irqs = VFIO_PCI_NUM_IRQS,
		.irq_count = 1,
		.irq_flags = VFIO_IRQ_INFO_EVENTFD,
		.fdinfo = "pos:\t0\nflags:\t02\n"
			"vfio-device-syspath:\t/sys/devices/pci0000:00/0000:00:02.0/" KERNEL_ADDRESS "\n",
	};
	for (size_t i = 0; i < VFIO_PCI_NUM_IRQS; i++) {
		kernel.irq_fd[i] = -1;
	}
}

void kernel_check_closed(void) {
	for (int i = 0; i < KERNEL_FDS; i++) {
		if (kernel.files[i] != KERNEL_CLOSED) {
			fail_msg("fd %d of kind %d was not closed", i, kernel.files[i]);
		}
	}
}

/** The error that a call is to fail with, or 0. */
static int enter(enum kernel_call call) {
	kernel.calls[call]++;
	if (kernel.entered != NULL) {
		kernel.entered(call);
	}
	if (kernel.fail_nth > 0 && ++kernel.nth == kernel.fail_nth) {
		return kernel.nth_error;
	}
	return kernel.error[call];
}

static int add_file(enum kernel_file file) {
	for (int i = 0; i < KERNEL_FDS; i++) {
		if (kernel.files[i] == KERNEL_CLOSED) {
			kernel.files[i] = file;
			kernel.opened++;
			return FIRST_FD + i;
		}
	}
	fail_msg("too many open files");
	return -1;
}

static enum kernel_file *get_file(int fd) {
	if (fd < FIRST_FD || fd >= FIRST_FD + KERNEL_FDS ||
			kernel.files[fd - FIRST_FD] == KERNEL_CLOSED) {
		fail_msg("fd %d is not open", fd);
	}
	return &kernel.files[fd - FIRST_FD];
}

static void expect_file(int fd, enum kernel_file file) {
	assert_int_equal(*get_file(fd), file);
}

int kernel_open_device(void) {
	return add_file(KERNEL_DEVICE);
}

/** The eventfd, whose number is a real one. */
static int find_event(int fd) {
	for (int i = 0; i < KERNEL_FDS; i++) {
		if (kernel.files[i] == KERNEL_EVENT && kernel.real_fd[i] == fd) {
			return i;
		}
	}
	return -1;
}

void kernel_close(int fd) {
	int event = find_event(fd);
	if (event >= 0) {
		kernel.files[event] = KERNEL_CLOSED;
		close(fd);
		return;
	}
	*get_file(fd) = KERNEL_CLOSED;
}

void kernel_raise(uint32_t irq) {
	uint64_t one = 1;
	assert_true(kernel.irq_fd[irq] >= 0);
	assert_int_equal(write(kernel.irq_fd[irq], &one, sizeof(one)), sizeof(one));
}

static int open_file(enum kernel_call call, enum kernel_file file) {
	int error = enter(call);
	return error != 0 ? error : add_file(file);
}

int __wrap_vfio_sys_open(const char *path, int flags) {
	if (strcmp(path, "/dev/vfio/devices/vfio7") == 0) {
		assert_int_equal(flags, O_RDWR);
		return open_file(KERNEL_OPEN_CDEV, KERNEL_CDEV);
	} else if (strcmp(path, "/dev/iommu") == 0) {
		return open_file(KERNEL_OPEN_IOMMU, KERNEL_IOMMU);
	} else if (strcmp(path, "/dev/vfio/12") == 0) {
		assert_int_equal(flags, O_RDWR);
		return open_file(KERNEL_OPEN_GROUP, KERNEL_GROUP_FILE);
	} else if (strcmp(path, "/dev/vfio/vfio") == 0) {
		return open_file(KERNEL_OPEN_CONTAINER, KERNEL_CONTAINER);
	} else if (strncmp(path, "/proc/self/fdinfo/", 18) == 0) {
		expect_file(atoi(path + 18), KERNEL_DEVICE);
		return open_file(KERNEL_OPEN_FDINFO, KERNEL_FDINFO);
	}
	fail_msg("%s was opened", path);
	return -ENOENT;
}

void __wrap_vfio_sys_close(int fd) {
	if (fd >= 0) {
		kernel_close(fd);
	}
}

int __wrap_vfio_sys_check_fd(int fd) {
	int error = enter(KERNEL_CHECK_FD);
	if (error != 0) {
		return error;
	}
	return fd >= FIRST_FD && fd < FIRST_FD + KERNEL_FDS &&
		kernel.files[fd - FIRST_FD] != KERNEL_CLOSED ? 0 : -EBADF;
}

int __wrap_vfio_sys_eventfd(void) {
	int error = enter(KERNEL_EVENTFD);
	if (error != 0) {
		return error;
	}
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(fd >= 0);
	kernel.real_fd[add_file(KERNEL_EVENT) - FIRST_FD] = fd;
	return fd;
}

int __wrap_vfio_sys_link_name(const char *path, char *name, size_t name_size) {
	int error;
	if (strcmp(path, SYSFS "/subsystem") == 0) {
		error = enter(KERNEL_SUBSYSTEM_LINK);
		snprintf(name, name_size, "pci");
	} else if (strcmp(path, SYSFS "/driver") == 0) {
		error = enter(KERNEL_DRIVER_LINK);
		snprintf(name, name_size, "%s", kernel.driver);
	} else if (strcmp(path, SYSFS "/iommu_group") == 0) {
		error = enter(KERNEL_GROUP_LINK);
		snprintf(name, name_size, "%d", KERNEL_GROUP);
	} else {
		return -ENOENT; // another device's
	}
	return error;
}

int __wrap_vfio_sys_find_entry(const char *path, const char *prefix, char *name,
		size_t name_size) {
	int error = enter(KERNEL_VFIO_DEV_ENTRY);
	assert_string_equal(path, SYSFS "/vfio-dev");
	if (error != 0 || !kernel.has_cdev) {
		return error != 0 ? error : -ENOENT;
	}
	snprintf(name, name_size, "%s7", prefix);
	return 0;
}

int64_t __wrap_vfio_sys_read(int fd, void *data, size_t size) {
	int error = enter(KERNEL_READ);
	if (error != 0) {
		return error;
	}
	if (find_event(fd) >= 0) {
		ssize_t n = read(fd, data, size);
		return n < 0 ? -errno : n;
	}
	expect_file(fd, KERNEL_FDINFO);
	size_t len = strlen(kernel.fdinfo);
	len = len < size ? len : size;
	memcpy(data, kernel.fdinfo, len);
	return (int64_t)len;
}

int64_t __wrap_vfio_sys_pread(int fd, void *data, size_t size, uint64_t offset) {
	int error = enter(KERNEL_PREAD);
	if (error != 0) {
		return error;
	}
	get_file(fd);
	memset(data, 0x55, size);
	if (offset == KERNEL_CONFIG_OFFSET + PCI_COMMAND && size == 2) {
		uint8_t *bytes = data;
		bytes[0] = (uint8_t)kernel.command;
		bytes[1] = (uint8_t)(kernel.command >> 8);
	}
	return (int64_t)size - kernel.short_by;
}

int64_t __wrap_vfio_sys_pwrite(int fd, const void *data, size_t size, uint64_t offset) {
	int error = enter(KERNEL_PWRITE);
	if (error != 0) {
		return error;
	}
	get_file(fd);
	if (offset == KERNEL_CONFIG_OFFSET + PCI_COMMAND && size == 2) {
		const uint8_t *bytes = data;
		kernel.command = (uint16_t)(bytes[0] | bytes[1] << 8);
	}
	return (int64_t)size - kernel.short_by;
}

int __wrap_vfio_sys_mmap(int fd, uint64_t offset, size_t length, int prot, void **data_ptr) {
	int error = enter(KERNEL_MMAP);
	if (error != 0) {
		return error;
	}
	get_file(fd);
	kernel.mapped_offset = offset;
	kernel.mapped_length = length;
	kernel.mapped_prot = prot;
	void *data = mmap(NULL, length, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(data, MAP_FAILED);
	*data_ptr = data;
	return 0;
}

/**
 * Two areas that touch, and one more: [0, 16K) [16K, 24K) [32K, 64K). They come after another
 * capability, as the real kernel may have them.
 */
static void add_sparse_areas(struct vfio_region_info *info) {
	static const struct vfio_region_sparse_mmap_area areas[] = {
		{ 16 << 10, 8 << 10 }, { 32 << 10, 32 << 10 }, { 0, 16 << 10 },
	};
	uint32_t type_offset = sizeof(*info);
	uint32_t sparse_offset = type_offset + sizeof(struct vfio_region_info_cap_type);
	uint32_t areas_offset = sparse_offset + sizeof(struct vfio_region_info_cap_sparse_mmap);
	uint32_t size = areas_offset + sizeof(areas);
	if (info->argsz >= size) {
		struct vfio_region_info_cap_type *type = (void *)((char *)info + type_offset);
		type->header = (struct vfio_info_cap_header){
			.id = VFIO_REGION_INFO_CAP_TYPE,
			.version = 1,
			.next = sparse_offset,
		};
		struct vfio_region_info_cap_sparse_mmap *sparse =
			(void *)((char *)info + sparse_offset);
		sparse->header = (struct vfio_info_cap_header){
			.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP,
			.version = 1,
		};
		sparse->nr_areas = kernel.lie_about_areas ? UINT32_MAX : ARRAY_LEN(areas);
		memcpy((char *)info + areas_offset, areas, sizeof(areas));
		info->cap_offset = type_offset;
		if (kernel.loop_caps) {
			type->header.next = type_offset;
		}
	}
	info->argsz = size + kernel.extra_caps_size;
}

static int describe_region(struct vfio_region_info *info) {
	int error = enter(KERNEL_REGION_INFO);
	if (error != 0) {
		return error;
	}
	assert_true(info->argsz >= sizeof(*info));
	assert_int_equal(info->flags, 0);
	info->offset = (uint64_t)info->index << 40;
	info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	info->cap_offset = 0;
	switch (info->index) {
	case KERNEL_MEMORY_BAR:
		info->size = 16 << 20;
		info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
		info->argsz = sizeof(*info);
		break;
	case KERNEL_IO_BAR:
		info->size = 256;
		info->argsz = sizeof(*info);
		break;
	case VFIO_PCI_CONFIG_REGION_INDEX:
		info->size = 4096;
		info->argsz = sizeof(*info);
		break;
	case KERNEL_SPARSE_BAR:
		info->size = 64 << 10;
		info->flags |= VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS;
		add_sparse_areas(info);
		break;
	default:
		info->size = 0;
		info->argsz = sizeof(*info);
	}
	return 0;
}

static int do_feature(struct vfio_device_feature *feature) {
	bool probe = (feature->flags & VFIO_DEVICE_FEATURE_PROBE) != 0;
	int error = enter(probe ? KERNEL_PROBE_FEATURE : KERNEL_GET_FEATURE);
	assert_true((feature->flags & VFIO_DEVICE_FEATURE_GET) != 0);
	assert_int_equal(feature->flags & VFIO_DEVICE_FEATURE_MASK, VFIO_DEVICE_FEATURE_DMA_BUF);
	if (error != 0 || probe) {
		return error;
	}
	const struct vfio_device_feature_dma_buf *dma_buf = (const void *)feature->data;
	assert_int_equal(feature->argsz, sizeof(*feature) + sizeof(*dma_buf) +
		dma_buf->nr_ranges * sizeof(dma_buf->dma_ranges[0]));
	assert_int_equal(dma_buf->flags, 0);
	assert_int_equal(dma_buf->open_flags, O_RDWR | O_CLOEXEC);
	kernel.exported_region = dma_buf->region_index;
	kernel.exported_len = dma_buf->nr_ranges;
	memcpy(kernel.exported_ranges, dma_buf->dma_ranges, sizeof(kernel.exported_ranges[0]) *
		(dma_buf->nr_ranges < 8 ? dma_buf->nr_ranges : 8));
	return add_file(KERNEL_DMABUF);
}

static int set_irqs(const struct vfio_irq_set *set) {
	int error = enter(KERNEL_SET_IRQS);
	if (error != 0) {
		return error;
	}
	assert_true(set->index < VFIO_PCI_NUM_IRQS);
	if ((set->flags & VFIO_IRQ_SET_DATA_NONE) != 0) {
		assert_int_equal(set->count, 0);
		assert_int_equal(set->argsz, sizeof(*set));
		kernel.irq_fd[set->index] = -1;
		return 0;
	}
	assert_int_equal(set->flags, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER);
	assert_int_equal(set->start, 0);
	assert_int_equal(set->count, 1);
	assert_int_equal(set->argsz, sizeof(*set) + sizeof(int32_t));
	int32_t fd;
	memcpy(&fd, set->data, sizeof(fd));
	assert_true(find_event(fd) >= 0);
	kernel.irq_fd[set->index] = fd;
	return 0;
}

static int describe_irq(struct vfio_irq_info *info) {
	int error = enter(KERNEL_IRQ_INFO);
	assert_int_equal(info->argsz, sizeof(*info));
	info->count = kernel.irq_count;
	info->flags = kernel.irq_flags;
	return error;
}

static int describe_device(int fd, struct vfio_device_info *info) {
	int error = enter(KERNEL_GET_INFO);
	if (error != 0) {
		return error;
	}
	enum kernel_file file = *get_file(fd);
	if (file == KERNEL_CONTAINER || (file == KERNEL_CDEV && !kernel.cdev_bound)) {
		return -EINVAL;
	} else if (file != KERNEL_DEVICE && file != KERNEL_CDEV) {
		return -ENOTTY;
	}
	assert_true(info->argsz >= 16);
	info->flags = kernel.device_flags;
	info->num_regions = kernel.num_regions;
	info->num_irqs = kernel.num_irqs;
	return 0;
}

static int set_iommu(int fd, uintptr_t type) {
	assert_true(type == VFIO_TYPE1v2_IOMMU || type == VFIO_TYPE1_IOMMU);
	int error = enter(type == VFIO_TYPE1v2_IOMMU ? KERNEL_SET_IOMMU_V2 : KERNEL_SET_IOMMU_V1);
	expect_file(fd, KERNEL_CONTAINER);
	assert_true(kernel.group_in_container);
	kernel.container_has_iommu = kernel.container_has_iommu || error == 0;
	return error;
}

static int group_ioctl(int fd, unsigned long request, void *arg) {
	expect_file(fd, KERNEL_GROUP_FILE);
	int error;
	switch (request) {
	case VFIO_GROUP_GET_STATUS: {
		error = enter(KERNEL_GROUP_STATUS);
		struct vfio_group_status *status = arg;
		assert_int_equal(status->argsz, sizeof(*status));
		status->flags = kernel.group_viable ? VFIO_GROUP_FLAGS_VIABLE : 0;
		return error;
	}
	case VFIO_GROUP_SET_CONTAINER:
		error = enter(KERNEL_SET_CONTAINER);
		expect_file(*(int *)arg, KERNEL_CONTAINER);
		kernel.group_in_container = error == 0;
		return error;
	}
	error = enter(KERNEL_GET_DEVICE_FD);
	assert_true(kernel.container_has_iommu);
	assert_string_equal(arg, KERNEL_ADDRESS);
	return error != 0 ? error : add_file(KERNEL_DEVICE);
}

int __wrap_vfio_sys_ioctl(int fd, unsigned long request, void *arg) {
	int error;
	get_file(fd);
	switch (request) {
	case VFIO_GROUP_GET_STATUS:
	case VFIO_GROUP_SET_CONTAINER:
	case VFIO_GROUP_GET_DEVICE_FD:
		return group_ioctl(fd, request, arg);
	case VFIO_SET_IOMMU:
		return set_iommu(fd, (uintptr_t)arg);
	case VFIO_DEVICE_BIND_IOMMUFD: {
		error = enter(KERNEL_BIND);
		const struct vfio_device_bind_iommufd *bind = arg;
		assert_true(bind->argsz >= 16);
		assert_int_equal(bind->flags, 0);
		expect_file(fd, KERNEL_CDEV);
		expect_file(bind->iommufd, KERNEL_IOMMU);
		kernel.cdev_bound = error == 0;
		return error;
	}
	case VFIO_DEVICE_GET_INFO:
		return describe_device(fd, arg);
	case VFIO_DEVICE_GET_REGION_INFO:
		return describe_region(arg);
	case VFIO_DEVICE_FEATURE:
		return do_feature(arg);
	case VFIO_DEVICE_RESET:
		return enter(KERNEL_RESET);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return describe_irq(arg);
	case VFIO_DEVICE_SET_IRQS:
		return set_irqs(arg);
	}
	fail_msg("unknown ioctl 0x%lx", request);
	return -ENOTTY;
}
