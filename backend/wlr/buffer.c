#define _GNU_SOURCE
#include <assert.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wlr/interfaces/wlr_buffer.h>
#include <wlr/util/log.h>
#include <sluice/buffer.h>
#include "wlr/access.h"

/** A process may have some 65,000 mappings (vm.max_map_count); clients make many buffers. */
#define MAX_MAPPINGS 512

struct vram_buffer {
	struct sluice_buffer buffer;

	struct sluice_vfio_device *device; // NULL once it was destroyed
	uint32_t region;
	struct sluice_range *ranges;
	size_t ranges_len;
	size_t size; // bytes, sum of the ranges

	void *data; // the ranges in a row, mapped; NULL before the first access
	bool unmappable; // the kernel refused once; it will not change its mind
	struct sluice_access access;

	sluice_buffer_release_func_t release;
	void *release_data;

	struct wl_listener device_destroy;
};

static const struct wlr_buffer_impl buffer_impl;

static struct vram_buffer *vram_buffer_from_buffer(struct wlr_buffer *wlr_buffer) {
	assert(wlr_buffer->impl == &buffer_impl);
	struct vram_buffer *buffer = wl_container_of(wlr_buffer, buffer, buffer.base);
	return buffer;
}

struct sluice_buffer *sluice_buffer_try_from_buffer(struct wlr_buffer *wlr_buffer) {
	if (wlr_buffer == NULL || wlr_buffer->impl != &buffer_impl) {
		return NULL;
	}
	return &vram_buffer_from_buffer(wlr_buffer)->buffer;
}

static void buffer_destroy(struct wlr_buffer *wlr_buffer) {
	struct vram_buffer *buffer = vram_buffer_from_buffer(wlr_buffer);

	// A listener may close the device: that is nothing to revoke any more
	wl_list_remove(&buffer->device_destroy.link);
	// Framebuffers and textures of this buffer go here, before its memory does
	wlr_buffer_finish(wlr_buffer);

	if (buffer->data != NULL) {
		munmap(buffer->data, buffer->size);
	}
	wlr_dmabuf_attributes_finish(&buffer->buffer.dmabuf);
	if (buffer->release != NULL) {
		buffer->release(buffer->ranges, buffer->ranges_len, buffer->release_data);
	}
	free(buffer->ranges);
	free(buffer);
}

static bool buffer_get_dmabuf(struct wlr_buffer *wlr_buffer,
		struct wlr_dmabuf_attributes *attribs) {
	struct vram_buffer *buffer = vram_buffer_from_buffer(wlr_buffer);
	if (buffer->buffer.revoked) {
		return false;
	}
	*attribs = buffer->buffer.dmabuf;
	return true;
}

/**
 * Map the ranges one behind the other. VFIO maps a region at the region's own offsets, so each
 * range is mapped by itself and then moved to its place in one reservation.
 */
static bool map_ranges(struct vram_buffer *buffer) {
	char *base = mmap(NULL, buffer->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED) {
		wlr_log_errno(WLR_ERROR, "Cannot reserve %zu bytes of address space", buffer->size);
		return false;
	}

	size_t done = 0, mappings = 0;
	for (size_t i = 0; i < buffer->ranges_len; mappings++) {
		// Ranges that happen to follow each other are one mapping
		struct sluice_range joined = buffer->ranges[i++];
		while (i < buffer->ranges_len &&
				buffer->ranges[i].offset == joined.offset + joined.length) {
			joined.length += buffer->ranges[i++].length;
		}
		const struct sluice_range *range = &joined;
		void *part;
		int ret = mappings == MAX_MAPPINGS ? -EMLINK :
			sluice_vfio_device_map(buffer->device, buffer->region, range->offset,
			range->length, PROT_READ | PROT_WRITE, &part);
		if (ret < 0) {
			wlr_log(WLR_INFO, "Region %" PRIu32 " cannot be mapped, VRAM will not be read "
				"by the CPU: %s", buffer->region, strerror(-ret));
			munmap(base, buffer->size);
			return false;
		}
		if (mremap(part, range->length, range->length, MREMAP_MAYMOVE | MREMAP_FIXED,
				base + done) == MAP_FAILED) {
			wlr_log_errno(WLR_ERROR, "Cannot move a mapping of VRAM");
			munmap(part, range->length);
			munmap(base, buffer->size);
			return false;
		}
		done += range->length;
	}

	buffer->data = base;
	return true;
}

static bool buffer_begin_data_ptr_access(struct wlr_buffer *wlr_buffer, uint32_t flags,
		void **data, uint32_t *format, size_t *stride) {
	struct vram_buffer *buffer = vram_buffer_from_buffer(wlr_buffer);
	const struct wlr_dmabuf_attributes *dmabuf = &buffer->buffer.dmabuf;

	if (buffer->buffer.revoked || buffer->unmappable || buffer->device == NULL) {
		return false;
	}
	if (dmabuf->modifier != DRM_FORMAT_MOD_LINEAR) {
		return false;
	}
	if (buffer->data == NULL && !map_ranges(buffer)) {
		buffer->unmappable = true;
		return false;
	}
	if (!sluice_access_begin(&buffer->access, buffer->data, buffer->size)) {
		return false;
	}

	*data = buffer->data;
	*format = dmabuf->format;
	*stride = dmabuf->stride[0];
	return true;
}

static void buffer_end_data_ptr_access(struct wlr_buffer *wlr_buffer) {
	struct vram_buffer *buffer = vram_buffer_from_buffer(wlr_buffer);
	if (!sluice_access_end(&buffer->access)) {
		wlr_log(WLR_INFO, "VRAM went away while the CPU read it: the buffer is revoked");
		sluice_buffer_revoke(&buffer->buffer);
	}
}

static const struct wlr_buffer_impl buffer_impl = {
	.destroy = buffer_destroy,
	.get_dmabuf = buffer_get_dmabuf,
	.begin_data_ptr_access = buffer_begin_data_ptr_access,
	.end_data_ptr_access = buffer_end_data_ptr_access,
};

static void handle_device_destroy(struct wl_listener *listener, void *data) {
	struct vram_buffer *buffer = wl_container_of(listener, buffer, device_destroy);
	wl_list_remove(&buffer->device_destroy.link);
	wl_list_init(&buffer->device_destroy.link);
	buffer->device = NULL;
	sluice_buffer_revoke(&buffer->buffer);
}

void sluice_buffer_revoke(struct sluice_buffer *buffer) {
	if (buffer->revoked) {
		return;
	}
	buffer->revoked = true;
	wlr_buffer_lock(&buffer->base); // listeners may drop the last reference
	wl_signal_emit_mutable(&buffer->events.revoked, buffer);
	wlr_buffer_unlock(&buffer->base);
}

bool sluice_buffer_check(struct sluice_buffer *sluice_buffer) {
	struct vram_buffer *buffer = wl_container_of(sluice_buffer, buffer, buffer);
	if (sluice_buffer->revoked) {
		return false;
	}
	if (buffer->device == NULL || sluice_vfio_device_get_memory(buffer->device) != 1) {
		sluice_buffer_revoke(sluice_buffer);
		return false;
	}
	return true;
}

const char *sluice_buffer_get_exporter(const struct sluice_buffer *sluice_buffer) {
	const struct vram_buffer *buffer = wl_container_of(sluice_buffer, buffer, buffer);
	const char *address =
		buffer->device != NULL ? sluice_vfio_device_get_address(buffer->device) : NULL;
	return address != NULL ? address : "";
}

void sluice_buffer_set_release(struct sluice_buffer *sluice_buffer,
		sluice_buffer_release_func_t release, void *data) {
	struct vram_buffer *buffer = wl_container_of(sluice_buffer, buffer, buffer);
	buffer->release = release;
	buffer->release_data = data;
}

/** 0 if an image of this shape can exist and fits into total bytes. */
static int check_shape(const struct sluice_buffer_params *params, uint64_t total) {
	if (params->width <= 0 || params->height <= 0 || params->stride == 0 ||
			params->stride > INT32_MAX) {
		return -EINVAL;
	}
	uint32_t bytes_per_pixel = sluice_format_bytes_per_pixel(params->format);
	if (bytes_per_pixel == 0) {
		return -ENOTSUP;
	}
	// No product of two 32-bit numbers leaves 64 bits
	if ((uint64_t)params->width * bytes_per_pixel > params->stride) {
		return -EMSGSIZE;
	}
	if ((uint64_t)params->height * params->stride > total) {
		return -ENOSPC;
	}
	return 0;
}

int sluice_buffer_create(const struct sluice_buffer_params *params,
		struct sluice_buffer **buffer_ptr) {
	struct sluice_vfio_region region;
	int ret = sluice_vfio_device_get_region(params->device, params->region, &region);
	if (ret < 0) {
		return ret;
	}
	uint64_t total;
	ret = sluice_ranges_check(params->ranges, params->ranges_len, region.size, &total);
	if (ret < 0) {
		return ret;
	}
	if (total > SIZE_MAX) {
		return -EOVERFLOW;
	}
	ret = check_shape(params, total);
	if (ret < 0) {
		return ret;
	}

	struct vram_buffer *buffer = calloc(1, sizeof(*buffer));
	struct sluice_range *ranges = calloc(params->ranges_len, sizeof(*ranges));
	if (buffer == NULL || ranges == NULL) {
		free(buffer);
		free(ranges);
		return -ENOMEM;
	}
	memcpy(ranges, params->ranges, params->ranges_len * sizeof(*ranges));

	int fd = sluice_vfio_device_export(params->device, params->region, ranges,
		params->ranges_len);
	if (fd < 0) {
		free(buffer);
		free(ranges);
		return fd;
	}

	wlr_buffer_init(&buffer->buffer.base, &buffer_impl, params->width, params->height);
	buffer->buffer.dmabuf = (struct wlr_dmabuf_attributes){
		.width = params->width,
		.height = params->height,
		.format = params->format,
		.modifier = params->modifier,
		.n_planes = 1,
		.stride = { params->stride },
		.fd = { fd, -1, -1, -1 },
	};
	wl_signal_init(&buffer->buffer.events.revoked);
	buffer->device = params->device;
	buffer->region = params->region;
	buffer->ranges = ranges;
	buffer->ranges_len = params->ranges_len;
	buffer->size = (size_t)total;
	buffer->device_destroy.notify = handle_device_destroy;
	wl_signal_add(&params->device->events.destroy, &buffer->device_destroy);

	*buffer_ptr = &buffer->buffer;
	return 0;
}
