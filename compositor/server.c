#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/backend/multi.h>
#include <wlr/interfaces/wlr_buffer.h>
#include <wlr/render/allocator.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_output_layout.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/util/log.h>
#include <sluice/renderer.h>
#include "config/config.h"
#include "config/reload.h"
#include "desktop/desktop.h"
#include "desktop/xdg_window.h"
#include "headless/headless.h"
#include "ipc/commands.h"
#include "kiosk/kiosk.h"
#include "output.h"
#include "path/ladder.h"
#include "render_vram.h"
#include "seat/seat.h"
#include "server.h"
#include "shell/layer.h"
#include "shell/lock.h"
#include "shell/xwayland.h"
#include "stats/stats.h"
#include "vram/vram.h"

#define NSEC_PER_SEC UINT64_C(1000000000)

static int handle_quit_signal(int signal, void *data) {
	struct server *server = data;
	wlr_log(WLR_INFO, "%s: ending", strsignal(signal));
	server_quit(server, EXIT_SUCCESS);
	return 0;
}

/**
 * Whether we end anyway: a signal has come, even if the event loop has not handed it out yet. One that
 * went to the whole process group (Ctrl+C on a VT does) ends the seatd within libseat too, and with
 * it the backend, before or after we hear of the signal ourselves. Nothing has failed then.
 */
static bool is_ending(const struct server *server) {
	sigset_t pending;
	return server->quitting || (sigpending(&pending) == 0 &&
		(sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1));
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
	seat_stop_listening(server->seat); // the backend asserts that nobody listens any more
	kiosk_forget_exporters(server->kiosk);
	server->backend = NULL;
	server->exporters = NULL;
	if (is_ending(server)) {
		return;
	}
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
		return NULL;
	}
	sluice_renderer_allow(renderer, !server->options.no_gpu, !server->options.no_cpu);
	return renderer;
}

/**
 * The GPU was reset, and every texture is lost with it: make a new renderer, move everything
 * over, then destroy the old one (in this order, as sway does).
 */
static void replace_renderer(void *data) {
	struct server *server = data;
	server->replace_renderer = NULL;
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
		wlr_output_init_render(output->wlr_output, output_get_allocator(server), renderer);
	}
	kiosk_renderer_replaced(server->kiosk);
	wlr_allocator_destroy(old_allocator);
	wlr_renderer_destroy(old_renderer);
}

static void handle_renderer_lost(struct wl_listener *listener, void *data) {
	struct server *server = wl_container_of(listener, server, renderer_lost);
	// The renderer is in the middle of drawing: it must not go before it has returned
	if (server->replace_renderer == NULL) {
		server->replace_renderer =
			wl_event_loop_add_idle(server->loop, replace_renderer, server);
	}
}

static void add_signals(struct server *server) {
	struct wl_event_loop *loop = server->loop;
	server->sigint = wl_event_loop_add_signal(loop, SIGINT, handle_quit_signal, server);
	server->sigterm = wl_event_loop_add_signal(loop, SIGTERM, handle_quit_signal, server);
	server->sighup = wl_event_loop_add_signal(loop, SIGHUP, config_handle_signal, server);
	server->sigusr1 = wl_event_loop_add_signal(loop, SIGUSR1, handle_stats_signal, server);
}

static bool init_backend(struct server *server) {
	// A kiosk has no keyboard, and one that is plugged in later is found all the same
	setenv("WLR_LIBINPUT_NO_DEVICES", "1", false);
	struct headless *headless = server->options.headless;
	server->backend = headless != NULL ? headless_create_backend(headless, server->loop) :
		wlr_backend_autocreate(server->loop, &server->session);
	if (headless != NULL && server->backend == NULL) {
		return false;
	}
	if (server->backend == NULL) {
		wlr_log(WLR_ERROR, "No backend works here. On a console: is a seat available "
			"(seatd or logind), and a DRM device? Elsewhere: WLR_BACKENDS=headless");
		return false;
	}
	server->backend_destroy.notify = handle_backend_destroy;
	wl_signal_add(&server->backend->events.destroy, &server->backend_destroy);
	server->new_output.notify = output_handle_new;
	wl_signal_add(&server->backend->events.new_output, &server->new_output);
	// After the backend: libseat's own seatd is a child of ours, and needs SIGUSR1 for VT switches.
	// Before the renderer: its threads must not be what a signal ends the process by
	if (!server->options.embedded) {
		add_signals(server);
	}

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
	const struct server_options *options = &server->options;
	if (options->render_vram != NULL) {
		server->render_vram =
			render_vram_create(server, options->render_vram, options->render_vram_region);
		if (server->render_vram == NULL) {
			return false;
		}
	}
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
	return server->scene_layout != NULL && layers_init(server);
}

/** A Wayland socket for clients, and one for sluicectl. */
static bool add_sockets(struct server *server) {
	const char *socket = wl_display_add_socket_auto(server->display);
	if (socket == NULL) {
		wlr_log_errno(WLR_ERROR, "Cannot open a Wayland socket; is XDG_RUNTIME_DIR set to a "
			"directory of your own?");
		return false;
	}
	setenv("WAYLAND_DISPLAY", socket, true);
	wlr_log(WLR_INFO, "WAYLAND_DISPLAY=%s", socket);
	server->ipc = ipc_create(server->loop, socket);
	if (server->ipc == NULL || !ipc_commands_register(server->ipc, server) ||
			!stats_register_ipc(server->stats) ||
			!kiosk_register_ipc(server->kiosk, server->ipc)) {
		return false;
	}
	setenv("SLUICE_SOCK", ipc_get_path(server->ipc), true);
	return true;
}

/**
 * Not in virtual time. With that, Xwayland takes its window manager's connection by a timer of
 * 1 ms, after it has said that it is ready; and that window manager, wlroots in this process, waits
 * for Xwayland to answer before it lets anything else happen, such as time going on. With the
 * machine's, X11 programs would see two clocks.
 */
static void start_xwayland(struct server *server) {
	if (server->options.headless == NULL && server->config->xwayland) {
		server->xwayland = xwayland_create(server);
	}
	if (server->xwayland == NULL) {
		unsetenv("DISPLAY"); // nothing is to appear outside, on the X server that we are a window of
	}
}

bool server_init(struct server *server, const struct server_options *options) {
	*server = (struct server){ .options = *options };
	wl_list_init(&server->outputs);
	wl_list_init(&server->windows);
	wl_list_init(&server->backend_destroy.link);
	wl_list_init(&server->new_output.link);
	wl_list_init(&server->renderer_lost.link);
	wl_list_init(&server->new_toplevel.link);
	wl_list_init(&server->new_popup.link);

	if (!config_init(server)) {
		return false;
	}
	server->display = wl_display_create();
	if (server->display == NULL) {
		wlr_log(WLR_ERROR, "Cannot create a Wayland display");
		config_destroy(server->config);
		return false;
	}
	server->loop = wl_display_get_event_loop(server->display);
	server->stats = stats_create(server);
	server->desktop = desktop_create(server);
	if (server->stats == NULL || server->desktop == NULL || !init_backend(server) ||
			!init_renderer(server) || !init_scene(server) ||
			!protocols_init_surface(server) || !xdg_window_init(server)) {
		goto error;
	}
	server->seat = seat_create(server);
	server->layer_shell = layer_shell_create(server);
	server->lock = lock_create(server);
	server->ladder = ladder_create(server);
	server->vram = vram_manager_create(server);
	server->kiosk = kiosk_create(server);
	if (server->seat == NULL || server->layer_shell == NULL || server->lock == NULL ||
			server->ladder == NULL || server->vram == NULL || server->kiosk == NULL ||
			!protocols_init(server)) {
		goto error;
	}
	if (!options->embedded) {
		if (!add_sockets(server)) {
			goto error;
		}
		start_xwayland(server);
	}
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

struct timespec server_now(const struct server *server) {
	struct timespec now;
	if (server->options.headless != NULL) {
		uint64_t ns = headless_now(server->options.headless);
		now = (struct timespec){
			.tv_sec = (time_t)(ns / NSEC_PER_SEC),
			.tv_nsec = (long)(ns % NSEC_PER_SEC),
		};
	} else {
		clock_gettime(CLOCK_MONOTONIC, &now);
	}
	return now;
}

uint32_t server_now_msec(const struct server *server) {
	struct timespec now = server_now(server);
	return (uint32_t)(now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

void server_quit(struct server *server, int status) {
	if (!server->quitting) {
		server->quitting = true;
		server->exit_status = status;
		if (kiosk_end(server->kiosk)) {
			return; // which ends the display when the last command has
		}
	}
	wl_display_terminate(server->display);
}

static void remove_source(struct wl_event_source **source) {
	if (*source != NULL) {
		wl_event_source_remove(*source);
		*source = NULL;
	}
}

void server_finish(struct server *server) {
	ipc_destroy(server->ipc);
	server->ipc = NULL;
	kiosk_destroy(server->kiosk);
	server->kiosk = NULL;
	xwayland_destroy(server->xwayland);
	server->xwayland = NULL;
	wl_display_destroy_clients(server->display);

	wl_list_remove(&server->new_toplevel.link);
	wl_list_remove(&server->new_popup.link);
	wl_list_remove(&server->new_output.link);
	wl_list_remove(&server->backend_destroy.link);
	wl_list_remove(&server->renderer_lost.link);
	remove_source(&server->sigint);
	remove_source(&server->sigterm);
	remove_source(&server->sighup);
	remove_source(&server->sigusr1);
	remove_source(&server->damage);
	remove_source(&server->replace_renderer);

	protocols_finish(server);
	lock_destroy(server->lock);
	server->lock = NULL;
	layer_shell_destroy(server->layer_shell);
	server->layer_shell = NULL;
	vram_manager_destroy(server->vram);
	// Outputs and devices say good-bye to desktop, ladder and seat
	seat_stop_listening(server->seat);
	if (server->backend != NULL) {
		wlr_backend_destroy(server->backend);
	}
	stats_destroy(server->stats);
	desktop_destroy(server->desktop);
	ladder_destroy(server->ladder);
	seat_destroy(server->seat);
	remove_source(&server->damage);
	if (server->scene != NULL) {
		wlr_scene_node_destroy(&server->scene->tree.node);
	}
	render_vram_destroy(server->render_vram);
	wlr_allocator_destroy(server->allocator);
	wlr_renderer_destroy(server->renderer);
	wl_display_destroy(server->display);
	config_destroy(server->config);
}
