#include <stdlib.h>
#include <wlr/types/wlr_cursor.h>
#include <wlr/types/wlr_pointer.h>
#include <wlr/types/wlr_pointer_gestures_v1.h>
#include "seat/gesture.h"
#include "seat/seat.h"
#include "util/listener.h"

struct gesture {
	struct seat *seat;
	struct wlr_pointer_gestures_v1 *gestures;

	struct wl_listener swipe_begin, swipe_update, swipe_end;
	struct wl_listener pinch_begin, pinch_update, pinch_end;
	struct wl_listener hold_begin, hold_end;
};

static void handle_swipe_begin(struct wl_listener *listener, void *data) {
	struct gesture *gesture = wl_container_of(listener, gesture, swipe_begin);
	const struct wlr_pointer_swipe_begin_event *event = data;
	seat_notify_activity(gesture->seat);
	wlr_pointer_gestures_v1_send_swipe_begin(gesture->gestures, gesture->seat->wlr_seat,
		event->time_msec, event->fingers);
}

static void handle_swipe_update(struct wl_listener *listener, void *data) {
	struct gesture *gesture = wl_container_of(listener, gesture, swipe_update);
	const struct wlr_pointer_swipe_update_event *event = data;
	seat_notify_activity(gesture->seat);
	wlr_pointer_gestures_v1_send_swipe_update(gesture->gestures, gesture->seat->wlr_seat,
		event->time_msec, event->dx, event->dy);
}

static void handle_swipe_end(struct wl_listener *listener, void *data) {
	struct gesture *gesture = wl_container_of(listener, gesture, swipe_end);
	const struct wlr_pointer_swipe_end_event *event = data;
	wlr_pointer_gestures_v1_send_swipe_end(gesture->gestures, gesture->seat->wlr_seat,
		event->time_msec, event->cancelled);
}

static void handle_pinch_begin(struct wl_listener *listener, void *data) {
	struct gesture *gesture = wl_container_of(listener, gesture, pinch_begin);
	const struct wlr_pointer_pinch_begin_event *event = data;
	seat_notify_activity(gesture->seat);
	wlr_pointer_gestures_v1_send_pinch_begin(gesture->gestures, gesture->seat->wlr_seat,
		event->time_msec, event->fingers);
}

static void handle_pinch_update(struct wl_listener *listener, void *data) {
	struct gesture *gesture = wl_container_of(listener, gesture, pinch_update);
	const struct wlr_pointer_pinch_update_event *event = data;
	seat_notify_activity(gesture->seat);
	wlr_pointer_gestures_v1_send_pinch_update(gesture->gestures, gesture->seat->wlr_seat,
		event->time_msec, event->dx, event->dy, event->scale, event->rotation);
}

static void handle_pinch_end(struct wl_listener *listener, void *data) {
	struct gesture *gesture = wl_container_of(listener, gesture, pinch_end);
	const struct wlr_pointer_pinch_end_event *event = data;
	wlr_pointer_gestures_v1_send_pinch_end(gesture->gestures, gesture->seat->wlr_seat,
		event->time_msec, event->cancelled);
}

static void handle_hold_begin(struct wl_listener *listener, void *data) {
	struct gesture *gesture = wl_container_of(listener, gesture, hold_begin);
	const struct wlr_pointer_hold_begin_event *event = data;
	seat_notify_activity(gesture->seat);
	wlr_pointer_gestures_v1_send_hold_begin(gesture->gestures, gesture->seat->wlr_seat,
		event->time_msec, event->fingers);
}

static void handle_hold_end(struct wl_listener *listener, void *data) {
	struct gesture *gesture = wl_container_of(listener, gesture, hold_end);
	const struct wlr_pointer_hold_end_event *event = data;
	wlr_pointer_gestures_v1_send_hold_end(gesture->gestures, gesture->seat->wlr_seat,
		event->time_msec, event->cancelled);
}

struct gesture *gesture_create(struct seat *seat) {
	struct gesture *gesture = calloc(1, sizeof(*gesture));
	if (gesture == NULL) {
		return NULL;
	}
	gesture->seat = seat;
	gesture->gestures = wlr_pointer_gestures_v1_create(seat->server->display);
	if (gesture->gestures == NULL) {
		free(gesture);
		return NULL;
	}
	struct wlr_cursor *cursor = seat->cursor;
	listener_add(&cursor->events.swipe_begin, &gesture->swipe_begin, handle_swipe_begin);
	listener_add(&cursor->events.swipe_update, &gesture->swipe_update, handle_swipe_update);
	listener_add(&cursor->events.swipe_end, &gesture->swipe_end, handle_swipe_end);
	listener_add(&cursor->events.pinch_begin, &gesture->pinch_begin, handle_pinch_begin);
	listener_add(&cursor->events.pinch_update, &gesture->pinch_update, handle_pinch_update);
	listener_add(&cursor->events.pinch_end, &gesture->pinch_end, handle_pinch_end);
	listener_add(&cursor->events.hold_begin, &gesture->hold_begin, handle_hold_begin);
	listener_add(&cursor->events.hold_end, &gesture->hold_end, handle_hold_end);
	return gesture;
}

void gesture_destroy(struct gesture *gesture) {
	if (gesture == NULL) {
		return;
	}
	struct wl_listener *listeners[] = {
		&gesture->swipe_begin, &gesture->swipe_update, &gesture->swipe_end,
		&gesture->pinch_begin, &gesture->pinch_update, &gesture->pinch_end,
		&gesture->hold_begin, &gesture->hold_end,
	};
	for (size_t i = 0; i < sizeof(listeners) / sizeof(listeners[0]); i++) {
		wl_list_remove(&listeners[i]->link);
	}
	free(gesture);
}
