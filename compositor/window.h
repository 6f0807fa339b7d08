#ifndef WINDOW_H
#define WINDOW_H

#include <wlr/util/box.h>
#include "server.h"

struct wlr_surface;
struct wlr_output;
struct output;

/** A top-level window of xdg-shell. */
struct window {
	struct wl_list link; // server.windows
	struct server *server;
	struct wlr_xdg_toplevel *toplevel;
	struct wlr_scene_tree *tree;
	struct wlr_scene_rect *backdrop; // black, below a fullscreen window, else disabled
	bool mapped;

	bool fullscreen, maximized;
	struct wlr_output *output; // it is fullscreen or maximized on, may be NULL
	struct wlr_box saved; // before that, width 0 if it never had a size of its own

	uint32_t resize_edges; // enum wlr_edges that are dragged, or were until it settles
	int resize_right, resize_bottom; // where these edges are to be, layout coordinates
	uint32_t resize_serial; // of the last configure

	struct wl_listener map, unmap, commit, destroy;
	struct wl_listener request_move, request_resize, request_maximize, request_fullscreen;
};

/** Create xdg-shell. */
bool window_init(struct server *server);

struct window *window_get_focused(struct server *server);
/** Raise, activate and give the keyboard to. NULL is allowed and does nothing. */
void window_focus(struct window *window);
void window_focus_next(struct server *server);
struct wlr_surface *window_get_surface(struct window *window);
/** The visible part (the xdg geometry) in layout coordinates. */
struct wlr_box window_get_box(struct window *window);
/** The visible part in surface coordinates. */
struct wlr_box window_get_geometry(struct window *window);
void window_move(struct window *window, int x, int y);
/** Ask for a new size. The edges (enum wlr_edges) move; the others stay where they are. */
void window_resize(struct window *window, const struct wlr_box *box, uint32_t edges);
/** On an output, or where it is (NULL). */
void window_set_fullscreen(struct window *window, bool fullscreen, struct wlr_output *output);
void window_close(struct window *window);

/** The surface at a point in layout coordinates, the point in it, and its window. */
struct wlr_surface *window_surface_at(struct server *server, double lx, double ly,
	struct window **window_ptr, double *sx, double *sy);

/** Fit what is fullscreen or maximized to the outputs again, after these changed. */
void window_arrange_output(struct server *server);

#endif
