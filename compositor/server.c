#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/backend/multi.h>
#include <wlr/interfaces/wlr_buffer.h>
#include <wlr/render/allocator.h>
#include <wlr/types/wlr_alpha_modifier_v1.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_data_device.h>
#include <wlr/types/wlr_ext_image_capture_source_v1.h>
#include <wlr/types/wlr_ext_image_copy_capture_v1.h>
#include <wlr/types/wlr_fixes.h>
#include <wlr/types/wlr_linux_dmabuf_v1.h>
#include <wlr/types/wlr_linux_drm_syncobj_v1.h>
#include <wlr/types/wlr_output_layout.h>
#include <wlr/types/wlr_presentation_time.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/types/wlr_screencopy_v1.h>
#include <wlr/types/wlr_security_context_v1.h>
#include <wlr/types/wlr_single_pixel_buffer_v1.h>
#include <wlr/types/wlr_subcompositor.h>
#include <wlr/types/wlr_viewporter.h>
#include <wlr/types/wlr_xdg_output_v1.h>
#include <wlr/util/log.h>
#include <sluice/renderer.h>
#include "output.h"
#include "path/ladder.h"
#include "seat.h"
#include "server.h"
#include "vram/vram.h"
#include "window.h"

/** The newest version of wl_compositor that wlroots 0.20 implements. */
#define COMPOSITOR_VERSION 6
#define PRESENTATION_VERSION 2
#define LINUX_DMABUF_VERSION 5

static int handle_quit_signal(int signal, void *data) {
	struct server *server = data;
	wlr_log(WLR_INFO, "%s: ending", strsignal(signal));
	server_quit(server, EXIT_SUCCESS);
	return 0;
}

static int handle_stats_signal(int signal, void *data) {
	struct server *server = data;
	const struct sluice_renderer_stats *stats = sluice_renderer_get_stats(server->renderer);
	wlr_log(WLR_INFO, "stats: vram-bytes-read=%" PRIu64 " gpu-imports=%" PRIu64
		" gpu-draws=%" PRIu64 " cpu-draws=%" PRIu64 " placeholder-draws=%" PRIu64,
		stats->vram_bytes_read, stats->gpu_imports, stats->gpu_draws, stats->cpu_draws,
		stats->placeholder_draws);
	ladder_log(server->ladder);
	return 0;
}

static void handle_backend_destroy(struct wl_listener *listener, void *data) {
	struct server *server = wl_container_of(listener, server, backend_destroy);
	wl_list_remove(&server->backend_destroy.link);
	wl_list_init(&server->backend_destroy.link);
	wl_list_remove(&server->new_output.link);
	wl_list_init(&server->new_output.link);
	server->backend = NULL;
	server->exporters = NULL;
	wlr_log(WLR_ERROR, "The backend is gone (was the display GPU unplugged?): ending");
	server_quit(server, EXIT_FAILURE);
}

/**
 * Wrap what wlroots chooses, so that images in VRAM of another GPU can be drawn. The DRM device
 * is the backend's where the renderer has none of its own (pixman).
 */
static struct wlr_renderer *create_renderer(struct server *server) {
	struct wlr_renderer *inner = wlr_renderer_autocreate(server->backend);
	if (inner == NULL) {
		wlr_log(WLR_ERROR, "No renderer works here; WLR_RENDERER=pixman always does");
		return NULL;
	}
	int drm_fd = wlr_renderer_get_drm_fd(inner);
	if (drm_fd < 0) {
		drm_fd = wlr_backend_get_drm_fd(server->backend);
	}
	struct wlr_renderer *renderer = sluice_renderer_create(inner, server->loop, drm_fd);
	if (renderer == NULL) {
		wlr_renderer_destroy(inner);
	}
	return renderer;
}

/**
 * The GPU was reset, and every texture is lost with it: make a new renderer, move everything
 * over, then destroy the old one (in this order, as sway does).
 */
static void handle_renderer_lost(struct wl_listener *listener, void *data) {
	struct server *server = wl_container_of(listener, server, renderer_lost);
	wlr_log(WLR_INFO, "The renderer lost its GPU: making a new one");

	struct wlr_renderer *renderer = create_renderer(server);
	struct wlr_allocator *allocator =
		renderer != NULL ? wlr_allocator_autocreate(server->backend, renderer) : NULL;
	if (allocator == NULL) {
		wlr_log(WLR_ERROR, "Cannot recover from the loss of the GPU: ending");
		wlr_renderer_destroy(renderer);
		server_quit(server, EXIT_FAILURE);
		return;
	}

	struct wlr_renderer *old_renderer = server->renderer;
	struct wlr_allocator *old_allocator = server->allocator;
	server->renderer = renderer;
	server->allocator = allocator;
	wl_list_remove(&server->renderer_lost.link);
	wl_signal_add(&renderer->events.lost, &server->renderer_lost);
	ladder_set_renderer(server->ladder, renderer);
	wlr_compositor_set_renderer(server->compositor, renderer);
	struct output *output;
	wl_list_for_each(output, &server->outputs, link) {
		wlr_output_init_render(output->wlr_output, allocator, renderer);
	}
	wlr_allocator_destroy(old_allocator);
	wlr_renderer_destroy(old_renderer);
}

static bool init_backend(struct server *server) {
	// A kiosk has no keyboard, and one that is plugged in later is found all the same
	setenv("WLR_LIBINPUT_NO_DEVICES", "1", false);
	server->backend = wlr_backend_autocreate(server->loop, &server->session);
	if (server->backend == NULL) {
		wlr_log(WLR_ERROR, "No backend works here. On a console: is a seat available "
			"(seatd or logind), and a DRM device? Elsewhere: WLR_BACKENDS=headless");
		return false;
	}
	server->backend_destroy.notify = handle_backend_destroy;
	wl_signal_add(&server->backend->events.destroy, &server->backend_destroy);
	server->new_output.notify = output_handle_new;
	wl_signal_add(&server->backend->events.new_output, &server->new_output);

	struct wlr_backend *exporters = sluice_backend_create(server->loop);
	if (exporters != NULL && wlr_multi_backend_add(server->backend, exporters)) {
		server->exporters = sluice_backend_try_from_backend(exporters);
	} else if (exporters != NULL) {
		wlr_backend_destroy(exporters);
	}
	return true;
}

static bool init_renderer(struct server *server) {
	server->renderer = create_renderer(server);
	if (server->renderer == NULL) {
		return false;
	}
	server->renderer_lost.notify = handle_renderer_lost;
	wl_signal_add(&server->renderer->events.lost, &server->renderer_lost);

	server->allocator = wlr_allocator_autocreate(server->backend, server->renderer);
	if (server->allocator == NULL) {
		wlr_log(WLR_ERROR, "No allocator suits both backend and renderer");
		return false;
	}
	return wlr_renderer_init_wl_shm(server->renderer, server->display);
}

/** What wlroots implements by itself, once it is created. */
static bool init_protocols(struct server *server) {
	struct wl_display *display = server->display;
	server->compositor =
		wlr_compositor_create(display, COMPOSITOR_VERSION, server->renderer);
	if (server->compositor == NULL) {
		return false;
	}
	if (wlr_renderer_get_drm_fd(server->renderer) >= 0) {
		struct wlr_linux_dmabuf_v1 *dmabuf = wlr_linux_dmabuf_v1_create_with_renderer(display,
			LINUX_DMABUF_VERSION, server->renderer);
		if (dmabuf != NULL) {
			wlr_scene_set_linux_dmabuf_v1(server->scene, dmabuf);
		}
		if (server->renderer->features.timeline && server->backend->features.timeline) {
			wlr_linux_drm_syncobj_manager_v1_create(display, 1,
				wlr_renderer_get_drm_fd(server->renderer));
		}
	}
	wlr_subcompositor_create(display);
	wlr_data_device_manager_create(display);
	wlr_viewporter_create(display);
	wlr_presentation_create(display, server->backend, PRESENTATION_VERSION);
	wlr_single_pixel_buffer_manager_v1_create(display);
	wlr_alpha_modifier_v1_create(display);
	wlr_fixes_create(display, 1);
	wlr_xdg_output_manager_v1_create(display, server->output_layout);
	wlr_screencopy_manager_v1_create(display);
	wlr_ext_image_copy_capture_manager_v1_create(display, 1);
	wlr_ext_output_image_capture_source_manager_v1_create(display, 1);
	return true;
}

static bool init_scene(struct server *server) {
	server->output_layout = wlr_output_layout_create(server->display);
	server->scene = wlr_scene_create();
	if (server->output_layout == NULL || server->scene == NULL) {
		return false;
	}
	server->scene_layout =
		wlr_scene_attach_output_layout(server->scene, server->output_layout);
	return server->scene_layout != NULL;
}

bool server_init(struct server *server, enum server_mode mode) {
	*server = (struct server){ .mode = mode };
	wl_list_init(&server->outputs);
	wl_list_init(&server->windows);
	wl_list_init(&server->backend_destroy.link);
	wl_list_init(&server->new_output.link);
	wl_list_init(&server->renderer_lost.link);
	wl_list_init(&server->new_toplevel.link);
	wl_list_init(&server->new_popup.link);

	server->display = wl_display_create();
	if (server->display == NULL) {
		wlr_log(WLR_ERROR, "Cannot create a Wayland display");
		return false;
	}
	server->loop = wl_display_get_event_loop(server->display);
	server->sigint = wl_event_loop_add_signal(server->loop, SIGINT, handle_quit_signal, server);
	server->sigterm =
		wl_event_loop_add_signal(server->loop, SIGTERM, handle_quit_signal, server);
	server->sigusr1 =
		wl_event_loop_add_signal(server->loop, SIGUSR1, handle_stats_signal, server);

	if (!init_backend(server) || !init_renderer(server) || !init_scene(server) ||
			!init_protocols(server) || !window_init(server)) {
		goto error;
	}
	server->seat = seat_create(server);
	server->ladder = ladder_create(server);
	server->vram = vram_manager_create(server);
	if (server->seat == NULL || server->ladder == NULL || server->vram == NULL ||
			!vram_manager_hide_from_sandboxes(server->vram)) {
		goto error;
	}

	const char *socket = wl_display_add_socket_auto(server->display);
	if (socket == NULL) {
		wlr_log_errno(WLR_ERROR, "Cannot open a Wayland socket; is XDG_RUNTIME_DIR set to a "
			"directory of your own?");
		goto error;
	}
	setenv("WAYLAND_DISPLAY", socket, true);
	wlr_log(WLR_INFO, "WAYLAND_DISPLAY=%s", socket);
	return true;

error:
	server_finish(server);
	return false;
}

bool server_start(struct server *server) {
	if (!wlr_backend_start(server->backend)) {
		wlr_log(WLR_ERROR, "Cannot start the backend");
		return false;
	}
	return true;
}

void server_quit(struct server *server, int status) {
	server->exit_status = status;
	wl_display_terminate(server->display);
}

static void remove_source(struct wl_event_source **source) {
	if (*source != NULL) {
		wl_event_source_remove(*source);
		*source = NULL;
	}
}

void server_finish(struct server *server) {
	wl_display_destroy_clients(server->display);

	wl_list_remove(&server->new_toplevel.link);
	wl_list_remove(&server->new_popup.link);
	wl_list_remove(&server->new_output.link);
	wl_list_remove(&server->backend_destroy.link);
	wl_list_remove(&server->renderer_lost.link);
	remove_source(&server->sigint);
	remove_source(&server->sigterm);
	remove_source(&server->sigusr1);

	vram_manager_destroy(server->vram);
	seat_destroy(server->seat);
	if (server->backend != NULL) {
		wlr_backend_destroy(server->backend);
	}
	// The outputs, which go with the backend, tell it that they do
	ladder_destroy(server->ladder);
	if (server->scene != NULL) {
		wlr_scene_node_destroy(&server->scene->tree.node);
	}
	wlr_allocator_destroy(server->allocator);
	wlr_renderer_destroy(server->renderer);
	wl_display_destroy(server->display);
}
