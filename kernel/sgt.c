// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scatter lists of DMA addresses, by the DMA API that fits the route.
 *
 * dma_buf_phys_vec_to_sgt(), which Linux 6.19 brought for this, does not do up
 * to 7.2: where an IOMMU translates it puts each range at the beginning of one
 * IOVA space, and no scatter list is ever freed, as its orig_nents is 0 by then.
 */

#include <linux/dma-mapping.h>
#include <linux/slab.h>

#include "vfio_pci_dmabuf.h"

/* An entry's length is an unsigned int. */
#define MAX_ENTRY	ALIGN_DOWN((size_t)UINT_MAX, PAGE_SIZE)

struct vpdmabuf_sgt {
	struct sg_table table;
	/* Of table's entries, before the importer sees it. */
	unsigned int allocated;
};

static int vpdmabuf_count_entries(const struct vpdmabuf *buffer,
				  unsigned int *count)
{
	u32 i;

	*count = 0;
	for (i = 0; i < buffer->nr_ranges; i++)
		if (check_add_overflow(*count,
				       DIV_ROUND_UP(buffer->ranges[i].len,
						    MAX_ENTRY), count))
			return -EINVAL;
	return 0;
}

static int vpdmabuf_map_entry(struct dma_buf_attachment *attach,
			      struct scatterlist *sg, phys_addr_t paddr,
			      unsigned int len, enum dma_data_direction dir)
{
	struct vpdmabuf *buffer = attach->dmabuf->priv;
	dma_addr_t addr;

	if (vpdmabuf_attached_by(attach) == VPDMABUF_BUS) {
		addr = paddr + buffer->bus_offset;
		if (addr + len - 1 > dma_get_mask(attach->dev))
			return -EIO;
	} else {
		addr = dma_map_resource(attach->dev, paddr, len, dir,
					DMA_ATTR_SKIP_CPU_SYNC);
		if (dma_mapping_error(attach->dev, addr))
			return -EIO;
	}

	/* There is no struct page: only the DMA half of an entry is filled. */
	sg_set_page(sg, NULL, 0, 0);
	sg_dma_address(sg) = addr;
	sg_dma_len(sg) = len;
	return 0;
}

/* Gives back the first entries of the list, and the list. */
static void vpdmabuf_sgt_free(struct dma_buf_attachment *attach,
			      struct vpdmabuf_sgt *sgt, unsigned int mapped,
			      enum dma_data_direction dir)
{
	struct scatterlist *sg;
	unsigned int i;

	if (vpdmabuf_attached_by(attach) == VPDMABUF_HOST_BRIDGE)
		for_each_sg(sgt->table.sgl, sg, mapped, i)
			dma_unmap_resource(attach->dev, sg_dma_address(sg),
					   sg_dma_len(sg), dir,
					   DMA_ATTR_SKIP_CPU_SYNC);
	sgt->table.orig_nents = sgt->allocated;
	sg_free_table(&sgt->table);
	kfree(sgt);
}

struct sg_table *vpdmabuf_sgt_map(struct dma_buf_attachment *attach,
				  enum dma_data_direction dir)
{
	struct vpdmabuf *buffer = attach->dmabuf->priv;
	unsigned int count, mapped = 0;
	struct vpdmabuf_sgt *sgt;
	struct scatterlist *sg;
	int ret;
	u32 i;

	ret = vpdmabuf_count_entries(buffer, &count);
	if (ret)
		return ERR_PTR(ret);
	sgt = kzalloc_obj(*sgt, GFP_KERNEL);
	if (!sgt)
		return ERR_PTR(-ENOMEM);
	ret = sg_alloc_table(&sgt->table, count, GFP_KERNEL);
	if (ret) {
		kfree(sgt);
		return ERR_PTR(ret);
	}
	sgt->allocated = count;

	sg = sgt->table.sgl;
	for (i = 0; i < buffer->nr_ranges; i++) {
		phys_addr_t paddr = buffer->ranges[i].paddr;
		size_t left = buffer->ranges[i].len;

		while (left) {
			unsigned int len = min(left, MAX_ENTRY);

			ret = vpdmabuf_map_entry(attach, sg, paddr, len, dir);
			if (ret) {
				vpdmabuf_sgt_free(attach, sgt, mapped, dir);
				return ERR_PTR(ret);
			}
			mapped++;
			paddr += len;
			left -= len;
			sg = sg_next(sg);
		}
	}

	/* Nobody may look for pages: only nents, the DMA list, is there. */
	sgt->table.orig_nents = 0;
	return &sgt->table;
}

void vpdmabuf_sgt_unmap(struct dma_buf_attachment *attach,
			struct sg_table *table, enum dma_data_direction dir)
{
	struct vpdmabuf_sgt *sgt = container_of(table, struct vpdmabuf_sgt,
						table);

	vpdmabuf_sgt_free(attach, sgt, sgt->allocated, dir);
}
