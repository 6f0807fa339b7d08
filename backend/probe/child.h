/*
 * A child process whose output and end are events of a wl_event_loop.
 */
#ifndef SLUICE_PROBE_CHILD_H
#define SLUICE_PROBE_CHILD_H

#include <stddef.h>
#include <wayland-server-core.h>

// The number that the first passed fd has in the child; the others follow
#define PROBE_CHILD_FIRST_FD 3

struct probe_child;

struct probe_child_handlers {
	/** Something was written to stdout. */
	void (*output)(const char *bytes, size_t len, void *data);
	/**
	 * The child has ended, and all of its output was handed over: by a signal, or else with an
	 * exit status; status is -1 if somebody else has reaped it. May destroy the child.
	 */
	void (*ended)(int signal, int status, void *data);
};

/**
 * Start a program. fds are duplicated. Returns NULL with errno on failure.
 *
 * SIGCHLD is left alone: it belongs to the program that uses the library.
 */
struct probe_child *probe_child_spawn(struct wl_event_loop *loop, const char *path,
	char *const argv[], const int *fds, size_t fds_len,
	const struct probe_child_handlers *handlers, void *data);

/** Kill and forget the child. It is reaped in the background. NULL is allowed. */
void probe_child_destroy(struct probe_child *child);

#endif
