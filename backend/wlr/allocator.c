#include <assert.h>
#include <drm_fourcc.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wlr/render/drm_format_set.h>
#include <wlr/util/log.h>
#include <sluice/allocator.h>
#include <sluice/buffer.h>
#include <sluice/vram.h>

/** amdgpu wants rows of a multiple of 256 bytes; radeonsi refuses less than 16 rows a block. */
#define STRIDE_ALIGNMENT 256
#define HEIGHT_ALIGNMENT 16
/** More pieces than this, and VRAM is so fragmented that the allocation had better fail. */
#define MAX_PIECES 256

/** Shared by the allocator and its buffers, and freed with the last of them. */
struct vram_pool {
	struct sluice_vram *vram;
	size_t users;
};

struct vram_allocator {
	struct wlr_allocator base;
	struct sluice_vfio_device *device;
	uint32_t region;
	struct vram_pool *pool;
};

static void pool_unref(struct vram_pool *pool) {
	if (--pool->users == 0) {
		sluice_vram_destroy(pool->vram);
		free(pool);
	}
}

static void handle_buffer_release(const struct sluice_range *ranges, size_t ranges_len,
		void *data) {
	struct vram_pool *pool = data;
	if (sluice_vram_free(pool->vram, ranges, ranges_len) < 0) {
		wlr_log(WLR_ERROR, "VRAM of a buffer was freed twice");
	}
	pool_unref(pool);
}

static uint64_t round_up(uint64_t value, uint64_t alignment) {
	return (value + alignment - 1) / alignment * alignment;
}

static bool takes_linear(const struct wlr_drm_format *format, uint64_t *modifier) {
	for (size_t i = 0; i < format->len; i++) {
		if (format->modifiers[i] == DRM_FORMAT_MOD_LINEAR ||
				format->modifiers[i] == DRM_FORMAT_MOD_INVALID) {
			*modifier = DRM_FORMAT_MOD_LINEAR;
			return true;
		}
	}
	return false;
}

static struct wlr_buffer *create_buffer(struct wlr_allocator *wlr_allocator, int width,
		int height, const struct wlr_drm_format *format) {
	struct vram_allocator *allocator = wl_container_of(wlr_allocator, allocator, base);
	uint32_t bytes_per_pixel = sluice_format_bytes_per_pixel(format->format);
	uint64_t modifier;
	if (width <= 0 || height <= 0 || bytes_per_pixel == 0 || !takes_linear(format, &modifier)) {
		wlr_log(WLR_DEBUG, "VRAM cannot hold %dx%d of format 0x%08x", width, height,
			format->format);
		return NULL;
	}
	uint64_t stride = round_up((uint64_t)width * bytes_per_pixel, STRIDE_ALIGNMENT);
	uint64_t size;
	if (stride > INT32_MAX || __builtin_mul_overflow(stride,
			round_up((uint64_t)height, HEIGHT_ALIGNMENT), &size)) {
		return NULL;
	}

	struct sluice_range ranges[MAX_PIECES];
	int ranges_len = sluice_vram_alloc(allocator->pool->vram, size, 0, ranges, MAX_PIECES);
	if (ranges_len < 0) {
		wlr_log(WLR_ERROR, "No room in VRAM for %dx%d pixels: %s", width, height,
			strerror(-ranges_len));
		return NULL;
	}

	const struct sluice_buffer_params params = {
		.device = allocator->device,
		.region = allocator->region,
		.ranges = ranges,
		.ranges_len = (size_t)ranges_len,
		.width = width,
		.height = height,
		.stride = (uint32_t)stride,
		.format = format->format,
		.modifier = modifier,
	};
	struct sluice_buffer *buffer;
	int ret = sluice_buffer_create(&params, &buffer);
	if (ret < 0) {
		wlr_log(WLR_ERROR, "Cannot export %dx%d pixels of VRAM: %s", width, height,
			strerror(-ret));
		sluice_vram_free(allocator->pool->vram, ranges, (size_t)ranges_len);
		return NULL;
	}
	allocator->pool->users++;
	sluice_buffer_set_release(buffer, handle_buffer_release, allocator->pool);
	return &buffer->base;
}

static void allocator_destroy(struct wlr_allocator *wlr_allocator) {
	struct vram_allocator *allocator = wl_container_of(wlr_allocator, allocator, base);
	pool_unref(allocator->pool);
	free(allocator);
}

static const struct wlr_allocator_interface allocator_impl = {
	.create_buffer = create_buffer,
	.destroy = allocator_destroy,
};

size_t sluice_allocator_count_buffers(struct wlr_allocator *wlr_allocator) {
	assert(wlr_allocator->impl == &allocator_impl);
	struct vram_allocator *allocator = wl_container_of(wlr_allocator, allocator, base);
	return allocator->pool->users - 1;
}

struct wlr_allocator *sluice_allocator_create(struct sluice_vfio_device *device,
		uint32_t region_index, uint64_t offset, uint64_t size) {
	struct sluice_vfio_region region;
	int ret = sluice_vfio_device_get_region(device, region_index, &region);
	if (ret == 0) {
		ret = sluice_vfio_device_probe_dmabuf(device);
	}
	const struct sluice_range range = { .offset = offset, .length = size };
	uint64_t total;
	if (ret == 0) {
		ret = sluice_ranges_check(&range, 1, region.size, &total);
	}
	if (ret < 0) {
		errno = -ret;
		return NULL;
	}

	struct vram_allocator *allocator = calloc(1, sizeof(*allocator));
	struct vram_pool *pool = calloc(1, sizeof(*pool));
	long page = sysconf(_SC_PAGESIZE);
	struct sluice_vram *vram = sluice_vram_create(offset, size, (uint64_t)page);
	if (allocator == NULL || pool == NULL || vram == NULL) {
		free(allocator);
		free(pool);
		sluice_vram_destroy(vram);
		return NULL;
	}
	pool->vram = vram;
	pool->users = 1;
	wlr_allocator_init(&allocator->base, &allocator_impl,
		WLR_BUFFER_CAP_DMABUF | WLR_BUFFER_CAP_DATA_PTR);
	allocator->device = device;
	allocator->region = region_index;
	allocator->pool = pool;
	return &allocator->base;
}
