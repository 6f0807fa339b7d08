#ifndef POPUP_H
#define POPUP_H

#include <wayland-server-core.h>

struct server;
struct wlr_scene_tree;
struct wlr_seat;
struct wlr_surface;
struct wlr_xdg_popup;

/** Show a popup of a parent that the tree belongs to: a window, a panel or another popup. */
void popup_create(struct server *server, struct wlr_xdg_popup *wlr_popup,
	struct wlr_scene_tree *parent);
/**
 * What the tree belongs to was moved, or the room around it is another: popups that react to that
 * look for their place again.
 */
void popups_react(struct wlr_scene_tree *tree);
/** For wlr_xdg_shell.events.new_popup. */
void popup_handle_new(struct wl_listener *listener, void *data);

/** Whether there are popups that grabbed a seat: only they, and their client, get its input. */
bool popups_have_grab(struct server *server, const struct wlr_seat *seat);
/**
 * The topmost of them that is shown, which has the seat's keyboard; NULL if there is none. Its client has to
 * be the one with the focus, or the one that the pointer is over.
 */
struct wlr_surface *popups_get_focus(struct server *server, const struct wlr_seat *seat,
	const struct wlr_surface *focus);
/** The seat's keyboard goes elsewhere: have all of them closed, the topmost first. */
void popups_dismiss(struct server *server, const struct wlr_seat *seat);

#endif
