#ifndef SHELL_LOCK_H
#define SHELL_LOCK_H

#include <stdbool.h>

struct lock;
struct server;
struct wlr_surface;

/**
 * ext-session-lock: while a client has locked the session, nothing but its surfaces is seen or
 * gets input, on any screen. If it dies, the session stays locked; another client may take over.
 */
struct lock *lock_create(struct server *server);
/** NULL is allowed. */
void lock_destroy(struct lock *lock);
/** NULL is allowed: not locked. */
bool lock_is_locked(const struct lock *lock);
/** The lock screen that gets the keyboard, or NULL. */
struct wlr_surface *lock_get_focus(const struct lock *lock);
/** Outputs came, went or changed. NULL is allowed. */
void lock_arrange(struct lock *lock);

#endif
