#include "window.h"

#include <stdlib.h>
#include <string.h>

#include "linux-dmabuf-v1-client-protocol.h"
#include "presentation-time-client-protocol.h"
#include "say.h"
#include "sluice-vram-v1-client-protocol.h"
#include "viewporter-client-protocol.h"
#include "xdg-decoration-unstable-v1-client-protocol.h"
#include "xdg-shell-client-protocol.h"

static void output_handle_geometry(void *data, struct wl_output *wl_output, int32_t x, int32_t y,
		int32_t width, int32_t height, int32_t subpixel, const char *make,
		const char *model, int32_t transform) {
}

static void output_handle_mode(void *data, struct wl_output *wl_output, uint32_t flags,
		int32_t width, int32_t height, int32_t refresh) {
}

static void output_handle_done(void *data, struct wl_output *wl_output) {
}

static void output_handle_scale(void *data, struct wl_output *wl_output, int32_t factor) {
}

static void output_handle_name(void *data, struct wl_output *wl_output, const char *name) {
	struct output *output = data;
	free(output->name);
	output->name = strdup(name);
}

static void output_handle_description(void *data, struct wl_output *wl_output,
		const char *description) {
}

static const struct wl_output_listener output_listener = {
	.geometry = output_handle_geometry,
	.mode = output_handle_mode,
	.done = output_handle_done,
	.scale = output_handle_scale,
	.name = output_handle_name,
	.description = output_handle_description,
};

const char *output_name(struct wl_output *wl_output) {
	struct output *output = wl_output != NULL ? wl_output_get_user_data(wl_output) : NULL;
	return output != NULL && output->name != NULL ? output->name : "-";
}

static void output_destroy(struct output *output) {
	wl_list_remove(&output->link);
	if (wl_output_get_version(output->wl_output) >= WL_OUTPUT_RELEASE_SINCE_VERSION) {
		wl_output_release(output->wl_output);
	} else {
		wl_output_destroy(output->wl_output);
	}
	free(output->name);
	free(output);
}

static void wm_base_handle_ping(void *data, struct xdg_wm_base *wm_base, uint32_t serial) {
	xdg_wm_base_pong(wm_base, serial);
}

static const struct xdg_wm_base_listener wm_base_listener = {
	.ping = wm_base_handle_ping,
};

static void seat_handle_capabilities(void *data, struct wl_seat *seat, uint32_t capabilities) {
	struct globals *globals = data;
	globals->seat_capabilities = capabilities;
}

static void seat_handle_name(void *data, struct wl_seat *seat, const char *name) {
}

static const struct wl_seat_listener seat_listener = {
	.capabilities = seat_handle_capabilities,
	.name = seat_handle_name,
};

static void *bind_global(struct wl_registry *registry, uint32_t global, uint32_t offered,
		const struct wl_interface *interface, uint32_t wanted) {
	return wl_registry_bind(registry, global, interface, offered < wanted ? offered : wanted);
}

static void registry_handle_global(void *data, struct wl_registry *registry, uint32_t global,
		const char *interface, uint32_t version) {
	struct globals *globals = data;
	if (strcmp(interface, wl_output_interface.name) == 0) {
		struct output *output = calloc(1, sizeof(*output));
		if (output == NULL) {
			return;
		}
		output->global = global;
		output->wl_output = bind_global(registry, global, version,
			&wl_output_interface, 4);
		wl_output_add_listener(output->wl_output, &output_listener, output);
		wl_list_insert(globals->outputs.prev, &output->link);
		return;
	}
	const struct {
		const struct wl_interface *interface;
		uint32_t version;
		void **object;
	} wanted[] = {
		{ &wl_compositor_interface, 4, (void **)&globals->compositor },
		{ &wl_shm_interface, 1, (void **)&globals->shm },
		{ &wl_seat_interface, 5, (void **)&globals->seat },
		{ &xdg_wm_base_interface, 2, (void **)&globals->wm_base },
		{ &wp_presentation_interface, 1, (void **)&globals->presentation },
		{ &wp_viewporter_interface, 1, (void **)&globals->viewporter },
		{ &zwp_linux_dmabuf_v1_interface, 3, (void **)&globals->linux_dmabuf },
		{ &zxdg_decoration_manager_v1_interface, 1, (void **)&globals->decoration_manager },
		{ &sluice_vram_manager_v1_interface, 1, (void **)&globals->vram_manager },
	};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (*wanted[i].object == NULL &&
				strcmp(interface, wanted[i].interface->name) == 0) {
			*wanted[i].object = bind_global(registry, global, version,
				wanted[i].interface, wanted[i].version);
			if (wanted[i].object == (void **)&globals->seat) {
				wl_seat_add_listener(globals->seat, &seat_listener, globals);
			}
		}
	}
}

static void registry_handle_global_remove(void *data, struct wl_registry *registry,
		uint32_t global) {
	struct globals *globals = data;
	struct output *output, *tmp;
	wl_list_for_each_safe(output, tmp, &globals->outputs, link) {
		if (output->global == global) {
			output_destroy(output);
		}
	}
}

static const struct wl_registry_listener registry_listener = {
	.global = registry_handle_global,
	.global_remove = registry_handle_global_remove,
};

bool globals_init(struct globals *globals) {
	*globals = (struct globals){ 0 };
	wl_list_init(&globals->outputs);
	globals->display = wl_display_connect(NULL);
	if (globals->display == NULL) {
		complain("cannot connect to a Wayland compositor; is WAYLAND_DISPLAY set?");
		return false;
	}
	globals->registry = wl_display_get_registry(globals->display);
	wl_registry_add_listener(globals->registry, &registry_listener, globals);
	// The second one is for the names of the outputs, and what the seat has.
	if (wl_display_roundtrip(globals->display) < 0 ||
			wl_display_roundtrip(globals->display) < 0) {
		complain("the compositor closed the connection");
		return false;
	}
	if (globals->wm_base != NULL) {
		xdg_wm_base_add_listener(globals->wm_base, &wm_base_listener, NULL);
	}
	return true;
}

void globals_finish(struct globals *globals) {
	if (globals->display == NULL) {
		return;
	}
	struct output *output, *tmp;
	wl_list_for_each_safe(output, tmp, &globals->outputs, link) {
		output_destroy(output);
	}
	struct wl_proxy *proxies[] = {
		(struct wl_proxy *)globals->compositor,
		(struct wl_proxy *)globals->shm,
		(struct wl_proxy *)globals->seat,
		(struct wl_proxy *)globals->registry,
	};
	for (size_t i = 0; i < sizeof(proxies) / sizeof(proxies[0]); i++) {
		if (proxies[i] != NULL) {
			wl_proxy_destroy(proxies[i]);
		}
	}
	if (globals->wm_base != NULL) {
		xdg_wm_base_destroy(globals->wm_base);
	}
	if (globals->presentation != NULL) {
		wp_presentation_destroy(globals->presentation);
	}
	if (globals->viewporter != NULL) {
		wp_viewporter_destroy(globals->viewporter);
	}
	if (globals->decoration_manager != NULL) {
		zxdg_decoration_manager_v1_destroy(globals->decoration_manager);
	}
	if (globals->linux_dmabuf != NULL) {
		zwp_linux_dmabuf_v1_destroy(globals->linux_dmabuf);
	}
	if (globals->vram_manager != NULL) {
		sluice_vram_manager_v1_destroy(globals->vram_manager);
	}
	wl_display_flush(globals->display);
	wl_display_disconnect(globals->display);
	*globals = (struct globals){ 0 };
}

static void surface_handle_enter(void *data, struct wl_surface *surface,
		struct wl_output *output) {
	say("enter %s", output_name(output));
}

static void surface_handle_leave(void *data, struct wl_surface *surface,
		struct wl_output *output) {
	say("leave %s", output_name(output));
}

static const struct wl_surface_listener surface_listener = {
	.enter = surface_handle_enter,
	.leave = surface_handle_leave,
};

static void xdg_surface_handle_configure(void *data, struct xdg_surface *xdg_surface,
		uint32_t serial) {
	struct window *window = data;
	xdg_surface_ack_configure(xdg_surface, serial);
	window->width = window->pending_width;
	window->height = window->pending_height;
	window->configured = true;
	window->changed = true;
	say("configure %dx%d", window->width, window->height);
}

static const struct xdg_surface_listener xdg_surface_listener = {
	.configure = xdg_surface_handle_configure,
};

static void toplevel_handle_configure(void *data, struct xdg_toplevel *toplevel, int32_t width,
		int32_t height, struct wl_array *states) {
	struct window *window = data;
	window->pending_width = width;
	window->pending_height = height;
}

static void toplevel_handle_close(void *data, struct xdg_toplevel *toplevel) {
	struct window *window = data;
	window->closed = true;
	say("close");
}

static const struct xdg_toplevel_listener toplevel_listener = {
	.configure = toplevel_handle_configure,
	.close = toplevel_handle_close,
};

static void decoration_handle_configure(void *data,
		struct zxdg_toplevel_decoration_v1 *decoration, uint32_t mode) {
	say("decoration %s", mode == ZXDG_TOPLEVEL_DECORATION_V1_MODE_SERVER_SIDE ? "server" :
		"client");
}

static const struct zxdg_toplevel_decoration_v1_listener decoration_listener = {
	.configure = decoration_handle_configure,
};

bool window_set_fullscreen(struct window *window, bool fullscreen, const char *name) {
	if (!fullscreen) {
		xdg_toplevel_unset_fullscreen(window->toplevel);
		return true;
	}
	struct wl_output *wl_output = NULL;
	if (name != NULL) {
		struct output *output;
		wl_list_for_each(output, &window->globals->outputs, link) {
			if (output->name != NULL && strcmp(output->name, name) == 0) {
				wl_output = output->wl_output;
			}
		}
		if (wl_output == NULL) {
			complain("there is no output %s", name);
			return false;
		}
	}
	xdg_toplevel_set_fullscreen(window->toplevel, wl_output);
	return true;
}

bool window_init(struct window *window, struct globals *globals,
		const struct window_options *options) {
	*window = (struct window){ .globals = globals };
	if (globals->compositor == NULL || globals->wm_base == NULL) {
		complain("the compositor has no %s",
			globals->compositor == NULL ? "wl_compositor" : "xdg_wm_base");
		return false;
	}
	window->surface = wl_compositor_create_surface(globals->compositor);
	wl_surface_add_listener(window->surface, &surface_listener, window);
	window->xdg_surface = xdg_wm_base_get_xdg_surface(globals->wm_base, window->surface);
	xdg_surface_add_listener(window->xdg_surface, &xdg_surface_listener, window);
	window->toplevel = xdg_surface_get_toplevel(window->xdg_surface);
	xdg_toplevel_add_listener(window->toplevel, &toplevel_listener, window);
	xdg_toplevel_set_title(window->toplevel, options->title);
	xdg_toplevel_set_app_id(window->toplevel, options->app_id);
	if (options->fixed_width > 0) {
		xdg_toplevel_set_min_size(window->toplevel, options->fixed_width,
			options->fixed_height);
		xdg_toplevel_set_max_size(window->toplevel, options->fixed_width,
			options->fixed_height);
	}
	if (options->decorated) {
		if (globals->decoration_manager == NULL) {
			complain("the compositor has no xdg-decoration");
			return false;
		}
		window->decoration = zxdg_decoration_manager_v1_get_toplevel_decoration(
			globals->decoration_manager, window->toplevel);
		zxdg_toplevel_decoration_v1_add_listener(window->decoration, &decoration_listener,
			window);
		zxdg_toplevel_decoration_v1_set_mode(window->decoration,
			ZXDG_TOPLEVEL_DECORATION_V1_MODE_SERVER_SIDE);
	}
	if (options->fullscreen &&
			!window_set_fullscreen(window, true, options->fullscreen_output)) {
		return false;
	}
	wl_surface_commit(window->surface);
	return true;
}

void window_finish(struct window *window) {
	if (window->decoration != NULL) {
		zxdg_toplevel_decoration_v1_destroy(window->decoration);
	}
	if (window->toplevel != NULL) {
		xdg_toplevel_destroy(window->toplevel);
	}
	if (window->xdg_surface != NULL) {
		xdg_surface_destroy(window->xdg_surface);
	}
	if (window->surface != NULL) {
		wl_surface_destroy(window->surface);
	}
	*window = (struct window){ 0 };
}
