#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>
#include <wlr/util/log.h>
#include "util/acceptor.h"

#define RETRY_MS 1000

static int handle_connection(int fd, uint32_t mask, void *data) {
	struct acceptor *acceptor = data;
	int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | acceptor->flags);
	if (connection >= 0) {
		acceptor->accepted(connection, acceptor->data);
		return 0;
	}
	if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) {
		return 0; // It has gone before it was its turn
	}
	wlr_log_errno(WLR_ERROR, "%s: cannot take a connection, which waits", acceptor->name);
	wl_event_source_fd_update(acceptor->source, 0);
	wl_event_source_timer_update(acceptor->retry, RETRY_MS);
	return 0;
}

static int handle_retry(void *data) {
	const struct acceptor *acceptor = data;
	wl_event_source_fd_update(acceptor->source, WL_EVENT_READABLE);
	return 0;
}

bool acceptor_init(struct acceptor *acceptor, struct wl_event_loop *loop, int fd, int flags,
		const char *name, void (*accepted)(int fd, void *data), void *data) {
	*acceptor = (struct acceptor){
		.fd = fd, .name = name, .flags = flags, .accepted = accepted, .data = data,
	};
	acceptor->source =
		wl_event_loop_add_fd(loop, fd, WL_EVENT_READABLE, handle_connection, acceptor);
	// Now, as its own file descriptor could not be had then
	acceptor->retry = wl_event_loop_add_timer(loop, handle_retry, acceptor);
	if (acceptor->source == NULL || acceptor->retry == NULL) {
		acceptor_finish(acceptor);
		return false;
	}
	return true;
}

void acceptor_finish(struct acceptor *acceptor) {
	if (acceptor->source != NULL) {
		wl_event_source_remove(acceptor->source);
	}
	if (acceptor->retry != NULL) {
		wl_event_source_remove(acceptor->retry);
	}
	*acceptor = (struct acceptor){ 0 };
}
