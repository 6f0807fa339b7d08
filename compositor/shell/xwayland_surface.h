#ifndef SHELL_XWAYLAND_SURFACE_H
#define SHELL_XWAYLAND_SURFACE_H

struct server;
struct wlr_xwayland_surface;

/*
 * A window of X11 is one that the desktop manages, or one that places itself: a menu, a tooltip
 * (override-redirect). It may change from one to the other, though few do. Either follows its
 * wlr_xwayland_surface, and goes with it.
 */

/** Make what it is of a wlr_xwayland_surface: either of the below. */
void xwayland_surface_create(struct server *server, struct wlr_xwayland_surface *xsurface);

void xwayland_window_create(struct server *server, struct wlr_xwayland_surface *xsurface);
void xwayland_unmanaged_create(struct server *server, struct wlr_xwayland_surface *xsurface);

#endif
