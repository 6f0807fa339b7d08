#include <stdio.h>
#include <stdlib.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_cursor.h>
#include <wlr/types/wlr_data_device.h>
#include <wlr/types/wlr_keyboard.h>
#include <wlr/types/wlr_pointer.h>
#include <wlr/types/wlr_primary_selection.h>
#include <wlr/types/wlr_seat.h>
#include <wlr/types/wlr_transient_seat_v1.h>
#include <wlr/util/log.h>
#include "desktop/focus.h"
#include "desktop/popup.h"
#include "desktop/window.h"
#include "desktop/workspaces.h"
#include "protocol/idle.h"
#include "seat/seat.h"
#include "seat/transient.h"
#include "shell/layer.h"
#include "shell/lock.h"
#include "util/listener.h"

struct transient_seats {
	struct seat *main;
	struct wl_list list; // transient_seat.link
	unsigned last_number;

	struct wl_listener create_seat;
};

/** It lives as long as its wlr_seat, which goes with the client's object. */
struct transient_seat {
	struct wl_list link; // transient_seats.list
	struct transient_seats *seats;
	struct wlr_seat *wlr_seat;
	struct wlr_cursor *cursor; // never has an image
	struct wl_list keyboards; // transient_keyboard.link
	struct window *window; // that was clicked, NULL: the keyboard is where the main seat's is
	const struct wlr_surface *focus; // but for popups: only to compare with

	bool pressed; // buttons are down on the surface below the pointer, which keeps it
	double pressed_x, pressed_y; // its corner then, layout coordinates

	struct wl_listener motion, motion_absolute, button, axis, frame;
	struct wl_listener set_selection, set_primary, request_drag;
	struct wl_listener destroy;
};

struct transient_keyboard {
	struct wl_list link; // transient_seat.keyboards
	struct transient_seat *seat;
	struct wlr_keyboard *wlr_keyboard;

	struct wl_listener keymap, key, modifiers, destroy;
};

static struct server *get_server(const struct transient_seat *seat) {
	return seat->seats->main->server;
}

static void notify_activity(const struct transient_seat *seat) {
	idle_notify_activity(get_server(seat)->protocols.idle, seat->wlr_seat);
}

static struct wlr_surface *get_focus(const struct transient_seat *seat) {
	struct server *server = get_server(seat);
	if (lock_is_locked(server->lock)) {
		return lock_get_focus(server->lock);
	}
	struct wlr_surface *surface = layer_shell_get_exclusive(server->layer_shell);
	struct window *window = seat->window;
	if (window == NULL || !workspace_is_shown(window->workspace)) {
		window = seat->seats->main->focus_window;
	}
	return surface == NULL && window != NULL ? window_get_surface(window) : surface;
}

static void update_focus(struct transient_seat *seat) {
	struct server *server = get_server(seat);
	struct wlr_surface *surface = get_focus(seat);
	if (surface != seat->focus) {
		seat->focus = surface;
		popups_dismiss(server, seat->wlr_seat);
	}
	struct wlr_surface *popup = lock_is_locked(server->lock) ? NULL :
		popups_get_focus(server, seat->wlr_seat, surface);
	seat_enter_keyboard(server, seat->wlr_seat, popup != NULL ? popup : surface);
}

/** The surface below the pointer, or the one that buttons are held down on. */
static void point(struct transient_seat *seat, uint32_t time_msec) {
	struct server *server = get_server(seat);
	struct wlr_seat *wlr_seat = seat->wlr_seat;
	const struct wlr_surface *focused = wlr_seat->pointer_state.focused_surface;
	double x = seat->cursor->x, y = seat->cursor->y, sx, sy;
	if (seat->pressed && focused != NULL && focused->mapped && wlr_seat->drag == NULL &&
			!lock_is_locked(server->lock)) {
		wlr_seat_pointer_notify_motion(wlr_seat, time_msec, x - seat->pressed_x,
			y - seat->pressed_y);
		return;
	}
	seat->pressed = false;
	struct wlr_surface *surface = window_surface_at(server, x, y, NULL, &sx, &sy);
	if (surface == NULL) {
		wlr_seat_pointer_notify_clear_focus(wlr_seat);
		return;
	}
	wlr_seat_pointer_notify_enter(wlr_seat, surface, sx, sy);
	wlr_seat_pointer_notify_motion(wlr_seat, time_msec, sx, sy);
}

static void handle_motion(struct wl_listener *listener, void *data) {
	struct transient_seat *seat = wl_container_of(listener, seat, motion);
	const struct wlr_pointer_motion_event *event = data;
	notify_activity(seat);
	wlr_cursor_move(seat->cursor, &event->pointer->base, event->delta_x, event->delta_y);
	point(seat, event->time_msec);
}

static void handle_motion_absolute(struct wl_listener *listener, void *data) {
	struct transient_seat *seat = wl_container_of(listener, seat, motion_absolute);
	const struct wlr_pointer_motion_absolute_event *event = data;
	notify_activity(seat);
	wlr_cursor_warp_absolute(seat->cursor, &event->pointer->base, event->x, event->y);
	point(seat, event->time_msec);
}

static void press(struct transient_seat *seat) {
	double sx, sy;
	struct window *window = NULL;
	const struct wlr_surface *surface = window_surface_at(get_server(seat), seat->cursor->x,
		seat->cursor->y, &window, &sx, &sy);
	if (window != NULL) {
		seat->window = window;
		window_raise(window);
		update_focus(seat);
	}
	if (surface != NULL && surface == seat->wlr_seat->pointer_state.focused_surface) {
		seat->pressed = true;
		seat->pressed_x = seat->cursor->x - sx;
		seat->pressed_y = seat->cursor->y - sy;
	}
}

static void handle_button(struct wl_listener *listener, void *data) {
	struct transient_seat *seat = wl_container_of(listener, seat, button);
	const struct wlr_pointer_button_event *event = data;
	notify_activity(seat);
	if (event->state == WL_POINTER_BUTTON_STATE_PRESSED && !seat->pressed) {
		press(seat);
	}
	wlr_seat_pointer_notify_button(seat->wlr_seat, event->time_msec, event->button,
		event->state);
	if (seat->pressed && seat->wlr_seat->pointer_state.button_count == 0) {
		seat->pressed = false;
		point(seat, event->time_msec);
	}
}

static void handle_axis(struct wl_listener *listener, void *data) {
	struct transient_seat *seat = wl_container_of(listener, seat, axis);
	const struct wlr_pointer_axis_event *event = data;
	notify_activity(seat);
	wlr_seat_pointer_notify_axis(seat->wlr_seat, event->time_msec, event->orientation,
		event->delta, event->delta_discrete, event->source, event->relative_direction);
}

static void handle_frame(struct wl_listener *listener, void *data) {
	struct transient_seat *seat = wl_container_of(listener, seat, frame);
	wlr_seat_pointer_notify_frame(seat->wlr_seat);
}

static void handle_set_selection(struct wl_listener *listener, void *data) {
	struct transient_seat *seat = wl_container_of(listener, seat, set_selection);
	const struct wlr_seat_request_set_selection_event *event = data;
	wlr_seat_set_selection(seat->wlr_seat, event->source, event->serial);
}

static void handle_set_primary(struct wl_listener *listener, void *data) {
	struct transient_seat *seat = wl_container_of(listener, seat, set_primary);
	const struct wlr_seat_request_set_primary_selection_event *event = data;
	wlr_seat_set_primary_selection(seat->wlr_seat, event->source, event->serial);
}

static void handle_request_drag(struct wl_listener *listener, void *data) {
	struct transient_seat *seat = wl_container_of(listener, seat, request_drag);
	const struct wlr_seat_request_start_drag_event *event = data;
	if (wlr_seat_validate_pointer_grab_serial(seat->wlr_seat, event->origin, event->serial)) {
		wlr_seat_start_pointer_drag(seat->wlr_seat, event->drag, event->serial);
	} else {
		wlr_data_source_destroy(event->drag->source);
	}
}

/** Keys come from it: clients get its keymap. */
static void use(struct transient_keyboard *keyboard) {
	struct transient_seat *seat = keyboard->seat;
	if (wlr_seat_get_keyboard(seat->wlr_seat) == keyboard->wlr_keyboard) {
		return;
	}
	bool is_first = wlr_seat_get_keyboard(seat->wlr_seat) == NULL;
	wlr_seat_set_keyboard(seat->wlr_seat, keyboard->wlr_keyboard);
	if (is_first) {
		// Who was given the focus before there was a keyboard has not been told of it
		wlr_seat_keyboard_notify_clear_focus(seat->wlr_seat);
		update_focus(seat);
	}
}

/** It brings one after it was made, and before its first key. */
static void handle_keymap(struct wl_listener *listener, void *data) {
	struct transient_keyboard *keyboard = wl_container_of(listener, keyboard, keymap);
	use(keyboard);
}

static void handle_key(struct wl_listener *listener, void *data) {
	struct transient_keyboard *keyboard = wl_container_of(listener, keyboard, key);
	const struct wlr_keyboard_key_event *event = data;
	notify_activity(keyboard->seat);
	use(keyboard);
	wlr_seat_keyboard_notify_key(keyboard->seat->wlr_seat, event->time_msec, event->keycode,
		event->state);
}

static void handle_modifiers(struct wl_listener *listener, void *data) {
	struct transient_keyboard *keyboard = wl_container_of(listener, keyboard, modifiers);
	use(keyboard);
	wlr_seat_keyboard_notify_modifiers(keyboard->seat->wlr_seat,
		&keyboard->wlr_keyboard->modifiers);
}

static void keyboard_destroy(struct transient_keyboard *keyboard) {
	wl_list_remove(&keyboard->keymap.link);
	wl_list_remove(&keyboard->key.link);
	wl_list_remove(&keyboard->modifiers.link);
	wl_list_remove(&keyboard->destroy.link);
	wl_list_remove(&keyboard->link);
	free(keyboard);
}

static void handle_keyboard_destroy(struct wl_listener *listener, void *data) {
	struct transient_keyboard *keyboard = wl_container_of(listener, keyboard, destroy);
	keyboard_destroy(keyboard);
}

/** What it can do stays with it: a program may come back with its devices. */
static void add_capability(struct transient_seat *seat, uint32_t capability) {
	wlr_seat_set_capabilities(seat->wlr_seat, seat->wlr_seat->capabilities | capability);
}

static void add_keyboard(struct transient_seat *seat, struct wlr_input_device *device) {
	struct transient_keyboard *keyboard = calloc(1, sizeof(*keyboard));
	if (keyboard == NULL) {
		return;
	}
	keyboard->seat = seat;
	keyboard->wlr_keyboard = wlr_keyboard_from_input_device(device);
	wl_list_insert(&seat->keyboards, &keyboard->link);
	listener_add(&keyboard->wlr_keyboard->events.keymap, &keyboard->keymap, handle_keymap);
	listener_add(&keyboard->wlr_keyboard->events.key, &keyboard->key, handle_key);
	listener_add(&keyboard->wlr_keyboard->events.modifiers, &keyboard->modifiers,
		handle_modifiers);
	listener_add(&device->events.destroy, &keyboard->destroy, handle_keyboard_destroy);
	add_capability(seat, WL_SEAT_CAPABILITY_KEYBOARD);
	update_focus(seat);
}

bool transient_seats_take(struct transient_seats *seats, const struct wlr_seat *wlr_seat,
		struct wlr_input_device *device, struct wlr_output *output) {
	struct transient_seat *seat;
	wl_list_for_each(seat, &seats->list, link) {
		if (seat->wlr_seat != wlr_seat) {
			continue;
		}
		if (device->type == WLR_INPUT_DEVICE_KEYBOARD) {
			add_keyboard(seat, device);
		} else {
			wlr_cursor_attach_input_device(seat->cursor, device);
			wlr_cursor_map_input_to_output(seat->cursor, device, output);
			add_capability(seat, WL_SEAT_CAPABILITY_POINTER);
		}
		return true;
	}
	return false;
}

void transient_seats_update_focus(struct transient_seats *seats) {
	struct transient_seat *seat;
	wl_list_for_each(seat, &seats->list, link) {
		update_focus(seat);
	}
}

void transient_seats_let_go(struct transient_seats *seats) {
	struct transient_seat *seat;
	wl_list_for_each(seat, &seats->list, link) {
		seat_end_client_grabs(get_server(seat), seat->wlr_seat);
		seat->pressed = false;
	}
}

void transient_seats_rebase(struct transient_seats *seats) {
	struct transient_seat *seat;
	wl_list_for_each(seat, &seats->list, link) {
		const struct wlr_seat_pointer_state *state = &seat->wlr_seat->pointer_state;
		const struct wlr_surface *surface = state->focused_surface;
		double sx = state->sx, sy = state->sy;
		if (!(seat->wlr_seat->capabilities & WL_SEAT_CAPABILITY_POINTER)) {
			continue;
		}
		point(seat, server_now_msec(seats->main->server));
		if (state->focused_surface != surface || state->sx != sx || state->sy != sy) {
			wlr_seat_pointer_notify_frame(seat->wlr_seat);
		}
	}
}

void transient_seats_forget_window(struct transient_seats *seats, const struct window *window) {
	bool known = false;
	struct transient_seat *seat;
	wl_list_for_each(seat, &seats->list, link) {
		if (seat->window == window) {
			seat->window = NULL;
			known = true;
		}
	}
	// Only when all have: where popups are dismissed for one of them, all are looked at
	if (known) {
		transient_seats_update_focus(seats);
	}
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct transient_seat *seat = wl_container_of(listener, seat, destroy);
	struct wl_listener *listeners[] = {
		&seat->motion, &seat->motion_absolute, &seat->button, &seat->axis, &seat->frame,
		&seat->set_selection, &seat->set_primary, &seat->request_drag, &seat->destroy,
	};
	for (size_t i = 0; i < sizeof(listeners) / sizeof(listeners[0]); i++) {
		wl_list_remove(&listeners[i]->link);
	}
	struct transient_keyboard *keyboard, *tmp;
	wl_list_for_each_safe(keyboard, tmp, &seat->keyboards, link) {
		keyboard_destroy(keyboard);
	}
	wlr_cursor_destroy(seat->cursor);
	wl_list_remove(&seat->link);
	free(seat);
}

static struct wlr_seat *create_seat(struct transient_seats *seats) {
	struct server *server = seats->main->server;
	struct transient_seat *seat = calloc(1, sizeof(*seat));
	if (seat == NULL) {
		return NULL;
	}
	char name[32];
	snprintf(name, sizeof(name), "transient%u", ++seats->last_number);
	seat->seats = seats;
	wl_list_init(&seat->keyboards);
	seat->cursor = wlr_cursor_create();
	seat->wlr_seat = seat->cursor != NULL ? wlr_seat_create(server->display, name) : NULL;
	if (seat->wlr_seat == NULL) {
		if (seat->cursor != NULL) {
			wlr_cursor_destroy(seat->cursor);
		}
		free(seat);
		return NULL;
	}
	wlr_cursor_attach_output_layout(seat->cursor, server->output_layout);
	wl_list_insert(&seats->list, &seat->link);
	listener_add(&seat->cursor->events.motion, &seat->motion, handle_motion);
	listener_add(&seat->cursor->events.motion_absolute, &seat->motion_absolute,
		handle_motion_absolute);
	listener_add(&seat->cursor->events.button, &seat->button, handle_button);
	listener_add(&seat->cursor->events.axis, &seat->axis, handle_axis);
	listener_add(&seat->cursor->events.frame, &seat->frame, handle_frame);
	listener_add(&seat->wlr_seat->events.request_set_selection, &seat->set_selection,
		handle_set_selection);
	listener_add(&seat->wlr_seat->events.request_set_primary_selection, &seat->set_primary,
		handle_set_primary);
	listener_add(&seat->wlr_seat->events.request_start_drag, &seat->request_drag,
		handle_request_drag);
	listener_add(&seat->wlr_seat->events.destroy, &seat->destroy, handle_destroy);
	wlr_log(WLR_INFO, "A client has made a seat for itself: %s", name);
	return seat->wlr_seat;
}

static void handle_create_seat(struct wl_listener *listener, void *data) {
	struct transient_seats *seats = wl_container_of(listener, seats, create_seat);
	struct wlr_seat *wlr_seat = create_seat(seats);
	if (wlr_seat != NULL) {
		wlr_transient_seat_v1_ready(data, wlr_seat);
	} else {
		wlr_transient_seat_v1_deny(data);
	}
}

struct transient_seats *transient_seats_create(struct seat *seat) {
	struct transient_seats *seats = calloc(1, sizeof(*seats));
	if (seats == NULL) {
		return NULL;
	}
	struct wlr_transient_seat_manager_v1 *manager =
		wlr_transient_seat_manager_v1_create(seat->server->display);
	if (manager == NULL) {
		free(seats);
		return NULL;
	}
	seats->main = seat;
	wl_list_init(&seats->list);
	listener_add(&manager->events.create_seat, &seats->create_seat, handle_create_seat);
	return seats;
}

void transient_seats_destroy(struct transient_seats *seats) {
	if (seats == NULL) {
		return;
	}
	// Clients, and with them their seats, are gone
	wl_list_remove(&seats->create_seat.link);
	free(seats);
}
