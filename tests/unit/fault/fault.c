/*
 * sluice-probe on devices made of paper, with a fault where the environment variable SLUICE_FAULT
 * asks for one: "NAME[@N]=ERRNO", "NAME[@N]=hang" or "NAME[@N]=crash", from the N-th call on.
 * SLUICE_FAULT=list lists the names.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xf86drm.h>
#include "../kernel.h"
#include "paper_drm.h"

static const char *const kernel_names[KERNEL_CALLS] = {
	[KERNEL_SUBSYSTEM_LINK] = "subsystem-link",
	[KERNEL_DRIVER_LINK] = "driver-link",
	[KERNEL_GROUP_LINK] = "group-link",
	[KERNEL_VFIO_DEV_ENTRY] = "vfio-dev-entry",
	[KERNEL_OPEN_CDEV] = "open-cdev",
	[KERNEL_OPEN_IOMMU] = "open-iommu",
	[KERNEL_BIND] = "bind-iommufd",
	[KERNEL_OPEN_GROUP] = "open-group",
	[KERNEL_OPEN_CONTAINER] = "open-container",
	[KERNEL_GROUP_STATUS] = "group-status",
	[KERNEL_SET_CONTAINER] = "set-container",
	[KERNEL_SET_IOMMU_V2] = "set-iommu-v2",
	[KERNEL_SET_IOMMU_V1] = "set-iommu-v1",
	[KERNEL_GET_DEVICE_FD] = "get-device-fd",
	[KERNEL_GET_INFO] = "get-info",
	[KERNEL_REGION_INFO] = "region-info",
	[KERNEL_PROBE_FEATURE] = "probe-feature",
	[KERNEL_GET_FEATURE] = "get-feature",
	[KERNEL_PREAD] = "pread",
	[KERNEL_PWRITE] = "pwrite",
	[KERNEL_MMAP] = "mmap",
};

static struct {
	char name[32];
	int from; // the first call that fails, from 1 on
	int calls;
	int error;
	bool hang, crash;
} fault;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);

static void hang_or_crash(void) {
	if (fault.crash) {
		signal(SIGSEGV, SIG_DFL); // the sanitizers would turn it into an exit
		raise(SIGSEGV);
	}
	signal(SIGTERM, SIG_IGN);
	while (fault.hang) {
		pause();
	}
}

/** The errno that a call is to fail with, or 0. Does not return where it is to hang. */
static int enter(const char *name) {
	if (name == NULL || strcmp(name, fault.name) != 0 || ++fault.calls < fault.from) {
		return 0;
	}
	if (fault.hang || fault.crash) {
		hang_or_crash();
	}
	return fault.error;
}

static void handle_entered(enum kernel_call call) {
	kernel.error[call] = -enter(kernel_names[call]);
}

static void list_names(void) {
	for (size_t i = 0; i < KERNEL_CALLS; i++) {
		if (kernel_names[i] != NULL) {
			puts(kernel_names[i]);
		}
	}
	for (size_t i = 0; paper_drm_name_at(i) != NULL; i++) {
		puts(paper_drm_name_at(i));
	}
}

static void parse(const char *text) {
	char how[16] = "";
	fault.from = 1;
	if (sscanf(text, "%31[^@=]@%d=%15s", fault.name, &fault.from, how) != 3 &&
			sscanf(text, "%31[^@=]=%15s", fault.name, how) != 2) {
		_exit(98);
	}
	fault.hang = strcmp(how, "hang") == 0;
	fault.crash = strcmp(how, "crash") == 0;
	fault.error = atoi(how);
}

static void __attribute__((constructor)) set_up(void) {
	kernel_init();
	const char *text = getenv("SLUICE_FAULT");
	if (text != NULL && strcmp(text, "list") == 0) {
		list_names();
		fflush(stdout);
		_exit(0);
	} else if (text != NULL) {
		parse(text);
	}
	kernel.has_cdev = getenv("SLUICE_FAULT_CDEV") != NULL;
	kernel.entered = handle_entered;
}

int __wrap_open(const char *path, int flags, ...) {
	if (strcmp(path, PAPER_DRM_NODE) == 0) {
		return paper_drm_open();
	}
	return __real_open(path, flags, 0);
}

int __wrap_open64(const char *path, int flags, ...) {
	return __wrap_open(path, flags);
}

// libdrm's calls come here too, as the program's symbols go before the C library's
int ioctl(int fd, unsigned long request, ...) {
	va_list args;
	va_start(args, request);
	void *arg = va_arg(args, void *);
	va_end(args);
	if (!paper_drm_is(fd)) {
		return (int)syscall(SYS_ioctl, fd, request, arg);
	}
	int error = enter(paper_drm_name(request));
	if (error != 0) {
		errno = error;
		return -1;
	}
	return paper_drm_ioctl(request, arg);
}

int drmGetNodeTypeFromFd(int fd) {
	return paper_drm_is(fd) ? DRM_NODE_PRIMARY : -1;
}
