// SPDX-License-Identifier: GPL-2.0-only
/*
 * Importers: attachment and DMA mappings.
 */

#include <linux/dma-buf.h>
#include <linux/dma-resv.h>

#include "vfio_pci_dmabuf.h"

/*
 * Refuses whom vpdmabuf_map() would have to refuse, so that an importer knows
 * at once, and not at its first frame. The route is settled here, once for all:
 * what attached can be mapped.
 */
int vpdmabuf_attach(struct dma_buf *dmabuf, struct dma_buf_attachment *attach)
{
	struct vpdmabuf *buffer = dmabuf->priv;
	enum vpdmabuf_route route;
	int ret = 0;

	if (!attach->peer2peer) {
		dev_dbg(attach->dev,
			"the importer cannot do without struct page\n");
		return -EOPNOTSUPP;
	}
	if (!vpdmabuf_can_invalidate(attach)) {
		dev_dbg(attach->dev,
			"the importer cannot give its mappings back\n");
		return -EOPNOTSUPP;
	}

	/* Unless revoked, the PCI device is there as long as we hold this. */
	dma_resv_lock(dmabuf->resv, NULL);
	if (buffer->revoked) {
		ret = -ENODEV;
	} else {
		route = vpdmabuf_route(buffer->dev->core.pdev, attach->dev);
		if (route == VPDMABUF_UNREACHABLE)
			ret = -EOPNOTSUPP;
		attach->priv = (void *)(uintptr_t)route;
	}
	dma_resv_unlock(dmabuf->resv);
	return ret;
}

enum vpdmabuf_route
vpdmabuf_attached_by(const struct dma_buf_attachment *attach)
{
	return (uintptr_t)attach->priv;
}

/*
 * The memory never moves. Without CONFIG_DMABUF_MOVE_NOTIFY the core pins on
 * every mapping of a dynamic importer; a pinned mapping is revoked all the
 * same, as the importer has promised to heed that.
 */
int vpdmabuf_pin(struct dma_buf_attachment *attach)
{
	dma_resv_assert_held(attach->dmabuf->resv);
	return 0;
}

void vpdmabuf_unpin(struct dma_buf_attachment *attach)
{
	dma_resv_assert_held(attach->dmabuf->resv);
}

struct sg_table *vpdmabuf_map(struct dma_buf_attachment *attach,
			      enum dma_data_direction dir)
{
	struct vpdmabuf *buffer = attach->dmabuf->priv;
	struct sg_table *sgt;

	dma_resv_assert_held(attach->dmabuf->resv);

	if (buffer->revoked)
		return ERR_PTR(-ENODEV);
	sgt = vpdmabuf_sgt_map(attach, dir);
	if (!IS_ERR(sgt))
		buffer->mappings++;
	return sgt;
}

void vpdmabuf_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
		    enum dma_data_direction dir)
{
	struct vpdmabuf *buffer = attach->dmabuf->priv;

	dma_resv_assert_held(attach->dmabuf->resv);

	vpdmabuf_sgt_unmap(attach, sgt, dir);
	if (!WARN_ON(!buffer->mappings) && !--buffer->mappings)
		wake_up_all(&buffer->unmapped);
}
