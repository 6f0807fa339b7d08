#include <linux/input-event-codes.h>
#include <math.h>
#include <stdlib.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_cursor.h>
#include <wlr/types/wlr_seat.h>
#include <wlr/types/wlr_tablet_pad.h>
#include <wlr/types/wlr_tablet_tool.h>
#include <wlr/types/wlr_tablet_v2.h>
#include "desktop/window.h"
#include "seat/seat.h"
#include "seat/tablet.h"
#include "util/listener.h"

struct tablets {
	struct seat *seat;
	struct wlr_tablet_manager_v2 *manager;
	struct wl_list tablets; // tablet.link
	struct wl_list pads; // pad.link
	struct wl_list tools; // tool.link
	struct wl_listener axis, proximity, tip, button;
};

struct tablet {
	struct wl_list link; // tablets.tablets
	struct wlr_tablet_v2_tablet *v2;
	struct wl_listener destroy;
};

/** A pen. Kept by its wlr_tablet_tool. */
struct tool {
	struct wl_list link; // tablets.tools
	struct tablets *tablets;
	struct wlr_tablet_v2_tablet_tool *v2;
	double tilt_x, tilt_y; // both are told when one changes
	bool emulated_tip; // held down, and a button for the client

	struct wl_listener set_cursor, destroy;
};

struct pad {
	struct wl_list link; // tablets.pads
	struct tablets *tablets;
	struct wlr_tablet_v2_tablet_pad *v2;
	struct wl_listener button, ring, strip, destroy;
};

static void handle_tool_destroy(struct wl_listener *listener, void *data) {
	struct tool *tool = wl_container_of(listener, tool, destroy);
	wl_list_remove(&tool->set_cursor.link);
	wl_list_remove(&tool->destroy.link);
	wl_list_remove(&tool->link);
	free(tool);
}

static void handle_set_cursor(struct wl_listener *listener, void *data) {
	struct tool *tool = wl_container_of(listener, tool, set_cursor);
	const struct wlr_tablet_v2_event_cursor *event = data;
	const struct wlr_surface *surface = tool->v2->focused_surface;
	if (surface != NULL &&
			wl_resource_get_client(surface->resource) == event->seat_client->client) {
		wlr_cursor_set_surface(tool->tablets->seat->cursor, event->surface,
			event->hotspot_x, event->hotspot_y);
	}
}

/** Made when it is seen for the first time. NULL without memory. */
static struct tool *get_tool(struct tablets *tablets, struct wlr_tablet_tool *wlr_tool) {
	if (wlr_tool->data != NULL) {
		return wlr_tool->data;
	}
	struct tool *tool = calloc(1, sizeof(*tool));
	if (tool == NULL) {
		return NULL;
	}
	tool->tablets = tablets;
	tool->v2 = wlr_tablet_tool_create(tablets->manager, tablets->seat->wlr_seat, wlr_tool);
	if (tool->v2 == NULL) {
		free(tool);
		return NULL;
	}
	listener_add(&tool->v2->events.set_cursor, &tool->set_cursor, handle_set_cursor);
	listener_add(&wlr_tool->events.destroy, &tool->destroy, handle_tool_destroy);
	wl_list_insert(&tablets->tools, &tool->link);
	wlr_tool->data = tool;
	return tool;
}

static struct tablet *get_tablet(struct tablets *tablets, const struct wlr_tablet *wlr_tablet) {
	struct tablet *tablet;
	wl_list_for_each(tablet, &tablets->tablets, link) {
		if (tablet->v2->wlr_tablet == wlr_tablet) {
			return tablet;
		}
	}
	return NULL;
}

/** The cursor has moved: tell whom it is over, by tablet-v2 or as a pointer. */
static void moved(struct tablets *tablets, struct tool *tool, const struct wlr_tablet *wlr_tablet,
		uint32_t time_msec) {
	struct seat *seat = tablets->seat;
	struct tablet *tablet = get_tablet(tablets, wlr_tablet);
	double sx, sy;
	struct wlr_surface *surface = window_surface_at(seat->server, seat->cursor->x,
		seat->cursor->y, NULL, &sx, &sy);
	if (tablet == NULL) {
		return;
	}
	if (surface != NULL && wlr_surface_accepts_tablet_v2(surface, tablet->v2)) {
		wlr_tablet_v2_tablet_tool_notify_proximity_in(tool->v2, tablet->v2, surface);
		wlr_tablet_v2_tablet_tool_notify_motion(tool->v2, sx, sy);
		return;
	}
	if (tool->v2->focused_surface != NULL) {
		wlr_tablet_v2_tablet_tool_notify_proximity_out(tool->v2);
	}
	seat_point(seat, time_msec);
	wlr_seat_pointer_notify_frame(seat->wlr_seat);
}

static void move_cursor(struct tablets *tablets, const struct wlr_tablet_tool_axis_event *event) {
	struct wlr_cursor *cursor = tablets->seat->cursor;
	struct wlr_input_device *device = &event->tablet->base;
	if (event->tool->type == WLR_TABLET_TOOL_TYPE_MOUSE) {
		wlr_cursor_move(cursor, device, event->dx, event->dy);
		return;
	}
	bool x = event->updated_axes & WLR_TABLET_TOOL_AXIS_X;
	bool y = event->updated_axes & WLR_TABLET_TOOL_AXIS_Y;
	wlr_cursor_warp_absolute(cursor, device, x ? event->x : NAN, y ? event->y : NAN);
}

static void handle_axis(struct wl_listener *listener, void *data) {
	struct tablets *tablets = wl_container_of(listener, tablets, axis);
	const struct wlr_tablet_tool_axis_event *event = data;
	seat_notify_activity(tablets->seat);
	struct tool *tool = get_tool(tablets, event->tool);
	if (tool == NULL) {
		return;
	}
	uint32_t axes = event->updated_axes;
	if (axes & (WLR_TABLET_TOOL_AXIS_X | WLR_TABLET_TOOL_AXIS_Y)) {
		move_cursor(tablets, event);
		moved(tablets, tool, event->tablet, event->time_msec);
	}
	if (axes & WLR_TABLET_TOOL_AXIS_PRESSURE) {
		wlr_tablet_v2_tablet_tool_notify_pressure(tool->v2, event->pressure);
	}
	if (axes & WLR_TABLET_TOOL_AXIS_DISTANCE) {
		wlr_tablet_v2_tablet_tool_notify_distance(tool->v2, event->distance);
	}
	if (axes & (WLR_TABLET_TOOL_AXIS_TILT_X | WLR_TABLET_TOOL_AXIS_TILT_Y)) {
		tool->tilt_x = axes & WLR_TABLET_TOOL_AXIS_TILT_X ? event->tilt_x : tool->tilt_x;
		tool->tilt_y = axes & WLR_TABLET_TOOL_AXIS_TILT_Y ? event->tilt_y : tool->tilt_y;
		wlr_tablet_v2_tablet_tool_notify_tilt(tool->v2, tool->tilt_x, tool->tilt_y);
	}
	if (axes & WLR_TABLET_TOOL_AXIS_ROTATION) {
		wlr_tablet_v2_tablet_tool_notify_rotation(tool->v2, event->rotation);
	}
	if (axes & WLR_TABLET_TOOL_AXIS_SLIDER) {
		wlr_tablet_v2_tablet_tool_notify_slider(tool->v2, event->slider);
	}
	if (axes & WLR_TABLET_TOOL_AXIS_WHEEL) {
		wlr_tablet_v2_tablet_tool_notify_wheel(tool->v2, event->wheel_delta, 0);
	}
}

static void handle_proximity(struct wl_listener *listener, void *data) {
	struct tablets *tablets = wl_container_of(listener, tablets, proximity);
	const struct wlr_tablet_tool_proximity_event *event = data;
	seat_notify_activity(tablets->seat);
	struct tool *tool = get_tool(tablets, event->tool);
	if (tool == NULL) {
		return;
	}
	if (event->state == WLR_TABLET_TOOL_PROXIMITY_OUT) {
		wlr_tablet_v2_tablet_tool_notify_proximity_out(tool->v2);
		return;
	}
	wlr_cursor_warp_absolute(tablets->seat->cursor, &event->tablet->base, event->x, event->y);
	moved(tablets, tool, event->tablet, event->time_msec);
}

static void handle_tip(struct wl_listener *listener, void *data) {
	struct tablets *tablets = wl_container_of(listener, tablets, tip);
	const struct wlr_tablet_tool_tip_event *event = data;
	struct seat *seat = tablets->seat;
	seat_notify_activity(seat);
	struct tool *tool = get_tool(tablets, event->tool);
	if (tool == NULL) {
		return;
	}
	bool down = event->state == WLR_TABLET_TOOL_TIP_DOWN;
	if (tool->emulated_tip || tool->v2->focused_surface == NULL) {
		if (tool->emulated_tip != down) {
			tool->emulated_tip = down;
			seat_press(seat, event->time_msec, BTN_LEFT, down);
			wlr_seat_pointer_notify_frame(seat->wlr_seat);
		}
		return;
	}
	if (down) {
		struct window *window = NULL;
		double sx, sy;
		struct wlr_surface *surface = window_surface_at(seat->server, seat->cursor->x,
			seat->cursor->y, &window, &sx, &sy);
		seat_click(seat, surface, window);
		wlr_tablet_v2_tablet_tool_notify_down(tool->v2);
		wlr_tablet_tool_v2_start_implicit_grab(tool->v2);
	} else {
		wlr_tablet_v2_tablet_tool_notify_up(tool->v2);
	}
}

static void handle_tool_button(struct wl_listener *listener, void *data) {
	struct tablets *tablets = wl_container_of(listener, tablets, button);
	const struct wlr_tablet_tool_button_event *event = data;
	struct seat *seat = tablets->seat;
	seat_notify_activity(seat);
	struct tool *tool = get_tool(tablets, event->tool);
	if (tool == NULL) {
		return;
	}
	bool pressed = event->state == WLR_BUTTON_PRESSED;
	if (tool->v2->focused_surface != NULL) {
		wlr_tablet_v2_tablet_tool_notify_button(tool->v2, event->button,
			pressed ? ZWP_TABLET_PAD_V2_BUTTON_STATE_PRESSED :
			ZWP_TABLET_PAD_V2_BUTTON_STATE_RELEASED);
	} else {
		seat_press(seat, event->time_msec, event->button == BTN_STYLUS ? BTN_RIGHT : BTN_MIDDLE,
			pressed);
		wlr_seat_pointer_notify_frame(seat->wlr_seat);
	}
}

static void handle_tablet_destroy(struct wl_listener *listener, void *data) {
	struct tablet *tablet = wl_container_of(listener, tablet, destroy);
	wl_list_remove(&tablet->destroy.link);
	wl_list_remove(&tablet->link);
	free(tablet);
}

void tablets_add(struct tablets *tablets, struct wlr_input_device *device) {
	struct tablet *tablet = calloc(1, sizeof(*tablet));
	if (tablet == NULL) {
		return;
	}
	tablet->v2 = wlr_tablet_create(tablets->manager, tablets->seat->wlr_seat, device);
	if (tablet->v2 == NULL) {
		free(tablet);
		return;
	}
	wl_list_insert(&tablets->tablets, &tablet->link);
	listener_add(&device->events.destroy, &tablet->destroy, handle_tablet_destroy);
	wlr_cursor_attach_input_device(tablets->seat->cursor, device);
}

static void handle_pad_button(struct wl_listener *listener, void *data) {
	struct pad *pad = wl_container_of(listener, pad, button);
	const struct wlr_tablet_pad_button_event *event = data;
	seat_notify_activity(pad->tablets->seat);
	wlr_tablet_v2_tablet_pad_notify_mode(pad->v2, event->group, event->mode, event->time_msec);
	wlr_tablet_v2_tablet_pad_notify_button(pad->v2, event->button, event->time_msec,
		(enum zwp_tablet_pad_v2_button_state)event->state);
}

static void handle_pad_ring(struct wl_listener *listener, void *data) {
	struct pad *pad = wl_container_of(listener, pad, ring);
	const struct wlr_tablet_pad_ring_event *event = data;
	seat_notify_activity(pad->tablets->seat);
	wlr_tablet_v2_tablet_pad_notify_ring(pad->v2, event->ring, event->position,
		event->source == WLR_TABLET_PAD_RING_SOURCE_FINGER, event->time_msec);
}

static void handle_pad_strip(struct wl_listener *listener, void *data) {
	struct pad *pad = wl_container_of(listener, pad, strip);
	const struct wlr_tablet_pad_strip_event *event = data;
	seat_notify_activity(pad->tablets->seat);
	wlr_tablet_v2_tablet_pad_notify_strip(pad->v2, event->strip, event->position,
		event->source == WLR_TABLET_PAD_STRIP_SOURCE_FINGER, event->time_msec);
}

static void handle_pad_destroy(struct wl_listener *listener, void *data) {
	struct pad *pad = wl_container_of(listener, pad, destroy);
	wl_list_remove(&pad->button.link);
	wl_list_remove(&pad->ring.link);
	wl_list_remove(&pad->strip.link);
	wl_list_remove(&pad->destroy.link);
	wl_list_remove(&pad->link);
	free(pad);
}

void tablets_add_pad(struct tablets *tablets, struct wlr_input_device *device) {
	struct pad *pad = calloc(1, sizeof(*pad));
	if (pad == NULL) {
		return;
	}
	pad->tablets = tablets;
	pad->v2 = wlr_tablet_pad_create(tablets->manager, tablets->seat->wlr_seat, device);
	if (pad->v2 == NULL) {
		free(pad);
		return;
	}
	wl_list_insert(&tablets->pads, &pad->link);
	struct wlr_tablet_pad *wlr_pad = wlr_tablet_pad_from_input_device(device);
	listener_add(&wlr_pad->events.button, &pad->button, handle_pad_button);
	listener_add(&wlr_pad->events.ring, &pad->ring, handle_pad_ring);
	listener_add(&wlr_pad->events.strip, &pad->strip, handle_pad_strip);
	listener_add(&device->events.destroy, &pad->destroy, handle_pad_destroy);
}

void tablets_set_focus(struct tablets *tablets, struct wlr_surface *surface) {
	struct pad *pad;
	wl_list_for_each(pad, &tablets->pads, link) {
		// Which tablet a pad is a part of, nobody tells: seats with two are rare
		struct tablet *tablet;
		wl_list_for_each(tablet, &tablets->tablets, link) {
			if (surface != NULL && wlr_surface_accepts_tablet_v2(surface, tablet->v2)) {
				wlr_tablet_v2_tablet_pad_notify_enter(pad->v2, tablet->v2, surface);
				break;
			}
		}
	}
}

void tablets_let_go(struct tablets *tablets) {
	struct tool *tool;
	wl_list_for_each(tool, &tablets->tools, link) {
		wlr_tablet_tool_v2_end_grab(tool->v2);
		if (tool->v2->focused_surface != NULL) {
			wlr_tablet_v2_tablet_tool_notify_proximity_out(tool->v2);
		}
	}
}

struct tablets *tablets_create(struct seat *seat) {
	struct tablets *tablets = calloc(1, sizeof(*tablets));
	if (tablets == NULL) {
		return NULL;
	}
	tablets->seat = seat;
	tablets->manager = wlr_tablet_v2_create(seat->server->display);
	if (tablets->manager == NULL) {
		free(tablets);
		return NULL;
	}
	wl_list_init(&tablets->tablets);
	wl_list_init(&tablets->pads);
	wl_list_init(&tablets->tools);
	struct wlr_cursor *cursor = seat->cursor;
	listener_add(&cursor->events.tablet_tool_axis, &tablets->axis, handle_axis);
	listener_add(&cursor->events.tablet_tool_proximity, &tablets->proximity, handle_proximity);
	listener_add(&cursor->events.tablet_tool_tip, &tablets->tip, handle_tip);
	listener_add(&cursor->events.tablet_tool_button, &tablets->button, handle_tool_button);
	return tablets;
}

void tablets_destroy(struct tablets *tablets) {
	if (tablets == NULL) {
		return;
	}
	wl_list_remove(&tablets->axis.link);
	wl_list_remove(&tablets->proximity.link);
	wl_list_remove(&tablets->tip.link);
	wl_list_remove(&tablets->button.link);
	free(tablets);
}
