#ifndef SYSTEM_NOTIFY_H
#define SYSTEM_NOTIFY_H

#include "server.h"

/**
 * What the service manager is told, see sd_notify(3). All of it does nothing where there is none,
 * and where Sluice is built without libsystemd.
 */

/**
 * Screens are lit and the socket listens. In a session of a user's service manager, what is
 * started from there on finds the compositor: its variables are given to the manager and to the
 * D-Bus daemon.
 */
#if SLUICE_HAVE_SYSTEMD
void notify_ready(const struct server *server);
/** The configuration is being read again; notify_reloaded() must follow. */
void notify_reloading(void);
void notify_reloaded(void);
/** The end begins: the variables are taken back. */
void notify_stopping(const struct server *server);
#else
static inline void notify_ready(const struct server *server) {
}

static inline void notify_reloading(void) {
}

static inline void notify_reloaded(void) {
}

static inline void notify_stopping(const struct server *server) {
}
#endif

#endif
