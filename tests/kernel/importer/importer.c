// SPDX-License-Identifier: GPL-2.0-only
/*
 * An importer of DMA-BUFs for tests: it attaches, maps and tells what it got.
 */

#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/iommu.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "importer.h"

struct importer {
	/* Serialises ioctls. */
	struct mutex lock;
	struct dma_buf *dmabuf;
	struct dma_buf_attachment *attach;
	struct pci_dev *pdev;
	bool stubborn;
	/* Protected by the buffer's dma_resv. */
	struct sg_table *sgt;
	u32 notified;
	int map_in_notify;
};

static struct miscdevice importer_misc;

static void importer_drop(struct importer *importer)
{
	if (!importer->sgt)
		return;
	dma_buf_unmap_attachment(importer->attach, importer->sgt,
				 DMA_BIDIRECTIONAL);
	importer->sgt = NULL;
}

static void importer_notified(struct dma_buf_attachment *attach)
{
	struct importer *importer = attach->importer_priv;
	struct sg_table *again;

	dma_resv_assert_held(attach->dmabuf->resv);

	importer->notified++;
	if (!importer->stubborn)
		importer_drop(importer);

	importer->map_in_notify = 0;
	again = dma_buf_map_attachment(attach, DMA_BIDIRECTIONAL);
	if (IS_ERR(again))
		importer->map_in_notify = PTR_ERR(again);
	else
		dma_buf_unmap_attachment(attach, again, DMA_BIDIRECTIONAL);
}

static const struct dma_buf_attach_ops importer_p2p_ops = {
	.allow_peer2peer = true,
#ifdef HAVE_INVALIDATE_MAPPINGS
	.invalidate_mappings = importer_notified,
#else
	.move_notify = importer_notified,
#endif
};

static const struct dma_buf_attach_ops importer_pages_ops = {
	.allow_peer2peer = false,
#ifdef HAVE_INVALIDATE_MAPPINGS
	.invalidate_mappings = importer_notified,
#else
	.move_notify = importer_notified,
#endif
};

static int importer_attach(struct importer *importer,
			   const struct importer_attach *args)
{
	const struct dma_buf_attach_ops *ops = NULL;
	struct dma_buf_attachment *attach;
	struct device *dev;
	int ret = 0;

	if (importer->attach)
		return -EBUSY;

	importer->dmabuf = dma_buf_get(args->fd);
	if (IS_ERR(importer->dmabuf))
		return PTR_ERR(importer->dmabuf);
	importer->pdev = pci_get_domain_bus_and_slot(0, args->bus, args->devfn);
	if (!importer->pdev) {
		ret = -ENXIO;
		goto out_buf;
	}

	dev = &importer->pdev->dev;
	if (args->flags & IMPORTER_NO_PCI)
		dev = importer_misc.this_device;
	if (args->flags & IMPORTER_DYNAMIC)
		ops = args->flags & IMPORTER_PEER2PEER ? &importer_p2p_ops :
							 &importer_pages_ops;
	/* As its driver would, which it may not have. */
	dma_set_mask(&importer->pdev->dev, DMA_BIT_MASK(64));
	importer->stubborn = args->flags & IMPORTER_STUBBORN;
	attach = dma_buf_dynamic_attach(importer->dmabuf, dev, ops, importer);
	if (IS_ERR(attach)) {
		ret = PTR_ERR(attach);
		goto out_dev;
	}
	importer->attach = attach;
	importer->notified = 0;
	importer->map_in_notify = 0;
	return 0;

out_dev:
	pci_dev_put(importer->pdev);
out_buf:
	dma_buf_put(importer->dmabuf);
	return ret;
}

static void importer_detach(struct importer *importer)
{
	dma_resv_lock(importer->dmabuf->resv, NULL);
	importer_drop(importer);
	dma_resv_unlock(importer->dmabuf->resv);
	dma_buf_detach(importer->dmabuf, importer->attach);
	importer->attach = NULL;
	dma_buf_put(importer->dmabuf);
	pci_dev_put(importer->pdev);
}

static int importer_map(struct importer *importer)
{
	struct sg_table *sgt;
	int ret = 0;

	dma_resv_lock(importer->dmabuf->resv, NULL);
	if (importer->sgt) {
		ret = -EBUSY;
	} else {
		sgt = dma_buf_map_attachment(importer->attach,
					     DMA_BIDIRECTIONAL);
		if (IS_ERR(sgt))
			ret = PTR_ERR(sgt);
		else
			importer->sgt = sgt;
	}
	dma_resv_unlock(importer->dmabuf->resv);
	return ret;
}

static int importer_unmap(struct importer *importer)
{
	int ret = 0;

	dma_resv_lock(importer->dmabuf->resv, NULL);
	if (importer->sgt)
		importer_drop(importer);
	else
		ret = -ENOENT;
	dma_resv_unlock(importer->dmabuf->resv);
	return ret;
}

/* Not copied under dma_resv, which page faults take. */
static int importer_entries(struct importer *importer,
			    struct importer_entries *args)
{
	struct importer_entry *entries;
	struct scatterlist *sg;
	int ret = 0;
	u32 i, room = min(args->count, 65536u);

	entries = kvcalloc(room, sizeof(*entries), GFP_KERNEL);
	if (!entries)
		return -ENOMEM;

	dma_resv_lock(importer->dmabuf->resv, NULL);
	if (importer->sgt) {
		args->count = importer->sgt->nents;
		args->cpu_entries = 0;
		for_each_sgtable_sg(importer->sgt, sg, i)
			args->cpu_entries += !!sg_page(sg);
		for_each_sgtable_dma_sg(importer->sgt, sg, i) {
			if (i >= room)
				break;
			entries[i].address = sg_dma_address(sg);
			entries[i].length = sg_dma_len(sg);
		}
	} else {
		ret = -ENOENT;
	}
	dma_resv_unlock(importer->dmabuf->resv);

	if (!ret && copy_to_user(u64_to_user_ptr(args->entries), entries,
				 min(room, args->count) * sizeof(*entries)))
		ret = -EFAULT;
	kvfree(entries);
	return ret;
}

static void importer_status(struct importer *importer,
			    struct importer_status *status)
{
	dma_resv_lock(importer->dmabuf->resv, NULL);
	status->notified = importer->notified;
	status->mapped = !!importer->sgt;
	status->map_in_notify = importer->map_in_notify;
	dma_resv_unlock(importer->dmabuf->resv);
}

static void importer_translate(struct importer *importer,
			       struct importer_translate *args)
{
	struct iommu_domain *domain;

	domain = iommu_get_domain_for_dev(&importer->pdev->dev);
	if (domain)
		args->address = iommu_iova_to_phys(domain, args->address);
}

static long importer_ioctl_locked(struct importer *importer, unsigned int cmd,
				  void __user *arg)
{
	struct importer_translate translate;
	struct importer_entries entries;
	struct importer_status status = {};
	struct importer_attach attach;
	int ret;

	if (cmd == IMPORTER_ATTACH) {
		if (copy_from_user(&attach, arg, sizeof(attach)))
			return -EFAULT;
		return importer_attach(importer, &attach);
	}
	if (!importer->attach)
		return -ENOTCONN;

	switch (cmd) {
	case IMPORTER_DETACH:
		importer_detach(importer);
		return 0;
	case IMPORTER_MAP:
		return importer_map(importer);
	case IMPORTER_UNMAP:
		return importer_unmap(importer);
	case IMPORTER_ENTRIES:
		if (copy_from_user(&entries, arg, sizeof(entries)))
			return -EFAULT;
		ret = importer_entries(importer, &entries);
		if (!ret && copy_to_user(arg, &entries, sizeof(entries)))
			ret = -EFAULT;
		return ret;
	case IMPORTER_TRANSLATE:
		if (copy_from_user(&translate, arg, sizeof(translate)))
			return -EFAULT;
		importer_translate(importer, &translate);
		return copy_to_user(arg, &translate, sizeof(translate)) ?
			       -EFAULT : 0;
	case IMPORTER_STATUS:
		importer_status(importer, &status);
		return copy_to_user(arg, &status, sizeof(status)) ? -EFAULT : 0;
	}
	return -ENOTTY;
}

static long importer_ioctl(struct file *file, unsigned int cmd,
			   unsigned long arg)
{
	struct importer *importer = file->private_data;
	long ret;

	mutex_lock(&importer->lock);
	ret = importer_ioctl_locked(importer, cmd, (void __user *)arg);
	mutex_unlock(&importer->lock);
	return ret;
}

static int importer_open(struct inode *inode, struct file *file)
{
	struct importer *importer = kzalloc(sizeof(*importer), GFP_KERNEL);

	if (!importer)
		return -ENOMEM;
	mutex_init(&importer->lock);
	file->private_data = importer;
	return 0;
}

static int importer_release(struct inode *inode, struct file *file)
{
	struct importer *importer = file->private_data;

	if (importer->attach)
		importer_detach(importer);
	kfree(importer);
	return 0;
}

static const struct file_operations importer_fops = {
	.owner = THIS_MODULE,
	.open = importer_open,
	.release = importer_release,
	.unlocked_ioctl = importer_ioctl,
};

static struct miscdevice importer_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "dmabuf-importer",
	.fops = &importer_fops,
};
module_misc_device(importer_misc);

/* MODULE_IMPORT_NS() takes a name up to Linux 6.12, and a string since. */
MODULE_INFO(import_ns, "DMA_BUF");
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("An importer of DMA-BUFs for tests");
