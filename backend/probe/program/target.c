#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <drm_fourcc.h>
#include <wlr/interfaces/wlr_buffer.h>
#include <xf86drm.h>
#include <xf86drmMode.h>
#include "probe/program/target.h"

struct dumb_target {
	struct wlr_buffer base;
	int fd; // the primary node
	uint32_t handle;
	struct wlr_dmabuf_attributes attribs;
};

static void target_destroy(struct wlr_buffer *buffer) {
	struct dumb_target *target = wl_container_of(buffer, target, base);
	wlr_buffer_finish(buffer);
	wlr_dmabuf_attributes_finish(&target->attribs);
	drmModeDestroyDumbBuffer(target->fd, target->handle);
	close(target->fd);
	free(target);
}

static bool target_get_dmabuf(struct wlr_buffer *buffer, struct wlr_dmabuf_attributes *attribs) {
	struct dumb_target *target = wl_container_of(buffer, target, base);
	*attribs = target->attribs;
	return true;
}

static const struct wlr_buffer_impl target_impl = {
	.destroy = target_destroy,
	.get_dmabuf = target_get_dmabuf,
};

static int open_primary(int drm_fd) {
	char *name = drmGetPrimaryDeviceNameFromFd(drm_fd);
	if (name == NULL) {
		errno = ENODEV;
		return -1;
	}
	int fd = open(name, O_RDWR | O_CLOEXEC);
	int saved_errno = errno;
	free(name);
	if (fd >= 0) {
		// The first to open a primary node becomes its master, which is not wanted
		drmDropMaster(fd);
	}
	errno = saved_errno;
	return fd;
}

static bool target_init(struct dumb_target *target, int width, int height) {
	uint32_t stride;
	uint64_t size;
	int dmabuf_fd;
	if (drmModeCreateDumbBuffer(target->fd, (uint32_t)width, (uint32_t)height, 32, 0,
			&target->handle, &stride, &size) != 0) {
		return false;
	}
	if (drmPrimeHandleToFD(target->fd, target->handle, DRM_CLOEXEC | DRM_RDWR,
			&dmabuf_fd) != 0) {
		int saved_errno = errno;
		drmModeDestroyDumbBuffer(target->fd, target->handle);
		errno = saved_errno;
		return false;
	}
	target->attribs = (struct wlr_dmabuf_attributes){
		.width = width,
		.height = height,
		.format = DRM_FORMAT_XRGB8888,
		.modifier = DRM_FORMAT_MOD_LINEAR,
		.n_planes = 1,
		.stride = { stride },
		.fd = { dmabuf_fd },
	};
	wlr_buffer_init(&target->base, &target_impl, width, height);
	return true;
}

struct wlr_buffer *dumb_target_create(int drm_fd, int width, int height) {
	struct dumb_target *target = calloc(1, sizeof(*target));
	if (target == NULL) {
		return NULL;
	}
	target->fd = open_primary(drm_fd);
	if (target->fd < 0 || !target_init(target, width, height)) {
		int saved_errno = errno;
		if (target->fd >= 0) {
			close(target->fd);
		}
		free(target);
		errno = saved_errno;
		return NULL;
	}
	return &target->base;
}
