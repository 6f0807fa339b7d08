/*
 * Waiting for file descriptors with a timeout: without one, and for the thread's timer as well.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include "preload.h"

/** The fortified forms. */
int __poll_chk(struct pollfd *fds, nfds_t len, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t len, const struct timespec *timeout,
	const sigset_t *mask, size_t size);

#define FEW_FDS 64

static int64_t deadline_in(int64_t ns) {
	int64_t deadline;
	return __builtin_add_overflow(preload_now(CLOCK_MONOTONIC), ns, &deadline) ? INT64_MAX :
		deadline;
}

/** ns is greater than 0. */
static int wait_for(struct pollfd *fds, nfds_t len, int64_t ns, const sigset_t *mask) {
	struct pollfd few[FEW_FDS], *all = few;
	int timer = preload_thread_timer(deadline_in(ns));
	if (timer < 0) {
		struct timespec timeout = preload_to_timespec(ns);
		return REAL(ppoll)(fds, len, &timeout, mask);
	}
	if (len >= FEW_FDS) {
		all = malloc((len + 1) * sizeof(*all));
		if (all == NULL) {
			errno = ENOMEM;
			return -1;
		}
	}
	if (len > 0) {
		memcpy(all, fds, len * sizeof(*all));
	}
	all[len] = (struct pollfd){ .fd = timer, .events = POLLIN };
	int n = REAL(ppoll)(all, len + 1, NULL, mask);
	int saved = errno;
	if (n >= 0) {
		for (nfds_t i = 0; i < len; i++) {
			fds[i].revents = all[i].revents;
		}
	}
	if (n > 0 && all[len].revents != 0) {
		n--;
	} else {
		preload_thread_timer(0);
	}
	if (all != few) {
		free(all);
	}
	errno = saved;
	return n;
}

EXPORT int ppoll(struct pollfd *fds, nfds_t len, const struct timespec *timeout,
		const sigset_t *mask) {
	static int (*real)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);
	int64_t ns = timeout != NULL ? preload_from_timespec(timeout) : 0;
	if (ns > 0 && preload_is_active()) {
		return wait_for(fds, len, ns, mask);
	}
	if (real == NULL) {
		real = REAL(ppoll);
	}
	return real(fds, len, timeout, mask);
}

EXPORT int poll(struct pollfd *fds, nfds_t len, int timeout) {
	static int (*real)(struct pollfd *, nfds_t, int);
	if (timeout > 0 && preload_is_active()) {
		return wait_for(fds, len, timeout * NSEC_PER_MSEC, NULL);
	}
	if (real == NULL) {
		real = REAL(poll);
	}
	return real(fds, len, timeout);
}

EXPORT int __poll_chk(struct pollfd *fds, nfds_t len, int timeout, size_t size) {
	if (size / sizeof(*fds) < len) {
		abort();
	}
	return poll(fds, len, timeout);
}

EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t len, const struct timespec *timeout,
		const sigset_t *mask, size_t size) {
	if (size / sizeof(*fds) < len) {
		abort();
	}
	return ppoll(fds, len, timeout, mask);
}

static int epoll_wait_for(int epoll, struct epoll_event *events, int max, int64_t ns,
		const sigset_t *mask) {
	struct pollfd pollfd = { .fd = epoll, .events = POLLIN };
	int n = wait_for(&pollfd, 1, ns, mask);
	if (n <= 0) {
		return n;
	}
	// Another thread may have taken what there was: then nothing has happened in this one's time
	return REAL(epoll_wait)(epoll, events, max, 0);
}

EXPORT int epoll_pwait2(int epoll, struct epoll_event *events, int max,
		const struct timespec *timeout, const sigset_t *mask) {
	int64_t ns = timeout != NULL ? preload_from_timespec(timeout) : 0;
	if (ns > 0 && max > 0 && preload_is_active()) {
		return epoll_wait_for(epoll, events, max, ns, mask);
	}
	return REAL(epoll_pwait2)(epoll, events, max, timeout, mask);
}

EXPORT int epoll_pwait(int epoll, struct epoll_event *events, int max, int timeout,
		const sigset_t *mask) {
	if (timeout > 0 && max > 0 && preload_is_active()) {
		return epoll_wait_for(epoll, events, max, timeout * NSEC_PER_MSEC, mask);
	}
	return REAL(epoll_pwait)(epoll, events, max, timeout, mask);
}

EXPORT int epoll_wait(int epoll, struct epoll_event *events, int max, int timeout) {
	static int (*real)(int, struct epoll_event *, int, int);
	if (timeout > 0 && max > 0 && preload_is_active()) {
		return epoll_wait_for(epoll, events, max, timeout * NSEC_PER_MSEC, NULL);
	}
	if (real == NULL) {
		real = REAL(epoll_wait);
	}
	return real(epoll, events, max, timeout);
}

/** select() by ppoll(): the thread's timer may have a number that no fd_set can hold. */
static int select_for(int len, fd_set *reads, fd_set *writes, fd_set *excepts, int64_t ns,
		const sigset_t *mask) {
	if (len < 0 || len > FD_SETSIZE) {
		errno = EINVAL;
		return -1;
	}
	struct pollfd fds[FD_SETSIZE];
	nfds_t fds_len = 0;
	for (int fd = 0; fd < len; fd++) {
		short events = (short)((reads != NULL && FD_ISSET(fd, reads) ? POLLIN : 0) |
			(writes != NULL && FD_ISSET(fd, writes) ? POLLOUT : 0) |
			(excepts != NULL && FD_ISSET(fd, excepts) ? POLLPRI : 0));
		if (events != 0) {
			fds[fds_len++] = (struct pollfd){ .fd = fd, .events = events };
		}
	}
	int n = wait_for(fds, fds_len, ns, mask);
	if (n < 0) {
		return n;
	}
	int bits = 0;
	for (nfds_t i = 0; i < fds_len; i++) {
		int fd = fds[i].fd;
		short wanted = fds[i].events, got = fds[i].revents;
		if (got & POLLNVAL) {
			errno = EBADF;
			return -1;
		}
		if ((wanted & POLLIN) && !(got & (POLLIN | POLLHUP | POLLERR))) {
			FD_CLR(fd, reads);
		} else if (wanted & POLLIN) {
			bits++;
		}
		if ((wanted & POLLOUT) && !(got & (POLLOUT | POLLERR))) {
			FD_CLR(fd, writes);
		} else if (wanted & POLLOUT) {
			bits++;
		}
		if ((wanted & POLLPRI) && !(got & POLLPRI)) {
			FD_CLR(fd, excepts);
		} else if (wanted & POLLPRI) {
			bits++;
		}
	}
	return bits;
}

EXPORT int pselect(int len, fd_set *restrict reads, fd_set *restrict writes,
		fd_set *restrict excepts, const struct timespec *restrict timeout,
		const sigset_t *restrict mask) {
	int64_t ns = timeout != NULL ? preload_from_timespec(timeout) : 0;
	if (ns > 0 && preload_is_active()) {
		return select_for(len, reads, writes, excepts, ns, mask);
	}
	return REAL(pselect)(len, reads, writes, excepts, timeout, mask);
}

EXPORT int select(int len, fd_set *restrict reads, fd_set *restrict writes,
		fd_set *restrict excepts, struct timeval *restrict timeout) {
	if (timeout == NULL || !preload_is_active() || timeout->tv_sec < 0 || timeout->tv_usec < 0 ||
			(timeout->tv_sec == 0 && timeout->tv_usec == 0)) {
		return REAL(select)(len, reads, writes, excepts, timeout);
	}
	struct timespec timespec = {
		.tv_sec = timeout->tv_sec + timeout->tv_usec / 1000000,
		.tv_nsec = (long)(timeout->tv_usec % 1000000) * 1000,
	};
	int64_t deadline = deadline_in(preload_from_timespec(&timespec));
	int n = select_for(len, reads, writes, excepts, preload_from_timespec(&timespec), NULL);
	// Linux tells what is left
	int64_t left = deadline - preload_now(CLOCK_MONOTONIC);
	timespec = preload_to_timespec(left > 0 ? left : 0);
	timeout->tv_sec = timespec.tv_sec;
	timeout->tv_usec = (suseconds_t)(timespec.tv_nsec / 1000);
	return n;
}
