#include <drm_fourcc.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/render/drm_format_set.h>
#include <wlr/util/log.h>
#include <sluice/renderer.h>
#include "headless/headless.h"
#include "sluice-vram-v1-protocol.h"
#include "vram/vram.h"

/** What a client has said of a buffer so far. Owned by its resource. */
struct vram_params {
	struct wl_resource *resource;
	struct vram_source *source; // NULL after it was destroyed, and its device is closed
	uint32_t region;
	struct wl_array ranges; // struct sluice_range
	bool used;

	struct wl_listener source_destroy;
};

static uint64_t join(uint32_t hi, uint32_t lo) {
	return (uint64_t)hi << 32 | lo;
}

static void handle_destroy(struct wl_client *client, struct wl_resource *resource) {
	wl_resource_destroy(resource);
}

static bool check_unused(struct vram_params *params) {
	if (params->used) {
		wl_resource_post_error(params->resource,
			SLUICE_VRAM_BUFFER_PARAMS_V1_ERROR_ALREADY_USED,
			"create was sent before: one params object makes one buffer");
	}
	return !params->used;
}

static void handle_add_range(struct wl_client *client, struct wl_resource *resource,
		uint32_t offset_hi, uint32_t offset_lo, uint32_t length_hi, uint32_t length_lo) {
	struct vram_params *params = wl_resource_get_user_data(resource);
	if (!check_unused(params)) {
		return;
	}
	if (params->ranges.size / sizeof(struct sluice_range) >= SLUICE_MAX_RANGES) {
		wl_resource_post_error(resource, SLUICE_VRAM_BUFFER_PARAMS_V1_ERROR_TOO_MANY_RANGES,
			"more than %d ranges", SLUICE_MAX_RANGES);
		return;
	}
	struct sluice_range *range = wl_array_add(&params->ranges, sizeof(*range));
	if (range == NULL) {
		wl_resource_post_no_memory(resource);
		return;
	}
	*range = (struct sluice_range){
		.offset = join(offset_hi, offset_lo),
		.length = join(length_hi, length_lo),
	};
}

static void fail(struct vram_params *params, uint32_t reason, const char *message) {
	wlr_log(WLR_INFO, "%s: buffer refused: %s", params->source != NULL ?
		vram_source_get_label(params->source) : "source", message);
	sluice_vram_buffer_params_v1_send_failed(params->resource, reason, message);
}

/** What sluice_buffer_create() returns, in the protocol's words. */
static const struct {
	int error;
	uint32_t reason;
	const char *message;
} failures[] = {
	{-EINVAL, SLUICE_VRAM_SOURCE_V1_FAILURE_MISALIGNED,
		"offset and length of a range must be multiples of the page size, and not 0"},
	{-EOVERFLOW, SLUICE_VRAM_SOURCE_V1_FAILURE_OUT_OF_RANGE,
		"offset and length of a range do not fit into 64 bits"},
	{-ERANGE, SLUICE_VRAM_SOURCE_V1_FAILURE_OUT_OF_RANGE,
		"a range goes past the end of the region"},
	{-EEXIST, SLUICE_VRAM_SOURCE_V1_FAILURE_OVERLAP, "two ranges overlap"},
	{-ENOSPC, SLUICE_VRAM_SOURCE_V1_FAILURE_TOO_SMALL,
		"the ranges hold less than stride x height bytes"},
	{-ENOTSUP, SLUICE_VRAM_SOURCE_V1_FAILURE_FORMAT, "the format is not known"},
	{-ENOTTY, SLUICE_VRAM_SOURCE_V1_FAILURE_NO_FEATURE,
		"the kernel has lost the DMA-BUF feature"},
	{-ENODEV, SLUICE_VRAM_SOURCE_V1_FAILURE_REVOKED,
		"the device is gone, or the region has no memory"},
	{-EIO, SLUICE_VRAM_SOURCE_V1_FAILURE_REVOKED, "the device's memory is out of reach"},
	{-ENOMEM, SLUICE_VRAM_SOURCE_V1_FAILURE_NO_MEMORY, "out of memory"},
};

static void fail_with_errno(struct vram_params *params, int error) {
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		if (failures[i].error == error) {
			fail(params, failures[i].reason, failures[i].message);
			return;
		}
	}
	fail(params, SLUICE_VRAM_SOURCE_V1_FAILURE_EXPORT, strerror(-error));
}

/** Whether anything here can show an image of this modifier. */
static bool is_modifier_known(struct server *server, uint32_t format, uint64_t modifier) {
	if (modifier == DRM_FORMAT_MOD_LINEAR) {
		return true;
	}
	if (modifier == DRM_FORMAT_MOD_INVALID) {
		return false; // The importer cannot guess what another vendor's GPU means by it
	}
	const struct wlr_drm_format_set *formats =
		wlr_renderer_get_texture_formats(server->renderer, WLR_BUFFER_CAP_DMABUF);
	return formats != NULL && wlr_drm_format_set_has(formats, format, modifier);
}

static bool check_shape(struct vram_params *params, int32_t width, int32_t height,
		uint32_t stride, uint32_t format) {
	if (params->ranges.size == 0) {
		wl_resource_post_error(params->resource,
			SLUICE_VRAM_BUFFER_PARAMS_V1_ERROR_NO_RANGES, "create without any range");
		return false;
	}
	if (width <= 0 || height <= 0) {
		wl_resource_post_error(params->resource,
			SLUICE_VRAM_BUFFER_PARAMS_V1_ERROR_INVALID_DIMENSIONS,
			"%dx%d pixels are not an image", width, height);
		return false;
	}
	// Of an unknown format this is 0, and it is refused later, by an event
	uint64_t row = (uint64_t)width * sluice_format_bytes_per_pixel(format);
	if (stride < row || stride > INT32_MAX) {
		wl_resource_post_error(params->resource,
			SLUICE_VRAM_BUFFER_PARAMS_V1_ERROR_INVALID_STRIDE,
			"a stride of %u bytes for %d pixels", stride, width);
		return false;
	}
	return true;
}

static void handle_create(struct wl_client *client, struct wl_resource *resource, int32_t width,
		int32_t height, uint32_t stride, uint32_t format, uint32_t modifier_hi,
		uint32_t modifier_lo) {
	struct vram_params *params = wl_resource_get_user_data(resource);
	if (!check_unused(params)) {
		return;
	}
	params->used = true;
	if (!check_shape(params, width, height, stride, format)) {
		return;
	}
	struct vram_source *source = params->source;
	if (source == NULL || source->device == NULL || source->life.state != LIFE_READY) {
		fail(params, SLUICE_VRAM_SOURCE_V1_FAILURE_REVOKED,
			"the source is destroyed, quiesced or revoked");
		return;
	}
	if (sluice_format_bytes_per_pixel(format) == 0) {
		fail_with_errno(params, -ENOTSUP);
		return;
	}
	uint64_t modifier = join(modifier_hi, modifier_lo);
	if (!is_modifier_known(source->manager->server, format, modifier)) {
		fail(params, SLUICE_VRAM_SOURCE_V1_FAILURE_MODIFIER,
			"nothing here can read this modifier");
		return;
	}

	struct sluice_vfio_region region;
	uint64_t total;
	int ret = sluice_vfio_device_get_region(source->device->device, params->region, &region);
	if (ret == 0) {
		ret = sluice_ranges_check(params->ranges.data,
			params->ranges.size / sizeof(struct sluice_range), region.size, &total);
	}
	if (ret < 0) {
		fail_with_errno(params, ret);
		return;
	}
	struct sluice_buffer_params buffer_params = {
		.device = source->device->device,
		.region = params->region,
		.ranges = params->ranges.data,
		.ranges_len = params->ranges.size / sizeof(struct sluice_range),
		.width = width,
		.height = height,
		.stride = stride,
		.format = format,
		.modifier = modifier,
	};
	struct headless *headless = source->manager->server->options.headless;
	if (headless != NULL) {
		faults_spoil(&headless->faults, &buffer_params);
	}
	struct sluice_buffer *image;
	ret = sluice_buffer_create(&buffer_params, &image);
	if (ret == -EINVAL) {
		fail(params, SLUICE_VRAM_SOURCE_V1_FAILURE_EXPORT, "the kernel refused to export it");
		return;
	}
	if (ret < 0) {
		fail_with_errno(params, ret);
		return;
	}
	struct vram_buffer *buffer = vram_buffer_create(source, client, image);
	if (buffer == NULL) {
		wlr_buffer_drop(&image->base);
		wl_resource_post_no_memory(resource);
		return;
	}
	vram_source_image_made(source, params->region);
	sluice_vram_buffer_params_v1_send_created(resource, buffer->resource);
}

static const struct sluice_vram_buffer_params_v1_interface params_impl = {
	.destroy = handle_destroy,
	.add_range = handle_add_range,
	.create = handle_create,
};

static void handle_source_destroy(struct wl_listener *listener, void *data) {
	struct vram_params *params = wl_container_of(listener, params, source_destroy);
	wl_list_remove(&params->source_destroy.link);
	wl_list_init(&params->source_destroy.link);
	params->source = NULL;
}

static void handle_resource_destroy(struct wl_resource *resource) {
	struct vram_params *params = wl_resource_get_user_data(resource);
	wl_list_remove(&params->source_destroy.link);
	wl_array_release(&params->ranges);
	free(params);
}

void vram_params_create(struct vram_source *source, uint32_t version, uint32_t id,
		uint32_t region) {
	struct vram_params *params = calloc(1, sizeof(*params));
	struct wl_resource *resource =
		wl_resource_create(wl_resource_get_client(source->resource),
		&sluice_vram_buffer_params_v1_interface, (int)version, id);
	if (params == NULL || resource == NULL) {
		free(params);
		wl_resource_post_no_memory(source->resource);
		return;
	}
	params->resource = resource;
	params->source = source;
	params->region = region;
	wl_array_init(&params->ranges);
	params->source_destroy.notify = handle_source_destroy;
	wl_resource_add_destroy_listener(source->resource, &params->source_destroy);
	wl_resource_set_implementation(resource, &params_impl, params, handle_resource_destroy);
}
