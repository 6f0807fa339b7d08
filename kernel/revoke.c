// SPDX-License-Identifier: GPL-2.0-only
/*
 * Revocation: no access while the memory of the device is not there.
 *
 * Whatever may take the memory away is an event between vpdmabuf_block() and
 * vpdmabuf_unblock(). Events may overlap; when the last one is over, the state
 * that the device is in then decides whether the buffers live again.
 */

#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "vfio_pci_dmabuf.h"

static unsigned int revoke_timeout_ms = 10000;
module_param(revoke_timeout_ms, uint, 0644);
MODULE_PARM_DESC(revoke_timeout_ms,
		 "How long a reset, a power change or a close waits for importers to unmap, in milliseconds (default 10000)");

/* With dev->lock held, and vconfig there. */
static bool vpdmabuf_accessible(struct vpdmabuf_device *dev)
{
	struct vfio_pci_core_device *core = &dev->core;
	struct pci_dev *pdev = core->pdev;
	u16 command;

	lockdep_assert_held(&dev->lock);

	if (dev->blocked || !dev->open || core->pm_runtime_engaged)
		return false;
	if (pdev->current_state != PCI_D0 && pdev->current_state != PCI_D1 &&
	    pdev->current_state != PCI_D2)
		return false;
	/* The memory of a virtual function follows the physical one. */
	if (pdev->no_command_memory)
		return true;
	command = le16_to_cpup((__le16 *)&core->vconfig[PCI_COMMAND]);
	return command & PCI_COMMAND_MEMORY;
}

/* Takes a reference, unless the buffer is just being released. */
static bool vpdmabuf_get(struct vpdmabuf *buffer)
{
	struct file *file = get_file_active(&buffer->dmabuf->file);

	if (!file)
		return false;
	/* Its memory may be another file's by now. */
	if (file->private_data == buffer->dmabuf)
		return true;
	fput(file);
	return false;
}

static void vpdmabuf_put(struct vpdmabuf *buffer)
{
	dma_buf_put(buffer->dmabuf);
}

static void vpdmabuf_revoke(struct vpdmabuf *buffer)
{
	struct dma_buf *dmabuf = buffer->dmabuf;

	dma_resv_lock(dmabuf->resv, NULL);
	if (!buffer->revoked) {
		WRITE_ONCE(buffer->revoked, true);
		unmap_mapping_range(dmabuf->file->f_mapping, 0, buffer->size,
				    1);
		vpdmabuf_invalidate(dmabuf);
	}
	dma_resv_unlock(dmabuf->resv);
}

static bool vpdmabuf_busy(struct vpdmabuf *buffer)
{
	return READ_ONCE(buffer->mappings) ||
	       !dma_resv_test_signaled(buffer->dmabuf->resv,
				       DMA_RESV_USAGE_BOOKKEEP);
}

static void vpdmabuf_complain(struct vpdmabuf *buffer)
{
	struct pci_dev *pdev = buffer->dev->core.pdev;
	struct dma_buf_attachment *attach;

	pci_warn(pdev, "importers did not let go of a DMA-BUF of %zu bytes in %u ms; their accesses will fail\n",
		 buffer->size, revoke_timeout_ms);
	dma_resv_lock(buffer->dmabuf->resv, NULL);
	list_for_each_entry(attach, &buffer->dmabuf->attachments, node)
		pci_warn(pdev, "it is attached to %s (%s)\n",
			 dev_name(attach->dev), dev_driver_string(attach->dev));
	dma_resv_unlock(buffer->dmabuf->resv);
}

static struct vpdmabuf *vpdmabuf_get_busy(struct vpdmabuf_device *dev)
{
	struct vpdmabuf *buffer, *busy = NULL;

	mutex_lock(&dev->lock);
	list_for_each_entry(buffer, &dev->buffers, link) {
		if (vpdmabuf_busy(buffer) && vpdmabuf_get(buffer)) {
			busy = buffer;
			break;
		}
	}
	mutex_unlock(&dev->lock);
	return busy;
}

/*
 * Waits until nothing accesses the memory any more; not for ever, as importers
 * may need what the caller holds. Their DMA addresses stay as they are until
 * they unmap them: they never lead anywhere else.
 */
static void vpdmabuf_drain(struct vpdmabuf_device *dev)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(revoke_timeout_ms);
	struct vpdmabuf *buffer;
	bool idle = true;

	/* Not under dev->lock, which importers need to release buffers. */
	while (idle && (buffer = vpdmabuf_get_busy(dev))) {
		long left = max_t(long, deadline - jiffies, 1);

		dma_resv_wait_timeout(buffer->dmabuf->resv,
				      DMA_RESV_USAGE_BOOKKEEP, false, left);
		left = max_t(long, deadline - jiffies, 1);
		wait_event_timeout(buffer->unmapped,
				   !READ_ONCE(buffer->mappings), left);
		if (vpdmabuf_busy(buffer) && time_after_eq(jiffies, deadline)) {
			vpdmabuf_complain(buffer);
			idle = false;
		}
		vpdmabuf_put(buffer);
	}
}

static void vpdmabuf_revoke_all(struct vpdmabuf_device *dev)
{
	struct vpdmabuf *buffer;

	lockdep_assert_held(&dev->lock);

	list_for_each_entry(buffer, &dev->buffers, link) {
		if (vpdmabuf_get(buffer)) {
			vpdmabuf_revoke(buffer);
			vpdmabuf_put(buffer);
		}
	}
}

static void vpdmabuf_restore_all(struct vpdmabuf_device *dev)
{
	struct vpdmabuf *buffer;

	if (!vpdmabuf_accessible(dev))
		return;
	list_for_each_entry(buffer, &dev->buffers, link) {
		dma_resv_lock(buffer->dmabuf->resv, NULL);
		WRITE_ONCE(buffer->revoked, false);
		dma_resv_unlock(buffer->dmabuf->resv);
	}
}

/* A new buffer takes part in what is going on. */
void vpdmabuf_add(struct vpdmabuf *buffer)
{
	struct vpdmabuf_device *dev = buffer->dev;

	mutex_lock(&dev->lock);
	buffer->revoked = !vpdmabuf_accessible(dev);
	list_add_tail(&buffer->link, &dev->buffers);
	mutex_unlock(&dev->lock);
}

void vpdmabuf_remove(struct vpdmabuf *buffer)
{
	mutex_lock(&buffer->dev->lock);
	list_del_init(&buffer->link);
	mutex_unlock(&buffer->dev->lock);
}

/* Before anything that may make the memory inaccessible: revokes, and waits. */
void vpdmabuf_block(struct vpdmabuf_device *dev)
{
	mutex_lock(&dev->lock);
	dev->blocked++;
	vpdmabuf_revoke_all(dev);
	mutex_unlock(&dev->lock);
	vpdmabuf_drain(dev);
}

/* After it. */
void vpdmabuf_unblock(struct vpdmabuf_device *dev)
{
	mutex_lock(&dev->lock);
	dev->blocked--;
	vpdmabuf_restore_all(dev);
	mutex_unlock(&dev->lock);
}

/* After what can only have made the memory accessible. */
void vpdmabuf_restore(struct vpdmabuf_device *dev)
{
	mutex_lock(&dev->lock);
	vpdmabuf_restore_all(dev);
	mutex_unlock(&dev->lock);
}

void vpdmabuf_opened(struct vpdmabuf_device *dev)
{
	mutex_lock(&dev->lock);
	dev->open = true;
	mutex_unlock(&dev->lock);
}

/* The device is being closed: its buffers stay revoked for ever. */
void vpdmabuf_cut_off(struct vpdmabuf_device *dev)
{
	struct vpdmabuf *buffer, *next;

	mutex_lock(&dev->lock);
	dev->open = false;
	vpdmabuf_revoke_all(dev);
	mutex_unlock(&dev->lock);
	vpdmabuf_drain(dev);

	mutex_lock(&dev->lock);
	list_for_each_entry_safe(buffer, next, &dev->buffers, link)
		list_del_init(&buffer->link);
	mutex_unlock(&dev->lock);
}
