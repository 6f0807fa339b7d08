/*
 * timerfd: an eventfd to which the compositor adds expirations, which reads the same.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "preload.h"

#define MAX_FDS 4096

/** By fd. What a program has closed is forgotten in close(). */
static struct {
	unsigned generation; // 0: not a timerfd of ours
	uint32_t number;
	clockid_t clock;
	int64_t deadline, interval; // CLOCK_MONOTONIC, ns; 0: none
} timers[MAX_FDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

EXPORT int timerfd_create(clockid_t clock, int flags) {
	if (!preload_has_clock(clock)) {
		return REAL(timerfd_create)(clock, flags);
	}
	uint32_t number;
	int fd = preload_add_timer((flags & TFD_CLOEXEC ? EFD_CLOEXEC : 0) |
		(flags & TFD_NONBLOCK ? EFD_NONBLOCK : 0), &number);
	if (fd < 0) {
		return -1;
	}
	if (fd >= MAX_FDS) {
		preload_remove_timer(number);
		close(fd);
		return REAL(timerfd_create)(clock, flags);
	}
	pthread_mutex_lock(&lock);
	timers[fd].generation = preload_generation();
	timers[fd].number = number;
	timers[fd].clock = clock;
	timers[fd].deadline = timers[fd].interval = 0;
	pthread_mutex_unlock(&lock);
	return fd;
}

/** Under the lock. Whether it is one that this process made. */
static bool is_timer(int fd) {
	return fd >= 0 && fd < MAX_FDS && timers[fd].generation != 0 &&
		timers[fd].generation == preload_generation();
}

/** Under the lock. */
static void read_timer(int fd, struct itimerspec *value) {
	int64_t now = preload_now(CLOCK_MONOTONIC), left = 0;
	int64_t deadline = timers[fd].deadline, interval = timers[fd].interval;
	if (deadline > now) {
		left = deadline - now;
	} else if (deadline > 0 && interval > 0) {
		left = interval - (now - deadline) % interval;
	}
	value->it_value = preload_to_timespec(left);
	value->it_interval = preload_to_timespec(interval);
}

EXPORT int timerfd_settime(int fd, int flags, const struct itimerspec *value,
		struct itimerspec *old) {
	pthread_mutex_lock(&lock);
	if (!is_timer(fd)) {
		pthread_mutex_unlock(&lock);
		return REAL(timerfd_settime)(fd, flags, value, old);
	}
	int64_t ns = preload_from_timespec(&value->it_value);
	int64_t interval = preload_from_timespec(&value->it_interval);
	if (ns < 0 || interval < 0) {
		pthread_mutex_unlock(&lock);
		errno = EINVAL;
		return -1;
	}
	if (old != NULL) {
		read_timer(fd, old);
	}
	int64_t deadline = 0;
	if (ns > 0 && (flags & TFD_TIMER_ABSTIME)) {
		deadline = ns - preload_offset(timers[fd].clock);
		deadline = deadline > 0 ? deadline : 1; // long ago
	} else if (ns > 0 && __builtin_add_overflow(preload_now(CLOCK_MONOTONIC), ns, &deadline)) {
		deadline = INT64_MAX;
	}
	timers[fd].deadline = deadline;
	timers[fd].interval = ns > 0 ? interval : 0;
	// Setting a timer takes back what has expired and was not read
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	eventfd_t count;
	if (REAL(poll)(&pollfd, 1, 0) == 1) {
		eventfd_read(fd, &count);
	}
	preload_set_timer(timers[fd].number, deadline, timers[fd].interval);
	pthread_mutex_unlock(&lock);
	return 0;
}

EXPORT int timerfd_gettime(int fd, struct itimerspec *value) {
	pthread_mutex_lock(&lock);
	bool ours = is_timer(fd);
	if (ours) {
		read_timer(fd, value);
	}
	pthread_mutex_unlock(&lock);
	return ours ? 0 : REAL(timerfd_gettime)(fd, value);
}

EXPORT int close(int fd) {
	static int (*real)(int);
	if (real == NULL) {
		real = REAL(close);
	}
	if (fd >= 0 && fd < MAX_FDS && timers[fd].generation != 0 &&
			!preload_is_vforked()) {
		pthread_mutex_lock(&lock);
		if (is_timer(fd)) {
			preload_remove_timer(timers[fd].number);
		}
		timers[fd].generation = 0;
		pthread_mutex_unlock(&lock);
	}
	if (preload_owns(fd)) {
		return 0;
	}
	return real(fd);
}
