#include <stdlib.h>
#include <wlr/types/wlr_cursor.h>
#include <wlr/types/wlr_data_control_v1.h>
#include <wlr/types/wlr_data_device.h>
#include <wlr/types/wlr_ext_data_control_v1.h>
#include <wlr/types/wlr_primary_selection.h>
#include <wlr/types/wlr_primary_selection_v1.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/types/wlr_seat.h>
#include "seat/seat.h"
#include "seat/selection.h"
#include "util/listener.h"

/** What is copied, and what is dragged. */
struct selection {
	struct seat *seat;
	struct wlr_scene_tree *icon; // of the drag, NULL if there is none

	struct wl_listener set_selection, set_primary;
	struct wl_listener request_drag, start_drag;
	struct wl_listener icon_destroy, drag_destroy;
};

static void handle_set_selection(struct wl_listener *listener, void *data) {
	struct selection *selection = wl_container_of(listener, selection, set_selection);
	struct wlr_seat_request_set_selection_event *event = data;
	wlr_seat_set_selection(selection->seat->wlr_seat, event->source, event->serial);
}

static void handle_set_primary(struct wl_listener *listener, void *data) {
	struct selection *selection = wl_container_of(listener, selection, set_primary);
	struct wlr_seat_request_set_primary_selection_event *event = data;
	wlr_seat_set_primary_selection(selection->seat->wlr_seat, event->source, event->serial);
}

static void handle_request_drag(struct wl_listener *listener, void *data) {
	struct selection *selection = wl_container_of(listener, selection, request_drag);
	struct wlr_seat_request_start_drag_event *event = data;
	struct wlr_seat *wlr_seat = selection->seat->wlr_seat;
	struct wlr_touch_point *point;
	if (wlr_seat_validate_pointer_grab_serial(wlr_seat, event->origin, event->serial)) {
		wlr_seat_start_pointer_drag(wlr_seat, event->drag, event->serial);
	} else if (wlr_seat_validate_touch_grab_serial(wlr_seat, event->origin, event->serial,
			&point)) {
		wlr_seat_start_touch_drag(wlr_seat, event->drag, event->serial, point);
	} else {
		wlr_data_source_destroy(event->drag->source);
	}
}

static void handle_icon_destroy(struct wl_listener *listener, void *data) {
	struct selection *selection = wl_container_of(listener, selection, icon_destroy);
	wl_list_remove(&selection->icon_destroy.link);
	wl_list_init(&selection->icon_destroy.link);
	selection->icon = NULL; // the scene's tree goes with it
}

static void handle_drag_destroy(struct wl_listener *listener, void *data) {
	struct selection *selection = wl_container_of(listener, selection, drag_destroy);
	wl_list_remove(&selection->drag_destroy.link);
	wl_list_init(&selection->drag_destroy.link);
	seat_rebase(selection->seat);
}

static void handle_start_drag(struct wl_listener *listener, void *data) {
	struct selection *selection = wl_container_of(listener, selection, start_drag);
	struct seat *seat = selection->seat;
	struct wlr_drag *drag = data;
	listener_add(&drag->events.destroy, &selection->drag_destroy, handle_drag_destroy);
	if (drag->icon == NULL) {
		return;
	}
	selection->icon =
		wlr_scene_drag_icon_create(seat->server->layers[LAYER_DRAG], drag->icon);
	if (selection->icon == NULL) {
		return;
	}
	listener_add(&drag->icon->events.destroy, &selection->icon_destroy, handle_icon_destroy);
	// One that a finger carries is put below it when it moves
	selection_move_icon(selection, seat->cursor->x, seat->cursor->y);
}

void selection_move_icon(struct selection *selection, double x, double y) {
	if (selection->icon != NULL) {
		wlr_scene_node_set_position(&selection->icon->node, (int)x, (int)y);
	}
}

struct selection *selection_create(struct seat *seat) {
	struct wl_display *display = seat->server->display;
	struct selection *selection = calloc(1, sizeof(*selection));
	if (selection == NULL || wlr_data_device_manager_create(display) == NULL ||
			wlr_primary_selection_v1_device_manager_create(display) == NULL ||
			wlr_data_control_manager_v1_create(display) == NULL ||
			wlr_ext_data_control_manager_v1_create(display, 1) == NULL) {
		free(selection);
		return NULL;
	}
	selection->seat = seat;
	struct wlr_seat *wlr_seat = seat->wlr_seat;
	listener_add(&wlr_seat->events.request_set_selection, &selection->set_selection,
		handle_set_selection);
	listener_add(&wlr_seat->events.request_set_primary_selection, &selection->set_primary,
		handle_set_primary);
	listener_add(&wlr_seat->events.request_start_drag, &selection->request_drag,
		handle_request_drag);
	listener_add(&wlr_seat->events.start_drag, &selection->start_drag, handle_start_drag);
	wl_list_init(&selection->icon_destroy.link);
	wl_list_init(&selection->drag_destroy.link);
	return selection;
}

void selection_destroy(struct selection *selection) {
	if (selection == NULL) {
		return;
	}
	wl_list_remove(&selection->set_selection.link);
	wl_list_remove(&selection->set_primary.link);
	wl_list_remove(&selection->request_drag.link);
	wl_list_remove(&selection->start_drag.link);
	wl_list_remove(&selection->icon_destroy.link);
	wl_list_remove(&selection->drag_destroy.link);
	free(selection);
}
