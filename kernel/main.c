// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio-pci-dmabuf: vfio-pci with VFIO_DEVICE_FEATURE_DMA_BUF on kernels that
 * lack it, and with DMA-BUFs that the CPU can map on all.
 */

#include <linux/iommufd.h>
#include <linux/module.h>
#include <linux/pci.h>

#include "vfio_pci_dmabuf.h"

static bool takeover = !CORE_EXPORTS;
module_param(takeover, bool, 0444);
MODULE_PARM_DESC(takeover,
		 "Export DMA-BUFs here, so that they can be mapped, and not by vfio-pci-core (default: only where that cannot)");

static int vpdmabuf_init_dev(struct vfio_device *vdev)
{
	struct vpdmabuf_device *dev = to_vpdmabuf_device(vdev);

	mutex_init(&dev->lock);
	INIT_LIST_HEAD(&dev->buffers);
	return vfio_pci_core_init_dev(vdev);
}

static void vpdmabuf_release_dev(struct vfio_device *vdev)
{
	struct vpdmabuf_device *dev = to_vpdmabuf_device(vdev);

	WARN_ON(!list_empty(&dev->buffers));
	mutex_destroy(&dev->lock);
	vfio_pci_core_release_dev(vdev);
}

static int vpdmabuf_open_device(struct vfio_device *vdev)
{
	struct vpdmabuf_device *dev = to_vpdmabuf_device(vdev);
	int ret;

	ret = vfio_pci_core_enable(&dev->core);
	if (ret)
		return ret;
	vpdmabuf_claim_bars(dev);
	vfio_pci_core_finish_enable(&dev->core);
	vpdmabuf_opened(dev);
	return 0;
}

static void vpdmabuf_close_device(struct vfio_device *vdev)
{
	vpdmabuf_cut_off(to_vpdmabuf_device(vdev));
	vfio_pci_core_close_device(vdev);
}

/* Whether a write to [at, at + count) of the file touches a config register. */
static bool vpdmabuf_overlaps(loff_t at, size_t count, unsigned int reg)
{
	return at < reg + sizeof(u16) && count > 0 &&
	       (at >= reg || count > reg - at);
}

/*
 * Which value is written can only be known when it was: another thread may
 * change it while it is copied. So all writes to these registers are events.
 * A reset by way of a capability comes as vpdmabuf_reset_prepare().
 */
static bool vpdmabuf_may_disable(struct vpdmabuf_device *dev, loff_t offset,
				 size_t count)
{
	u8 pm_cap = dev->core.pdev->pm_cap;
	loff_t at = offset & VFIO_PCI_OFFSET_MASK;

	if (VFIO_PCI_OFFSET_TO_INDEX(offset) != VFIO_PCI_CONFIG_REGION_INDEX)
		return false;
	return vpdmabuf_overlaps(at, count, PCI_COMMAND) ||
	       (pm_cap && vpdmabuf_overlaps(at, count, pm_cap + PCI_PM_CTRL));
}

static ssize_t vpdmabuf_write(struct vfio_device *vdev, const char __user *buf,
			      size_t count, loff_t *ppos)
{
	struct vpdmabuf_device *dev = to_vpdmabuf_device(vdev);
	ssize_t ret;

	if (!vpdmabuf_may_disable(dev, *ppos, count))
		return vfio_pci_core_write(vdev, buf, count, ppos);

	vpdmabuf_block(dev);
	ret = vfio_pci_core_write(vdev, buf, count, ppos);
	vpdmabuf_unblock(dev);
	return ret;
}

static int vpdmabuf_device_feature(struct vfio_device *vdev, u32 flags,
				   void __user *arg, size_t argsz)
{
	struct vpdmabuf_device *dev = to_vpdmabuf_device(vdev);
	bool set = (flags & VFIO_DEVICE_FEATURE_SET) &&
		   !(flags & VFIO_DEVICE_FEATURE_PROBE);
	int ret;

	switch (flags & VFIO_DEVICE_FEATURE_MASK) {
	case VFIO_DEVICE_FEATURE_DMA_BUF:
		if (takeover)
			return vpdmabuf_export(dev, flags, arg, argsz);
		break;
	case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY:
	case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP:
		if (!set)
			break;
		vpdmabuf_block(dev);
		ret = vfio_pci_core_ioctl_feature(vdev, flags, arg, argsz);
		vpdmabuf_unblock(dev);
		return ret;
	case VFIO_DEVICE_FEATURE_LOW_POWER_EXIT:
		ret = vfio_pci_core_ioctl_feature(vdev, flags, arg, argsz);
		vpdmabuf_restore(dev);
		return ret;
	}
	return vfio_pci_core_ioctl_feature(vdev, flags, arg, argsz);
}

static const struct vfio_device_ops vpdmabuf_device_ops = {
	.name = "vfio-pci-dmabuf",
	.init = vpdmabuf_init_dev,
	.release = vpdmabuf_release_dev,
	.open_device = vpdmabuf_open_device,
	.close_device = vpdmabuf_close_device,
	.ioctl = vfio_pci_core_ioctl,
#ifdef HAVE_REGION_INFO_CAPS
	.get_region_info_caps = vfio_pci_ioctl_get_region_info,
#endif
	.device_feature = vpdmabuf_device_feature,
	.read = vfio_pci_core_read,
	.write = vpdmabuf_write,
	.mmap = vfio_pci_core_mmap,
	.request = vfio_pci_core_request,
	.match = vfio_pci_core_match,
#ifdef HAVE_MATCH_TOKEN_UUID
	.match_token_uuid = vfio_pci_core_match_token_uuid,
#endif
	.bind_iommufd = vfio_iommufd_physical_bind,
	.unbind_iommufd = vfio_iommufd_physical_unbind,
	.attach_ioas = vfio_iommufd_physical_attach_ioas,
	.detach_ioas = vfio_iommufd_physical_detach_ioas,
#ifdef HAVE_PASID
	.pasid_attach_ioas = vfio_iommufd_physical_pasid_attach_ioas,
	.pasid_detach_ioas = vfio_iommufd_physical_pasid_detach_ioas,
#endif
};

#ifdef HAVE_PCI_OPS
static const struct vfio_pci_device_ops vpdmabuf_pci_ops = {
	.get_dmabuf_phys = vfio_pci_core_get_dmabuf_phys,
};
#endif

static int vpdmabuf_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct vpdmabuf_device *dev;
	int ret;

	dev = vfio_alloc_device(vpdmabuf_device, core.vdev, &pdev->dev,
				&vpdmabuf_device_ops);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
#ifdef HAVE_PCI_OPS
	if (!takeover)
		dev->core.pci_ops = &vpdmabuf_pci_ops;
#endif

	/* vfio-pci-core expects to find its own structure. */
	dev_set_drvdata(&pdev->dev, &dev->core);
	ret = vfio_pci_core_register_device(&dev->core);
	if (ret)
		vfio_put_device(&dev->core.vdev);
	return ret;
}

static struct vpdmabuf_device *vpdmabuf_of(struct pci_dev *pdev)
{
	return container_of(dev_get_drvdata(&pdev->dev),
			    struct vpdmabuf_device, core);
}

static void vpdmabuf_pci_remove(struct pci_dev *pdev)
{
	struct vpdmabuf_device *dev = vpdmabuf_of(pdev);

	vfio_pci_core_unregister_device(&dev->core);
	vfio_put_device(&dev->core.vdev);
}

/*
 * Around every reset: one that userspace asks for, a hot reset through another
 * function, and one through sysfs. The memory_lock is held in the first two.
 */
static void vpdmabuf_reset_prepare(struct pci_dev *pdev)
{
	vpdmabuf_block(vpdmabuf_of(pdev));
}

static void vpdmabuf_reset_done(struct pci_dev *pdev)
{
	vpdmabuf_unblock(vpdmabuf_of(pdev));
}

static const struct pci_error_handlers vpdmabuf_err_handlers = {
	.error_detected = vfio_pci_core_aer_err_detected,
	.reset_prepare = vpdmabuf_reset_prepare,
	.reset_done = vpdmabuf_reset_done,
};

/* Only a device whose driver_override names this driver is bound to it. */
static const struct pci_device_id vpdmabuf_ids[] = {
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_ANY_ID, PCI_ANY_ID) },
	{}
};
MODULE_DEVICE_TABLE(pci, vpdmabuf_ids);

static struct pci_driver vpdmabuf_driver = {
	.name = "vfio-pci-dmabuf",
	.id_table = vpdmabuf_ids,
	.probe = vpdmabuf_probe,
	.remove = vpdmabuf_pci_remove,
	.err_handler = &vpdmabuf_err_handlers,
	/* Userspace owns the DMA of the whole IOMMU group. */
	.driver_managed_dma = true,
};
module_pci_driver(vpdmabuf_driver);

/* MODULE_IMPORT_NS() takes a name up to Linux 6.12, and a string since. */
MODULE_INFO(import_ns, "DMA_BUF");
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("vfio-pci whose BARs can be exported as DMA-BUFs and mapped through them");
