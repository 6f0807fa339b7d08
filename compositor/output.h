#ifndef OUTPUT_H
#define OUTPUT_H

#include "path/direct.h"
#include "server.h"

/** A screen. */
struct output {
	struct wl_list link; // server.outputs
	struct server *server;
	struct wlr_output *wlr_output;
	struct wlr_scene_output *scene_output;
	/** Scanout of what is on this screen is known to fail: see path/ladder.h. */
	bool composite_only;
	struct direct direct;
	bool owes_frame_done; // callbacks wait for the page flip

	struct wl_listener frame, present;
	struct wl_listener request_state;
	struct wl_listener destroy;
};

/** What outputs allocate their buffers from. */
struct wlr_allocator *output_get_allocator(struct server *server);
/** For wlr_backend.events.new_output. */
void output_handle_new(struct wl_listener *listener, void *data);
/** The output at a point in layout coordinates, else any, else NULL. */
struct output *output_at(struct server *server, double x, double y);
/** Its box in layout coordinates. */
struct wlr_box output_get_box(struct output *output);
/** Have the next frame drawn although nothing has changed. */
void output_damage_all(struct server *server);

#endif
