#ifndef SERVER_H
#define SERVER_H

#include <stdbool.h>
#include <time.h>
#include <wayland-server-core.h>
#include <wlr/types/wlr_output.h>
#include <sluice/backend.h>
#include "desktop/layers.h"
#include "protocol/protocol.h"

/** Where Intel GPUs, and the rig's, have their VRAM. */
#define SERVER_DEFAULT_VRAM_REGION 2

struct capture;
struct headless;

/** How the program was started. */
enum server_mode {
	MODE_SESSION, // windows float; ends on SIGTERM
	MODE_KIOSK, // one command, full screen; ends with it
};

/** What the command line says. */
struct server_options {
	enum server_mode mode;
	const char *config_path; // NULL: the one that is found
	bool embedded; // in another program's process: no signal handlers, no socket
	bool no_gpu, no_cpu; // paths that are not to be used
	const char *render_vram; // PCI address of an exporter to draw into, or NULL
	uint32_t render_vram_region;
	struct headless *headless; // of "sluice headless", or NULL
};

/** The compositor: everything hangs off this. */
struct server {
	struct server_options options;
	struct config *config;
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
	struct wlr_scene_tree *layers[LAYERS]; // enum layer, in scene
	struct wlr_scene_output_layout *scene_layout;
	struct wlr_output_layout *output_layout;
	struct wl_list outputs; // output.link

	struct wlr_xdg_shell *xdg_shell;
	struct wl_list windows; // window.link, the focused one first
	uint32_t last_window_id;
	struct desktop *desktop;

	struct ipc *ipc;
	struct protocols protocols;
	struct seat *seat;
	struct layer_shell *layer_shell;
	struct lock *lock;
	struct xwayland *xwayland; // NULL if X11 programs are not shown
	struct ladder *ladder;
	struct vram_manager *vram;
	struct kiosk *kiosk;
	struct capture *capture; // NULL if nobody looks
	struct stats *stats;

	int exit_status;
	bool quitting;

	struct wl_listener new_output;
	struct wl_listener backend_destroy;
	struct wl_listener new_toplevel;
	struct wl_listener new_popup;
	struct wl_listener renderer_lost;
	struct wl_event_source *sigint, *sigterm, *sighup, *sigusr1;
	struct wl_event_source *damage, *replace_renderer; // idle, NULL unless pending
};

/** Bring everything up, up to a listening socket. On failure what came up is taken down. */
bool server_init(struct server *server, const struct server_options *options);
/** Start the backends: outputs and inputs appear. */
bool server_start(struct server *server);
void server_finish(struct server *server);
/** The time that frames have: CLOCK_MONOTONIC, or virtual. */
struct timespec server_now(const struct server *server);
/** The same as input events have it. */
uint32_t server_now_msec(const struct server *server);
/**
 * End the commands that the compositor runs, and then the event loop, with an exit status. The
 * second time, the event loop ends at once, with the first one's.
 */
void server_quit(struct server *server, int status);

#endif
