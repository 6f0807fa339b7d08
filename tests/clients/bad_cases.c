#define _GNU_SOURCE // O_PATH, memfd_create
#include "bad_cases.h"

#include <drm_fourcc.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "say.h"
#include "sluice-vram-v1-client-protocol.h"

#define MANAGER_ERROR(code) "protocol error sluice_vram_manager_v1 " #code
#define SOURCE_ERROR(code) "protocol error sluice_vram_source_v1 " #code
#define PARAMS_ERROR(code) "protocol error sluice_vram_buffer_params_v1 " #code

#define PAGE UINT64_C(4096)

struct bad_range {
	uint64_t offset, length;
	bool from_end; // the offset counts from the end of the region
};

/** A description of a buffer. The one that is good has 4 pages and takes no members but ranges. */
struct bad_params {
	struct bad_range ranges[2];
	size_t ranges_len;
	int32_t width, height;
	uint32_t stride;
	uint32_t format;
	uint64_t modifier;
};

#define GOOD_RANGE { .length = 4 * PAGE }
#define GOOD_IMAGE .width = 64, .height = 64, .stride = 256, .format = DRM_FORMAT_XRGB8888

static const struct bad_params good_params = {
	.ranges = { GOOD_RANGE }, .ranges_len = 1, GOOD_IMAGE,
};

static void handle_created(void *data, struct sluice_vram_buffer_params_v1 *params,
		struct wl_buffer *wl_buffer) {
	struct bad *bad = data;
	bad->created = bad->done = true;
	wl_buffer_destroy(wl_buffer);
}

static void handle_failed(void *data, struct sluice_vram_buffer_params_v1 *params,
		uint32_t reason, const char *message) {
	struct bad *bad = data;
	bad->failed = bad->done = true;
	bad->failure = reason;
	free(bad->message);
	bad->message = strdup(message);
}

static const struct sluice_vram_buffer_params_v1_listener params_listener = {
	.created = handle_created,
	.failed = handle_failed,
};

static struct sluice_vram_buffer_params_v1 *begin(struct bad *bad, uint32_t region) {
	struct sluice_vram_buffer_params_v1 *params =
		sluice_vram_source_v1_create_params(bad->source.wl_source, region);
	sluice_vram_buffer_params_v1_add_listener(params, &params_listener, bad);
	return params;
}

static void add_range(struct sluice_vram_buffer_params_v1 *params, uint64_t offset,
		uint64_t length) {
	sluice_vram_buffer_params_v1_add_range(params, (uint32_t)(offset >> 32),
		(uint32_t)offset, (uint32_t)(length >> 32), (uint32_t)length);
}

static void create(struct sluice_vram_buffer_params_v1 *params, const struct bad_params *image) {
	sluice_vram_buffer_params_v1_create(params, image->width, image->height, image->stride,
		image->format, (uint32_t)(image->modifier >> 32), (uint32_t)image->modifier);
}

static void run_params(struct bad *bad, const struct bad_params *image) {
	struct sluice_vram_buffer_params_v1 *params = begin(bad, bad->region);
	for (size_t i = 0; i < image->ranges_len; i++) {
		const struct bad_range *range = &image->ranges[i];
		add_range(params, (range->from_end ? bad->memory->size : 0) + range->offset,
			range->length);
	}
	create(params, image);
}

static void name_empty(struct bad *bad) {
	source_init(&bad->source, bad->globals.vram_manager, "", false);
}

static void name_of_length(struct bad *bad, size_t len) {
	char name[128] = { 0 };
	memset(name, 'x', len);
	source_init(&bad->source, bad->globals.vram_manager, name, false);
}

static void name_long(struct bad *bad) {
	name_of_length(bad, 65);
}

static void name_longest(struct bad *bad) {
	name_of_length(bad, 64);
}

// Takes the fd.
static void set_device(struct bad *bad, int fd) {
	if (fd < 0) {
		complain("cannot make a file descriptor");
		return;
	}
	sluice_vram_source_v1_set_device(bad->source.wl_source, fd);
	close(fd);
}

static void device_null(struct bad *bad) {
	set_device(bad, open("/dev/null", O_RDWR | O_CLOEXEC));
}

static void device_path(struct bad *bad) {
	set_device(bad, open("/dev/null", O_PATH | O_CLOEXEC));
}

static void device_directory(struct bad *bad) {
	set_device(bad, open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static void device_pipe(struct bad *bad) {
	int fds[2] = { -1, -1 };
	if (pipe(fds) == 0) {
		close(fds[1]);
	}
	set_device(bad, fds[0]);
}

static void device_socket(struct bad *bad) {
	set_device(bad, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static void device_memfd(struct bad *bad) {
	set_device(bad, memfd_create("sluice-bad", MFD_CLOEXEC));
}

static void device_container(struct bad *bad) {
	set_device(bad, open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC));
}

static void device_dmabuf(struct bad *bad) {
	const struct sluice_range range = { .length = 4 * PAGE };
	set_device(bad, memory_export(bad->memory, &range, 1));
}

static void device_twice(struct bad *bad) {
	sluice_vram_source_v1_set_device(bad->source.wl_source,
		sluice_vfio_device_get_fd(bad->memory->device));
}

static void device_twice_after_failure(struct bad *bad) {
	device_null(bad);
	device_null(bad);
}

static void params_without_device(struct bad *bad) {
	begin(bad, 2);
}

static void params_after_failure(struct bad *bad) {
	device_null(bad);
	if (loop_wait(bad->loop, &bad->source.answered, 5000)) {
		begin(bad, 2);
	}
}

static void region_unknown(struct bad *bad) {
	begin(bad, 9999);
}

static void region_config(struct bad *bad) {
	begin(bad, 7); // VFIO_PCI_CONFIG_REGION_INDEX
}

static void region_empty(struct bad *bad) {
	for (uint32_t i = 0; i < 6; i++) {
		if (bad->source.regions[i].size == 0) {
			begin(bad, i);
			return;
		}
	}
	complain("the device has no BAR without a size");
}

static void no_ranges(struct bad *bad) {
	create(begin(bad, bad->region), &good_params);
}

static void too_many_ranges(struct bad *bad) {
	struct sluice_vram_buffer_params_v1 *params = begin(bad, bad->region);
	for (uint64_t i = 0; i < 4097; i++) {
		add_range(params, i * PAGE, PAGE);
		// Do not fill the socket's buffer before the compositor can read.
		if (i % 256 == 0 && !loop_roundtrip(bad->loop)) {
			return;
		}
	}
}

static void params_twice(struct bad *bad) {
	struct sluice_vram_buffer_params_v1 *params = begin(bad, bad->region);
	add_range(params, 0, 4 * PAGE);
	create(params, &good_params);
	create(params, &good_params);
}

static void range_after_create(struct bad *bad) {
	struct sluice_vram_buffer_params_v1 *params = begin(bad, bad->region);
	add_range(params, 0, 4 * PAGE);
	create(params, &good_params);
	add_range(params, 4 * PAGE, PAGE);
}

static struct wl_buffer *create_shm_buffer(struct bad *bad) {
	int fd = memfd_create("sluice-bad", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 4 * (off_t)PAGE) != 0) {
		complain("cannot make a wl_shm buffer");
		exit(STATUS_SETUP);
	}
	struct wl_shm_pool *pool = wl_shm_create_pool(bad->globals.shm, fd, 4 * (int)PAGE);
	struct wl_buffer *buffer = wl_shm_pool_create_buffer(pool, 0, 64, 64, 256,
		WL_SHM_FORMAT_XRGB8888);
	wl_shm_pool_destroy(pool);
	close(fd);
	return buffer;
}

static void adopt_shm(struct bad *bad) {
	sluice_vram_source_v1_adopt(bad->source.wl_source, create_shm_buffer(bad));
}

static void adopt_after_quiesce(struct bad *bad) {
	struct wl_buffer *buffer = create_shm_buffer(bad);
	sluice_vram_source_v1_quiesce(bad->source.wl_source, 1);
	sluice_vram_source_v1_adopt(bad->source.wl_source, buffer);
}

static void params_after_quiesce(struct bad *bad) {
	sluice_vram_source_v1_quiesce(bad->source.wl_source, 1);
	begin(bad, bad->region);
}

static void create_after_quiesce(struct bad *bad) {
	struct sluice_vram_buffer_params_v1 *params = begin(bad, bad->region);
	add_range(params, 0, 4 * PAGE);
	sluice_vram_source_v1_quiesce(bad->source.wl_source, 1);
	create(params, &good_params);
}

static void quiesce_twice(struct bad *bad) {
	sluice_vram_source_v1_quiesce(bad->source.wl_source, 1);
	sluice_vram_source_v1_quiesce(bad->source.wl_source, 2);
}

static void resume_unquiesced(struct bad *bad) {
	sluice_vram_source_v1_resume(bad->source.wl_source);
}

static void resume_twice(struct bad *bad) {
	sluice_vram_source_v1_quiesce(bad->source.wl_source, 1);
	if (loop_wait(bad->loop, &bad->source.quiesced, 5000)) {
		sluice_vram_source_v1_resume(bad->source.wl_source);
		sluice_vram_source_v1_resume(bad->source.wl_source);
	}
}

#define ONE_RANGE(...) .ranges = { { __VA_ARGS__ } }, .ranges_len = 1
#define IMAGE(name, expect, or_expect, ...) \
	{ name, expect, or_expect, BAD_READY, NULL, &(const struct bad_params){ __VA_ARGS__ } }
#define REQUEST(name, expect, setup, run) { name, expect, NULL, setup, run, NULL }

static const struct bad_case cases[] = {
	REQUEST("name-empty", MANAGER_ERROR(0), BAD_BARE, name_empty),
	REQUEST("name-long", MANAGER_ERROR(0), BAD_BARE, name_long),
	REQUEST("name-longest", "no answer", BAD_BARE, name_longest),

	REQUEST("device-null", "failed not_vfio", BAD_SOURCE, device_null),
	REQUEST("device-path", "failed not_vfio", BAD_SOURCE, device_path),
	REQUEST("device-directory", "failed not_vfio", BAD_SOURCE, device_directory),
	REQUEST("device-pipe", "failed not_vfio", BAD_SOURCE, device_pipe),
	REQUEST("device-socket", "failed not_vfio", BAD_SOURCE, device_socket),
	REQUEST("device-memfd", "failed not_vfio", BAD_SOURCE, device_memfd),
	REQUEST("device-container", "failed not_vfio", BAD_DEVICE, device_container),
	REQUEST("device-dmabuf", "failed not_vfio", BAD_DEVICE, device_dmabuf),
	REQUEST("device-twice", SOURCE_ERROR(0), BAD_READY, device_twice),
	REQUEST("device-twice-after-failure", SOURCE_ERROR(0), BAD_SOURCE,
		device_twice_after_failure),

	REQUEST("params-without-device", SOURCE_ERROR(1), BAD_SOURCE, params_without_device),
	REQUEST("params-after-failure", SOURCE_ERROR(1), BAD_SOURCE, params_after_failure),
	REQUEST("region-unknown", SOURCE_ERROR(2), BAD_READY, region_unknown),
	REQUEST("region-config", SOURCE_ERROR(2), BAD_READY, region_config),
	REQUEST("region-empty", SOURCE_ERROR(2), BAD_READY, region_empty),

	REQUEST("adopt-shm", SOURCE_ERROR(3), BAD_SOURCE, adopt_shm),
	REQUEST("adopt-after-quiesce", SOURCE_ERROR(4), BAD_SOURCE, adopt_after_quiesce),
	REQUEST("params-after-quiesce", SOURCE_ERROR(4), BAD_READY, params_after_quiesce),
	REQUEST("create-after-quiesce", "failed revoked", BAD_READY, create_after_quiesce),
	REQUEST("quiesce-twice", SOURCE_ERROR(4), BAD_READY, quiesce_twice),
	REQUEST("resume-unquiesced", SOURCE_ERROR(5), BAD_READY, resume_unquiesced),
	REQUEST("resume-twice", SOURCE_ERROR(5), BAD_READY, resume_twice),

	REQUEST("no-ranges", PARAMS_ERROR(1), BAD_READY, no_ranges),
	REQUEST("too-many-ranges", PARAMS_ERROR(2), BAD_READY, too_many_ranges),
	REQUEST("params-twice", PARAMS_ERROR(0), BAD_READY, params_twice),
	REQUEST("range-after-create", PARAMS_ERROR(0), BAD_READY, range_after_create),

	IMAGE("offset-unaligned", "failed misaligned", NULL,
		ONE_RANGE(.offset = 512, .length = 4 * PAGE), GOOD_IMAGE),
	IMAGE("length-unaligned", "failed misaligned", NULL,
		ONE_RANGE(.length = 4 * PAGE + 512), GOOD_IMAGE),
	IMAGE("range-empty", "failed misaligned", NULL,
		.ranges = { GOOD_RANGE, { .offset = 8 * PAGE } }, .ranges_len = 2, GOOD_IMAGE),
	IMAGE("ranges-overlap", "failed overlap", NULL,
		.ranges = { GOOD_RANGE, { .offset = 3 * PAGE, .length = PAGE } },
		.ranges_len = 2, GOOD_IMAGE),
	IMAGE("ranges-same", "failed overlap", NULL,
		.ranges = { GOOD_RANGE, GOOD_RANGE }, .ranges_len = 2, GOOD_IMAGE),
	IMAGE("range-past-end", "failed out_of_range", NULL,
		ONE_RANGE(.offset = -PAGE, .length = 4 * PAGE, .from_end = true), GOOD_IMAGE),
	IMAGE("range-beyond", "failed out_of_range", NULL,
		ONE_RANGE(.offset = 0, .length = 4 * PAGE, .from_end = true), GOOD_IMAGE),
	IMAGE("range-huge", "failed out_of_range", NULL,
		ONE_RANGE(.length = UINT64_C(1) << 62), GOOD_IMAGE),
	IMAGE("range-overflow", "failed out_of_range", NULL,
		ONE_RANGE(.offset = -2 * PAGE, .length = 4 * PAGE), GOOD_IMAGE),
	IMAGE("sum-overflow", "failed out_of_range", NULL,
		.ranges = { { .length = UINT64_C(1) << 63 },
			{ .offset = UINT64_C(1) << 62, .length = UINT64_C(1) << 63 } },
		.ranges_len = 2, GOOD_IMAGE),
	IMAGE("ranges-short", "failed too_small", NULL, ONE_RANGE(.length = 3 * PAGE), GOOD_IMAGE),

	IMAGE("width-zero", PARAMS_ERROR(3), NULL, ONE_RANGE(.length = 4 * PAGE),
		.width = 0, .height = 64, .stride = 256, .format = DRM_FORMAT_XRGB8888),
	IMAGE("height-zero", PARAMS_ERROR(3), NULL, ONE_RANGE(.length = 4 * PAGE),
		.width = 64, .height = 0, .stride = 256, .format = DRM_FORMAT_XRGB8888),
	IMAGE("width-negative", PARAMS_ERROR(3), NULL, ONE_RANGE(.length = 4 * PAGE),
		.width = -64, .height = 64, .stride = 256, .format = DRM_FORMAT_XRGB8888),
	IMAGE("height-negative", PARAMS_ERROR(3), NULL, ONE_RANGE(.length = 4 * PAGE),
		.width = 64, .height = INT32_MIN, .stride = 256, .format = DRM_FORMAT_XRGB8888),
	IMAGE("width-huge", PARAMS_ERROR(4), NULL, ONE_RANGE(.length = 4 * PAGE),
		.width = INT32_MAX, .height = 64, .stride = 256, .format = DRM_FORMAT_XRGB8888),
	// 4 * width wraps round to 256 in 32 bits.
	IMAGE("width-wrapping", PARAMS_ERROR(4), NULL, ONE_RANGE(.length = 4 * PAGE),
		.width = 0x40000040, .height = 64, .stride = 256,
		.format = DRM_FORMAT_XRGB8888),
	IMAGE("height-huge", "failed too_small", NULL, ONE_RANGE(.length = 4 * PAGE),
		.width = 64, .height = INT32_MAX, .stride = 256,
		.format = DRM_FORMAT_XRGB8888),
	// stride * height wraps round to 4096 in 32 bits.
	IMAGE("size-wrapping", "failed too_small", NULL, ONE_RANGE(.length = 4 * PAGE),
		.width = 64, .height = 0x01000010, .stride = 256,
		.format = DRM_FORMAT_XRGB8888),
	IMAGE("size-largest", "failed too_small", NULL, ONE_RANGE(.length = 4 * PAGE),
		.width = INT32_MAX / 4, .height = INT32_MAX, .stride = INT32_MAX,
		.format = DRM_FORMAT_XRGB8888),
	IMAGE("stride-zero", PARAMS_ERROR(4), NULL, ONE_RANGE(.length = 4 * PAGE),
		.width = 64, .height = 64, .stride = 0, .format = DRM_FORMAT_XRGB8888),
	IMAGE("stride-short", PARAMS_ERROR(4), NULL, ONE_RANGE(.length = 4 * PAGE),
		.width = 64, .height = 64, .stride = 255, .format = DRM_FORMAT_XRGB8888),
	IMAGE("stride-huge", PARAMS_ERROR(4), NULL, ONE_RANGE(.length = 4 * PAGE),
		.width = 64, .height = 64, .stride = UINT32_MAX,
		.format = DRM_FORMAT_XRGB8888),
	IMAGE("stride-odd", NULL, NULL, ONE_RANGE(.length = 5 * PAGE),
		.width = 64, .height = 64, .stride = 257, .format = DRM_FORMAT_XRGB8888),

	IMAGE("format-unknown", "failed format", NULL, ONE_RANGE(.length = 4 * PAGE),
		.width = 64, .height = 64, .stride = 256,
		.format = fourcc_code('S', 'L', '?', '?')),
	IMAGE("format-zero", "failed format", NULL, ONE_RANGE(.length = 4 * PAGE),
		.width = 64, .height = 64, .stride = 256, .format = 0),
	IMAGE("format-planar", "failed format", NULL, ONE_RANGE(.length = 8 * PAGE),
		.width = 64, .height = 64, .stride = 256, .format = DRM_FORMAT_NV12),
	IMAGE("modifier-unknown", "failed modifier", NULL, ONE_RANGE(.length = 4 * PAGE),
		GOOD_IMAGE, .modifier = UINT64_C(0xfedcba9876543210)),
	IMAGE("modifier-invalid", "failed modifier", NULL, ONE_RANGE(.length = 4 * PAGE),
		GOOD_IMAGE, .modifier = DRM_FORMAT_MOD_INVALID),

	IMAGE("none", "accepted", "failed import", ONE_RANGE(.length = 4 * PAGE), GOOD_IMAGE),
};

const struct bad_case *bad_case_at(size_t index) {
	return index < sizeof(cases) / sizeof(cases[0]) ? &cases[index] : NULL;
}

void bad_case_run(const struct bad_case *bad_case, struct bad *bad) {
	if (bad_case->params != NULL) {
		run_params(bad, bad_case->params);
	} else {
		bad_case->run(bad);
	}
}
