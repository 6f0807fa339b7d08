/*
 * The Wayland side that every test client has: globals, outputs and a toplevel window.
 */
#ifndef TESTS_CLIENTS_WINDOW_H
#define TESTS_CLIENTS_WINDOW_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-client.h>

struct wp_presentation;
struct wp_viewporter;
struct wp_viewport;
struct xdg_surface;
struct xdg_toplevel;
struct xdg_wm_base;
struct zwp_linux_dmabuf_v1;
struct zxdg_decoration_manager_v1;
struct zxdg_toplevel_decoration_v1;
struct sluice_vram_manager_v1;

struct output {
	struct wl_list link; // globals.outputs
	struct wl_output *wl_output;
	uint32_t global;
	char *name; // NULL until the compositor tells it
};

struct globals {
	struct wl_display *display;
	struct wl_registry *registry;
	struct wl_list outputs; // output.link

	// Each is NULL if the compositor does not have it.
	struct wl_compositor *compositor;
	struct wl_shm *shm;
	struct wl_seat *seat;
	uint32_t seat_capabilities;
	struct xdg_wm_base *wm_base;
	struct wp_presentation *presentation;
	struct wp_viewporter *viewporter;
	struct zwp_linux_dmabuf_v1 *linux_dmabuf;
	struct zxdg_decoration_manager_v1 *decoration_manager;
	struct sluice_vram_manager_v1 *vram_manager;
};

/** Connect to $WAYLAND_DISPLAY and bind what there is. Complains on failure. */
bool globals_init(struct globals *globals);
void globals_finish(struct globals *globals);

/** The name of an output, or "-" if it is NULL or has none. */
const char *output_name(struct wl_output *wl_output);

struct window_options {
	const char *title;
	const char *app_id;
	bool fullscreen;
	const char *fullscreen_output; // by name, NULL leaves it to the compositor
	bool decorated; // by the compositor
	int fixed_width, fixed_height; // least and largest size, 0: any
};

struct window {
	struct globals *globals;
	struct wl_surface *surface;
	struct xdg_surface *xdg_surface;
	struct xdg_toplevel *toplevel;
	struct zxdg_toplevel_decoration_v1 *decoration;

	bool configured;
	bool changed; // configured since this was last cleared
	int width, height; // the last size the compositor asked for, 0 is as the client likes
	int pending_width, pending_height;
	bool closed;
};

/**
 * Create a toplevel and commit it without content; configure events follow, and are printed.
 *
 * Complains on failure.
 */
bool window_init(struct window *window, struct globals *globals,
	const struct window_options *options);
void window_finish(struct window *window);

/** Ask for or leave fullscreen; output is a name or NULL. Complains if there is no such output. */
bool window_set_fullscreen(struct window *window, bool fullscreen, const char *output);

#endif
