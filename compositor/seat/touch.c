#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_cursor.h>
#include <wlr/types/wlr_data_device.h>
#include <wlr/types/wlr_seat.h>
#include <wlr/types/wlr_touch.h>
#include "desktop/window.h"
#include "seat/seat.h"
#include "seat/selection.h"
#include "util/listener.h"

/** Where the surface that a finger came down on lies; NULL: nothing is known of the finger. */
static struct touch_origin *find_origin(struct seat *seat, int32_t id) {
	for (size_t i = 0; i < TOUCH_POINTS_MAX; i++) {
		struct touch_origin *origin = &seat->touch_origins[i];
		if (origin->surface != NULL && origin->id == id) {
			return origin;
		}
	}
	return NULL;
}

static struct touch_origin *find_free(struct seat *seat) {
	for (size_t i = 0; i < TOUCH_POINTS_MAX; i++) {
		if (seat->touch_origins[i].surface == NULL) {
			return &seat->touch_origins[i];
		}
	}
	return NULL;
}

static void origin_clear(struct touch_origin *origin) {
	wl_list_remove(&origin->surface_destroy.link);
	origin->surface = NULL;
}

static void forget_origin(struct seat *seat, int32_t id) {
	struct touch_origin *origin = find_origin(seat, id);
	if (origin != NULL) {
		origin_clear(origin);
	}
}

static void notify_up(struct seat *seat, int32_t id, uint32_t time_msec) {
	forget_origin(seat, id);
	// wlroots knows nothing of one that came down on no surface
	if (wlr_seat_touch_get_point(seat->wlr_seat, id) != NULL) {
		wlr_seat_touch_notify_up(seat->wlr_seat, time_msec, id);
	}
}

/** For its client, the finger is lifted, as no surface is left for it to be on. */
static void handle_surface_destroy(struct wl_listener *listener, void *data) {
	struct touch_origin *origin = wl_container_of(listener, origin, surface_destroy);
	struct seat *seat = origin->seat;
	notify_up(seat, origin->id, server_now_msec(seat->server));
	wlr_seat_touch_notify_frame(seat->wlr_seat);
}

static void handle_down(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, touch_down);
	const struct wlr_touch_down_event *event = data;
	seat_notify_activity(seat);
	double lx, ly, sx, sy;
	wlr_cursor_absolute_to_layout_coords(seat->cursor, &event->touch->base, event->x, event->y,
		&lx, &ly);
	struct window *window = NULL;
	struct wlr_surface *surface = window_surface_at(seat->server, lx, ly, &window, &sx, &sy);
	forget_origin(seat, event->touch_id);
	struct touch_origin *origin = find_free(seat);
	if (surface == NULL || origin == NULL) {
		return;
	}
	seat_click(seat, surface, window);
	if (wlr_seat_touch_notify_down(seat->wlr_seat, surface, event->time_msec,
			event->touch_id, sx, sy) != 0) {
		*origin = (struct touch_origin){
			.seat = seat, .surface = surface, .id = event->touch_id,
			.x = lx - sx, .y = ly - sy,
		};
		listener_add(&surface->events.destroy, &origin->surface_destroy,
			handle_surface_destroy);
	}
}

/** What is carried by a finger is over another surface than the one that it came down on. */
static void move_drag(struct seat *seat, int32_t id, uint32_t time_msec, double lx, double ly) {
	selection_move_icon(seat->selection, lx, ly);
	double sx, sy;
	struct wlr_surface *surface = window_surface_at(seat->server, lx, ly, NULL, &sx, &sy);
	if (surface != NULL) {
		wlr_seat_touch_point_focus(seat->wlr_seat, surface, time_msec, id, sx, sy);
		wlr_seat_touch_notify_motion(seat->wlr_seat, time_msec, id, sx, sy);
	} else {
		wlr_seat_touch_point_clear_focus(seat->wlr_seat, time_msec, id);
	}
}

static void handle_motion(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, touch_motion);
	const struct wlr_touch_motion_event *event = data;
	seat_notify_activity(seat);
	const struct touch_origin *origin = find_origin(seat, event->touch_id);
	if (origin == NULL) {
		return;
	}
	double lx, ly;
	wlr_cursor_absolute_to_layout_coords(seat->cursor, &event->touch->base, event->x, event->y,
		&lx, &ly);
	const struct wlr_drag *drag = seat->wlr_seat->drag;
	if (drag != NULL && drag->grab_type == WLR_DRAG_GRAB_KEYBOARD_TOUCH &&
			drag->grab_touch_id == event->touch_id) {
		move_drag(seat, event->touch_id, event->time_msec, lx, ly);
		return;
	}
	// A finger belongs to the surface that it came down on, wherever it goes
	wlr_seat_touch_notify_motion(seat->wlr_seat, event->time_msec, event->touch_id,
		lx - origin->x, ly - origin->y);
}

static void handle_up(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, touch_up);
	const struct wlr_touch_up_event *event = data;
	seat_notify_activity(seat);
	notify_up(seat, event->touch_id, event->time_msec);
}

static void handle_cancel(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, touch_cancel);
	const struct wlr_touch_cancel_event *event = data;
	forget_origin(seat, event->touch_id);
	struct wlr_touch_point *point =
		wlr_seat_touch_get_point(seat->wlr_seat, event->touch_id);
	if (point != NULL && point->client != NULL) {
		wlr_seat_touch_notify_cancel(seat->wlr_seat, point->client);
	}
}

void seat_cancel_touch(struct seat *seat) {
	for (size_t i = 0; i < TOUCH_POINTS_MAX; i++) {
		struct touch_origin *origin = &seat->touch_origins[i];
		if (origin->surface == NULL) {
			continue;
		}
		const struct wlr_touch_point *point =
			wlr_seat_touch_get_point(seat->wlr_seat, origin->id);
		origin_clear(origin);
		if (point != NULL && point->client != NULL) {
			wlr_seat_touch_notify_cancel(seat->wlr_seat, point->client);
		}
	}
}

static void handle_frame(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, touch_frame);
	wlr_seat_touch_notify_frame(seat->wlr_seat);
}

void seat_init_touch(struct seat *seat) {
	struct wlr_cursor *cursor = seat->cursor;
	listener_add(&cursor->events.touch_down, &seat->touch_down, handle_down);
	listener_add(&cursor->events.touch_up, &seat->touch_up, handle_up);
	listener_add(&cursor->events.touch_motion, &seat->touch_motion, handle_motion);
	listener_add(&cursor->events.touch_cancel, &seat->touch_cancel, handle_cancel);
	listener_add(&cursor->events.touch_frame, &seat->touch_frame, handle_frame);
}

void seat_finish_touch(struct seat *seat) {
	for (size_t i = 0; i < TOUCH_POINTS_MAX; i++) {
		if (seat->touch_origins[i].surface != NULL) {
			origin_clear(&seat->touch_origins[i]);
		}
	}
	wl_list_remove(&seat->touch_down.link);
	wl_list_remove(&seat->touch_up.link);
	wl_list_remove(&seat->touch_motion.link);
	wl_list_remove(&seat->touch_cancel.link);
	wl_list_remove(&seat->touch_frame.link);
}
