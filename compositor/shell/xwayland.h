#ifndef SHELL_XWAYLAND_H
#define SHELL_XWAYLAND_H

#include <stdbool.h>
#include <wayland-server-core.h>

struct server;

/**
 * X11 programs, by way of Xwayland, which is started when the first of them connects and ends some
 * seconds after the last one. Without it in the build, there is none.
 */
struct xwayland;

#if SLUICE_HAVE_XWAYLAND
/** Listen, and set DISPLAY. NULL, logged, if it does not work: everything else does without it. */
struct xwayland *xwayland_create(struct server *server);
/** Its programs lose their windows. NULL is allowed. */
void xwayland_destroy(struct xwayland *xwayland);
/** The seat's cursors are others: X11's is the default one of them. NULL is allowed. */
void xwayland_update_cursor(struct xwayland *xwayland);
/** Whether a global is for Xwayland alone, and the client is not it. NULL is allowed. */
bool xwayland_hides(const struct xwayland *xwayland, const struct wl_client *client,
	const struct wl_global *global);
#else
static inline struct xwayland *xwayland_create(struct server *server) {
	return NULL;
}

static inline void xwayland_destroy(struct xwayland *xwayland) {
}

static inline void xwayland_update_cursor(struct xwayland *xwayland) {
}

static inline bool xwayland_hides(const struct xwayland *xwayland,
		const struct wl_client *client, const struct wl_global *global) {
	return false;
}
#endif

#endif
