/*
 * libsluice: a wlr_backend that knows the exporters of the machine and follows their hotplug.
 */
#ifndef SLUICE_BACKEND_H
#define SLUICE_BACKEND_H

#include <stdbool.h>
#include <wlr/backend.h>
#include <sluice/vfio.h>

/** A PCI device bound to a vfio driver. Owned by the backend. */
struct sluice_exporter {
	struct wl_list link; // sluice_backend.exporters
	char *address; // "0000:03:00.0"
	char *driver; // "vfio-pci"
	struct sluice_vfio_device *device; // NULL unless sluice_exporter_open() opened it

	struct {
		/**
		 * The kernel wants the device back, or sluice_exporter_reset() is about to reset it: let
		 * go of every buffer in it. Unbinding and unplugging wait until sluice_exporter_close().
		 * data: struct sluice_exporter
		 */
		struct wl_signal quiesce;
		/** The device was reset and its memory is on again. data: struct sluice_exporter */
		struct wl_signal resume;
		/** The device reported an error: its memory is lost. data: struct sluice_exporter */
		struct wl_signal revoked;
		/**
		 * The device was unbound from its vfio driver, or unplugged. Close what belongs to it
		 * and forget the exporter: it is destroyed after the signal.
		 * data: struct sluice_exporter
		 */
		struct wl_signal gone;
	} events;
};

/**
 * A backend without outputs or inputs, to be added to a wlr_multi_backend. It claims no buffer
 * capabilities, so that the features of the other backends stay as they are.
 */
struct sluice_backend {
	struct wlr_backend base;
	struct wl_list exporters; // sluice_exporter.link

	struct {
		/** A device was bound to a vfio driver, or plugged in bound. data: struct sluice_exporter */
		struct wl_signal new_exporter;
	} events;
};

/**
 * Create the backend. It looks for exporters when it is started (wlr_backend_start()) and
 * follows udev from then on. It opens no device: opening resets it.
 *
 * Returns NULL if udev cannot be reached; the reason is logged.
 */
struct wlr_backend *sluice_backend_create(struct wl_event_loop *loop);

/** The sluice_backend that a wlr_backend is, or NULL. */
struct sluice_backend *sluice_backend_try_from_backend(struct wlr_backend *backend);

/**
 * Open an exporter, which makes this process its owner and resets it, switch its memory on, and
 * follow its interrupts. Returns 0, or what sluice_vfio_device_open() and
 * sluice_vfio_device_set_memory() return.
 */
int sluice_exporter_open(struct sluice_exporter *exporter);

/**
 * Close its device. Buffers that still exist are revoked. Does nothing if it is not open; happens
 * by itself, after the signal, when the exporter is gone.
 */
void sluice_exporter_close(struct sluice_exporter *exporter);

/**
 * Raise events.quiesce, reset the open device, switch its memory on and raise events.resume.
 * Imports that listeners could not drop at once keep the kernel waiting: where that takes a page
 * flip, quiesce by yourself first and reset then.
 *
 * Returns 0, -EBADF (not open), or what sluice_vfio_device_reset() returned.
 */
int sluice_exporter_reset(struct sluice_exporter *exporter);

/** The exporter at a PCI address, or NULL. */
struct sluice_exporter *sluice_backend_find(struct sluice_backend *backend, const char *address);

#endif
