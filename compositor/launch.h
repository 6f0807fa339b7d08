#ifndef LAUNCH_H
#define LAUNCH_H

#include "server.h"

/** A command that the compositor started. */
struct launch;

/**
 * Start a command (argv, ended by NULL) as a client. When it has ended, the compositor ends with
 * its status, if end_with_it is set: 128 + n if signal n killed it, as shells do.
 *
 * Returns NULL, logged, if it cannot be started.
 */
struct launch *launch_create(struct server *server, char *const argv[], bool end_with_it);
/** Forget it; one that still runs is sent SIGTERM. NULL is allowed. */
void launch_destroy(struct launch *launch);

#endif
