#ifndef SEAT_INPUT_METHOD_H
#define SEAT_INPUT_METHOD_H

#include <stdbool.h>

struct input_method;
struct seat;
struct wlr_keyboard;
struct wlr_keyboard_key_event;
struct wlr_surface;

/** Carries between an input method (input-method-v2) and the clients that want text of it
 * (text-input-v3): one method a seat, and one text field, the one with the keyboard. */
struct input_method *input_method_create(struct seat *seat);
/** NULL is allowed. */
void input_method_destroy(struct input_method *method);
/** Another surface, or none (NULL), has the keyboard. */
void input_method_set_focus(struct input_method *method, struct wlr_surface *surface);
/** Whether the method has grabbed the keyboard and takes a key, or the modifiers, from clients. */
bool input_method_take_key(struct input_method *method, struct wlr_keyboard *keyboard,
	const struct wlr_keyboard_key_event *event);
bool input_method_take_modifiers(struct input_method *method, struct wlr_keyboard *keyboard);

#endif
