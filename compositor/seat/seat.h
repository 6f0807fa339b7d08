#ifndef SEAT_H
#define SEAT_H

#include "server.h"

struct config_report;
struct devices;
struct window;
struct wlr_input_device;
struct wlr_keyboard;
struct wlr_seat;
struct wlr_surface;

/** What the pointer does to a window at the moment. */
enum grab_mode {
	GRAB_NONE,
	GRAB_MOVE,
	GRAB_RESIZE,
};

/** Fingers that a seat follows. */
#define TOUCH_POINTS_MAX 16

/** A finger that is down, and where its surface lay then: layout coordinates. */
struct touch_origin {
	struct seat *seat;
	struct wlr_surface *surface; // NULL: this one is free
	int32_t id;
	double x, y;
	struct wl_listener surface_destroy;
};

/** The one seat: keyboards, pointers and touch screens of all devices. */
struct seat {
	struct server *server;
	struct wlr_seat *wlr_seat;
	struct wlr_cursor *cursor;
	struct wlr_xcursor_manager *xcursors;
	struct wl_list keyboards; // keyboard.link
	struct wlr_keyboard *spare_keyboard; // see seat_add_spare_keyboard(), NULL if there is none
	size_t pointers, touches; // how many devices
	struct devices *devices;

	enum grab_mode grab_mode;
	struct window *grab_window;
	double grab_x, grab_y; // pointer at the start, layout coordinates
	struct wlr_box grab_box; // window at the start, layout coordinates
	uint32_t grab_edges; // enum wlr_edges

	struct wlr_surface *pressed; // buttons are down on it, NULL if not
	double pressed_x, pressed_y; // its corner then, layout coordinates
	struct touch_origin touch_origins[TOUCH_POINTS_MAX];

	struct window *focus_window; // that gets the keyboard, if nothing below does
	struct wlr_surface *focus_layer; // of a panel that was clicked, NULL if none is
	struct wlr_surface *focus_unmanaged; // of a menu of X11 that wants keys, NULL if none does
	const struct wlr_surface *focus; // that it went to, but for popups: only to compare with

	struct window *captor; // all input is for it, NULL: for whom it belongs to; see captor.h
	bool released; // from what the focused client has taken, until the focus changes

	struct constraint *constraint;
	struct gesture *gesture;
	struct input_method *input_method;
	struct selection *selection;
	struct shortcuts *shortcuts;
	struct tablets *tablets;
	struct transient_seats *transients;
	struct virtual_devices *virtual_devices;

	struct wl_listener new_input;
	struct wl_listener keyboard_focus_change, pointer_focus_change;
	struct wl_listener request_set_cursor, request_set_shape;
	struct wl_listener pressed_unmap;
	struct wl_listener motion, motion_absolute, button, axis, frame;
	struct wl_listener touch_down, touch_up, touch_motion, touch_cancel, touch_frame;
};

struct seat *seat_create(struct server *server);
/** Stop to take devices of the backend. NULL is allowed. */
void seat_stop_listening(struct seat *seat);
/** After the backend, and its devices, are gone. NULL is allowed. */
void seat_destroy(struct seat *seat);
/** Give the keyboard to a window, NULL for none; a lock screen or a panel may keep it. */
void seat_focus(struct seat *seat, struct window *window);
/** A menu of X11, which is no window, wants the keyboard; NULL: no more. */
void seat_focus_unmanaged(struct seat *seat, struct wlr_surface *surface);
/** Who gets the keyboard may have changed: a lock screen, else a panel that insists, else a window. */
void seat_update_focus(struct seat *seat);
/** Have a seat's popups closed, and what is dragged with it dropped. */
void seat_end_client_grabs(struct server *server, struct wlr_seat *wlr_seat);
/** Give a seat's keyboard to a surface, NULL for none; to a popup with a grab, too. */
void seat_enter_keyboard(struct server *server, struct wlr_seat *wlr_seat,
	struct wlr_surface *surface);
/** A window or a panel was clicked, or touched: it may want the keyboard. */
void seat_click(struct seat *seat, struct wlr_surface *surface, struct window *window);
/** Somebody is there. */
void seat_notify_activity(struct seat *seat);
/** A button, of a pointer or of something that acts as one. */
void seat_press(struct seat *seat, uint32_t time_msec, uint32_t button, bool pressed);
/** The cursor is somewhere else: tell the surface below it. */
void seat_point(struct seat *seat, uint32_t time_msec);
/** The scene below the cursor may be another. */
void seat_rebase(struct seat *seat);
/** Forget which surface buttons are held down on. */
void seat_release_pressed(struct seat *seat);
/**
 * Nothing that has begun goes on: popups that have grabbed a seat, what is dragged, moved or
 * resized, and fingers and pens that are down.
 */
void seat_let_go(struct seat *seat);
/** Start to move or resize a window with the pointer, if a button is pressed on it. */
void seat_begin_grab(struct seat *seat, struct window *window, enum grab_mode mode,
	uint32_t edges);
/** The same, by the corner that is nearest to the pointer. */
void seat_begin_resize(struct seat *seat, struct window *window);
void seat_update_grab(struct seat *seat);
void seat_end_grab(struct seat *seat);
/** Whether the pointer moves or resizes a window at the moment. */
bool seat_is_grabbing(const struct seat *seat, const struct window *window);
/** A window goes away: let go of it. */
void seat_forget_window(struct seat *seat, struct window *window);
/** Outputs appeared, went, or have another scale. */
void seat_outputs_changed(struct seat *seat);
/** After a reload: what does not work is told in the report. */
void seat_apply_config(struct seat *seat, struct config_report *report);

/** A device of any type, of the backend or of a client. */
void seat_add_device(struct seat *seat, struct wlr_input_device *device);
/** For devices of the type: see keyboard.c. */
void seat_add_keyboard(struct seat *seat, struct wlr_input_device *device);
/**
 * A keyboard without keys. A client takes a while to notice its first keyboard, and does not get what
 * is typed meanwhile; what types for others (virtual-keyboard) does not wait.
 */
void seat_add_spare_keyboard(struct seat *seat);
void seat_remove_spare_keyboard(struct seat *seat);
void seat_update_capabilities(struct seat *seat);

/**
 * Do what the configuration binds to a key that was pressed, or to a button over a window (NULL for
 * none). Returns whether there is anything: the client then does not get it. See seat/binding.c.
 */
bool seat_run_key_binding(struct seat *seat, struct wlr_keyboard *keyboard, uint32_t keycode);
bool seat_run_button_binding(struct seat *seat, uint32_t button, struct window *window);

/** Connect the cursor's events: see pointer.c. */
bool seat_init_pointer(struct seat *seat);
void seat_finish_pointer(struct seat *seat);
/** The same of touch screens: see touch.c. */
void seat_init_touch(struct seat *seat);
void seat_finish_touch(struct seat *seat);
void seat_cancel_touch(struct seat *seat);

#endif
