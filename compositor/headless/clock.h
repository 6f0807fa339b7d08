#ifndef HEADLESS_CLOCK_H
#define HEADLESS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-server-core.h>

/**
 * Virtual time, and what the session's processes wait for in it. It stands still unless
 * vclock_advance() is called. See clock_page.h for how processes take part.
 */
struct vclock;

/** Where virtual time begins: a machine that was booted a while ago. Not 0, which many take for
 * "never". */
#define VCLOCK_START UINT64_C(1000000000000) // ns
#define VCLOCK_NEVER UINT64_MAX

/**
 * realtime is the date (ns since 1970) at the start. The page and the socket are made in a
 * directory, unless it is NULL: then processes keep the machine's clocks.
 */
struct vclock *vclock_create(struct wl_event_loop *loop, const char *directory, int64_t realtime);
void vclock_destroy(struct vclock *clock);
/** ns, of CLOCK_MONOTONIC as processes see it. */
uint64_t vclock_now(const struct vclock *clock);
/** When the first timer of a process is due, or VCLOCK_NEVER. */
uint64_t vclock_next_timer(const struct vclock *clock);
/** Go on to a time, which no timer may lie before, and wake who waits for it. */
void vclock_advance(struct vclock *clock, uint64_t now);

/** Something that the compositor itself is to do at a time. */
struct vclock_alarm {
	struct vclock *clock;
	struct wl_list link; // vclock.alarms, while it is set
	uint64_t deadline;
	void (*notify)(void *data);
	void *data;
};

void vclock_alarm_init(struct vclock_alarm *alarm, struct vclock *clock,
	void (*notify)(void *data), void *data);
void vclock_alarm_finish(struct vclock_alarm *alarm);
/** In so many ns, once; 0: not at all. */
void vclock_alarm_set(struct vclock_alarm *alarm, uint64_t ns);

#endif
