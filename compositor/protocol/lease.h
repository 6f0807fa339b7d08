#ifndef PROTOCOL_LEASE_H
#define PROTOCOL_LEASE_H

struct lease;
struct server;
struct wlr_output;

/** wp_drm_lease: screens that are no part of the desktop (headsets) are lent to clients. */
struct lease *lease_create(struct server *server);
/** NULL is allowed. */
void lease_destroy(struct lease *lease);
/** Offer a screen to whoever wants it. NULL is allowed: it is left alone then. */
void lease_offer(struct lease *lease, struct wlr_output *wlr_output);

#endif
