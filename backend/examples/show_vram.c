/*
 * Shows a stretch of a vfio-owned GPU's VRAM on every screen, with nothing but wlroots and
 * libsluice:
 *
 *     sluice-example 0000:03:00.0
 *
 * Opens the device, which resets it, paints a gradient into its VRAM through the BAR, and hands
 * the memory itself to the display GPU. The left half changes with each frame.
 */
#include <drm_fourcc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wlr/backend.h>
#include <wlr/types/wlr_output.h>
#include <wlr/util/log.h>
#include <sluice/buffer.h>
#include <sluice/vfio.h>

#define REGION 2 // Intel: BAR 2, AMD: BAR 0, NVIDIA: BAR 1

struct example {
	struct wl_display *display;
	struct sluice_vfio_device *device;
	uint64_t used; // bytes of the region that screens have taken
	struct wl_listener new_output;
};

struct screen {
	struct wlr_output *output;
	struct sluice_buffer *buffer;
	uint32_t frame;
	struct wl_listener frame_event, destroy;
};

static void paint(struct screen *screen) {
	void *data;
	uint32_t format;
	size_t stride;
	if (!wlr_buffer_begin_data_ptr_access(&screen->buffer->base,
			WLR_BUFFER_DATA_PTR_ACCESS_WRITE, &data, &format, &stride)) {
		return; // the memory is gone, or cannot be mapped
	}
	int width = screen->buffer->base.width, height = screen->buffer->base.height;
	for (int y = 0; y < height; y++) {
		uint32_t *row = (uint32_t *)((char *)data + (size_t)y * stride);
		for (int x = 0; x < (screen->frame == 0 ? width : width / 2); x++) {
			row[x] = (uint32_t)(x * 255 / width) << 16 | (uint32_t)(y * 255 / height) << 8 |
				(screen->frame & 0xff);
		}
	}
	screen->frame++;
	wlr_buffer_end_data_ptr_access(&screen->buffer->base);
}

static void commit(struct screen *screen, bool first) {
	struct wlr_output_state state;
	wlr_output_state_init(&state);
	if (first) {
		wlr_output_state_set_enabled(&state, true);
		wlr_output_state_set_mode(&state, wlr_output_preferred_mode(screen->output));
	}
	wlr_output_state_set_buffer(&state, &screen->buffer->base);
	if (!wlr_output_commit_state(screen->output, &state)) {
		fprintf(stderr, "%s: cannot scan out VRAM; what does sluice-probe say?\n",
			screen->output->name);
	}
	wlr_output_state_finish(&state);
}

static void handle_frame(struct wl_listener *listener, void *data) {
	struct screen *screen = wl_container_of(listener, screen, frame_event);
	paint(screen);
	commit(screen, false);
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct screen *screen = wl_container_of(listener, screen, destroy);
	wl_list_remove(&screen->frame_event.link);
	wl_list_remove(&screen->destroy.link);
	wlr_buffer_drop(&screen->buffer->base);
	free(screen);
}

static void handle_new_output(struct wl_listener *listener, void *data) {
	struct example *example = wl_container_of(listener, example, new_output);
	struct wlr_output *output = data;
	const struct wlr_output_mode *mode = wlr_output_preferred_mode(output);
	struct screen *screen = calloc(1, sizeof(*screen));
	if (mode == NULL || screen == NULL) {
		free(screen);
		return;
	}
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t size = ((uint64_t)mode->width * (uint64_t)mode->height * 4 + page - 1) / page * page;
	const struct sluice_range range = { .offset = example->used, .length = size };
	int ret = sluice_buffer_create(&(struct sluice_buffer_params){
		.device = example->device, .region = REGION, .ranges = &range, .ranges_len = 1,
		.width = mode->width, .height = mode->height, .stride = (uint32_t)mode->width * 4,
		.format = DRM_FORMAT_XRGB8888, .modifier = DRM_FORMAT_MOD_LINEAR,
	}, &screen->buffer);
	if (ret < 0) {
		fprintf(stderr, "%s: no %dx%d pixels of VRAM: %s\n", output->name, mode->width,
			mode->height, strerror(-ret));
		free(screen);
		return;
	}
	example->used += size;
	screen->output = output;
	screen->frame_event.notify = handle_frame;
	wl_signal_add(&output->events.frame, &screen->frame_event);
	screen->destroy.notify = handle_destroy;
	wl_signal_add(&output->events.destroy, &screen->destroy);
	paint(screen);
	commit(screen, true);
}

int main(int argc, char *argv[]) {
	if (argc != 2) {
		fprintf(stderr, "Usage: %s PCI-ADDRESS\n", argv[0]);
		return EXIT_FAILURE;
	}
	wlr_log_init(WLR_INFO, NULL);
	struct example example = {0};
	if (sluice_vfio_device_open(argv[1], &example.device) < 0 ||
			sluice_vfio_device_set_memory(example.device, true) < 0) {
		return EXIT_FAILURE; // logged
	}
	example.display = wl_display_create();
	struct wl_event_loop *loop = wl_display_get_event_loop(example.display);
	struct wlr_backend *backend = wlr_backend_autocreate(loop, NULL);
	if (backend == NULL) {
		return EXIT_FAILURE;
	}
	example.new_output.notify = handle_new_output;
	wl_signal_add(&backend->events.new_output, &example.new_output);
	if (wlr_backend_start(backend)) {
		wl_display_run(example.display);
	}
	wl_list_remove(&example.new_output.link);
	wlr_backend_destroy(backend);
	wl_display_destroy(example.display);
	sluice_vfio_device_destroy(example.device);
	return EXIT_SUCCESS;
}
