#include <stdlib.h>
#include <wlr/types/wlr_cursor.h>
#include <wlr/types/wlr_virtual_keyboard_v1.h>
#include <wlr/types/wlr_virtual_pointer_v1.h>
#include "seat/seat.h"
#include "seat/transient.h"
#include "seat/virtual.h"
#include "util/listener.h"

struct virtual_devices {
	struct seat *seat;
	struct wl_listener new_keyboard, new_pointer;
};

static void handle_new_keyboard(struct wl_listener *listener, void *data) {
	struct virtual_devices *devices = wl_container_of(listener, devices, new_keyboard);
	struct wlr_virtual_keyboard_v1 *keyboard = data;
	struct wlr_input_device *device = &keyboard->keyboard.base;
	if (!transient_seats_take(devices->seat->transients, keyboard->seat, device, NULL)) {
		seat_add_device(devices->seat, device);
	}
}

static void handle_new_pointer(struct wl_listener *listener, void *data) {
	struct virtual_devices *devices = wl_container_of(listener, devices, new_pointer);
	const struct wlr_virtual_pointer_v1_new_pointer_event *event = data;
	struct wlr_input_device *device = &event->new_pointer->pointer.base;
	if (transient_seats_take(devices->seat->transients, event->suggested_seat, device,
			event->suggested_output)) {
		return;
	}
	seat_add_device(devices->seat, device);
	if (event->suggested_output != NULL) {
		wlr_cursor_map_input_to_output(devices->seat->cursor, device,
			event->suggested_output);
	}
}

struct virtual_devices *virtual_devices_create(struct seat *seat) {
	struct virtual_devices *devices = calloc(1, sizeof(*devices));
	if (devices == NULL) {
		return NULL;
	}
	struct wlr_virtual_keyboard_manager_v1 *keyboards =
		wlr_virtual_keyboard_manager_v1_create(seat->server->display);
	struct wlr_virtual_pointer_manager_v1 *pointers =
		wlr_virtual_pointer_manager_v1_create(seat->server->display);
	if (keyboards == NULL || pointers == NULL) {
		free(devices);
		return NULL;
	}
	devices->seat = seat;
	listener_add(&keyboards->events.new_virtual_keyboard, &devices->new_keyboard,
		handle_new_keyboard);
	listener_add(&pointers->events.new_virtual_pointer, &devices->new_pointer,
		handle_new_pointer);
	return devices;
}

void virtual_devices_destroy(struct virtual_devices *devices) {
	if (devices == NULL) {
		return;
	}
	wl_list_remove(&devices->new_keyboard.link);
	wl_list_remove(&devices->new_pointer.link);
	free(devices);
}
