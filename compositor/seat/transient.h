#ifndef SEAT_TRANSIENT_H
#define SEAT_TRANSIENT_H

#include <stdbool.h>

struct seat;
struct transient_seats;
struct window;
struct wlr_input_device;
struct wlr_output;
struct wlr_seat;

/**
 * Seats that clients have made for themselves (ext-transient-seat-v1), as remote desktops do for a
 * second person: with a pointer and a keyboard focus of their own, and the virtual devices that were
 * asked for on them. No cursor is drawn, for who sits there draws their own, and one on the screen would
 * cost scanout; nor is what they drag. No key or button of theirs is bound, all are for clients; and
 * they do not move or resize windows: there is one of that at a time, and it follows the cursor on
 * the screen.
 */
struct transient_seats *transient_seats_create(struct seat *seat);
/** After the clients. NULL is allowed. */
void transient_seats_destroy(struct transient_seats *seats);

/** Whether a virtual device was asked for on one of them, which then has it. */
bool transient_seats_take(struct transient_seats *seats, const struct wlr_seat *wlr_seat,
	struct wlr_input_device *device, struct wlr_output *output);
/** Nothing that has begun goes on: see seat_let_go(). */
void transient_seats_let_go(struct transient_seats *seats);
/** Who gets the keyboard may have changed, as for the seat itself. */
void transient_seats_update_focus(struct transient_seats *seats);
/** The scene below their pointers may be another. */
void transient_seats_rebase(struct transient_seats *seats);
/** A window goes away. */
void transient_seats_forget_window(struct transient_seats *seats, const struct window *window);

#endif
