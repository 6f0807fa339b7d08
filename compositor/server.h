#ifndef SERVER_H
#define SERVER_H

#include <stdbool.h>
#include <wayland-server-core.h>
#include <wlr/types/wlr_output.h>
#include <sluice/backend.h>

/** How the program was started. */
enum server_mode {
	MODE_SESSION, // windows float; ends on SIGTERM
	MODE_KIOSK, // one command, full screen; ends with it
};

/** What the command line says. */
struct server_options {
	enum server_mode mode;
	bool no_gpu, no_cpu; // paths that are not to be used
	const char *render_vram; // PCI address of an exporter to draw into, or NULL
	uint32_t render_vram_region;
};

/** The compositor: everything hangs off this. */
struct server {
	struct server_options options;
	struct wl_display *display;
	struct wl_event_loop *loop;

	struct wlr_backend *backend; // a multi-backend
	struct sluice_backend *exporters; // a child of it, NULL without udev
	struct wlr_session *session; // NULL when nested or headless
	struct wlr_renderer *renderer; // a sluice_renderer
	struct wlr_allocator *allocator;
	struct render_vram *render_vram; // NULL unless asked for
	struct wlr_compositor *compositor;

	struct wlr_scene *scene;
	struct wlr_scene_output_layout *scene_layout;
	struct wlr_output_layout *output_layout;
	struct wl_list outputs; // output.link

	struct wl_list windows; // window.link, the focused one first

	struct seat *seat;
	struct ladder *ladder;
	struct vram_manager *vram;

	int exit_status;

	struct wl_listener new_output;
	struct wl_listener backend_destroy;
	struct wl_listener new_toplevel;
	struct wl_listener new_popup;
	struct wl_listener renderer_lost;
	struct wl_event_source *sigint, *sigterm, *sigusr1;
	struct wl_event_source *damage, *replace_renderer; // idle, NULL unless pending
};

/** Bring everything up, up to a listening socket. On failure what came up is taken down. */
bool server_init(struct server *server, const struct server_options *options);
/** Start the backends: outputs and inputs appear. */
bool server_start(struct server *server);
void server_finish(struct server *server);
/** End the event loop, with an exit status. */
void server_quit(struct server *server, int status);

#endif
