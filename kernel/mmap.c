// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPU access: mappings are filled page by page, and emptied by revocation.
 */

#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/mm.h>

#include "vfio_pci_dmabuf.h"

/* The page frame of a page of the buffer, which is within its size. */
static unsigned long vpdmabuf_pfn(const struct vpdmabuf *buffer, pgoff_t pgoff)
{
	u32 low = 0, high = buffer->nr_ranges;

	/* The last range that begins at this page or before it. */
	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;

		if (buffer->ranges[middle].pgoff <= pgoff)
			low = middle;
		else
			high = middle;
	}
	return PHYS_PFN(buffer->ranges[low].paddr) + pgoff -
	       buffer->ranges[low].pgoff;
}

static vm_fault_t vpdmabuf_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct vpdmabuf *buffer = vma->vm_private_data;
	struct dma_resv *resv = buffer->dmabuf->resv;
	vm_fault_t ret = VM_FAULT_SIGBUS;

	/* A signal makes the access try again. */
	if (dma_resv_lock_interruptible(resv, NULL))
		return VM_FAULT_NOPAGE;
	if (!buffer->revoked && vmf->pgoff < buffer->size >> PAGE_SHIFT)
		ret = vmf_insert_pfn(vma, vmf->address,
				     vpdmabuf_pfn(buffer, vmf->pgoff));
	dma_resv_unlock(resv);
	return ret;
}

static const struct vm_operations_struct vpdmabuf_vm_ops = {
	.fault = vpdmabuf_fault,
};

int vpdmabuf_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct vpdmabuf *buffer = dmabuf->priv;

	if (!buffer->mappable)
		return -EINVAL;
	/* VM_SHARED is not set where the file is open for reading only. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (READ_ONCE(buffer->revoked))
		return -ENODEV;

	/* The same as vfio-pci-core's mapping of the BAR. */
	vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
	vma->vm_page_prot = pgprot_decrypted(vma->vm_page_prot);
	vm_flags_set(vma, VM_ALLOW_ANY_UNCACHED | VM_IO | VM_PFNMAP |
			  VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = buffer;
	vma->vm_ops = &vpdmabuf_vm_ops;
	return 0;
}

/*
 * Nothing is cached. But DMA_BUF_IOCTL_SYNC is how a process that has no more
 * than the DMA-BUF asks whether there is anything to read.
 */
int vpdmabuf_begin_cpu_access(struct dma_buf *dmabuf,
			      enum dma_data_direction dir)
{
	struct vpdmabuf *buffer = dmabuf->priv;

	return READ_ONCE(buffer->revoked) ? -ENODEV : 0;
}
