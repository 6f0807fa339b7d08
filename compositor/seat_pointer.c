#include <linux/input-event-codes.h>
#include <stdlib.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_cursor.h>
#include <wlr/types/wlr_data_device.h>
#include <wlr/types/wlr_keyboard.h>
#include <wlr/types/wlr_pointer.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/types/wlr_seat.h>
#include <wlr/types/wlr_touch.h>
#include <wlr/types/wlr_xcursor_manager.h>
#include <wlr/util/edges.h>
#include "seat.h"
#include "window.h"

/** The smallest size that a window is resized to, in layout pixels. */
#define MIN_SIZE 32

static void drag_icon_follow(struct seat *seat) {
	struct wlr_drag *drag = seat->wlr_seat->drag;
	if (drag != NULL && drag->icon != NULL && drag->icon->data != NULL) {
		struct wlr_scene_tree *tree = drag->icon->data;
		wlr_scene_node_set_position(&tree->node, (int)seat->cursor->x, (int)seat->cursor->y);
	}
}

static void update_grab(struct seat *seat) {
	int dx = (int)(seat->cursor->x - seat->grab_x);
	int dy = (int)(seat->cursor->y - seat->grab_y);
	struct wlr_box box = seat->grab_box;
	if (seat->grab_mode == GRAB_MOVE) {
		window_move(seat->grab_window, box.x + dx, box.y + dy);
		return;
	}
	int left = box.x, right = box.x + box.width, top = box.y, bottom = box.y + box.height;
	if (seat->grab_edges & WLR_EDGE_LEFT) {
		left = left + dx < right - MIN_SIZE ? left + dx : right - MIN_SIZE;
	} else if (seat->grab_edges & WLR_EDGE_RIGHT) {
		right = right + dx > left + MIN_SIZE ? right + dx : left + MIN_SIZE;
	}
	if (seat->grab_edges & WLR_EDGE_TOP) {
		top = top + dy < bottom - MIN_SIZE ? top + dy : bottom - MIN_SIZE;
	} else if (seat->grab_edges & WLR_EDGE_BOTTOM) {
		bottom = bottom + dy > top + MIN_SIZE ? bottom + dy : top + MIN_SIZE;
	}
	window_resize(seat->grab_window, &(struct wlr_box){
		.x = left, .y = top, .width = right - left, .height = bottom - top },
		seat->grab_edges);
}

static void handle_pointer_moved(struct seat *seat, uint32_t time_msec) {
	drag_icon_follow(seat);
	if (seat->grab_mode != GRAB_NONE) {
		update_grab(seat);
		return;
	}
	double sx, sy;
	struct wlr_surface *surface = window_surface_at(seat->server, seat->cursor->x,
		seat->cursor->y, NULL, &sx, &sy);
	if (surface == NULL) {
		wlr_cursor_set_xcursor(seat->cursor, seat->xcursors, "default");
		wlr_seat_pointer_clear_focus(seat->wlr_seat);
		return;
	}
	wlr_seat_pointer_notify_enter(seat->wlr_seat, surface, sx, sy);
	wlr_seat_pointer_notify_motion(seat->wlr_seat, time_msec, sx, sy);
}

static void handle_motion(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, motion);
	const struct wlr_pointer_motion_event *event = data;
	wlr_cursor_move(seat->cursor, &event->pointer->base, event->delta_x, event->delta_y);
	handle_pointer_moved(seat, event->time_msec);
}

static void handle_motion_absolute(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, motion_absolute);
	const struct wlr_pointer_motion_absolute_event *event = data;
	wlr_cursor_warp_absolute(seat->cursor, &event->pointer->base, event->x, event->y);
	handle_pointer_moved(seat, event->time_msec);
}

/** The corner of a window that is nearest to the pointer. */
static uint32_t nearest_corner(const struct wlr_box *box, double x, double y) {
	uint32_t edges = x < box->x + box->width / 2.0 ? WLR_EDGE_LEFT : WLR_EDGE_RIGHT;
	return edges | (y < box->y + box->height / 2.0 ? WLR_EDGE_TOP : WLR_EDGE_BOTTOM);
}

/** The Logo key turns a press into a move (left) or a resize (right). */
static bool begin_binding_grab(struct seat *seat, struct window *window, uint32_t button) {
	struct wlr_keyboard *keyboard = wlr_seat_get_keyboard(seat->wlr_seat);
	if (window == NULL || keyboard == NULL || seat->server->options.mode == MODE_KIOSK ||
			!(wlr_keyboard_get_modifiers(keyboard) & WLR_MODIFIER_LOGO)) {
		return false;
	}
	if (button == BTN_LEFT) {
		seat_begin_grab(seat, window, GRAB_MOVE, WLR_EDGE_NONE);
	} else if (button == BTN_RIGHT) {
		struct wlr_box box = window_get_box(window);
		seat_begin_grab(seat, window, GRAB_RESIZE,
			nearest_corner(&box, seat->cursor->x, seat->cursor->y));
	} else {
		return false;
	}
	return true;
}

static void handle_button(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, button);
	const struct wlr_pointer_button_event *event = data;
	if (event->state == WL_POINTER_BUTTON_STATE_RELEASED) {
		if (seat->grab_mode != GRAB_NONE) {
			seat->grab_mode = GRAB_NONE;
			seat->grab_window = NULL;
		}
	} else {
		double sx, sy;
		struct window *window = NULL;
		window_surface_at(seat->server, seat->cursor->x, seat->cursor->y, &window, &sx, &sy);
		window_focus(window);
		if (begin_binding_grab(seat, window, event->button)) {
			return;
		}
	}
	wlr_seat_pointer_notify_button(seat->wlr_seat, event->time_msec, event->button,
		event->state);
}

static void handle_axis(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, axis);
	const struct wlr_pointer_axis_event *event = data;
	wlr_seat_pointer_notify_axis(seat->wlr_seat, event->time_msec, event->orientation,
		event->delta, event->delta_discrete, event->source, event->relative_direction);
}

static void handle_frame(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, frame);
	wlr_seat_pointer_notify_frame(seat->wlr_seat);
}

static void handle_request_set_cursor(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, request_set_cursor);
	const struct wlr_seat_pointer_request_set_cursor_event *event = data;
	if (seat->wlr_seat->pointer_state.focused_client == event->seat_client) {
		wlr_cursor_set_surface(seat->cursor, event->surface, event->hotspot_x,
			event->hotspot_y);
	}
}

static void handle_touch_down(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, touch_down);
	const struct wlr_touch_down_event *event = data;
	double lx, ly, sx, sy;
	wlr_cursor_absolute_to_layout_coords(seat->cursor, &event->touch->base, event->x, event->y,
		&lx, &ly);
	struct window *window = NULL;
	struct wlr_surface *surface = window_surface_at(seat->server, lx, ly, &window, &sx, &sy);
	if (surface != NULL) {
		window_focus(window);
		wlr_seat_touch_notify_down(seat->wlr_seat, surface, event->time_msec, event->touch_id,
			sx, sy);
	}
}

static void handle_touch_motion(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, touch_motion);
	const struct wlr_touch_motion_event *event = data;
	double lx, ly, sx, sy;
	wlr_cursor_absolute_to_layout_coords(seat->cursor, &event->touch->base, event->x, event->y,
		&lx, &ly);
	if (window_surface_at(seat->server, lx, ly, NULL, &sx, &sy) != NULL) {
		wlr_seat_touch_notify_motion(seat->wlr_seat, event->time_msec, event->touch_id, sx, sy);
	}
}

static void handle_touch_up(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, touch_up);
	const struct wlr_touch_up_event *event = data;
	wlr_seat_touch_notify_up(seat->wlr_seat, event->time_msec, event->touch_id);
}

static void handle_touch_cancel(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, touch_cancel);
	const struct wlr_touch_cancel_event *event = data;
	struct wlr_touch_point *point =
		wlr_seat_touch_get_point(seat->wlr_seat, event->touch_id);
	if (point != NULL && point->client != NULL) {
		wlr_seat_touch_notify_cancel(seat->wlr_seat, point->client);
	}
}

static void handle_touch_frame(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, touch_frame);
	wlr_seat_touch_notify_frame(seat->wlr_seat);
}

void seat_begin_grab(struct seat *seat, struct window *window, enum grab_mode mode,
		uint32_t edges) {
	if (window->fullscreen || seat->grab_mode != GRAB_NONE) {
		return;
	}
	seat->grab_mode = mode;
	seat->grab_window = window;
	seat->grab_x = seat->cursor->x;
	seat->grab_y = seat->cursor->y;
	seat->grab_box = window_get_box(window);
	seat->grab_edges = edges;
	wlr_seat_pointer_clear_focus(seat->wlr_seat);
	wlr_cursor_set_xcursor(seat->cursor, seat->xcursors,
		mode == GRAB_MOVE ? "grabbing" : "nwse-resize");
}

static void connect(struct wl_signal *signal, struct wl_listener *listener,
		wl_notify_func_t notify) {
	listener->notify = notify;
	wl_signal_add(signal, listener);
}

bool seat_init_pointer(struct seat *seat) {
	struct wlr_cursor *cursor = seat->cursor;
	connect(&cursor->events.motion, &seat->motion, handle_motion);
	connect(&cursor->events.motion_absolute, &seat->motion_absolute, handle_motion_absolute);
	connect(&cursor->events.button, &seat->button, handle_button);
	connect(&cursor->events.axis, &seat->axis, handle_axis);
	connect(&cursor->events.frame, &seat->frame, handle_frame);
	connect(&cursor->events.touch_down, &seat->touch_down, handle_touch_down);
	connect(&cursor->events.touch_up, &seat->touch_up, handle_touch_up);
	connect(&cursor->events.touch_motion, &seat->touch_motion, handle_touch_motion);
	connect(&cursor->events.touch_cancel, &seat->touch_cancel, handle_touch_cancel);
	connect(&cursor->events.touch_frame, &seat->touch_frame, handle_touch_frame);
	connect(&seat->wlr_seat->events.request_set_cursor, &seat->request_set_cursor,
		handle_request_set_cursor);
	return true;
}

void seat_finish_pointer(struct seat *seat) {
	struct wl_listener *listeners[] = {
		&seat->motion, &seat->motion_absolute, &seat->button, &seat->axis, &seat->frame,
		&seat->touch_down, &seat->touch_up, &seat->touch_motion, &seat->touch_cancel,
		&seat->touch_frame, &seat->request_set_cursor,
	};
	for (size_t i = 0; i < sizeof(listeners) / sizeof(listeners[0]); i++) {
		wl_list_remove(&listeners[i]->link);
	}
}
