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

	struct {
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

/** The exporter at a PCI address, or NULL. */
struct sluice_exporter *sluice_backend_find(struct sluice_backend *backend, const char *address);

#endif
