#ifndef PROTOCOL_IDLE_H
#define PROTOCOL_IDLE_H

struct idle;
struct server;
struct wlr_seat;

/** ext-idle-notify: who wants to know when nobody is at a seat; and who keeps that from others. */
struct idle *idle_create(struct server *server);
/** NULL is allowed. */
void idle_destroy(struct idle *idle);
/** Somebody used a seat. NULL is allowed: it was destroyed. */
void idle_notify_activity(struct idle *idle, struct wlr_seat *seat);
/** A surface appeared or vanished: its inhibitor counts only while it is seen. */
void idle_update(struct idle *idle);

#endif
