#ifndef KIOSK_PROCESS_H
#define KIOSK_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct wl_event_loop;

/**
 * A program that runs, and all that it started: a session and process group of its own. What left
 * that group by itself (a daemon) is no longer part of it.
 */
struct process;

/**
 * The program has ended, and nothing of its group is left. status is its exit status, or 128 + n
 * if signal n killed it, as shells tell it. The function may destroy the process.
 */
typedef void (*process_ended_func_t)(int status, void *data);

/**
 * Start a program (argv and envp end with NULL; argv[0] is looked up in PATH). What is left of its
 * group when it ends by itself is sent SIGTERM, and SIGKILL grace_ms later.
 *
 * Returns 0, or a negative errno if it cannot be started.
 */
int process_start(struct process **process_ptr, struct wl_event_loop *loop, char *const argv[],
	char *const envp[], int grace_ms, process_ended_func_t ended, void *data);
/** End all of it: SIGTERM now, SIGKILL grace_ms later. Does nothing the second time. */
void process_end(struct process *process);
/** Kill at once what still runs, and forget it. NULL is allowed. */
void process_destroy(struct process *process);

/** Whether the program has ended, and others of its group have not. */
bool process_is_ending(const struct process *process);
pid_t process_get_pid(const struct process *process);

#endif
