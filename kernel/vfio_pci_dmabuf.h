/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VFIO_PCI_DMABUF_H
#define VFIO_PCI_DMABUF_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/scatterlist.h>
#include <linux/vfio_pci_core.h>
#include <linux/wait.h>

#include "compat.h"
#include "uapi.h"

/*
 * Lock order: device_lock, memory_lock of vfio-pci-core, vpdmabuf_device.lock,
 * the buffer's dma_resv. A page fault comes with the mmap_lock and takes the
 * dma_resv; so none of these may be held where user memory is touched.
 */

struct vpdmabuf_device {
	struct vfio_pci_core_device core;

	/* Protects what follows, and which buffers are on the list. */
	struct mutex lock;
	struct list_head buffers;
	/* How many events are under way that make the memory inaccessible. */
	unsigned int blocked;
	/* Between open_device and close_device: vconfig exists. */
	bool open;
};

/* A part of a BAR. */
struct vpdmabuf_range {
	phys_addr_t paddr;
	size_t len;
	/* The page of the buffer at which it begins. */
	pgoff_t pgoff;
};

/* A DMA-BUF, from its export until its last file reference is gone. */
struct vpdmabuf {
	struct dma_buf *dmabuf;
	/* Referenced; its PCI device must not be touched once revoked. */
	struct vpdmabuf_device *dev;
	/* In dev->buffers until it is released, or the device is closed. */
	struct list_head link;

	size_t size;
	u32 nr_ranges;
	struct vpdmabuf_range *ranges;
	/* Whether the CPU may map the BAR. */
	bool mappable;
	/* What makes a bus address of a physical one. */
	u64 bus_offset;

	/* Changed with the dma_resv held; never false again after close. */
	bool revoked;
	/* DMA mappings of importers; protected by the dma_resv. */
	unsigned int mappings;
	/* Woken when there are none left. */
	wait_queue_head_t unmapped;
};

/* How an importer's accesses reach the exporter. */
enum vpdmabuf_route {
	VPDMABUF_UNREACHABLE,
	/* Through switches only: by PCI bus addresses. */
	VPDMABUF_BUS,
	/* Through the host bridge, and the IOMMU if there is one. */
	VPDMABUF_HOST_BRIDGE,
};

/* export.c */
void vpdmabuf_claim_bars(struct vpdmabuf_device *dev);
int vpdmabuf_export(struct vpdmabuf_device *dev, u32 flags,
		    struct vfio_device_feature_dma_buf __user *arg,
		    size_t argsz);

/* mapping.c */
int vpdmabuf_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach);
enum vpdmabuf_route
vpdmabuf_attached_by(const struct dma_buf_attachment *attach);
int vpdmabuf_pin(struct dma_buf_attachment *attach);
void vpdmabuf_unpin(struct dma_buf_attachment *attach);
struct sg_table *vpdmabuf_map(struct dma_buf_attachment *attach,
			      enum dma_data_direction dir);
void vpdmabuf_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
		    enum dma_data_direction dir);

/* mmap.c */
int vpdmabuf_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma);
int vpdmabuf_begin_cpu_access(struct dma_buf *dmabuf,
			      enum dma_data_direction dir);

/* p2p.c */
enum vpdmabuf_route vpdmabuf_route(struct pci_dev *exporter,
				   struct device *importer);

/* sgt.c */
struct sg_table *vpdmabuf_sgt_map(struct dma_buf_attachment *attach,
				  enum dma_data_direction dir);
void vpdmabuf_sgt_unmap(struct dma_buf_attachment *attach,
			struct sg_table *sgt, enum dma_data_direction dir);

/* revoke.c */
void vpdmabuf_add(struct vpdmabuf *buffer);
void vpdmabuf_remove(struct vpdmabuf *buffer);
void vpdmabuf_block(struct vpdmabuf_device *dev);
void vpdmabuf_unblock(struct vpdmabuf_device *dev);
void vpdmabuf_restore(struct vpdmabuf_device *dev);
void vpdmabuf_opened(struct vpdmabuf_device *dev);
void vpdmabuf_cut_off(struct vpdmabuf_device *dev);

static inline struct vpdmabuf_device *
to_vpdmabuf_device(struct vfio_device *vdev)
{
	return container_of(vdev, struct vpdmabuf_device, core.vdev);
}

#endif /* VFIO_PCI_DMABUF_H */
