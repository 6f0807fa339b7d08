/*
 * Sleeping for a time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>
#include "preload.h"

/** Until a time of CLOCK_MONOTONIC. 0, EINTR, or -1 if the session's time cannot be waited for. */
static int sleep_until(int64_t deadline) {
	if (deadline <= preload_now(CLOCK_MONOTONIC)) {
		return 0;
	}
	int saved = errno;
	struct pollfd pollfd = { .fd = preload_thread_timer(deadline), .events = POLLIN };
	if (pollfd.fd < 0) {
		return -1;
	}
	// A cancellation point, as sleeping is
	int n = REAL(ppoll)(&pollfd, 1, NULL, NULL);
	int error = n < 0 ? errno : 0;
	if (n < 0) {
		preload_thread_timer(0);
	}
	errno = saved;
	return error;
}

static int64_t add(int64_t a, int64_t b) {
	int64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

EXPORT int clock_nanosleep(clockid_t clock, int flags, const struct timespec *request,
		struct timespec *remaining) {
	if (!preload_has_clock(clock)) {
		return REAL(clock_nanosleep)(clock, flags, request, remaining);
	}
	int64_t ns = preload_from_timespec(request);
	if (ns < 0) {
		return EINVAL;
	}
	int64_t deadline = flags & TIMER_ABSTIME ? ns - preload_offset(clock) :
		add(preload_now(CLOCK_MONOTONIC), ns);
	int error = sleep_until(deadline);
	if (error < 0) {
		return flags & TIMER_ABSTIME ? 0 :
			REAL(clock_nanosleep)(clock, flags, request, remaining);
	}
	if (error == EINTR && remaining != NULL && !(flags & TIMER_ABSTIME)) {
		int64_t left = deadline - preload_now(CLOCK_MONOTONIC);
		*remaining = preload_to_timespec(left > 0 ? left : 0);
	}
	return error;
}

EXPORT int nanosleep(const struct timespec *request, struct timespec *remaining) {
	if (!preload_is_active()) {
		return REAL(nanosleep)(request, remaining);
	}
	int error = clock_nanosleep(CLOCK_MONOTONIC, 0, request, remaining);
	if (error != 0) {
		errno = error;
		return -1;
	}
	return 0;
}

EXPORT int usleep(useconds_t us) {
	return nanosleep(&(struct timespec){
		.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000 }, NULL);
}

EXPORT unsigned sleep(unsigned seconds) {
	struct timespec left = { 0 };
	if (nanosleep(&(struct timespec){ .tv_sec = seconds }, &left) == 0) {
		return 0;
	}
	return (unsigned)left.tv_sec + (left.tv_nsec >= NSEC_PER_SEC / 2);
}

/*
 * These wait in the kernel for something that is no file descriptor, which the session's time
 * cannot end. So a wait takes as long of the machine's time as it was to take of the session's,
 * from the session's time at its beginning. Nothing that is drawn depends on when an idle thread
 * finds out that there is nothing to do.
 */

/** A time on a clock that this is called with instead. */
static struct timespec real_deadline(clockid_t clock, const struct timespec *deadline) {
	struct timespec now;
	REAL(clock_gettime)(clock, &now);
	int64_t ns = preload_from_timespec(deadline);
	int64_t left = ns < 0 ? 0 : ns - preload_now(clock);
	return preload_to_timespec(add(preload_from_timespec(&now), left > 0 ? left : 0));
}

static bool is_time(const struct timespec *timespec) {
	return timespec != NULL && timespec->tv_nsec >= 0 && timespec->tv_nsec < NSEC_PER_SEC;
}

EXPORT int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock,
		const struct timespec *deadline) {
	if (!preload_has_clock(clock) || !is_time(deadline)) {
		return REAL(pthread_cond_clockwait)(cond, mutex, clock, deadline);
	}
	struct timespec real = real_deadline(clock, deadline);
	return REAL(pthread_cond_clockwait)(cond, mutex, clock, &real);
}

EXPORT int pthread_cond_timedwait(pthread_cond_t *restrict cond,
		pthread_mutex_t *restrict mutex, const struct timespec *restrict deadline) {
	if (!preload_is_active() || !is_time(deadline)) {
		return REAL(pthread_cond_timedwait)(cond, mutex, deadline);
	}
	// Which clock a condition variable has cannot be asked: the date is far from the uptime
	int64_t ns = preload_from_timespec(deadline);
	int64_t monotonic = preload_now(CLOCK_MONOTONIC), realtime = preload_now(CLOCK_REALTIME);
	clockid_t clock = ns - monotonic < realtime - ns ? CLOCK_MONOTONIC : CLOCK_REALTIME;
	struct timespec real = real_deadline(clock, deadline);
	return REAL(pthread_cond_clockwait)(cond, mutex, clock, &real);
}

EXPORT int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex,
		const struct timespec *restrict deadline) {
	if (!preload_is_active() || !is_time(deadline)) {
		return REAL(pthread_mutex_timedlock)(mutex, deadline);
	}
	struct timespec real = real_deadline(CLOCK_REALTIME, deadline);
	return REAL(pthread_mutex_timedlock)(mutex, &real);
}

EXPORT int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock,
		const struct timespec *deadline) {
	if (!preload_has_clock(clock) || !is_time(deadline)) {
		return REAL(pthread_mutex_clocklock)(mutex, clock, deadline);
	}
	struct timespec real = real_deadline(clock, deadline);
	return REAL(pthread_mutex_clocklock)(mutex, clock, &real);
}

EXPORT int sem_timedwait(sem_t *restrict sem, const struct timespec *restrict deadline) {
	if (!preload_is_active() || !is_time(deadline)) {
		return REAL(sem_timedwait)(sem, deadline);
	}
	struct timespec real = real_deadline(CLOCK_REALTIME, deadline);
	return REAL(sem_timedwait)(sem, &real);
}

EXPORT int sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *deadline) {
	if (!preload_has_clock(clock) || !is_time(deadline)) {
		return REAL(sem_clockwait)(sem, clock, deadline);
	}
	struct timespec real = real_deadline(clock, deadline);
	return REAL(sem_clockwait)(sem, clock, &real);
}
