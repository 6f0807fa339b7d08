#include <stdlib.h>
#include <wlr/types/wlr_cursor.h>
#include <wlr/types/wlr_data_device.h>
#include <wlr/types/wlr_input_device.h>
#include <wlr/types/wlr_keyboard.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/types/wlr_seat.h>
#include <wlr/types/wlr_xcursor_manager.h>
#include <wlr/util/log.h>
#include "seat.h"
#include "window.h"

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
	struct wl_list link; // seat.counted
	struct seat *seat;
	size_t *count;
	struct wl_listener destroy;
};

static void counted_device_destroy(struct counted_device *device) {
	(*device->count)--;
	wl_list_remove(&device->destroy.link);
	wl_list_remove(&device->link);
	free(device);
}

static void handle_counted_destroy(struct wl_listener *listener, void *data) {
	struct counted_device *device = wl_container_of(listener, device, destroy);
	struct seat *seat = device->seat;
	counted_device_destroy(device);
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
	wl_list_insert(&seat->counted, &counted->link);
	(*count)++;
	wlr_cursor_attach_input_device(seat->cursor, device);
}

static void handle_new_input(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, new_input);
	struct wlr_input_device *device = data;
	wlr_log(WLR_DEBUG, "input device \"%s\"", device->name != NULL ? device->name : "?");
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
	default:
		break;
	}
	seat_update_capabilities(seat);
}

static void handle_request_set_selection(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, request_set_selection);
	struct wlr_seat_request_set_selection_event *event = data;
	wlr_seat_set_selection(seat->wlr_seat, event->source, event->serial);
}

static void handle_request_start_drag(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, request_start_drag);
	struct wlr_seat_request_start_drag_event *event = data;
	if (wlr_seat_validate_pointer_grab_serial(seat->wlr_seat, event->origin, event->serial)) {
		wlr_seat_start_pointer_drag(seat->wlr_seat, event->drag, event->serial);
	} else {
		wlr_data_source_destroy(event->drag->source);
	}
}

static void handle_start_drag(struct wl_listener *listener, void *data) {
	struct seat *seat = wl_container_of(listener, seat, start_drag);
	struct wlr_drag *drag = data;
	if (drag->icon != NULL) {
		struct wlr_scene_tree *tree =
			wlr_scene_drag_icon_create(&seat->server->scene->tree, drag->icon);
		if (tree != NULL) {
			wlr_scene_node_set_position(&tree->node, (int)seat->cursor->x,
				(int)seat->cursor->y);
		}
		drag->icon->data = tree;
	}
}

void seat_focus(struct seat *seat, struct window *window) {
	struct wlr_surface *surface = window != NULL ? window_get_surface(window) : NULL;
	if (surface == NULL) {
		wlr_seat_keyboard_notify_clear_focus(seat->wlr_seat);
		return;
	}
	struct wlr_keyboard *keyboard = wlr_seat_get_keyboard(seat->wlr_seat);
	if (keyboard != NULL) {
		wlr_seat_keyboard_notify_enter(seat->wlr_seat, surface, keyboard->keycodes,
			keyboard->num_keycodes, &keyboard->modifiers);
	} else {
		wlr_seat_keyboard_notify_enter(seat->wlr_seat, surface, NULL, 0, NULL);
	}
}

bool seat_is_grabbing(const struct seat *seat, const struct window *window) {
	return seat->grab_window == window;
}

void seat_forget_window(struct seat *seat, struct window *window) {
	if (seat->grab_window == window) {
		seat->grab_mode = GRAB_NONE;
		seat->grab_window = NULL;
	}
}

void seat_output_added(struct seat *seat) {
	if (seat->pointers > 0) {
		// Load the theme for the new screen's scale
		wlr_cursor_set_xcursor(seat->cursor, seat->xcursors, "default");
	}
}

struct seat *seat_create(struct server *server) {
	struct seat *seat = calloc(1, sizeof(*seat));
	if (seat == NULL) {
		return NULL;
	}
	seat->server = server;
	wl_list_init(&seat->keyboards);
	wl_list_init(&seat->counted);
	seat->wlr_seat = wlr_seat_create(server->display, "seat0");
	seat->cursor = wlr_cursor_create();
	seat->xcursors = wlr_xcursor_manager_create(NULL, 24);
	if (seat->wlr_seat == NULL || seat->cursor == NULL || seat->xcursors == NULL ||
			!seat_init_pointer(seat)) {
		wlr_log(WLR_ERROR, "Cannot create the seat");
		free(seat);
		return NULL;
	}
	wlr_cursor_attach_output_layout(seat->cursor, server->output_layout);

	seat->new_input.notify = handle_new_input;
	wl_signal_add(&server->backend->events.new_input, &seat->new_input);
	seat->request_set_selection.notify = handle_request_set_selection;
	wl_signal_add(&seat->wlr_seat->events.request_set_selection, &seat->request_set_selection);
	seat->request_start_drag.notify = handle_request_start_drag;
	wl_signal_add(&seat->wlr_seat->events.request_start_drag, &seat->request_start_drag);
	seat->start_drag.notify = handle_start_drag;
	wl_signal_add(&seat->wlr_seat->events.start_drag, &seat->start_drag);
	return seat;
}

void seat_destroy(struct seat *seat) {
	if (seat == NULL) {
		return;
	}
	wl_list_remove(&seat->new_input.link);
	wl_list_remove(&seat->request_set_selection.link);
	wl_list_remove(&seat->request_start_drag.link);
	wl_list_remove(&seat->start_drag.link);
	seat_finish_pointer(seat);
	// The devices outlive this: they go with the backend
	seat_forget_keyboards(seat);
	struct counted_device *device, *tmp;
	wl_list_for_each_safe(device, tmp, &seat->counted, link) {
		counted_device_destroy(device);
	}
	wlr_xcursor_manager_destroy(seat->xcursors);
	wlr_cursor_destroy(seat->cursor);
	free(seat);
}
