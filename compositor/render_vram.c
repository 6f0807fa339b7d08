#include <drm_fourcc.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/render/allocator.h>
#include <wlr/render/drm_format_set.h>
#include <wlr/render/pixman.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/util/log.h>
#include <sluice/allocator.h>
#include <sluice/probe.h>
#include <sluice/renderer.h>
#include <sluice/vfio.h>
#include "output.h"
#include "render_vram.h"
#include "timer.h"

#define PROBE_TIMEOUT_MS 30000
#define PROBE_SIZE 64 // pixels
#define DRAIN_MS 50

struct render_vram {
	struct server *server;
	struct sluice_vfio_device *device;
	struct wlr_allocator *allocator;
	bool lost;
	struct timer drain; // of a server if the device is to be closed

	struct wl_listener request, error;
};

struct wlr_allocator *render_vram_get_allocator(struct render_vram *render_vram) {
	return render_vram->allocator;
}

/** Screens draw into the display GPU's own memory from now on. */
static void fall_back(struct render_vram *render_vram) {
	if (render_vram->lost) {
		return;
	}
	render_vram->lost = true;
	struct server *server = render_vram->server;
	struct output *output;
	wl_list_for_each(output, &server->outputs, link) {
		// The old swapchain, and with it the framebuffers in VRAM, goes with the next page flip
		wlr_output_init_render(output->wlr_output, server->allocator, server->renderer);
	}
	output_damage_all(server);
}

static void close_device(struct render_vram *render_vram) {
	wl_list_remove(&render_vram->request.link);
	wl_list_init(&render_vram->request.link);
	wl_list_remove(&render_vram->error.link);
	wl_list_init(&render_vram->error.link);
	if (render_vram->allocator != NULL) {
		wlr_allocator_destroy(render_vram->allocator);
		render_vram->allocator = NULL;
	}
	sluice_vfio_device_destroy(render_vram->device);
	render_vram->device = NULL;
}

/** The kernel waits for importers without limit: close only when there are none. */
static void handle_drain(void *data) {
	struct render_vram *render_vram = data;
	size_t left = sluice_allocator_count_buffers(render_vram->allocator);
	if (left > 0) {
		wlr_log(WLR_DEBUG, "%zu of the screens' buffers in VRAM are still in use", left);
		timer_set(&render_vram->drain, DRAIN_MS);
		return;
	}
	wlr_log(WLR_INFO, "%s: given back", sluice_vfio_device_get_address(render_vram->device));
	close_device(render_vram);
}

bool render_vram_check(struct render_vram *render_vram) {
	if (!render_vram->lost && sluice_vfio_device_get_memory(render_vram->device) != 1) {
		wlr_log(WLR_ERROR, "%s: its memory was lost: screens no longer draw into it",
			sluice_vfio_device_get_address(render_vram->device));
		fall_back(render_vram);
	}
	return !render_vram->lost;
}

static void handle_request(struct wl_listener *listener, void *data) {
	struct render_vram *render_vram = wl_container_of(listener, render_vram, request);
	wlr_log(WLR_INFO, "%s: the kernel asks for it back",
		sluice_vfio_device_get_address(render_vram->device));
	fall_back(render_vram);
	if (render_vram->drain.server != NULL || timer_init(&render_vram->drain,
			render_vram->server, handle_drain, render_vram)) {
		timer_set(&render_vram->drain, DRAIN_MS);
	}
}

static void handle_error(struct wl_listener *listener, void *data) {
	struct render_vram *render_vram = wl_container_of(listener, render_vram, error);
	fall_back(render_vram);
}

struct probe_wait {
	bool done, ok;
};

static void handle_probe_done(const struct sluice_probe_result *result, void *data) {
	struct probe_wait *wait = data;
	wait->done = true;
	wait->ok = result->ok;
}

/** A GPU must be able to reach the memory, and drivers crash when they cannot. */
static bool try_gpu(struct render_vram *render_vram) {
	struct server *server = render_vram->server;
	if (wlr_renderer_is_pixman(sluice_renderer_get_inner(server->renderer))) {
		return true;
	}
	struct wlr_drm_format_set formats = {0};
	struct wlr_buffer *buffer = NULL;
	if (wlr_drm_format_set_add(&formats, DRM_FORMAT_XRGB8888, DRM_FORMAT_MOD_LINEAR)) {
		buffer = wlr_allocator_create_buffer(render_vram->allocator, PROBE_SIZE, PROBE_SIZE,
			&formats.formats[0]);
	}
	wlr_drm_format_set_finish(&formats);
	struct wlr_dmabuf_attributes dmabuf;
	struct probe_wait wait = {0};
	if (buffer != NULL && wlr_buffer_get_dmabuf(buffer, &dmabuf)) {
		struct sluice_probe *probe = sluice_probe_gpu_read(server->loop,
			wlr_renderer_get_drm_fd(server->renderer), &dmabuf, PROBE_TIMEOUT_MS,
			handle_probe_done, &wait);
		while (probe != NULL && !wait.done) {
			wl_event_loop_dispatch(server->loop, -1);
		}
		sluice_probe_destroy(probe);
	}
	if (buffer != NULL) {
		wlr_buffer_drop(buffer);
	}
	if (!wait.ok) {
		wlr_log(WLR_ERROR, "%s: the renderer's GPU cannot reach its memory; "
			"WLR_RENDERER=pixman draws with the CPU",
			sluice_vfio_device_get_address(render_vram->device));
	}
	return wait.ok;
}

struct render_vram *render_vram_create(struct server *server, const char *address,
		uint32_t region_index) {
	struct render_vram *render_vram = calloc(1, sizeof(*render_vram));
	if (render_vram == NULL) {
		return NULL;
	}
	render_vram->server = server;
	wl_list_init(&render_vram->request.link);
	wl_list_init(&render_vram->error.link);

	if (sluice_vfio_device_open(address, &render_vram->device) < 0) {
		goto error; // logged
	}
	struct sluice_vfio_region region;
	int ret = sluice_vfio_device_set_memory(render_vram->device, true);
	if (ret == 0) {
		ret = sluice_vfio_device_get_region(render_vram->device, region_index, &region);
	}
	if (ret < 0) {
		wlr_log(WLR_ERROR, "%s: region %u is out of reach: %s", address, region_index,
			strerror(-ret));
		goto error;
	}
	render_vram->allocator =
		sluice_allocator_create(render_vram->device, region_index, 0, region.size);
	if (render_vram->allocator == NULL) {
		wlr_log_errno(WLR_ERROR, "%s: region %u cannot be exported", address, region_index);
		goto error;
	}
	if (!try_gpu(render_vram)) {
		goto error;
	}

	render_vram->request.notify = handle_request;
	wl_signal_add(&render_vram->device->events.request, &render_vram->request);
	render_vram->error.notify = handle_error;
	wl_signal_add(&render_vram->device->events.error, &render_vram->error);
	if (sluice_vfio_device_listen(render_vram->device, server->loop) < 0) {
		wlr_log(WLR_INFO, "%s: its interrupts cannot be listened to", address);
	}
	wlr_log(WLR_INFO, "%s: screens draw into region %u, %llu bytes", address, region_index,
		(unsigned long long)region.size);
	return render_vram;

error:
	render_vram_destroy(render_vram);
	return NULL;
}

void render_vram_destroy(struct render_vram *render_vram) {
	if (render_vram == NULL) {
		return;
	}
	timer_finish(&render_vram->drain);
	close_device(render_vram);
	free(render_vram);
}
