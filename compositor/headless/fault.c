#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/util/log.h>
#include <sluice/buffer.h>
#include <sluice/simulated.h>
#include "headless/fault.h"
#include "headless/headless.h"
#include "headless/verb.h"
#include "path/ladder.h"
#include "path/surface.h"

/** Where the session's processes find the exporter. */
#define EXPORTER_ENV "SLUICE_EXPORTER"
#define WRONG_STRIDE 64 // bytes more
#define MAX_LATE 1000 // refreshes

/** A surface whose next commit is kept back. */
struct late_commit {
	struct wl_list link; // faults.late
	struct wlr_surface *surface;
	uint32_t lock;
	uint64_t until; // headless.refreshes

	struct wl_listener destroy;
};

bool faults_init(struct faults *faults, uint64_t size) {
	*faults = (struct faults){ .exporter = -1 };
	wl_list_init(&faults->late);
	if (size == 0) {
		return true;
	}
	faults->exporter = sluice_simulated_create(size);
	if (faults->exporter < 0) {
		wlr_log(WLR_ERROR, "Cannot make a simulated exporter of %" PRIu64 " bytes: %s", size,
			strerror(-faults->exporter));
		return false;
	}
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), faults->exporter);
	setenv(EXPORTER_ENV, path, true);
	wlr_log(WLR_INFO, "simulated exporter: %s", path);
	return true;
}

static void late_commit_destroy(struct late_commit *late) {
	wl_list_remove(&late->destroy.link);
	wl_list_remove(&late->link);
	free(late);
}

void faults_finish(struct faults *faults) {
	struct late_commit *late, *tmp;
	wl_list_for_each_safe(late, tmp, &faults->late, link) {
		late_commit_destroy(late);
	}
	if (faults->exporter >= 0) {
		close(faults->exporter);
	}
}

bool faults_is_exporter(const struct faults *faults, int fd) {
	struct stat ours, theirs;
	return faults->exporter >= 0 && fstat(faults->exporter, &ours) == 0 &&
		fstat(fd, &theirs) == 0 && ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

void faults_spoil(struct faults *faults, struct sluice_buffer_params *params) {
	const char *exporter = sluice_vfio_device_get_address(params->device);
	if (exporter == NULL || strcmp(exporter, SLUICE_SIMULATED_ADDRESS) != 0) {
		return;
	}
	if (faults->stride) {
		faults->stride = false;
		params->stride += WRONG_STRIDE;
		wlr_log(WLR_INFO, "simulated: an image's stride is taken for %" PRIu32, params->stride);
	}
	if (faults->shorten) {
		faults->shorten = false;
		struct sluice_range *last =
			(struct sluice_range *)(uintptr_t)&params->ranges[params->ranges_len - 1];
		uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
		if (last->length > page) {
			last->length -= page;
		} else if (params->ranges_len > 1) {
			params->ranges_len--;
		}
		wlr_log(WLR_INFO, "simulated: an image lacks its last page");
	}
}

static void handle_surface_destroy(struct wl_listener *listener, void *data) {
	struct late_commit *late = wl_container_of(listener, late, destroy);
	late_commit_destroy(late);
}

void faults_refreshed(struct faults *faults, uint64_t refreshes) {
	struct late_commit *late, *tmp;
	wl_list_for_each_safe(late, tmp, &faults->late, link) {
		if (refreshes >= late->until) {
			struct wlr_surface *surface = late->surface;
			uint32_t lock = late->lock;
			late_commit_destroy(late);
			wlr_surface_unlock_cached(surface, lock);
		}
	}
}

/** Keep the next commit of each surface that shows VRAM back. */
static bool delay_commits(struct verb_call *call, uint64_t refreshes) {
	struct headless *headless = call->headless;
	const struct path_surface *path_surface;
	size_t len = 0;
	wl_list_for_each(path_surface, &headless->server.ladder->surfaces, link) {
		struct late_commit *late =
			path_surface->shadow != NULL ? calloc(1, sizeof(*late)) : NULL;
		if (late == NULL) {
			continue;
		}
		late->surface = path_surface->surface;
		late->until = headless->refreshes + refreshes;
		late->lock = wlr_surface_lock_pending(late->surface);
		late->destroy.notify = handle_surface_destroy;
		wl_signal_add(&late->surface->events.destroy, &late->destroy);
		wl_list_insert(&headless->faults.late, &late->link);
		len++;
	}
	return len > 0 || verb_fail(call, "no surface shows an image in VRAM");
}

bool verb_fault(struct verb_call *call) {
	struct faults *faults = &call->headless->faults;
	const char *kind = call->argv[0];
	bool late = strcmp(kind, "late") == 0;
	if (late != (call->argc == 2)) {
		return verb_fail(call, late ? "late needs a number of refreshes" :
			"%s takes no number", kind);
	}
	double refreshes;
	if (late) {
		return verb_get_number(call, 1, 1, MAX_LATE, &refreshes) &&
			delay_commits(call, (uint64_t)refreshes);
	}
	if (faults->exporter < 0) {
		return verb_fail(call, "there is no simulated exporter: --simulate-exporter makes one");
	}
	int ret = 0;
	if (strcmp(kind, "stride") == 0) {
		faults->stride = true;
	} else if (strcmp(kind, "short") == 0) {
		faults->shorten = true;
	} else if (strcmp(kind, "unplug") == 0) {
		ret = sluice_simulated_unplug(faults->exporter);
	} else if (strcmp(kind, "restore") == 0) {
		ret = sluice_simulated_replug(faults->exporter);
	} else if (strcmp(kind, "revoke") == 0) {
		int fd = fcntl(faults->exporter, F_DUPFD_CLOEXEC, 0);
		struct sluice_vfio_device *device;
		ret = fd >= 0 ? sluice_simulated_adopt(fd, &device) : -EMFILE;
		if (ret == 0) {
			ret = sluice_vfio_device_set_memory(device, false);
			sluice_vfio_device_destroy(device);
		}
	} else {
		return verb_fail(call, "\"%s\" is none of revoke, restore, unplug, late, stride, short",
			kind);
	}
	return ret == 0 || verb_fail(call, "%s", strerror(-ret));
}
