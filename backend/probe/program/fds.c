#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xf86drm.h>
#include "probe/program/program.h"
#include "probe/program/report.h"

/**
 * Open the device behind fd anew. GEM handles belong to an open file: an import through fd itself
 * would give, and at the end close, the very handles of whoever passed it.
 */
static int reopen(int fd) {
	char *name = drmGetRenderDeviceNameFromFd(fd);
	if (name == NULL) {
		name = drmGetPrimaryDeviceNameFromFd(fd);
	}
	if (name == NULL) {
		errno = ENODEV;
		return -1;
	}
	int own_fd = open(name, O_RDWR | O_CLOEXEC);
	int saved_errno = errno;
	free(name);
	if (own_fd >= 0 && drmGetNodeTypeFromFd(own_fd) == DRM_NODE_PRIMARY) {
		// The first to open a primary node becomes its master, which is not wanted
		drmDropMaster(own_fd);
	}
	errno = saved_errno;
	return own_fd;
}

/** Map the file with the expected bytes. False, having reported it, if it is too short. */
static bool map_expected(const struct fds_options *options, struct expected_pixels *expected,
		size_t *size) {
	const struct wlr_dmabuf_attributes *attribs = &options->attribs;
	*size = (size_t)attribs->stride[0] * (size_t)attribs->height;
	struct stat stat;
	if (fstat(options->expect_fd, &stat) != 0 || stat.st_size < 0 ||
			(uint64_t)stat.st_size < *size ||
			attribs->stride[0] / 4 < (uint32_t)attribs->width) {
		report_fail(EINVAL, "the file of expected pixels is shorter than the picture");
		return false;
	}
	void *data = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, options->expect_fd, 0);
	if (data == MAP_FAILED) {
		report_fail(errno, "cannot map the file of expected pixels: %s", strerror(errno));
		return false;
	}
	expected->data = data;
	expected->stride = attribs->stride[0];
	return true;
}

static void read_with(struct fds_options *options, int drm_fd) {
	struct expected_pixels expected = { 0 };
	size_t size = 0;
	report_begin("gpu-read");
	if (options->expect_fd >= 0 && !map_expected(options, &expected, &size)) {
		return;
	}
	gpu_read(drm_fd, &options->attribs, &expected);
	if (expected.data != NULL) {
		munmap((void *)expected.data, size);
	}
}

void fds_walk(struct fds_options *options) {
	if (options->drm_fd < 0) {
		report_skipped_step("drm-open", "the renderer has no DRM device");
		read_with(options, -1);
		return;
	}
	report_begin("drm-open");
	struct importer importer;
	int fd = reopen(options->drm_fd);
	if (fd < 0) {
		report_fail(errno, "cannot open the DRM device again: %s", strerror(errno));
		report_skipped_step("gpu-read", "there is no importer");
		return;
	}
	if (importer_init(&importer, fd) && importer.import) {
		read_with(options, fd);
	} else {
		report_skipped_step("gpu-read", "there is no importer");
	}
	close(fd);
}
