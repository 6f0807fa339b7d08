#ifndef UTIL_ACCEPTOR_H
#define UTIL_ACCEPTOR_H

#include <stdbool.h>
#include <wayland-server-core.h>

/**
 * Takes the connections of a listening socket. While there are no file descriptors, or no memory,
 * for another, it does not listen: the event loop would be woken over and over by the one that
 * waits.
 */
struct acceptor {
	int fd; // that listens
	const char *name; // of what it is for, for the log
	int flags; // SOCK_*, of connections
	/** Takes the connection over. */
	void (*accepted)(int fd, void *data);
	void *data;

	struct wl_event_source *source;
	struct wl_event_source *retry; // a timer
};

/** The socket stays its owner's. false if memory ran out. */
bool acceptor_init(struct acceptor *acceptor, struct wl_event_loop *loop, int fd, int flags,
	const char *name, void (*accepted)(int fd, void *data), void *data);
/** Also for one that is all zeroes. */
void acceptor_finish(struct acceptor *acceptor);

#endif
