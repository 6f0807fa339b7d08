#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/util/log.h>
#include "vfio/private.h"
#include "vfio/sys.h"

static int enable_irq(struct vfio_pci *pci, uint32_t index, int eventfd) {
	int32_t fd = eventfd;
	union {
		struct vfio_irq_set header;
		uint8_t bytes[sizeof(struct vfio_irq_set) + sizeof(fd)];
	} set = {
		.header = {
			.argsz = sizeof(set.bytes),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = index,
			.count = 1,
		},
	};
	memcpy(set.bytes + offsetof(struct vfio_irq_set, data), &fd, sizeof(fd));
	return vfio_pci_ioctl(pci, VFIO_DEVICE_SET_IRQS, &set);
}

static void disable_irq(struct vfio_pci *pci, uint32_t index) {
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = index,
	};
	// Fails for a device that is gone, whose interrupts are gone too
	vfio_pci_ioctl(pci, VFIO_DEVICE_SET_IRQS, &set);
}

static int handle_irq(int fd, uint32_t mask, void *data) {
	struct vfio_irq *irq = data;
	uint64_t count;
	if (vfio_sys_read(fd, &count, sizeof(count)) != (int64_t)sizeof(count)) {
		return 0;
	}
	struct vfio_pci *pci = irq->pci;
	wlr_log(WLR_INFO, "%s: %s", vfio_pci_name(pci), irq->meaning);
	// A listener may destroy the device: the signal must outlive the emission
	pci->emitting = irq->signal;
	wl_signal_emit_mutable(irq->signal, &pci->base);
	pci->emitting = NULL;
	if (pci->destroyed) {
		free(pci);
	}
	return 0;
}

static void irq_finish(struct vfio_irq *irq) {
	if (irq->fd < 0) {
		return;
	}
	disable_irq(irq->pci, irq->index);
	if (irq->source != NULL) {
		wl_event_source_remove(irq->source);
		irq->source = NULL;
	}
	vfio_sys_close(irq->fd);
	irq->fd = -1;
}

/** Whether the device has the interrupt: 1, 0, or a negative errno. */
static int has_irq(struct vfio_pci *pci, uint32_t index) {
	if (index >= pci->num_irqs) {
		return 0;
	}
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };
	int ret = vfio_pci_ioctl(pci, VFIO_DEVICE_GET_IRQ_INFO, &info);
	if (ret == -EINVAL) {
		return 0; // the error interrupt of a device that is not PCI Express
	}
	if (ret < 0) {
		return ret;
	}
	return info.count > 0 && (info.flags & VFIO_IRQ_INFO_EVENTFD) != 0;
}

static int irq_init(struct vfio_irq *irq, struct wl_event_loop *loop) {
	struct vfio_pci *pci = irq->pci;
	int ret = has_irq(pci, irq->index);
	if (ret <= 0) {
		return ret;
	}

	int fd = vfio_sys_eventfd();
	if (fd < 0) {
		return fd;
	}
	ret = enable_irq(pci, irq->index, fd);
	if (ret < 0) {
		vfio_sys_close(fd);
		return ret;
	}
	irq->fd = fd;
	irq->source = wl_event_loop_add_fd(loop, fd, WL_EVENT_READABLE, handle_irq, irq);
	if (irq->source == NULL) {
		irq_finish(irq);
		return -ENOMEM;
	}
	return 0;
}

void vfio_pci_unlisten(struct vfio_pci *pci) {
	irq_finish(&pci->error);
	irq_finish(&pci->request);
	pci->listening = false;
}

int sluice_vfio_device_listen(struct sluice_vfio_device *device, struct wl_event_loop *loop) {
	struct vfio_pci *pci = vfio_pci_from_device(device);
	if (pci->listening) {
		return -EALREADY;
	}

	pci->error = (struct vfio_irq){
		.pci = pci,
		.signal = &device->events.error,
		.meaning = "the device reports an uncorrectable error; its memory is lost",
		.index = VFIO_PCI_ERR_IRQ_INDEX,
		.fd = -1,
	};
	pci->request = (struct vfio_irq){
		.pci = pci,
		.signal = &device->events.request,
		.meaning = "the kernel asks for the device back",
		.index = VFIO_PCI_REQ_IRQ_INDEX,
		.fd = -1,
	};

	struct vfio_irq *irqs[] = { &pci->error, &pci->request };
	for (size_t i = 0; i < sizeof(irqs) / sizeof(irqs[0]); i++) {
		int ret = irq_init(irqs[i], loop);
		if (ret < 0) {
			wlr_log(WLR_ERROR, "%s: cannot listen to the %s interrupt: %s",
				vfio_pci_name(pci), i == 0 ? "error" : "request", strerror(-ret));
			vfio_pci_unlisten(pci);
			return ret;
		}
	}
	pci->listening = true;
	return 0;
}
