/*
 * A kernel made of paper: it stands in for backend/vfio/sys.h (by the linker's --wrap), knows one
 * vfio-pci device, checks what it is asked as the real one does, and fails where it is told to.
 *
 * It counts: a file descriptor that is not closed, closed twice, or used after it was closed fails
 * the test.
 */
#ifndef TEST_KERNEL_H
#define TEST_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vfio/uapi.h"

#define KERNEL_ADDRESS "0000:03:00.0"
#define KERNEL_GROUP 12
#define KERNEL_FDS 64
#define KERNEL_MEMORY_BAR 2 // 16 MiB
#define KERNEL_SPARSE_BAR 0 // 64 KiB, see kernel.c for its areas
#define KERNEL_IO_BAR 1 // 256 bytes, not mappable
#define KERNEL_CONFIG_OFFSET (UINT64_C(7) << 40)

/** Every way into the kernel, each of which can be made to fail. */
enum kernel_call {
	KERNEL_SUBSYSTEM_LINK,
	KERNEL_DRIVER_LINK,
	KERNEL_GROUP_LINK,
	KERNEL_VFIO_DEV_ENTRY,
	KERNEL_OPEN_CDEV,
	KERNEL_OPEN_IOMMU,
	KERNEL_BIND,
	KERNEL_OPEN_GROUP,
	KERNEL_OPEN_CONTAINER,
	KERNEL_GROUP_STATUS,
	KERNEL_SET_CONTAINER,
	KERNEL_SET_IOMMU_V2,
	KERNEL_SET_IOMMU_V1,
	KERNEL_GET_DEVICE_FD,
	KERNEL_GET_INFO,
	KERNEL_OPEN_FDINFO,
	KERNEL_READ,
	KERNEL_CHECK_FD,
	KERNEL_REGION_INFO,
	KERNEL_PROBE_FEATURE,
	KERNEL_GET_FEATURE,
	KERNEL_RESET,
	KERNEL_PREAD,
	KERNEL_PWRITE,
	KERNEL_MMAP,
	KERNEL_EVENTFD,
	KERNEL_IRQ_INFO,
	KERNEL_SET_IRQS,
	KERNEL_CALLS,
};

enum kernel_file {
	KERNEL_CLOSED,
	KERNEL_CDEV,
	KERNEL_IOMMU,
	KERNEL_GROUP_FILE,
	KERNEL_CONTAINER,
	KERNEL_DEVICE,
	KERNEL_FDINFO,
	KERNEL_DMABUF,
	KERNEL_EVENT,
};

struct kernel {
	int error[KERNEL_CALLS]; // a negative errno to fail with, for good
	int calls[KERNEL_CALLS]; // how often each was called
	void (*entered)(enum kernel_call call); // called first, or NULL

	// Or fail the call with this number, counted over all of them, from 1 on; 0 for none
	int fail_nth, nth_error, nth;
	// Likewise for calloc() in the library
	int fail_calloc, callocs;

	enum kernel_file files[KERNEL_FDS];
	int real_fd[KERNEL_FDS]; // of eventfds, which the event loop must be able to poll
	int opened;

	// What the machine is like
	bool has_cdev;
	const char *driver;
	bool group_viable;
	uint32_t device_flags, num_regions, num_irqs;
	uint32_t irq_count, irq_flags;
	const char *fdinfo;
	uint32_t extra_caps_size; // claim that region infos are larger than they are
	bool lie_about_areas, loop_caps; // in the capabilities
	int64_t short_by; // how much less than asked pread and pwrite do
	uint16_t command; // PCI_COMMAND

	// What happened
	bool group_in_container, container_has_iommu, cdev_bound;
	int irq_fd[VFIO_PCI_NUM_IRQS]; // the eventfd that was set, or -1
	uint32_t exported_region, exported_len; // the last export
	struct vfio_region_dma_range exported_ranges[8];
	uint64_t mapped_offset, mapped_length;
	int mapped_prot;
};

extern struct kernel kernel;

/** A machine with groups and containers, and no errors. */
void kernel_init(void);

/** Fail the test unless every file is closed again. */
void kernel_check_closed(void);

/** A file descriptor of the device, as another process would pass it. */
int kernel_open_device(void);

/** What the test itself does with a file descriptor that the library gave it. */
void kernel_close(int fd);

/** Have the device raise an interrupt. */
void kernel_raise(uint32_t irq);

#endif
