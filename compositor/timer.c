#include "headless/headless.h"
#include "server.h"
#include "timer.h"

#define NSEC_PER_MSEC UINT64_C(1000000)

static int handle_source(void *data) {
	struct timer *timer = data;
	timer->notify(timer->data);
	return 0;
}

bool timer_init(struct timer *timer, struct server *server, void (*notify)(void *data),
		void *data) {
	*timer = (struct timer){ .server = server, .notify = notify, .data = data };
	if (server->options.headless != NULL) {
		vclock_alarm_init(&timer->alarm, server->options.headless->clock, notify, data);
		return true;
	}
	timer->source = wl_event_loop_add_timer(server->loop, handle_source, timer);
	return timer->source != NULL;
}

void timer_finish(struct timer *timer) {
	if (timer->source != NULL) {
		wl_event_source_remove(timer->source);
	} else if (timer->server != NULL && timer->server->options.headless != NULL) {
		vclock_alarm_finish(&timer->alarm);
	}
	*timer = (struct timer){ 0 };
}

void timer_set(struct timer *timer, int ms) {
	if (timer->source != NULL) {
		wl_event_source_timer_update(timer->source, ms);
	} else {
		vclock_alarm_set(&timer->alarm, ms > 0 ? (uint64_t)ms * NSEC_PER_MSEC : 0);
	}
}
