#ifndef DESKTOP_WINDOW_H
#define DESKTOP_WINDOW_H

#include <sys/types.h>
#include <wlr/util/box.h>
#include "desktop/layout.h"
#include "server.h"
#include "timer.h"

struct decoration;
struct window;
struct workspace;
struct wlr_output;
struct wlr_scene_node;
struct wlr_surface;

/** What a kind of window (xdg-shell's, X11's) does for the desktop. */
struct window_impl {
	struct wlr_surface *(*get_surface)(struct window *window);
	/** The visible part in surface coordinates: its corner is put where the window is. */
	struct wlr_box (*get_geometry)(struct window *window);
	/**
	 * Whether the client has not said what its visible part is, which then is all of its surfaces.
	 * NULL if it always has.
	 */
	bool (*has_implied_geometry)(struct window *window);
	const char *(*get_title)(struct window *window); // may be NULL
	const char *(*get_app_id)(struct window *window); // may be NULL
	pid_t (*get_pid)(struct window *window); // its client's, 0 if that is not known
	/** The window that it is a dialog of, or NULL. */
	struct window *(*get_parent)(struct window *window);
	/** Whether it cannot take the size of a tile, or would look wrong with it. */
	bool (*has_fixed_size)(struct window *window);
	void (*set_activated)(struct window *window, bool activated);
	/** It is on a workspace that is not shown: there is no need to draw. */
	void (*set_suspended)(struct window *window, bool suspended);
	/**
	 * Ask for the place and the size that are to be (of width 0: as it likes), and for what
	 * fullscreen, maximized and is_tiled() say.
	 */
	void (*configure)(struct window *window, const struct wlr_box *box);
	/** Whether the client has drawn what was asked for last. */
	bool (*has_settled)(struct window *window);
	/** It may be at another place now; may be NULL. */
	void (*moved)(struct window *window);
	void (*close)(struct window *window);
};

/** A top-level window. Embedded in one of its kind. */
struct window {
	struct wl_list link; // server.windows, the last focused one first
	struct wl_list stack_link; // desktop.stack
	struct wl_list workspace_link; // workspace.windows, in the order of tiles
	struct server *server;
	const struct window_impl *impl;
	uint32_t id; // that sluicectl calls it by; never used again
	struct workspace *workspace; // from before it is mapped until it is unmapped, else NULL
	bool mapped;

	struct wlr_scene_tree *tree; // at the corner of the visible part
	struct wlr_scene_rect *backdrop; // black, below a fullscreen window, else disabled
	struct decoration *decoration; // NULL if the client draws it, or nobody
	struct wlr_scene_tree *content; // the surface, without what the geometry leaves out
	struct wlr_scene_tree *popups; // above it

	bool fullscreen, maximized, floats; // the first of them that holds is what is seen
	/**
	 * Where it floats, or would: relative to the corner of its screen, so that it goes with its
	 * workspace. Of width 0: it takes a size of its own, and the middle of the screen.
	 */
	struct wlr_box floating;

	struct wlr_box target; // what it was asked to be, layout coordinates
	unsigned target_state; // and how, see window_place()
	/**
	 * It was asked, and has not drawn it yet: what is seen stays as it was until it has, or the
	 * time is over.
	 */
	bool held;
	struct timer hold_timer;
	struct wlr_box drawn; // its geometry at the last commit

	uint32_t resize_edges; // enum wlr_edges that are dragged, or were until it settles
	int resize_right, resize_bottom; // where these edges are to be, layout coordinates

	struct foreign_window *foreign; // what panels see of it, NULL unless mapped

	unsigned stacked; // by which round of window_restack() it was
};

/**
 * Begin with a window of a kind, which is not mapped yet. Its surfaces go to window.content and
 * window.popups. false if memory ran out: nothing is left.
 */
bool window_begin(struct window *window, struct server *server, const struct window_impl *impl);
/** Before its memory is freed. */
void window_end(struct window *window);
/** Before it is mapped: give it a workspace, and ask for the size that it will have there. */
void window_prepare(struct window *window);
/** It has something to show: it gets its place, and the focus. */
void window_map(struct window *window);
/** It has not: if it comes back, then as a new window does, but where it was put before. */
void window_unmap(struct window *window);
/** The client has drawn. */
void window_committed(struct window *window);

/** The window that a surface, or one that belongs to it, is shown in; NULL if there is none. */
struct window *window_from_surface(struct wlr_surface *surface);
struct window *window_get_focused(struct server *server);
struct wlr_surface *window_get_surface(struct window *window);
const char *window_get_title(struct window *window);
const char *window_get_app_id(struct window *window);
pid_t window_get_pid(struct window *window);
struct window *window_get_parent(struct window *window);
/** The visible part (the xdg geometry), without decorations, in layout coordinates. */
struct wlr_box window_get_box(struct window *window);
/** The visible part in surface coordinates. */
struct wlr_box window_get_geometry(struct window *window);
/** Whether it stands in its workspace's columns. */
bool window_is_tiled(const struct window *window);
/** Whether it would not be tiled on its workspace by itself. */
bool window_should_float(struct window *window);
/** Whether it is a dialog of the other one, or of one of its dialogs. */
bool window_is_dialog_of(struct window *window, const struct window *other);
/** The output that its workspace is on, or NULL. */
struct output *window_get_output(struct window *window);

/** Put a floating window somewhere, at once. */
void window_move(struct window *window, int x, int y);
/** Ask for a new size. The edges (enum wlr_edges) move; the others stay where they are. */
void window_resize(struct window *window, const struct wlr_box *box, uint32_t edges);
/**
 * A person takes hold of it with the pointer. false if it cannot be dragged now; one that is tiled
 * floats from then on.
 */
bool window_begin_drag(struct window *window);
/** It was let go of: it belongs to the screen that it is on. */
void window_end_drag(struct window *window);
/** On an output, or where it is (NULL). */
void window_set_fullscreen(struct window *window, bool fullscreen, struct wlr_output *output);
void window_set_maximized(struct window *window, bool maximized);
/** Take it out of the columns, or put it there. */
void window_set_floating(struct window *window, bool floats);
void window_close(struct window *window);

/** The window that shows a surface or one of its popups or subsurfaces, or NULL. */
struct window *window_from_surface(struct wlr_surface *surface);
/** The window that a node of the scene belongs to, or NULL. */
struct window *window_try_from_node(struct server *server, struct wlr_scene_node *node);
/** The surface at a point in layout coordinates, the point in it, and its window. */
struct wlr_surface *window_surface_at(struct server *server, double lx, double ly,
	struct window **window_ptr, double *sx, double *sy);

#endif
