/*
 * The client clock: preloaded into every process of a headless session, it gives them the session's
 * virtual time for the machine's, and has them woken by it.
 *
 * Covered are dynamically linked programs that ask the C library: reading clocks, sleeping, poll,
 * select and epoll with a timeout, timerfd, and waiting for a condition variable, a semaphore or a
 * mutex with one. Not covered are alarm(), setitimer() and timer_create(), which keep to the
 * machine's time, system calls made past the C library, and programs that are linked statically.
 */
#ifndef PRELOAD_H
#define PRELOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))
#define NSEC_PER_SEC INT64_C(1000000000)
#define NSEC_PER_MSEC INT64_C(1000000)

/** The C library's function of a name. */
#define REAL(function) ((__typeof__(&function))preload_real(#function))
uintptr_t preload_real(const char *name);

/** Whether there is a session: else everything is left to the C library. */
bool preload_is_active(void);
/** Whether a clock is virtual. Those that count a processor's time are not. */
bool preload_has_clock(clockid_t clock);
/** ns of a virtual clock. */
int64_t preload_now(clockid_t clock);
/** What is to be added to CLOCK_MONOTONIC for a clock, ns. */
int64_t preload_offset(clockid_t clock);

/** -1 if the time is none. What does not fit is for ever: INT64_MAX. */
int64_t preload_from_timespec(const struct timespec *timespec);
struct timespec preload_to_timespec(int64_t ns);

/** A timer of the compositor's; -1, with errno, if it cannot be had. timer is an eventfd then. */
int preload_add_timer(int flags, uint32_t *number);
/** deadline is of CLOCK_MONOTONIC; 0 turns it off. */
void preload_set_timer(uint32_t number, int64_t deadline, int64_t interval);
void preload_remove_timer(uint32_t number);

/** The calling thread's timer, to wait with; -1 if it cannot be had. Set, until deadline. */
int preload_thread_timer(int64_t deadline);
/** Changes in a child of fork(): what is inherited belongs to the parent. */
unsigned preload_generation(void);
/** Whether this is a child of vfork(), which must leave its parent's memory alone. */
bool preload_is_vforked(void);
/** Whether an fd is the preload's own, which the program does not know of. */
bool preload_owns(int fd);

#endif
