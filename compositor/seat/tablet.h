#ifndef SEAT_TABLET_H
#define SEAT_TABLET_H

struct seat;
struct tablets;
struct wlr_input_device;
struct wlr_surface;

/**
 * Drawing tablets: clients that know of them (tablet-v2) get all there is; for others a pen moves
 * the pointer, and its tip is the left button.
 */
struct tablets *tablets_create(struct seat *seat);
/** NULL is allowed. */
void tablets_destroy(struct tablets *tablets);
/** For devices of the type. */
void tablets_add(struct tablets *tablets, struct wlr_input_device *device);
void tablets_add_pad(struct tablets *tablets, struct wlr_input_device *device);
/** Pens are taken from whatever surface they are on. */
void tablets_let_go(struct tablets *tablets);
/** Another surface, or none (NULL), has the keyboard: pads' buttons are for it. */
void tablets_set_focus(struct tablets *tablets, struct wlr_surface *surface);

#endif
