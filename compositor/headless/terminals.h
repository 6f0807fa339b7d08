#ifndef HEADLESS_TERMINALS_H
#define HEADLESS_TERMINALS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * What is written to a terminal gets to its reader by a thread of the kernel's, which is nobody's
 * child, and which a busy machine may keep from running. So terminals can be made to hand on what
 * they have: then who waits for it is awake.
 */

/** The number of /dev/pts/N of a terminal as a process's stat tells it; -1 if it is none. */
int terminals_number(int device);
/**
 * Have the terminals whose masters these processes keep, as terminal emulators do, hand on what was
 * written to them, both ways. numbers: the terminals that processes belong to. false, with errno, if
 * some cannot be seen.
 */
bool terminals_flush(const pid_t *pids, size_t pids_len, const int *numbers, size_t numbers_len);

#endif
