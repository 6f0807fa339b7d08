#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_cursor.h>
#include <wlr/types/wlr_cursor_shape_v1.h>
#include <wlr/types/wlr_pointer.h>
#include <wlr/types/wlr_seat.h>
#include <wlr/types/wlr_xcursor_manager.h>
#include "desktop/desktop.h"
#include "desktop/focus.h"
#include "desktop/window.h"
#include "seat/constraint.h"
#include "seat/seat.h"
#include "seat/selection.h"
#include "seat/transient.h"
#include "shell/layer.h"
#include "shell/lock.h"
#include "util/listener.h"

#define CURSOR_SHAPE_VERSION 2

static void handle_pressed_gone(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, pressed_unmap);
	seat_release_pressed(seat);
}

/** A surface keeps the pointer from the first press of a button on it to the last release. */
static void set_pressed(struct seat *seat) {
	struct wlr_surface *surface = seat->wlr_seat->pointer_state.focused_surface;
	if (surface == NULL || seat->pressed != NULL) {
		return;
	}
	seat->pressed = surface;
	seat->pressed_x = seat->cursor->x - seat->wlr_seat->pointer_state.sx;
	seat->pressed_y = seat->cursor->y - seat->wlr_seat->pointer_state.sy;
	listener_add(&surface->events.unmap, &seat->pressed_unmap, handle_pressed_gone);
}

void seat_release_pressed(struct seat *seat) {
	if (seat->pressed != NULL) {
		wl_list_remove(&seat->pressed_unmap.link);
		seat->pressed = NULL;
	}
}

void seat_point(struct seat *seat, uint32_t time_msec) {
	struct wlr_seat *wlr_seat = seat->wlr_seat;
	if (seat->pressed != NULL && wlr_seat->drag == NULL) {
		wlr_seat_pointer_notify_motion(wlr_seat, time_msec, seat->cursor->x - seat->pressed_x,
			seat->cursor->y - seat->pressed_y);
		return;
	}
	double sx, sy;
	struct wlr_surface *surface = window_surface_at(seat->server, seat->cursor->x,
		seat->cursor->y, NULL, &sx, &sy);
	if (surface == NULL) {
		wlr_seat_pointer_notify_clear_focus(wlr_seat);
		return;
	}
	wlr_seat_pointer_notify_enter(wlr_seat, surface, sx, sy);
	wlr_seat_pointer_notify_motion(wlr_seat, time_msec, sx, sy);
	constraint_update(seat->constraint);
}

void seat_rebase(struct seat *seat) {
	transient_seats_rebase(seat->transients);
	if (seat->pointers == 0 || seat->grab_mode != GRAB_NONE || seat->wlr_seat->drag != NULL) {
		return;
	}
	const struct wlr_seat_pointer_state *state = &seat->wlr_seat->pointer_state;
	const struct wlr_surface *surface = state->focused_surface;
	double sx = state->sx, sy = state->sy;
	seat_point(seat, server_now_msec(seat->server));
	if (state->focused_surface != surface || state->sx != sx || state->sy != sy) {
		wlr_seat_pointer_notify_frame(seat->wlr_seat);
	}
}

/** No client has the pointer: show what it looks like over nothing. */
static void handle_focus_change(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, pointer_focus_change);
	const struct wlr_seat_pointer_focus_change_event *event = data;
	if (event->new_surface == NULL && seat->pointers > 0 && seat->grab_mode == GRAB_NONE) {
		wlr_cursor_set_xcursor(seat->cursor, seat->xcursors, "default");
	}
	constraint_update(seat->constraint);
}

static void handle_moved(struct seat *seat, uint32_t time_msec) {
	selection_move_icon(seat->selection, seat->cursor->x, seat->cursor->y);
	if (seat->grab_mode != GRAB_NONE) {
		seat_update_grab(seat);
		return;
	}
	if (seat->pressed == NULL) {
		// Only what a person moves the pointer to may take the focus, not what comes below it
		double sx, sy;
		struct window *window;
		window_surface_at(seat->server, seat->cursor->x, seat->cursor->y, &window, &sx, &sy);
		desktop_point(seat->server, window);
	}
	seat_point(seat, time_msec);
}

static void move(struct seat *seat, const struct wlr_pointer_motion_event *event) {
	seat_notify_activity(seat);
	double dx, dy;
	if (constraint_apply(seat->constraint, event, &dx, &dy)) {
		wlr_cursor_move(seat->cursor, &event->pointer->base, dx, dy);
		handle_moved(seat, event->time_msec);
	}
}

static void handle_motion(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, motion);
	move(seat, data);
}

static void handle_motion_absolute(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, motion_absolute);
	const struct wlr_pointer_motion_absolute_event *event = data;
	double lx, ly;
	wlr_cursor_absolute_to_layout_coords(seat->cursor, &event->pointer->base, event->x,
		event->y, &lx, &ly);
	double dx = lx - seat->cursor->x, dy = ly - seat->cursor->y;
	move(seat, &(struct wlr_pointer_motion_event){
		.pointer = event->pointer,
		.time_msec = event->time_msec,
		.delta_x = dx, .delta_y = dy,
		.unaccel_dx = dx, .unaccel_dy = dy,
	});
}

void seat_click(struct seat *seat, struct wlr_surface *surface, struct window *window) {
	if (window != NULL) {
		window_focus(window);
	} else if (surface != NULL) {
		layer_shell_click(seat->server->layer_shell, surface);
	}
}

void seat_press(struct seat *seat, uint32_t time_msec, uint32_t button, bool pressed) {
	if (!pressed) {
		wlr_seat_pointer_notify_button(seat->wlr_seat, time_msec, button,
			WL_POINTER_BUTTON_STATE_RELEASED);
		seat_end_grab(seat);
		if (seat->pressed != NULL && seat->wlr_seat->pointer_state.button_count == 0) {
			seat_release_pressed(seat);
			seat_rebase(seat);
		}
		return;
	}
	double sx, sy;
	struct window *window = NULL;
	struct wlr_surface *surface = window_surface_at(seat->server, seat->cursor->x,
		seat->cursor->y, &window, &sx, &sy);
	if (seat->pressed == NULL) {
		seat_click(seat, surface, window);
	}
	bool locked = lock_is_locked(seat->server->lock);
	if (!locked && seat_run_button_binding(seat, button, window)) {
		return;
	}
	if (!locked && surface == NULL) {
		desktop_press(seat->server, window, seat->cursor->x, seat->cursor->y);
	}
	set_pressed(seat);
	wlr_seat_pointer_notify_button(seat->wlr_seat, time_msec, button,
		WL_POINTER_BUTTON_STATE_PRESSED);
}

static void handle_button(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, button);
	const struct wlr_pointer_button_event *event = data;
	seat_notify_activity(seat);
	seat_press(seat, event->time_msec, event->button,
		event->state == WL_POINTER_BUTTON_STATE_PRESSED);
}

static void handle_axis(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, axis);
	const struct wlr_pointer_axis_event *event = data;
	seat_notify_activity(seat);
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

/** A shape of the theme, by name, instead of a surface. */
static void handle_request_set_shape(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, request_set_shape);
	const struct wlr_cursor_shape_manager_v1_request_set_shape_event *event = data;
	if (event->device_type == WLR_CURSOR_SHAPE_MANAGER_V1_DEVICE_TYPE_POINTER &&
			seat->wlr_seat->pointer_state.focused_client == event->seat_client &&
			seat->grab_mode == GRAB_NONE) {
		wlr_cursor_set_xcursor(seat->cursor, seat->xcursors,
			wlr_cursor_shape_v1_name(event->shape));
	}
}

bool seat_init_pointer(struct seat *seat) {
	struct wlr_cursor_shape_manager_v1 *shapes =
		wlr_cursor_shape_manager_v1_create(seat->server->display, CURSOR_SHAPE_VERSION);
	if (shapes == NULL) {
		return false;
	}
	struct wlr_cursor *cursor = seat->cursor;
	listener_add(&cursor->events.motion, &seat->motion, handle_motion);
	listener_add(&cursor->events.motion_absolute, &seat->motion_absolute,
		handle_motion_absolute);
	listener_add(&cursor->events.button, &seat->button, handle_button);
	listener_add(&cursor->events.axis, &seat->axis, handle_axis);
	listener_add(&cursor->events.frame, &seat->frame, handle_frame);
	listener_add(&seat->wlr_seat->events.request_set_cursor, &seat->request_set_cursor,
		handle_request_set_cursor);
	listener_add(&seat->wlr_seat->pointer_state.events.focus_change,
		&seat->pointer_focus_change, handle_focus_change);
	listener_add(&shapes->events.request_set_shape, &seat->request_set_shape,
		handle_request_set_shape);
	return true;
}

void seat_finish_pointer(struct seat *seat) {
	seat_release_pressed(seat);
	struct wl_listener *listeners[] = {
		&seat->motion, &seat->motion_absolute, &seat->button, &seat->axis, &seat->frame,
		&seat->request_set_cursor, &seat->pointer_focus_change, &seat->request_set_shape,
	};
	for (size_t i = 0; i < sizeof(listeners) / sizeof(listeners[0]); i++) {
		wl_list_remove(&listeners[i]->link);
	}
}
