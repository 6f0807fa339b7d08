/*
 * The floor: what showing two frames of VRAM in turn costs when nothing else is done. Exports and
 * imports two buffers, sets a mode, and page-flips between them, as little as can be.
 *
 *     bare-flip PCI-ADDRESS WIDTH HEIGHT FRAMES
 *
 * Prints the time that it ran on a processor (schedstat, nanoseconds) for each of FRAMES frames,
 * after as many frames to warm up.
 */
#define _GNU_SOURCE
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>
#include <sluice/vfio.h>

#define REGION 2

static void die(const char *step) {
	fprintf(stderr, "bare-flip: %s: %s\n", step, strerror(errno));
	exit(EXIT_FAILURE);
}

static uint64_t run_time_ns(void) {
	FILE *file = fopen("/proc/self/schedstat", "re");
	uint64_t ns;
	if (file == NULL || fscanf(file, "%" SCNu64, &ns) != 1) {
		die("schedstat");
	}
	fclose(file);
	return ns;
}

static uint32_t import(int drm, struct sluice_vfio_device *device, uint64_t offset,
		uint32_t width, uint32_t height) {
	uint64_t size = ((uint64_t)width * height * 4 + 4095) / 4096 * 4096;
	const struct sluice_range range = { .offset = offset, .length = size };
	int fd = sluice_vfio_device_export(device, REGION, &range, 1);
	if (fd < 0) {
		errno = -fd;
		die("export");
	}
	uint32_t handle, fb;
	if (drmPrimeFDToHandle(drm, fd, &handle) != 0) {
		die("import");
	}
	if (drmModeAddFB2(drm, width, height, DRM_FORMAT_XRGB8888, (uint32_t[4]){ handle },
			(uint32_t[4]){ width * 4 }, (uint32_t[4]){ 0 }, &fb, 0) != 0) {
		die("AddFB2");
	}
	close(fd);
	return fb;
}

static void handle_flip(int fd, unsigned sequence, unsigned sec, unsigned usec, void *data) {
	*(bool *)data = true;
}

static void flip(int drm, uint32_t crtc, const uint32_t fbs[2], int frames) {
	drmEventContext events = { .version = 2, .page_flip_handler = handle_flip };
	for (int i = 0; i < frames; i++) {
		bool done = false;
		if (drmModePageFlip(drm, crtc, fbs[i & 1], DRM_MODE_PAGE_FLIP_EVENT, &done) != 0) {
			die("page flip");
		}
		while (!done) {
			poll(&(struct pollfd){ .fd = drm, .events = POLLIN }, 1, -1);
			drmHandleEvent(drm, &events);
		}
	}
}

int main(int argc, char *argv[]) {
	if (argc != 5) {
		fprintf(stderr, "Usage: %s PCI-ADDRESS WIDTH HEIGHT FRAMES\n", argv[0]);
		return EXIT_FAILURE;
	}
	uint32_t width = (uint32_t)strtoul(argv[2], NULL, 10);
	uint32_t height = (uint32_t)strtoul(argv[3], NULL, 10);
	int frames = (int)strtol(argv[4], NULL, 10);

	struct sluice_vfio_device *device;
	if (sluice_vfio_device_open(argv[1], &device) < 0 ||
			sluice_vfio_device_set_memory(device, true) < 0) {
		return EXIT_FAILURE;
	}
	int drm = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
	if (drm < 0) {
		die("/dev/dri/card0");
	}
	uint64_t size = ((uint64_t)width * height * 4 + 4095) / 4096 * 4096;
	uint32_t fbs[2] = {
		import(drm, device, 0, width, height),
		import(drm, device, size, width, height),
	};

	drmModeRes *resources = drmModeGetResources(drm);
	drmModeConnector *connector =
		resources != NULL ? drmModeGetConnector(drm, resources->connectors[0]) : NULL;
	drmModeModeInfo *mode = NULL;
	for (int i = 0; connector != NULL && mode == NULL && i < connector->count_modes; i++) {
		if (connector->modes[i].hdisplay == width && connector->modes[i].vdisplay == height) {
			mode = &connector->modes[i];
		}
	}
	if (mode == NULL) {
		errno = ENOENT;
		die("mode");
	}
	uint32_t crtc = resources->crtcs[0];
	if (drmModeSetCrtc(drm, crtc, fbs[1], 0, 0, &connector->connector_id, 1, mode) != 0) {
		die("modeset");
	}
	flip(drm, crtc, fbs, frames);
	uint64_t start = run_time_ns();
	flip(drm, crtc, fbs, frames);
	printf("%" PRIu64 "\n", (run_time_ns() - start) / (uint64_t)frames);

	drmModeRmFB(drm, fbs[0]);
	drmModeRmFB(drm, fbs[1]);
	drmModeFreeConnector(connector);
	drmModeFreeResources(resources);
	close(drm);
	sluice_vfio_device_destroy(device);
	return EXIT_SUCCESS;
}
