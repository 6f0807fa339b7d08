#define _GNU_SOURCE
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json_object.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/util/log.h>
#include <sluice/buffer.h>
#include <sluice/simulated.h>
#include <sluice/vfio.h>
#include "capture/frame.h"
#include "capture/vram.h"

#define XRGB_BYTES 4

struct capture_vram {
	struct sluice_vfio_device *device;
	struct sluice_vfio_region region;
	uint64_t next; // bytes from the start of the region, of the next frame
};

static int open_device(struct capture_vram *vram, const char *address, int simulated) {
	if (strcmp(address, SLUICE_SIMULATED_ADDRESS) != 0) {
		return sluice_vfio_device_open(address, &vram->device);
	}
	if (simulated < 0) {
		wlr_log(WLR_ERROR, "There is no simulated exporter: --simulate-exporter makes one");
		return -ENODEV;
	}
	int fd = fcntl(simulated, F_DUPFD_CLOEXEC, 0);
	int ret = fd >= 0 ? sluice_simulated_adopt(fd, &vram->device) : -errno;
	if (ret < 0 && fd >= 0) {
		close(fd);
	}
	return ret;
}

struct capture_vram *capture_vram_create(const char *address, uint32_t region, int simulated) {
	struct capture_vram *vram = calloc(1, sizeof(*vram));
	if (vram == NULL || open_device(vram, address, simulated) < 0) {
		free(vram);
		return NULL; // logged
	}
	int ret = sluice_vfio_device_set_memory(vram->device, true);
	if (ret == 0) {
		ret = sluice_vfio_device_get_region(vram->device, region, &vram->region);
	}
	if (ret == 0 && vram->region.size == 0) {
		ret = -ENODEV;
	}
	if (ret < 0) {
		wlr_log(WLR_ERROR, "%s: region %u is out of reach: %s", address, region, strerror(-ret));
		capture_vram_destroy(vram);
		return NULL;
	}
	return vram;
}

void capture_vram_destroy(struct capture_vram *vram) {
	if (vram == NULL) {
		return;
	}
	sluice_vfio_device_destroy(vram->device);
	free(vram);
}

static char *complain(const struct capture_vram *vram, const char *what) {
	char *message = NULL;
	return asprintf(&message, "%s: a frame cannot be written into its VRAM: %s",
		sluice_vfio_device_get_address(vram->device), what) >= 0 ? message : NULL;
}

static void write_rows(uint8_t *to, const struct frame *frame) {
	for (size_t i = 0; i < frame->bands_len; i++) {
		const uint8_t *from = frame->bands[i]->rgb;
		for (size_t left = frame->bands[i]->size / RGB_BYTES; left > 0; left--) {
			to[0] = from[2];
			to[1] = from[1];
			to[2] = from[0];
			to[3] = 0;
			to += XRGB_BYTES;
			from += RGB_BYTES;
		}
	}
}

static void describe(const struct capture_vram *vram, uint64_t offset, uint32_t stride,
		struct json_object *line) {
	struct json_object *place = json_object_new_object();
	json_object_object_add(place, "exporter",
		json_object_new_string(sluice_vfio_device_get_address(vram->device)));
	json_object_object_add(place, "region", json_object_new_int((int)vram->region.index));
	json_object_object_add(place, "offset", json_object_new_uint64(offset));
	json_object_object_add(place, "stride", json_object_new_uint64(stride));
	json_object_object_add(place, "format", json_object_new_string("XRGB8888"));
	json_object_object_add(line, "vram", place);
}

char *capture_vram_write(struct capture_vram *vram, const struct frame *frame,
		struct json_object *line) {
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint32_t stride = (uint32_t)frame->width * XRGB_BYTES;
	uint64_t size = ((uint64_t)stride * (uint64_t)frame->height + page - 1) / page * page;
	if (size > vram->region.size) {
		return complain(vram, "the region is too small");
	}
	if (vram->next > vram->region.size - size) {
		vram->next = 0;
	}
	const struct sluice_range range = { .offset = vram->next, .length = size };
	struct sluice_buffer *image;
	int ret = sluice_buffer_create(&(struct sluice_buffer_params){
		.device = vram->device,
		.region = vram->region.index,
		.ranges = &range,
		.ranges_len = 1,
		.width = frame->width,
		.height = frame->height,
		.stride = stride,
		.format = DRM_FORMAT_XRGB8888,
		.modifier = DRM_FORMAT_MOD_LINEAR,
	}, &image);
	if (ret < 0) {
		return complain(vram, strerror(-ret));
	}
	void *data;
	uint32_t format;
	size_t row;
	bool ok = sluice_buffer_check(image) && wlr_buffer_begin_data_ptr_access(&image->base,
		WLR_BUFFER_DATA_PTR_ACCESS_WRITE, &data, &format, &row);
	if (ok) {
		write_rows(data, frame);
		wlr_buffer_end_data_ptr_access(&image->base);
		ok = !image->revoked; // the mapping was lost meanwhile
	}
	wlr_buffer_drop(&image->base);
	if (!ok) {
		return complain(vram, "it was taken away, or the CPU cannot reach it");
	}
	describe(vram, range.offset, stride, line);
	vram->next += size;
	return NULL;
}
