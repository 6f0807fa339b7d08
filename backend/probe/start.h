/*
 * The part of the library's probe that the program uses too, to run itself.
 */
#ifndef SLUICE_PROBE_START_H
#define SLUICE_PROBE_START_H

#include <sluice/probe.h>

/**
 * Run the probing program with arguments, which must include --porcelain. fds get the numbers from
 * PROBE_CHILD_FIRST_FD on in it. Returns NULL with errno if it could not be started.
 */
struct sluice_probe *probe_start(struct wl_event_loop *loop, char *const argv[], const int *fds,
	size_t fds_len, int timeout_ms, sluice_probe_done_func_t done, void *data);

#endif
