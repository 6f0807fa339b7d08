#include <stdio.h>
#include <stdlib.h>
#include <wlr/types/wlr_cursor.h>
#include <wlr/types/wlr_input_device.h>
#include <wlr/types/wlr_keyboard.h>
#include <wlr/types/wlr_seat.h>
#include <wlr/types/wlr_virtual_keyboard_v1.h>
#include <wlr/types/wlr_xcursor_manager.h>
#include <wlr/util/log.h>
#include "config/config.h"
#include "desktop/popup.h"
#include "desktop/window.h"
#include "protocol/idle.h"
#include "seat/captor.h"
#include "seat/constraint.h"
#include "seat/devices.h"
#include "seat/gesture.h"
#include "seat/input_method.h"
#include "seat/seat.h"
#include "seat/selection.h"
#include "seat/shortcuts.h"
#include "seat/tablet.h"
#include "seat/transient.h"
#include "seat/virtual.h"
#include "shell/layer.h"
#include "shell/lock.h"
#include "shell/xwayland.h"
#include "util/listener.h"

#define DEFAULT_CURSOR_SIZE 24

void seat_update_capabilities(struct seat *seat) {
	uint32_t capabilities = 0;
	if (!wl_list_empty(&seat->keyboards)) {
		capabilities |= WL_SEAT_CAPABILITY_KEYBOARD;
	}
	if (seat->pointers > 0) {
		capabilities |= WL_SEAT_CAPABILITY_POINTER;
	}
	if (seat->touches > 0) {
		capabilities |= WL_SEAT_CAPABILITY_TOUCH;
	}
	wlr_seat_set_capabilities(seat->wlr_seat, capabilities);
	// Without a pointer there is nothing to point with: the cursor would only cost scanout
	if (seat->pointers == 0) {
		wlr_cursor_unset_image(seat->cursor);
	}
}

/** A pointer or a touch screen, watched only to count them. */
struct counted_device {
	struct seat *seat;
	size_t *count;
	struct wl_listener destroy;
};

static void handle_counted_destroy(struct wl_listener *listener, void *data) {
	struct counted_device *device = wl_container_of(listener, device, destroy);
	struct seat *seat = device->seat;
	(*device->count)--;
	wl_list_remove(&device->destroy.link);
	free(device);
	seat_update_capabilities(seat);
}

static void add_counted(struct seat *seat, struct wlr_input_device *device, size_t *count) {
	struct counted_device *counted = calloc(1, sizeof(*counted));
	if (counted == NULL) {
		return;
	}
	counted->seat = seat;
	counted->count = count;
	counted->destroy.notify = handle_counted_destroy;
	wl_signal_add(&device->events.destroy, &counted->destroy);
	(*count)++;
	wlr_cursor_attach_input_device(seat->cursor, device);
}

void seat_add_device(struct seat *seat, struct wlr_input_device *device) {
	wlr_log(WLR_DEBUG, "input device \"%s\"", device->name != NULL ? device->name : "?");
	if (device->type != WLR_INPUT_DEVICE_KEYBOARD ||
			wlr_input_device_get_virtual_keyboard(device) == NULL) {
		devices_add(seat->devices, device); // but a client's keymap is the client's
	}
	switch (device->type) {
	case WLR_INPUT_DEVICE_KEYBOARD:
		seat_add_keyboard(seat, device);
		break;
	case WLR_INPUT_DEVICE_POINTER:
		add_counted(seat, device, &seat->pointers);
		if (seat->pointers == 1) {
			wlr_cursor_set_xcursor(seat->cursor, seat->xcursors, "default");
		}
		break;
	case WLR_INPUT_DEVICE_TOUCH:
		add_counted(seat, device, &seat->touches);
		break;
	case WLR_INPUT_DEVICE_TABLET:
		tablets_add(seat->tablets, device);
		add_counted(seat, device, &seat->pointers);
		break;
	case WLR_INPUT_DEVICE_TABLET_PAD:
		tablets_add_pad(seat->tablets, device);
		break;
	default:
		break;
	}
	devices_map_to_outputs(seat->devices);
	seat_update_capabilities(seat);
}

static void handle_new_input(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, new_input);
	seat_add_device(seat, data);
}

static void handle_keyboard_focus_change(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, keyboard_focus_change);
	const struct wlr_seat_keyboard_focus_change_event *event = data;
	input_method_set_focus(seat->input_method, event->new_surface);
	tablets_set_focus(seat->tablets, event->new_surface);
	if (seat->released) {
		seat->released = false;
		shortcuts_restore(seat->shortcuts);
	}
	constraint_update(seat->constraint);
}

static struct wlr_surface *get_focus(struct seat *seat) {
	struct server *server = seat->server;
	if (lock_is_locked(server->lock)) {
		return lock_get_focus(server->lock);
	}
	struct wlr_surface *surface = layer_shell_get_exclusive(server->layer_shell);
	if (surface == NULL) {
		surface = seat->focus_unmanaged;
	}
	if (surface == NULL) {
		surface = seat->focus_layer;
	}
	if (surface == NULL && seat->focus_window != NULL) {
		surface = window_get_surface(seat->focus_window);
	}
	return surface;
}

void seat_enter_keyboard(struct server *server, struct wlr_seat *wlr_seat,
		struct wlr_surface *surface) {
	if (surface == NULL) {
		wlr_seat_keyboard_notify_clear_focus(wlr_seat);
		return;
	}
	// With a grab of popups, wlroots leaves the focus where it is, whoever asks
	void (*enter)(struct wlr_seat *seat, struct wlr_surface *surface, const uint32_t keycodes[],
		size_t num_keycodes, const struct wlr_keyboard_modifiers *modifiers) =
		popups_have_grab(server, wlr_seat) ? wlr_seat_keyboard_enter :
		wlr_seat_keyboard_notify_enter;
	const struct wlr_keyboard *keyboard = wlr_seat_get_keyboard(wlr_seat);
	if (keyboard != NULL) {
		enter(wlr_seat, surface, keyboard->keycodes, keyboard->num_keycodes,
			&keyboard->modifiers);
	} else {
		enter(wlr_seat, surface, NULL, 0, NULL);
	}
}

void seat_notify_activity(struct seat *seat) {
	idle_notify_activity(seat->server->protocols.idle, seat->wlr_seat);
}

void seat_end_client_grabs(struct server *server, struct wlr_seat *wlr_seat) {
	popups_dismiss(server, wlr_seat);
	if (wlr_seat->drag != NULL) {
		wlr_seat_pointer_end_grab(wlr_seat);
		wlr_seat_touch_end_grab(wlr_seat);
	}
}

void seat_let_go(struct seat *seat) {
	seat_end_client_grabs(seat->server, seat->wlr_seat);
	seat_end_grab(seat);
	seat_release_pressed(seat);
	seat_cancel_touch(seat);
	tablets_let_go(seat->tablets);
	transient_seats_let_go(seat->transients);
}

void seat_update_focus(struct seat *seat) {
	struct server *server = seat->server;
	struct wlr_surface *surface = get_focus(seat);
	if (surface != seat->focus) {
		seat->focus = surface;
		popups_dismiss(server, seat->wlr_seat);
	}
	struct wlr_surface *popup =
		lock_is_locked(server->lock) ? NULL :
		popups_get_focus(server, seat->wlr_seat, surface);
	seat_enter_keyboard(server, seat->wlr_seat, popup != NULL ? popup : surface);
	if (seat->transients != NULL) {
		transient_seats_update_focus(seat->transients);
	}
}

void seat_focus(struct seat *seat, struct window *window) {
	seat->focus_window = window;
	captor_update(seat);
	if (window != NULL) {
		seat->focus_layer = NULL;
		seat->focus_unmanaged = NULL;
	}
	seat_update_focus(seat);
}

void seat_focus_unmanaged(struct seat *seat, struct wlr_surface *surface) {
	seat->focus_unmanaged = surface;
	seat_update_focus(seat);
}

void seat_forget_window(struct seat *seat, struct window *window) {
	if (seat->grab_window == window) {
		seat->grab_mode = GRAB_NONE;
		seat->grab_window = NULL;
	}
	if (seat->focus_window == window) {
		seat->focus_window = NULL;
		captor_update(seat);
	}
	transient_seats_forget_window(seat->transients, window);
}

void seat_outputs_changed(struct seat *seat) {
	devices_map_to_outputs(seat->devices);
	captor_update(seat);
	if (seat->pointers > 0) {
		// Load the theme for the new screen's scale
		wlr_cursor_set_xcursor(seat->cursor, seat->xcursors, "default");
	}
}

static struct wlr_xcursor_manager *create_xcursors(const struct config *config) {
	return wlr_xcursor_manager_create(config->cursor_theme,
		config->cursor_size > 0 ? (uint32_t)config->cursor_size : DEFAULT_CURSOR_SIZE);
}

static bool set_cursor_environment(const struct config *config) {
	// For clients that draw cursors of their own
	char size[16];
	snprintf(size, sizeof(size), "%d", config->cursor_size);
	return (config->cursor_theme == NULL || setenv("XCURSOR_THEME", config->cursor_theme, 1) == 0) &&
		(config->cursor_size == 0 || setenv("XCURSOR_SIZE", size, 1) == 0);
}

void seat_apply_config(struct seat *seat, struct config_report *report) {
	const struct config *config = seat->server->config;
	struct wlr_xcursor_manager *xcursors = create_xcursors(config);
	if (xcursors != NULL && set_cursor_environment(config)) {
		wlr_cursor_unset_image(seat->cursor);
		wlr_xcursor_manager_destroy(seat->xcursors);
		seat->xcursors = xcursors;
		xwayland_update_cursor(seat->server->xwayland);
	}
	devices_apply_config(seat->devices, report);
	seat_outputs_changed(seat);
}

struct seat *seat_create(struct server *server) {
	struct seat *seat = calloc(1, sizeof(*seat));
	if (seat == NULL) {
		return NULL;
	}
	seat->server = server;
	wl_list_init(&seat->keyboards);
	seat->wlr_seat = wlr_seat_create(server->display, "seat0");
	seat->cursor = wlr_cursor_create();
	seat->xcursors = create_xcursors(server->config);
	seat->devices = devices_create(server, seat->cursor);
	if (seat->wlr_seat == NULL || seat->cursor == NULL || seat->xcursors == NULL ||
			seat->devices == NULL || !set_cursor_environment(server->config) ||
			!seat_init_pointer(seat)) {
		goto error;
	}
	wlr_cursor_attach_output_layout(seat->cursor, server->output_layout);
	seat_init_touch(seat);
	seat->constraint = constraint_create(seat);
	seat->gesture = gesture_create(seat);
	seat->input_method = input_method_create(seat);
	seat->selection = selection_create(seat);
	seat->shortcuts = shortcuts_create(seat);
	seat->tablets = tablets_create(seat);
	seat->transients = transient_seats_create(seat);
	seat->virtual_devices = virtual_devices_create(seat);
	listener_add(&seat->wlr_seat->keyboard_state.events.focus_change,
		&seat->keyboard_focus_change, handle_keyboard_focus_change);
	listener_add(&server->backend->events.new_input, &seat->new_input, handle_new_input);
	if (seat->constraint == NULL || seat->gesture == NULL || seat->input_method == NULL ||
			seat->selection == NULL || seat->shortcuts == NULL || seat->tablets == NULL ||
			seat->transients == NULL || seat->virtual_devices == NULL) {
		seat_stop_listening(seat);
		seat_destroy(seat);
		return NULL;
	}
	// A kiosk's programs are to know whether there is one: a screen keyboard depends on it
	const struct server_options *options = &server->options;
	if (options->mode != MODE_KIOSK && options->headless == NULL && !options->embedded) {
		seat_add_spare_keyboard(seat);
	}
	return seat;

error:
	wlr_log(WLR_ERROR, "Cannot create the seat");
	devices_destroy(seat->devices);
	if (seat->cursor != NULL) {
		wlr_cursor_destroy(seat->cursor);
	}
	if (seat->xcursors != NULL) {
		wlr_xcursor_manager_destroy(seat->xcursors);
	}
	free(seat);
	return NULL;
}

void seat_stop_listening(struct seat *seat) {
	if (seat != NULL) {
		wl_list_remove(&seat->new_input.link);
		wl_list_init(&seat->new_input.link);
	}
}

void seat_destroy(struct seat *seat) {
	if (seat == NULL) {
		return;
	}
	seat_remove_spare_keyboard(seat);
	wl_list_remove(&seat->keyboard_focus_change.link);
	virtual_devices_destroy(seat->virtual_devices);
	transient_seats_destroy(seat->transients);
	tablets_destroy(seat->tablets);
	shortcuts_destroy(seat->shortcuts);
	selection_destroy(seat->selection);
	input_method_destroy(seat->input_method);
	gesture_destroy(seat->gesture);
	constraint_destroy(seat->constraint);
	seat_finish_touch(seat);
	seat_finish_pointer(seat);
	devices_destroy(seat->devices);
	wlr_xcursor_manager_destroy(seat->xcursors);
	wlr_cursor_destroy(seat->cursor);
	free(seat);
}
