/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that this driver is built for, from 6.12 on.
 */
#ifndef VFIO_PCI_DMABUF_COMPAT_H
#define VFIO_PCI_DMABUF_COMPAT_H

#include <linux/dma-buf.h>
#include <linux/slab.h>
#include <linux/vfio_pci_core.h>

/* Whether vfio-pci-core can serve VFIO_DEVICE_FEATURE_DMA_BUF itself. */
#if defined(HAVE_PCI_OPS) && IS_ENABLED(CONFIG_VFIO_PCI_DMABUF)
#define CORE_EXPORTS true
#else
#define CORE_EXPORTS false
#endif

#ifndef kzalloc_obj
#define kzalloc_obj(object, gfp) kzalloc(sizeof(object), gfp)
#endif

/* Tells importers to give their mappings back. */
static inline void vpdmabuf_invalidate(struct dma_buf *dmabuf)
{
#ifdef HAVE_INVALIDATE_MAPPINGS
	dma_buf_invalidate_mappings(dmabuf);
#else
	dma_buf_move_notify(dmabuf);
#endif
}

/* Whether an importer can be told. */
static inline bool
vpdmabuf_can_invalidate(const struct dma_buf_attachment *attach)
{
#ifdef HAVE_INVALIDATE_MAPPINGS
	return attach->importer_ops &&
	       attach->importer_ops->invalidate_mappings;
#else
	return attach->importer_ops && attach->importer_ops->move_notify;
#endif
}

#endif /* VFIO_PCI_DMABUF_COMPAT_H */
