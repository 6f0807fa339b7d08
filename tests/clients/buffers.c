#include "buffers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layout.h"
#include "linux-dmabuf-v1-client-protocol.h"
#include "say.h"
#include "sluice-vram-v1-client-protocol.h"

static void say_layout(const struct vram_buffer *buffer) {
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);
	if (stream == NULL) {
		return;
	}
	for (size_t i = 0; i < buffer->ranges_len; i++) {
		fprintf(stream, "%s0x%" PRIx64 "+0x%" PRIx64, i > 0 ? "," : "",
			buffer->ranges[i].offset, buffer->ranges[i].length);
	}
	fclose(stream);
	say("buffer %zu ranges %s", buffer->index, text);
	free(text);
}

static bool lay_out(struct buffer_set *set) {
	const struct options *options = set->options;
	struct sluice_range *ranges;
	size_t ranges_len;
	if (options->explicit_len > 0) {
		ranges_len = options->explicit_len;
		ranges = calloc(ranges_len, sizeof(*ranges));
		if (ranges != NULL) {
			memcpy(ranges, options->explicit_ranges, ranges_len * sizeof(*ranges));
		}
	} else {
		struct layout layout = {
			.offset = options->offset,
			.size = set->memory->size,
			.page = set->memory->page,
			.buffers = set->len,
			.buffer_size = (uint64_t)set->stride * (uint64_t)set->height,
			.ranges = options->ranges,
			.scatter = options->scatter,
			.seed = options->seed,
		};
		ranges_len = options->ranges;
		ranges = layout_compute(&layout);
	}
	if (ranges == NULL) {
		return false;
	}
	for (size_t i = 0; i < set->len; i++) {
		set->buffers[i] = (struct vram_buffer){
			.set = set,
			.index = i,
			.stale = { .width = set->width, .height = set->height },
			.ranges = ranges + i * ranges_len,
			.ranges_len = ranges_len,
		};
		say_layout(&set->buffers[i]);
	}
	return true;
}

bool buffer_set_init(struct buffer_set *set, const struct options *options,
		struct memory *memory, int width, int height) {
	*set = (struct buffer_set){
		.options = options,
		.memory = memory,
		.width = width,
		.height = height,
		.stride = options->stride,
		.len = options->buffers,
	};
	size_t row_size = (size_t)width * options->format->bytes;
	if (set->stride == 0) {
		set->stride = (uint32_t)row_size;
	}
	set->last = set->len - 1;
	set->buffers = calloc(set->len, sizeof(*set->buffers));
	set->canvas = calloc((size_t)width * (size_t)height, sizeof(*set->canvas));
	set->row = calloc(1, row_size);
	if (set->buffers == NULL || set->canvas == NULL || set->row == NULL) {
		complain("out of memory");
		buffer_set_finish(set);
		return false;
	}
	say("image %dx%d stride %u format %s modifier 0x%" PRIx64, width, height, set->stride,
		options->format->name, options->modifier);
	if (!lay_out(set)) {
		buffer_set_finish(set);
		return false;
	}
	return true;
}

void buffer_set_finish(struct buffer_set *set) {
	for (size_t i = 0; set->buffers != NULL && i < set->len; i++) {
		if (set->buffers[i].wl_buffer != NULL) {
			wl_buffer_destroy(set->buffers[i].wl_buffer);
		}
	}
	if (set->buffers != NULL) {
		free(set->buffers[0].ranges);
	}
	free(set->buffers);
	free(set->canvas);
	free(set->row);
	*set = (struct buffer_set){ 0 };
}

static void buffer_handle_release(void *data, struct wl_buffer *wl_buffer) {
	struct vram_buffer *buffer = data;
	buffer->busy = false;
	if (!buffer->set->options->quiet) {
		say("release %zu", buffer->index);
	}
}

static const struct wl_buffer_listener buffer_listener = {
	.release = buffer_handle_release,
};

static void answer(struct buffer_set *set, bool created) {
	set->failed = set->failed || !created;
	set->waiting--;
	set->settled = set->waiting == 0;
}

static void accept_buffer(struct vram_buffer *buffer, struct wl_buffer *wl_buffer) {
	buffer->wl_buffer = wl_buffer;
	wl_buffer_add_listener(wl_buffer, &buffer_listener, buffer);
	say("buffer %zu created", buffer->index);
	answer(buffer->set, true);
}

static void params_handle_created(void *data, struct sluice_vram_buffer_params_v1 *params,
		struct wl_buffer *wl_buffer) {
	sluice_vram_buffer_params_v1_destroy(params);
	accept_buffer(data, wl_buffer);
}

static void params_handle_failed(void *data, struct sluice_vram_buffer_params_v1 *params,
		uint32_t reason, const char *message) {
	struct vram_buffer *buffer = data;
	sluice_vram_buffer_params_v1_destroy(params);
	say("buffer %zu failed %s %s", buffer->index, failure_name(reason), message);
	answer(buffer->set, false);
}

static const struct sluice_vram_buffer_params_v1_listener params_listener = {
	.created = params_handle_created,
	.failed = params_handle_failed,
};

static void create_by_sluice(struct vram_buffer *buffer, struct source *source) {
	struct buffer_set *set = buffer->set;
	struct sluice_vram_buffer_params_v1 *params = sluice_vram_source_v1_create_params(
		source->wl_source, set->options->region);
	sluice_vram_buffer_params_v1_add_listener(params, &params_listener, buffer);
	for (size_t i = 0; i < buffer->ranges_len; i++) {
		uint64_t offset = buffer->ranges[i].offset;
		uint64_t length = buffer->ranges[i].length;
		sluice_vram_buffer_params_v1_add_range(params, (uint32_t)(offset >> 32),
			(uint32_t)offset, (uint32_t)(length >> 32), (uint32_t)length);
	}
	uint64_t modifier = set->options->modifier;
	sluice_vram_buffer_params_v1_create(params, set->width, set->height, set->stride,
		set->options->format->fourcc, (uint32_t)(modifier >> 32), (uint32_t)modifier);
}

static void linux_params_handle_created(void *data, struct zwp_linux_buffer_params_v1 *params,
		struct wl_buffer *wl_buffer) {
	zwp_linux_buffer_params_v1_destroy(params);
	accept_buffer(data, wl_buffer);
}

static void linux_params_handle_failed(void *data, struct zwp_linux_buffer_params_v1 *params) {
	struct vram_buffer *buffer = data;
	zwp_linux_buffer_params_v1_destroy(params);
	say("buffer %zu failed import by linux-dmabuf", buffer->index);
	answer(buffer->set, false);
}

static const struct zwp_linux_buffer_params_v1_listener linux_params_listener = {
	.created = linux_params_handle_created,
	.failed = linux_params_handle_failed,
};

static bool create_by_linux_dmabuf(struct vram_buffer *buffer, struct globals *globals) {
	struct buffer_set *set = buffer->set;
	int fd = memory_export(set->memory, buffer->ranges, buffer->ranges_len);
	if (fd < 0) {
		complain("cannot export buffer %zu: %s", buffer->index, strerror(-fd));
		return false;
	}
	struct zwp_linux_buffer_params_v1 *params =
		zwp_linux_dmabuf_v1_create_params(globals->linux_dmabuf);
	zwp_linux_buffer_params_v1_add_listener(params, &linux_params_listener, buffer);
	uint64_t modifier = set->options->modifier;
	zwp_linux_buffer_params_v1_add(params, fd, 0, 0, set->stride, (uint32_t)(modifier >> 32),
		(uint32_t)modifier);
	zwp_linux_buffer_params_v1_create(params, set->width, set->height,
		set->options->format->fourcc, 0);
	// The request holds a duplicate.
	close(fd);
	return true;
}

bool buffer_set_create(struct buffer_set *set, struct globals *globals, struct source *source) {
	set->waiting = set->len;
	for (size_t i = 0; i < set->len; i++) {
		if (set->options->transport == TRANSPORT_SLUICE) {
			create_by_sluice(&set->buffers[i], source);
		} else if (!create_by_linux_dmabuf(&set->buffers[i], globals)) {
			return false;
		}
	}
	return true;
}

bool buffer_set_has_free(const struct buffer_set *set) {
	for (size_t i = 0; i < set->len; i++) {
		if (!set->buffers[i].busy || set->len == 1) {
			return true;
		}
	}
	return false;
}

struct vram_buffer *buffer_set_next(struct buffer_set *set) {
	for (size_t i = 1; i <= set->len; i++) {
		size_t index = (set->last + i) % set->len;
		if (!set->buffers[index].busy || set->len == 1) {
			set->last = index;
			return &set->buffers[index];
		}
	}
	return NULL;
}

void buffer_set_draw(struct buffer_set *set, const struct pattern *pattern, uint32_t n,
		struct rect rect) {
	rect = rect_clip(rect, set->width, set->height);
	for (int y = rect.y; y < rect.y + rect.height; y++) {
		uint32_t *row = set->canvas + (size_t)y * (size_t)set->width;
		for (int x = rect.x; x < rect.x + rect.width; x++) {
			row[x] = pattern_pixel(pattern, set->width, set->height, n, x, y);
		}
	}
	for (size_t i = 0; i < set->len; i++) {
		set->buffers[i].stale = rect_union(set->buffers[i].stale, rect);
	}
}

// Ranges that a test got wrong on purpose are written as far as they exist.
static void write_bytes(struct vram_buffer *buffer, uint64_t offset, const uint8_t *bytes,
		uint64_t len) {
	struct memory *memory = buffer->set->memory;
	for (size_t i = 0; i < buffer->ranges_len && len > 0; i++) {
		const struct sluice_range *range = &buffer->ranges[i];
		if (offset >= range->length) {
			offset -= range->length;
			continue;
		}
		uint64_t part = range->length - offset < len ? range->length - offset : len;
		if (part <= memory->size && offset <= memory->size - part &&
				range->offset <= memory->size - part - offset) {
			memcpy(memory->data + range->offset + offset, bytes, part);
		}
		bytes += part;
		len -= part;
		offset = 0;
	}
}

static void write_pixels(struct vram_buffer *buffer, int x, int y, const uint32_t *colours,
		int len) {
	struct buffer_set *set = buffer->set;
	const struct pixel_format *format = set->options->format;
	pixel_format_pack(format, colours, (size_t)len, set->row);
	write_bytes(buffer, (uint64_t)y * set->stride + (uint64_t)x * format->bytes, set->row,
		(uint64_t)len * format->bytes);
}

void vram_buffer_upload(struct vram_buffer *buffer) {
	struct buffer_set *set = buffer->set;
	struct rect rect = buffer->stale;
	for (int y = rect.y; y < rect.y + rect.height; y++) {
		write_pixels(buffer, rect.x, y,
			set->canvas + (size_t)y * (size_t)set->width + rect.x, rect.width);
	}
	buffer->stale = (struct rect){ 0 };
	// VRAM is mapped write-combining: have it all out before the commit that follows.
	__sync_synchronize();
}

void vram_buffer_poison(struct vram_buffer *buffer, struct rect rect, uint32_t colour) {
	struct buffer_set *set = buffer->set;
	rect = rect_clip(rect, set->width, set->height);
	uint32_t *colours = calloc((size_t)rect.width + 1, sizeof(*colours));
	if (colours == NULL) {
		return;
	}
	for (int x = 0; x < rect.width; x++) {
		colours[x] = colour;
	}
	for (int y = rect.y; y < rect.y + rect.height; y++) {
		write_pixels(buffer, rect.x, y, colours, rect.width);
	}
	free(colours);
	__sync_synchronize();
}
