/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The interface of VFIO_DEVICE_FEATURE_DMA_BUF for kernels whose headers lack
 * it: the numbers and layouts of include/uapi/linux/vfio.h since Linux 6.19.
 */
#ifndef VFIO_PCI_DMABUF_UAPI_H
#define VFIO_PCI_DMABUF_UAPI_H

#include <linux/types.h>
#include <linux/vfio.h>

#ifndef VFIO_DEVICE_FEATURE_DMA_BUF
/*
 * With VFIO_DEVICE_FEATURE_GET, returns the file descriptor of a DMA-BUF that
 * consists of ranges of a BAR, in the order in which they are given. Offsets
 * and lengths are bytes, and multiples of the page size. flags must be 0;
 * open_flags are those of open(2), such as O_CLOEXEC and O_RDWR.
 */
#define VFIO_DEVICE_FEATURE_DMA_BUF 11

struct vfio_region_dma_range {
	__u64 offset;
	__u64 length;
};

struct vfio_device_feature_dma_buf {
	__u32 region_index;
	__u32 open_flags;
	__u32 flags;
	__u32 nr_ranges;
	struct vfio_region_dma_range dma_ranges[] __counted_by(nr_ranges);
};
#endif

#endif /* VFIO_PCI_DMABUF_UAPI_H */
