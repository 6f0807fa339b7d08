#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <wlr/util/log.h>
#include <sluice/simulated.h>
#include <sluice/watch.h>
#include "wlr/access.h"

/**
 * The same page, mapped twice. A thread's count of page faults knows of more than VRAM: the kernel
 * may take any page of the program for a moment, to move it nearer or to swap it out. What takes
 * the memory of the device takes all of its mappings.
 */
#define MAPPINGS 2

struct sluice_watch {
	struct sluice_vfio_device *device;
	uint32_t region;
	size_t page_size;
	void *pages[MAPPINGS]; // all NULL if they are not mapped at the moment
	bool unmappable;
};

static void unmap(struct sluice_watch *watch) {
	for (size_t i = 0; i < MAPPINGS; i++) {
		if (watch->pages[i] != NULL) {
			munmap(watch->pages[i], watch->page_size);
			watch->pages[i] = NULL;
		}
	}
}

static bool map(struct sluice_watch *watch) {
	for (size_t i = 0; i < MAPPINGS && !watch->unmappable; i++) {
		if (watch->pages[i] == NULL && sluice_vfio_device_map(watch->device, watch->region, 0,
				watch->page_size, PROT_READ, &watch->pages[i]) < 0) {
			watch->pages[i] = NULL;
			watch->unmappable = true;
			unmap(watch);
		}
	}
	return !watch->unmappable;
}

struct sluice_watch *sluice_watch_create(struct sluice_vfio_device *device, uint32_t region) {
	struct sluice_watch *watch = calloc(1, sizeof(*watch));
	if (watch == NULL) {
		return NULL;
	}
	watch->device = device;
	watch->region = region;
	watch->page_size = (size_t)sysconf(_SC_PAGESIZE);
	// Ordinary memory stays mapped, whatever becomes of the device that it stands for
	const char *address = sluice_vfio_device_get_address(device);
	watch->unmappable = address != NULL && strcmp(address, SLUICE_SIMULATED_ADDRESS) == 0;
	sluice_watch_look(watch); // have the page there for the next look
	return watch;
}

void sluice_watch_destroy(struct sluice_watch *watch) {
	if (watch == NULL) {
		return;
	}
	unmap(watch);
	free(watch);
}

static long count_faults(void) {
	struct rusage usage;
	return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_minflt + usage.ru_majflt : 0;
}

static enum sluice_watch_state read_page(struct sluice_watch *watch, void *page) {
	struct sluice_access access;
	if (!sluice_access_begin(&access, page, watch->page_size)) {
		return SLUICE_WATCH_INTACT;
	}
	long before = count_faults();
	(void)*(volatile const uint32_t *)page;
	long faults = count_faults() - before;
	if (!sluice_access_end(&access)) {
		return SLUICE_WATCH_LOST;
	}
	return faults > 0 ? SLUICE_WATCH_INTERRUPTED : SLUICE_WATCH_INTACT;
}

enum sluice_watch_state sluice_watch_look(struct sluice_watch *watch) {
	if (!map(watch)) {
		return sluice_vfio_device_get_memory(watch->device) == 1 ?
			SLUICE_WATCH_INTACT : SLUICE_WATCH_LOST;
	}
	for (size_t i = 0; i < MAPPINGS; i++) {
		enum sluice_watch_state state = read_page(watch, watch->pages[i]);
		if (state == SLUICE_WATCH_LOST) {
			// Zeroes are mapped there now: the next look maps the region anew
			unmap(watch);
		}
		if (state != SLUICE_WATCH_INTERRUPTED) {
			return state;
		}
	}
	return SLUICE_WATCH_INTERRUPTED;
}
