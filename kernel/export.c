// SPDX-License-Identifier: GPL-2.0-only
/*
 * Export: ranges of a BAR become a DMA-BUF.
 */

#include <linux/dma-buf.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vfio_pci_dmabuf.h"

static void vpdmabuf_free(struct vpdmabuf *buffer)
{
	kvfree(buffer->ranges);
	kfree(buffer);
}

static void vpdmabuf_release(struct dma_buf *dmabuf)
{
	struct vpdmabuf *buffer = dmabuf->priv;

	vpdmabuf_remove(buffer);
	put_device(&buffer->dev->core.vdev.device);
	vpdmabuf_free(buffer);
}

static const struct dma_buf_ops vpdmabuf_ops = {
	.attach = vpdmabuf_attach,
	.pin = vpdmabuf_pin,
	.unpin = vpdmabuf_unpin,
	.map_dma_buf = vpdmabuf_map,
	.unmap_dma_buf = vpdmabuf_unmap,
	.mmap = vpdmabuf_mmap,
	.begin_cpu_access = vpdmabuf_begin_cpu_access,
	.release = vpdmabuf_release,
};

/*
 * Newer kernels do it when they enable the device. When a BAR is first needed
 * would be too late: two threads that need it would each refuse it the other.
 */
void vpdmabuf_claim_bars(struct vpdmabuf_device *dev)
{
#ifdef HAVE_SETUP_BARMAP
	int bar;

	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++)
		if (pci_resource_len(dev->core.pdev, bar))
			vfio_pci_core_setup_barmap(&dev->core, bar);
#endif
}

/* As vfio-pci-core sees it: there is such a BAR, and it is ours. */
static bool vpdmabuf_has_bar(struct vfio_pci_core_device *core, u32 bar)
{
	return bar < VFIO_PCI_ROM_REGION_INDEX &&
	       pci_resource_len(core->pdev, bar) &&
	       !IS_ERR_OR_NULL(core->barmap[bar]);
}

/* What can be said of ranges without knowing the BAR. */
static int vpdmabuf_check_ranges(const struct vfio_region_dma_range *ranges,
				 u32 nr_ranges, size_t *size)
{
	u32 i;

	*size = 0;
	for (i = 0; i < nr_ranges; i++) {
		if (!ranges[i].length || !PAGE_ALIGNED(ranges[i].offset) ||
		    !PAGE_ALIGNED(ranges[i].length))
			return -EINVAL;
		if (check_add_overflow(*size, ranges[i].length, size))
			return -EINVAL;
	}

	/* The uppermost bit means something else to the DMA API. */
	if (*size > SSIZE_MAX)
		return -EINVAL;
	return 0;
}

static int vpdmabuf_place_ranges(struct vpdmabuf *buffer, u32 bar,
				 const struct vfio_region_dma_range *ranges)
{
	struct pci_dev *pdev = buffer->dev->core.pdev;
	phys_addr_t start = pci_resource_start(pdev, bar);
	phys_addr_t bar_end = start + pci_resource_len(pdev, bar);
	pgoff_t pgoff = 0;
	u32 i;

	if (!(pci_resource_flags(pdev, bar) & IORESOURCE_MEM))
		return -EINVAL;
	buffer->bus_offset = pci_bus_address(pdev, bar) - start;

	for (i = 0; i < buffer->nr_ranges; i++) {
		struct vpdmabuf_range *range = &buffer->ranges[i];
		phys_addr_t end;

		if (check_add_overflow(start, ranges[i].offset,
				       &range->paddr) ||
		    check_add_overflow(range->paddr, ranges[i].length, &end))
			return -EOVERFLOW;
		if (end > bar_end)
			return -EINVAL;
		range->len = ranges[i].length;
		range->pgoff = pgoff;
		pgoff += range->len >> PAGE_SHIFT;
	}
	return 0;
}

static struct vpdmabuf *
vpdmabuf_create(struct vpdmabuf_device *dev,
		const struct vfio_device_feature_dma_buf *want,
		const struct vfio_region_dma_range *ranges)
{
	struct vpdmabuf *buffer;
	size_t size;
	int ret;

	ret = vpdmabuf_check_ranges(ranges, want->nr_ranges, &size);
	if (ret)
		return ERR_PTR(ret);

	buffer = kzalloc_obj(*buffer, GFP_KERNEL_ACCOUNT);
	if (!buffer)
		return ERR_PTR(-ENOMEM);
	buffer->dev = dev;
	buffer->size = size;
	buffer->nr_ranges = want->nr_ranges;
	buffer->mappable = dev->core.bar_mmap_supported[want->region_index];
	INIT_LIST_HEAD(&buffer->link);
	init_waitqueue_head(&buffer->unmapped);

	buffer->ranges = kvcalloc(want->nr_ranges, sizeof(*buffer->ranges),
				  GFP_KERNEL_ACCOUNT);
	if (buffer->ranges)
		ret = vpdmabuf_place_ranges(buffer, want->region_index,
					    ranges);
	else
		ret = -ENOMEM;
	if (ret) {
		vpdmabuf_free(buffer);
		return ERR_PTR(ret);
	}
	return buffer;
}

/* VFIO_DEVICE_FEATURE_DMA_BUF: returns a file descriptor. */
int vpdmabuf_export(struct vpdmabuf_device *dev, u32 flags,
		    struct vfio_device_feature_dma_buf __user *arg,
		    size_t argsz)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct vfio_device_feature_dma_buf want;
	struct vfio_region_dma_range *ranges;
	struct vpdmabuf *buffer;
	int ret;

	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_GET,
				 sizeof(want));
	if (ret != 1)
		return ret;
	if (copy_from_user(&want, arg, sizeof(want)))
		return -EFAULT;
	if (!want.nr_ranges || want.flags)
		return -EINVAL;
	if (!vpdmabuf_has_bar(&dev->core, want.region_index))
		return -ENODEV;

	ranges = memdup_array_user(&arg->dma_ranges, want.nr_ranges,
				   sizeof(*ranges));
	if (IS_ERR(ranges))
		return PTR_ERR(ranges);
	buffer = vpdmabuf_create(dev, &want, ranges);
	kfree(ranges);
	if (IS_ERR(buffer))
		return PTR_ERR(buffer);

	info.ops = &vpdmabuf_ops;
	info.size = buffer->size;
	info.flags = want.open_flags;
	info.priv = buffer;
	buffer->dmabuf = dma_buf_export(&info);
	if (IS_ERR(buffer->dmabuf)) {
		ret = PTR_ERR(buffer->dmabuf);
		vpdmabuf_free(buffer);
		return ret;
	}

	/* From here on, vpdmabuf_release() undoes it all. */
	get_device(&dev->core.vdev.device);
	vpdmabuf_add(buffer);
	ret = dma_buf_fd(buffer->dmabuf, want.open_flags);
	if (ret < 0)
		dma_buf_put(buffer->dmabuf);
	return ret;
}
