#ifndef OUTPUT_H
#define OUTPUT_H

#include "config/output.h"
#include "path/direct.h"
#include "server.h"
#include "stats/stats.h"

/** A screen. */
struct output {
	struct wl_list link; // server.outputs
	struct server *server;
	struct wlr_output *wlr_output;
	struct wlr_scene_output *scene_output;
	/** Scanout of what is on this screen is known to fail: see path/ladder.h. */
	bool composite_only;
	struct direct direct;
	struct output_stats stats;
	bool owes_frame_done; // callbacks wait for the page flip
	struct {
		int left, right, top, bottom;
	} reserved; // for panels, in layout pixels

	struct output_config config; // the configuration that it was given last

	struct wl_listener frame, present;
	struct wl_listener request_state;
	struct wl_listener destroy;
};

/** What outputs allocate their buffers from. */
struct wlr_allocator *output_get_allocator(struct server *server);
/** Outputs, their places or their sizes changed: put what is on them in its place. */
void outputs_arrange(struct server *server);
/** Send it to sleep, or wake it up: it stays where it is in the layout. */
bool output_set_power(struct output *output, bool on);
/** For wlr_backend.events.new_output. */
void output_handle_new(struct wl_listener *listener, void *data);
/** Whether it is an output, and one that is switched on. It is only compared with those there are. */
bool output_is_there(struct server *server, const struct output *wanted);
/** The output at a point in layout coordinates, else any, else NULL. */
struct output *output_at(struct server *server, double x, double y);
/** Its box in layout coordinates. */
struct wlr_box output_get_box(struct output *output);
/** What panels leave of it for windows, in layout coordinates. */
struct wlr_box output_get_usable_box(struct output *output);
/** Panels leave this of it, relative to its corner: windows are arranged anew. */
void output_set_usable_box(struct output *output, const struct wlr_box *usable);
/** Have an output's next frame drawn although nothing has changed. Not while one is drawn. */
void output_damage(struct output *output);
/** The same for every output, soon. */
void output_damage_all(struct server *server);

#endif
