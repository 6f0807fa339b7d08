#ifndef SLUICE_WLR_ACCESS_H
#define SLUICE_WLR_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <wayland-util.h>

/**
 * A stretch of address space whose pages may go away under a reader (a BAR of a device that is
 * reset). While an access is open, a fault in it does not kill the process: zeroes are mapped over
 * the whole stretch, and the access is told.
 */
struct sluice_access {
	void *data;
	size_t size;
	bool faulted;
	struct wl_list link;
};

/** Open an access. false if the signal handler cannot be installed. */
bool sluice_access_begin(struct sluice_access *access, void *data, size_t size);

/**
 * Close it. Returns false if the memory went away meanwhile; what was mapped there is gone for
 * good then.
 */
bool sluice_access_end(struct sluice_access *access);

#endif
