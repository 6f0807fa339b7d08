#ifndef HEADLESS_HEADLESS_H
#define HEADLESS_HEADLESS_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>
#include "capture/capture.h"
#include "headless/backend.h"
#include "headless/clock.h"
#include "headless/fault.h"
#include "headless/options.h"
#include "server.h"

struct keeper;
struct tasks;

/**
 * "sluice headless": a session of its own for one command, in which time is virtual.
 *
 * The session is *quiet* when all its processes are asleep (tasks.h) and none of their messages is
 * unread: nothing can happen then until time goes on. Only then, and only if somebody wants it to
 * (--free-run, a script, sluicectl), it goes on to the next event: a timer of a process, or an
 * output's refresh. So each client has had all the time that it needs to answer a frame callback
 * before the next frame is drawn, on however busy a machine.
 */
struct headless {
	const struct headless_options *options;
	struct server server;
	struct headless_backend *backend; // the server's
	char *directory; // the session's runtime directory
	struct vclock *clock;
	struct tasks *tasks;
	struct keeper *keeper;

	struct faults faults;

	bool refreshing; // outputs may draw
	bool failed; // the exit status tells so, whatever the command's was
	struct script *script; // NULL unless given
	struct wl_list calls; // verb_call.link
	uint64_t refreshes; // how many times an output was refreshed
	uint64_t committed; // frames, at the last look
	uint64_t last_frame; // in which of the refreshes there was the last frame
	uint64_t give_up; // virtual time at which a frame that is waited for is given up
	unsigned idle; // refreshes since something happened
	bool active; // something has happened since the last step

	struct wl_event_source *keeper_source, *error_source;
};

/** Run it, from the options to the exit status. argv[0] is "headless". */
int headless_main(int argc, char *argv[]);

/** For server_init(): the clock, and a backend with its outputs. NULL, logged, on failure. */
struct wlr_backend *headless_create_backend(struct headless *headless,
	struct wl_event_loop *loop);
/** The verbs, for sluicectl. */
bool headless_register_commands(struct headless *headless);
/** Virtual time, ns. */
uint64_t headless_now(const struct headless *headless);
/** End the session, as having failed, with a message. */
void headless_fail(struct headless *headless, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
