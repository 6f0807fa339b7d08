#ifndef DESKTOP_DESKTOP_H
#define DESKTOP_DESKTOP_H

#include "desktop/workspaces.h"
#include "server.h"

struct output;
struct window;

/** Windows on workspaces on screens. */
struct desktop {
	struct server *server;
	struct workspaces workspaces;
	struct wl_list stack; // window.stack_link, the uppermost first
	struct window *active; // was told that it has the focus
	unsigned restacks; // rounds of window_restack()
	struct ext_workspaces *ext;
	struct foreign *foreign;
};

struct desktop *desktop_create(struct server *server);
/** After the windows and outputs. NULL is allowed. */
void desktop_destroy(struct desktop *desktop);

/** Outputs came, went or changed: no window stays where nobody sees it. */
void desktop_update_outputs(struct server *server);
/** Something changed: ask windows for the size that they should have, and show and hide them. */
void desktop_arrange(struct server *server);

/** After the configuration was read again. */
void desktop_apply_config(struct server *server);

/** Show a workspace where it lives, and focus what was focused on it. */
void desktop_show_workspace(struct server *server, struct workspace *workspace);
/** Put a workspace on another screen, for good, which shows it. */
void desktop_move_workspace(struct server *server, struct workspace *workspace,
	struct screen *screen);
/** Take one that is bound off its screen. */
void desktop_hide_workspace(struct server *server, struct workspace *workspace);
/** The workspace that an output shows, or NULL if it is not part of the desktop. */
struct workspace *desktop_get_shown(struct output *output);
/** Where a new window goes. */
struct workspace *desktop_choose_workspace(struct window *window);
/** Put a window last on another workspace; it keeps the focus only if that is shown. */
void desktop_send_window(struct window *window, struct workspace *workspace);
/** The box that one more tile would get, at the end. */
struct wlr_box desktop_predict_tile(const struct workspace *workspace);
/** The pointer came over a window, or over none (NULL). */
void desktop_point(struct server *server, struct window *window);
/** A button was pressed where there is no surface: on a decoration, or beside windows (NULL). */
void desktop_press(struct server *server, struct window *window, double lx, double ly);
/** Tile all windows that can be, and new ones; or have all float. */
void desktop_set_tiling(struct server *server, struct workspace *workspace, bool tiles);
/** Have a tile change places with its neighbour, or the first one. false if there is none. */
bool desktop_swap_direction(struct window *window, enum direction direction);
bool desktop_swap_master(struct window *window);
/** What an output covers, with or without panels; of a workspace without one, nothing. */
struct wlr_box workspace_get_box(const struct workspace *workspace);
struct wlr_box workspace_get_usable_box(const struct workspace *workspace);
/** How many tiles it has. */
size_t workspace_count_tiles(const struct workspace *workspace);

#endif
