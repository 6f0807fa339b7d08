#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <wlr/util/log.h>
#include <sluice/watch.h>
#include "wlr/access.h"

struct sluice_watch {
	struct sluice_vfio_device *device;
	uint32_t region;
	size_t page_size;
	void *page; // NULL if it is not mapped at the moment
	bool unmappable;
};

static bool map_page(struct sluice_watch *watch) {
	if (watch->page == NULL && !watch->unmappable) {
		int ret = sluice_vfio_device_map(watch->device, watch->region, 0, watch->page_size,
			PROT_READ, &watch->page);
		if (ret < 0) {
			watch->page = NULL;
			watch->unmappable = true;
		}
	}
	return watch->page != NULL;
}

struct sluice_watch *sluice_watch_create(struct sluice_vfio_device *device, uint32_t region) {
	struct sluice_watch *watch = calloc(1, sizeof(*watch));
	if (watch == NULL) {
		return NULL;
	}
	watch->device = device;
	watch->region = region;
	watch->page_size = (size_t)sysconf(_SC_PAGESIZE);
	sluice_watch_look(watch); // have the page there for the next look
	return watch;
}

void sluice_watch_destroy(struct sluice_watch *watch) {
	if (watch == NULL) {
		return;
	}
	if (watch->page != NULL) {
		munmap(watch->page, watch->page_size);
	}
	free(watch);
}

static long count_faults(void) {
	struct rusage usage;
	return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_minflt + usage.ru_majflt : 0;
}

enum sluice_watch_state sluice_watch_look(struct sluice_watch *watch) {
	if (!map_page(watch)) {
		return sluice_vfio_device_get_memory(watch->device) == 1 ?
			SLUICE_WATCH_INTACT : SLUICE_WATCH_LOST;
	}

	struct sluice_access access;
	if (!sluice_access_begin(&access, watch->page, watch->page_size)) {
		return SLUICE_WATCH_INTACT;
	}
	long before = count_faults();
	(void)*(volatile const uint32_t *)watch->page;
	long faults = count_faults() - before;
	if (!sluice_access_end(&access)) {
		// Zeroes are mapped there now: the next look maps the region anew
		munmap(watch->page, watch->page_size);
		watch->page = NULL;
		return SLUICE_WATCH_LOST;
	}
	return faults > 0 ? SLUICE_WATCH_INTERRUPTED : SLUICE_WATCH_INTACT;
}
