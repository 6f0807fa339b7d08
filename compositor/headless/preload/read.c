/*
 * Reading clocks.
 */
#define _GNU_SOURCE
#include <sys/time.h>
#include "preload.h"

EXPORT int clock_gettime(clockid_t clock, struct timespec *timespec) {
	static int (*real)(clockid_t, struct timespec *);
	if (preload_has_clock(clock)) {
		*timespec = preload_to_timespec(preload_now(clock));
		return 0;
	}
	if (real == NULL) {
		real = REAL(clock_gettime);
	}
	return real(clock, timespec);
}

EXPORT int gettimeofday(struct timeval *restrict timeval, void *restrict zone) {
	if (!preload_is_active()) {
		return REAL(gettimeofday)(timeval, zone);
	}
	if (timeval != NULL) {
		struct timespec now = preload_to_timespec(preload_now(CLOCK_REALTIME));
		timeval->tv_sec = now.tv_sec;
		timeval->tv_usec = (suseconds_t)(now.tv_nsec / 1000);
	}
	if (zone != NULL) {
		*(struct timezone *)zone = (struct timezone){ 0 };
	}
	return 0;
}

EXPORT time_t time(time_t *result) {
	if (!preload_is_active()) {
		return REAL(time)(result);
	}
	time_t now = (time_t)(preload_now(CLOCK_REALTIME) / NSEC_PER_SEC);
	if (result != NULL) {
		*result = now;
	}
	return now;
}

EXPORT int timespec_get(struct timespec *timespec, int base) {
	if (!preload_is_active() || base != TIME_UTC) {
		return REAL(timespec_get)(timespec, base);
	}
	*timespec = preload_to_timespec(preload_now(CLOCK_REALTIME));
	return base;
}
