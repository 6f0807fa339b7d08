/*
 * What the Wayland Conformance Suite's runner loads: it starts a compositor for each test, in its
 * own process, and stops it again.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <wlr/interfaces/wlr_keyboard.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_cursor.h>
#include <wlr/types/wlr_output_layout.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/util/log.h>
#include "desktop/window.h"
#include "module.h"
#include "output.h"
#include "output_apply.h"
#include "seat/seat.h"

/** A connection that the runner asked for. */
struct client {
	struct wl_list link; // module.clients, the newest first
	struct wl_client *wl_client;
	int fd; // the runner's end
	struct wl_listener destroy;
};

static struct module *get_module(WlcsDisplayServer *base) {
	struct module *module = wl_container_of(base, module, base);
	return module;
}

uint32_t now_msec(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint32_t)(now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

void to_fractions(struct module *module, wl_fixed_t x, wl_fixed_t y, double *fx, double *fy) {
	struct wlr_box box;
	wlr_output_layout_get_box(module->server.output_layout, NULL, &box);
	// Less than wl_fixed can tell, so that rounding never loses the pixel
	const double inside = 1 / 1024.0;
	*fx = (wl_fixed_to_double(x) - box.x + inside) / box.width;
	*fy = (wl_fixed_to_double(y) - box.y + inside) / box.height;
}

void device_init(struct device *device, struct module *module, struct wlr_input_device *input,
		void (*finish)(struct device *device)) {
	device->input = input;
	device->finish = finish;
	wl_list_insert(&module->devices, &device->link);
	wl_signal_emit_mutable(&module->server.backend->events.new_input, input);
}

void device_finish(struct device *device) {
	if (device->finish == NULL) {
		return;
	}
	device->finish(device);
	device->finish = NULL;
	wl_list_remove(&device->link);
}

static int dispatch_runner(int fd, uint32_t mask, void *data) {
	struct wl_event_loop *runner = data;
	wl_event_loop_dispatch(runner, 0);
	return 0;
}

/** The tests put windows where a screen of the default size has nothing. */
static void enlarge_outputs(struct server *server) {
	struct output *output;
	wl_list_for_each(output, &server->outputs, link) {
		struct output_target target = { .output = output, .placed = true };
		wlr_output_state_init(&target.state);
		wlr_output_state_set_custom_mode(&target.state, 1920, 1200, 0);
		outputs_commit(server, &target, 1);
		wlr_output_state_finish(&target.state);
	}
}

static void start_on_this_thread(WlcsDisplayServer *base, struct wl_event_loop *runner) {
	struct module *module = get_module(base);
	struct server *server = &module->server;
	const struct server_options options = { .mode = MODE_SESSION, .embedded = true };
	if (!server_init(server, &options)) {
		fprintf(stderr, "Cannot start a compositor\n");
		abort(); // the runner would wait for ever
	}
	if (!server_start(server)) {
		fprintf(stderr, "Cannot start a backend\n");
		abort();
	}
	enlarge_outputs(server);
	// Tests put windows where it is otherwise, and take the enter that comes of it for another
	wlr_cursor_warp(server->seat->cursor, NULL, 0, 0);
	// Clients of WLCS take it for granted that a seat has everything
	struct wlr_keyboard keyboard;
	keyboard_init(&keyboard, module);
	WlcsPointer *pointer = pointer_create(module);
	WlcsTouch *touch = touch_create(module);
	struct wl_protocol_logger *logger = getenv("SLUICE_WLCS_EARLY_BUFFERS") != NULL ?
		wl_display_add_protocol_logger(server->display, early_buffers_handle, NULL) : NULL;
	struct wl_event_source *source = wl_event_loop_add_fd(server->loop,
		wl_event_loop_get_fd(runner), WL_EVENT_READABLE, dispatch_runner, runner);

	wl_display_run(server->display);

	wl_event_source_remove(source);
	wl_display_destroy_clients(server->display);
	if (logger != NULL) {
		wl_protocol_logger_destroy(logger);
	}
	pointer->destroy(pointer);
	touch->destroy(touch);
	struct device *device, *tmp;
	wl_list_for_each_safe(device, tmp, &module->devices, link) {
		device_finish(device);
	}
	wlr_keyboard_finish(&keyboard);
	server_finish(server);
}

static void stop(WlcsDisplayServer *base) {
	server_quit(&get_module(base)->server, EXIT_SUCCESS);
}

static void handle_client_destroy(struct wl_listener *listener, void *data) {
	struct client *client = wl_container_of(listener, client, destroy);
	wl_list_remove(&client->destroy.link);
	wl_list_remove(&client->link);
	free(client);
}

static int create_client_socket(WlcsDisplayServer *base) {
	struct module *module = get_module(base);
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		return -1;
	}
	struct client *client = calloc(1, sizeof(*client));
	if (client != NULL) {
		client->wl_client = wl_client_create(module->server.display, fds[0]);
	}
	if (client == NULL || client->wl_client == NULL) {
		free(client);
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	client->fd = fds[1];
	wl_list_insert(&module->clients, &client->link);
	client->destroy.notify = handle_client_destroy;
	wl_client_add_destroy_listener(client->wl_client, &client->destroy);
	return fds[1];
}

/** What looks for a surface in the scene. */
struct search {
	const struct wlr_surface *surface;
	struct wlr_scene_node *node;
};

static void match(struct wlr_scene_buffer *scene_buffer, int sx, int sy, void *data) {
	struct search *search = data;
	const struct wlr_scene_surface *scene_surface =
		wlr_scene_surface_try_from_buffer(scene_buffer);
	if (scene_surface != NULL && scene_surface->surface == search->surface) {
		search->node = &scene_buffer->node;
	}
}

/** Panels are moved, too: where they are laid out is not what such a test is about. */
static void move_panel(struct server *server, const struct wlr_surface *surface, int x, int y) {
	struct search search = { .surface = surface };
	wlr_scene_node_for_each_buffer(&server->scene->tree.node, match, &search);
	struct wlr_scene_node *node = search.node;
	while (node != NULL && node->parent->node.parent != &server->scene->tree) {
		node = &node->parent->node;
	}
	if (node != NULL) {
		wlr_scene_node_set_position(node, x, y);
	}
}

static void position_window_absolute(WlcsDisplayServer *base, struct wl_display *display,
		struct wl_surface *wl_surface, int x, int y) {
	struct module *module = get_module(base);
	int fd = wl_display_get_fd(display);
	uint32_t id = wl_proxy_get_id((struct wl_proxy *)wl_surface);
	struct client *client;
	wl_list_for_each(client, &module->clients, link) {
		if (client->fd != fd) {
			continue;
		}
		struct wl_resource *resource = wl_client_get_object(client->wl_client, id);
		if (resource == NULL) {
			return;
		}
		struct wlr_surface *surface = wlr_surface_from_resource(resource);
		struct window *window = window_from_surface(surface);
		if (window != NULL) {
			window_move(window, x, y);
		} else {
			move_panel(&module->server, surface, x, y);
		}
		seat_rebase(module->server.seat);
		return;
	}
}

static WlcsPointer *create_pointer(WlcsDisplayServer *base) {
	return pointer_create(get_module(base));
}

static WlcsTouch *create_touch(WlcsDisplayServer *base) {
	return touch_create(get_module(base));
}

/** All that the tests of WLCS 1.8 ask for and wlroots implements: others are skipped. */
static const WlcsExtensionDescriptor extensions[] = {
	{ "wl_compositor", 6 },
	{ "wl_subcompositor", 1 },
	{ "wl_shm", 2 },
	{ "wl_seat", 9 },
	{ "wl_output", 4 },
	{ "wl_data_device_manager", 3 },
	{ "xdg_wm_base", 6 },
	{ "wp_viewporter", 1 },
	{ "wp_fractional_scale_manager_v1", 1 },
	{ "ext_data_control_manager_v1", 1 },
	{ "ext_foreign_toplevel_list_v1", 1 },
	{ "ext_image_copy_capture_manager_v1", 1 },
	{ "ext_output_image_capture_source_manager_v1", 1 },
	{ "zwlr_foreign_toplevel_manager_v1", 3 },
	{ "zwlr_layer_shell_v1", 5 },
	{ "zwlr_screencopy_manager_v1", 3 },
	{ "zwlr_virtual_pointer_manager_v1", 2 },
	{ "zwp_input_method_manager_v2", 1 },
	{ "zwp_pointer_constraints_v1", 1 },
	{ "zwp_primary_selection_device_manager_v1", 1 },
	{ "zwp_relative_pointer_manager_v1", 1 },
	{ "zwp_text_input_manager_v3", 1 },
	{ "zwp_virtual_keyboard_manager_v1", 1 },
	{ "zxdg_decoration_manager_v1", 1 },
	{ "zxdg_output_manager_v1", 3 },
};

static const WlcsIntegrationDescriptor descriptor = {
	.version = WLCS_INTEGRATION_DESCRIPTOR_VERSION,
	.num_extensions = sizeof(extensions) / sizeof(extensions[0]),
	.supported_extensions = extensions,
};

static const WlcsIntegrationDescriptor *get_descriptor(const WlcsDisplayServer *base) {
	return &descriptor;
}

static WlcsDisplayServer *create_server(int argc, const char **argv) {
	setenv("WLR_BACKENDS", "headless", true);
	setenv("WLR_RENDERER", "pixman", true);
	wlr_log_init(getenv("SLUICE_WLCS_DEBUG") != NULL ? WLR_DEBUG : WLR_ERROR, NULL);
	struct module *module = calloc(1, sizeof(*module));
	if (module == NULL) {
		abort();
	}
	wl_list_init(&module->clients);
	wl_list_init(&module->devices);
	module->base = (WlcsDisplayServer){
		.version = WLCS_DISPLAY_SERVER_VERSION,
		.stop = stop,
		.create_client_socket = create_client_socket,
		.position_window_absolute = position_window_absolute,
		.create_pointer = create_pointer,
		.create_touch = create_touch,
		.get_descriptor = get_descriptor,
		.start_on_this_thread = start_on_this_thread,
	};
	return &module->base;
}

static void destroy_server(WlcsDisplayServer *base) {
	free(get_module(base));
}

__attribute__((visibility("default")))
const WlcsServerIntegration wlcs_server_integration = {
	.version = WLCS_SERVER_INTEGRATION_VERSION,
	.create_server = create_server,
	.destroy_server = destroy_server,
};
