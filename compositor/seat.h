#ifndef SEAT_H
#define SEAT_H

#include "server.h"

struct window;
struct wlr_input_device;

/** What the pointer does to a window at the moment. */
enum grab_mode {
	GRAB_NONE,
	GRAB_MOVE,
	GRAB_RESIZE,
};

/** The one seat: keyboards, pointers and touch screens of all devices. */
struct seat {
	struct server *server;
	struct wlr_seat *wlr_seat;
	struct wlr_cursor *cursor;
	struct wlr_xcursor_manager *xcursors;
	struct wl_list keyboards; // keyboard.link
	struct wl_list counted; // counted_device.link
	size_t pointers, touches; // how many devices

	enum grab_mode grab_mode;
	struct window *grab_window;
	double grab_x, grab_y; // pointer at the start, layout coordinates
	struct wlr_box grab_box; // window at the start, layout coordinates
	uint32_t grab_edges; // enum wlr_edges

	struct wl_listener new_input;
	struct wl_listener request_set_cursor;
	struct wl_listener request_set_selection;
	struct wl_listener request_start_drag;
	struct wl_listener start_drag;
	struct wl_listener motion, motion_absolute, button, axis, frame;
	struct wl_listener touch_down, touch_up, touch_motion, touch_cancel, touch_frame;
};

struct seat *seat_create(struct server *server);
void seat_destroy(struct seat *seat);
/** Give the keyboard to a window, NULL for none. */
void seat_focus(struct seat *seat, struct window *window);
/** Start to move or resize a window with the pointer, if a button is pressed on it. */
void seat_begin_grab(struct seat *seat, struct window *window, enum grab_mode mode,
	uint32_t edges);
/** Whether the pointer moves or resizes a window at the moment. */
bool seat_is_grabbing(const struct seat *seat, const struct window *window);
/** A window goes away: let go of it. */
void seat_forget_window(struct seat *seat, struct window *window);
void seat_output_added(struct seat *seat);

/** For devices of the type: see seat_keyboard.c. */
void seat_add_keyboard(struct seat *seat, struct wlr_input_device *device);
void seat_forget_keyboards(struct seat *seat);
void seat_update_capabilities(struct seat *seat);

/** Connect the cursor's events: see seat_pointer.c. */
bool seat_init_pointer(struct seat *seat);
void seat_finish_pointer(struct seat *seat);

#endif
