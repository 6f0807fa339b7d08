#ifndef HEADLESS_KEEPER_H
#define HEADLESS_KEEPER_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * A small process between the compositor and the command, to which every process of the session
 * belongs, those that have detached themselves from their parents, too: it lets none of them stay
 * behind, not even when the compositor is killed.
 */
struct keeper;

/**
 * Start a command (argv, ended by NULL). NULL, logged, if it cannot be started. To be called
 * before there are threads.
 */
struct keeper *keeper_start(char *const argv[]);
/** The root of the session's processes. */
pid_t keeper_get_pid(const struct keeper *keeper);
/** Readable once the command has ended. */
int keeper_get_fd(const struct keeper *keeper);
/** Its exit status, or 128 + the signal that killed it; -1 while it runs. */
int keeper_get_status(struct keeper *keeper);
/** Begin to end what still runs: SIGTERM, after two seconds SIGKILL. */
void keeper_end(struct keeper *keeper);
/** Whether nothing runs any more. */
bool keeper_has_ended(struct keeper *keeper);
/** What still runs is ended, and waited for. NULL is allowed. */
void keeper_destroy(struct keeper *keeper);

#endif
