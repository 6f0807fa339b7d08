/*
 * What the compositor and the client clock (preload/) agree on.
 *
 * The compositor makes a page in the session's runtime directory, from which every process of
 * the session reads the time, and listens on a socket (SOCK_SEQPACKET), through which they tell
 * when they want to be woken. A timer is an eventfd that the process makes and passes with
 * CLOCK_TIMER_ADD; the compositor adds to it what has expired, when virtual time has come so far.
 */
#ifndef HEADLESS_CLOCK_PAGE_H
#define HEADLESS_CLOCK_PAGE_H

#include <stdatomic.h>
#include <stdint.h>

/** The directory that both are in. Without it in the environment, clocks are the machine's. */
#define CLOCK_ENV "SLUICE_CLOCK"
#define CLOCK_PAGE_NAME "clock"
#define CLOCK_SOCKET_NAME "clock.sock"

#define CLOCK_MAGIC UINT32_C(0x636c6b31)

struct clock_page {
	uint32_t magic;
	uint32_t reserved;
	_Atomic uint64_t now; // CLOCK_MONOTONIC, ns
	int64_t realtime; // what is added to it for CLOCK_REALTIME, ns
};

enum clock_op {
	CLOCK_TIMER_ADD, // with an eventfd
	CLOCK_TIMER_SET,
	CLOCK_TIMER_REMOVE,
};

struct clock_message {
	uint32_t op; // enum clock_op
	uint32_t timer; // a number that the process chose
	uint64_t deadline; // ns of the page's clock, 0: none
	uint64_t interval; // ns, 0: once
};

#endif
