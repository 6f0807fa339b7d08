#ifndef TIMER_H
#define TIMER_H

#include <stdbool.h>
#include "headless/clock.h"

struct server;

/**
 * Something that is to be done after a time: the machine's, or, in a headless session, virtual time.
 * What decides about what is seen must not depend on how busy the machine is there.
 */
struct timer {
	struct server *server;
	void (*notify)(void *data);
	void *data;
	struct wl_event_source *source; // NULL in a headless session
	struct vclock_alarm alarm; // else
};

/** false if memory ran out. */
bool timer_init(struct timer *timer, struct server *server, void (*notify)(void *data), void *data);
/** Also for one that is all zeroes. */
void timer_finish(struct timer *timer);
/** In so many milliseconds, once; 0: not at all. */
void timer_set(struct timer *timer, int ms);

#endif
