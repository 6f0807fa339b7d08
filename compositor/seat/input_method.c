#include <stdlib.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_input_method_v2.h>
#include <wlr/types/wlr_keyboard.h>
#include <wlr/types/wlr_seat.h>
#include <wlr/types/wlr_text_input_v3.h>
#include <wlr/types/wlr_virtual_keyboard_v1.h>
#include "seat/input_method.h"
#include "seat/input_popup.h"
#include "seat/seat.h"
#include "shell/lock.h"
#include "util/listener.h"

struct input_method {
	struct seat *seat;
	struct wlr_input_method_v2 *method; // NULL if no client is one
	struct wlr_input_method_keyboard_grab_v2 *grabbed; // NULL if the keyboard is not
	struct wlr_surface *focus; // that has the keyboard, or NULL
	struct wl_list texts; // text.link
	struct wl_list popups; // input_popup.link

	struct wl_listener new_method, new_text;
	struct wl_listener commit, new_popup, grab, method_destroy;
	struct wl_listener grab_destroy;
	struct wl_listener focus_destroy;
};

/** A client's text fields; only one of them is active at a time. */
struct text {
	struct wl_list link; // input_method.texts
	struct input_method *input_method;
	struct wlr_text_input_v3 *text;
	struct wl_listener enable, commit, disable, destroy;
};

/** The text input that the method writes into, or NULL. */
static struct text *get_active(struct input_method *input_method) {
	struct text *text;
	wl_list_for_each(text, &input_method->texts, link) {
		if (text->text->focused_surface != NULL && text->text->current_enabled) {
			return text;
		}
	}
	return NULL;
}

static void send_state(struct input_method *input_method, const struct text *text) {
	struct wlr_input_method_v2 *method = input_method->method;
	const struct wlr_text_input_v3_state *state = &text->text->current;
	if (method == NULL) {
		return;
	}
	if (text->text->active_features & WLR_TEXT_INPUT_V3_FEATURE_SURROUNDING_TEXT) {
		wlr_input_method_v2_send_surrounding_text(method,
			state->surrounding.text != NULL ? state->surrounding.text : "",
			state->surrounding.cursor, state->surrounding.anchor);
	}
	wlr_input_method_v2_send_text_change_cause(method, state->text_change_cause);
	if (text->text->active_features & WLR_TEXT_INPUT_V3_FEATURE_CONTENT_TYPE) {
		wlr_input_method_v2_send_content_type(method, state->content_type.hint,
			state->content_type.purpose);
	}
	input_popups_place(&input_method->popups, text->text);
	wlr_input_method_v2_send_done(method);
}

static void deactivate(struct input_method *input_method) {
	if (input_method->method != NULL && input_method->method->active) {
		wlr_input_method_v2_send_deactivate(input_method->method);
		wlr_input_method_v2_send_done(input_method->method);
	}
	input_popups_place(&input_method->popups, NULL);
}

static void activate(struct input_method *input_method, const struct text *text) {
	if (input_method->method != NULL) {
		wlr_input_method_v2_send_activate(input_method->method);
		send_state(input_method, text);
	}
}

static void handle_enable(struct wl_listener *listener, void *data) {
	struct text *text = wl_container_of(listener, text, enable);
	if (text->text->focused_surface != NULL) {
		activate(text->input_method, text);
	}
}

static void handle_text_commit(struct wl_listener *listener, void *data) {
	struct text *text = wl_container_of(listener, text, commit);
	if (text->text->current_enabled && text->text->focused_surface != NULL) {
		send_state(text->input_method, text);
	}
}

static void handle_disable(struct wl_listener *listener, void *data) {
	struct text *text = wl_container_of(listener, text, disable);
	if (text->text->focused_surface != NULL) {
		deactivate(text->input_method);
	}
}

static void leave(struct text *text) {
	if (text->text->focused_surface == NULL) {
		return;
	}
	bool was_enabled = text->text->current_enabled;
	wlr_text_input_v3_send_leave(text->text);
	if (was_enabled) {
		deactivate(text->input_method);
	}
}

/** Text inputs of the focused client know that it is their turn, whether or not there is a method. */
static void enter_focus(struct input_method *input_method) {
	struct wlr_surface *focus = input_method->focus;
	struct text *text;
	wl_list_for_each(text, &input_method->texts, link) {
		struct wlr_surface *wanted = focus != NULL &&
			wl_resource_get_client(text->text->resource) ==
			wl_resource_get_client(focus->resource) ? focus : NULL;
		if (text->text->focused_surface == wanted) {
			continue;
		}
		leave(text);
		if (wanted != NULL) {
			wlr_text_input_v3_send_enter(text->text, wanted);
		}
	}
}

void input_method_set_focus(struct input_method *input_method, struct wlr_surface *surface) {
	wl_list_remove(&input_method->focus_destroy.link);
	wl_list_init(&input_method->focus_destroy.link);
	input_method->focus = surface;
	if (surface != NULL) {
		wl_signal_add(&surface->events.destroy, &input_method->focus_destroy);
	}
	enter_focus(input_method);
}

static void handle_focus_destroy(struct wl_listener *listener, void *data) {
	struct input_method *input_method =
		wl_container_of(listener, input_method, focus_destroy);
	input_method_set_focus(input_method, NULL);
}

static void handle_text_destroy(struct wl_listener *listener, void *data) {
	struct text *text = wl_container_of(listener, text, destroy);
	if (text->text->current_enabled && text->text->focused_surface != NULL) {
		deactivate(text->input_method);
	}
	wl_list_remove(&text->enable.link);
	wl_list_remove(&text->commit.link);
	wl_list_remove(&text->disable.link);
	wl_list_remove(&text->destroy.link);
	wl_list_remove(&text->link);
	free(text);
}

static void handle_new_text(struct wl_listener *listener, void *data) {
	struct input_method *input_method = wl_container_of(listener, input_method, new_text);
	struct wlr_text_input_v3 *wlr_text = data;
	if (wlr_text->seat != input_method->seat->wlr_seat) {
		return;
	}
	struct text *text = calloc(1, sizeof(*text));
	if (text == NULL) {
		wl_resource_post_no_memory(wlr_text->resource);
		return;
	}
	text->input_method = input_method;
	text->text = wlr_text;
	wl_list_insert(&input_method->texts, &text->link);
	listener_add(&wlr_text->events.enable, &text->enable, handle_enable);
	listener_add(&wlr_text->events.commit, &text->commit, handle_text_commit);
	listener_add(&wlr_text->events.disable, &text->disable, handle_disable);
	listener_add(&wlr_text->events.destroy, &text->destroy, handle_text_destroy);
	enter_focus(input_method);
}

static void handle_commit(struct wl_listener *listener, void *data) {
	struct input_method *input_method = wl_container_of(listener, input_method, commit);
	const struct wlr_input_method_v2_state *state = &input_method->method->current;
	struct text *text = get_active(input_method);
	if (text == NULL) {
		return;
	}
	if (state->preedit.text != NULL) {
		wlr_text_input_v3_send_preedit_string(text->text, state->preedit.text,
			state->preedit.cursor_begin, state->preedit.cursor_end);
	}
	if (state->commit_text != NULL) {
		wlr_text_input_v3_send_commit_string(text->text, state->commit_text);
	}
	if (state->delete.before_length != 0 || state->delete.after_length != 0) {
		wlr_text_input_v3_send_delete_surrounding_text(text->text,
			state->delete.before_length, state->delete.after_length);
	}
	wlr_text_input_v3_send_done(text->text);
}

static void handle_new_popup(struct wl_listener *listener, void *data) {
	struct input_method *input_method = wl_container_of(listener, input_method, new_popup);
	struct text *text = get_active(input_method);
	input_popup_create(input_method->seat->server, &input_method->popups, data);
	input_popups_place(&input_method->popups, text != NULL ? text->text : NULL);
}

static void handle_grab_destroy(struct wl_listener *listener, void *data) {
	struct input_method *input_method = wl_container_of(listener, input_method, grab_destroy);
	struct wlr_keyboard *keyboard = input_method->grabbed->keyboard;
	input_method->grabbed = NULL;
	wl_list_remove(&input_method->grab_destroy.link);
	wl_list_init(&input_method->grab_destroy.link);
	if (keyboard != NULL) {
		// The client has missed what the modifiers are
		wlr_seat_set_keyboard(input_method->seat->wlr_seat, keyboard);
		wlr_seat_keyboard_notify_modifiers(input_method->seat->wlr_seat,
			&keyboard->modifiers);
	}
}

static void handle_grab(struct wl_listener *listener, void *data) {
	struct input_method *input_method = wl_container_of(listener, input_method, grab);
	struct wlr_input_method_keyboard_grab_v2 *grab = data;
	wlr_input_method_keyboard_grab_v2_set_keyboard(grab,
		wlr_seat_get_keyboard(input_method->seat->wlr_seat));
	input_method->grabbed = grab;
	listener_add(&grab->events.destroy, &input_method->grab_destroy, handle_grab_destroy);
}

static void handle_method_destroy(struct wl_listener *listener, void *data) {
	struct input_method *input_method =
		wl_container_of(listener, input_method, method_destroy);
	wl_list_remove(&input_method->commit.link);
	wl_list_remove(&input_method->new_popup.link);
	wl_list_remove(&input_method->grab.link);
	wl_list_remove(&input_method->method_destroy.link);
	input_method->method = NULL;
}

static void handle_new_method(struct wl_listener *listener, void *data) {
	struct input_method *input_method = wl_container_of(listener, input_method, new_method);
	struct wlr_input_method_v2 *method = data;
	if (method->seat != input_method->seat->wlr_seat || input_method->method != NULL) {
		wlr_input_method_v2_send_unavailable(method);
		return;
	}
	input_method->method = method;
	listener_add(&method->events.commit, &input_method->commit, handle_commit);
	listener_add(&method->events.new_popup_surface, &input_method->new_popup, handle_new_popup);
	listener_add(&method->events.grab_keyboard, &input_method->grab, handle_grab);
	listener_add(&method->events.destroy, &input_method->method_destroy, handle_method_destroy);
	// A text field may have waited for one
	const struct text *text = get_active(input_method);
	if (text != NULL) {
		activate(input_method, text);
	}
}

/**
 * The grab that a keyboard's keys go to. Not its own client's: it would hear itself. And not while
 * a lock screen is there: what is typed then is a password.
 */
static struct wlr_input_method_keyboard_grab_v2 *get_grab(struct input_method *input_method,
		struct wlr_keyboard *keyboard) {
	if (input_method->method == NULL || input_method->method->keyboard_grab == NULL ||
			lock_is_locked(input_method->seat->server->lock)) {
		return NULL;
	}
	struct wlr_input_method_keyboard_grab_v2 *grab = input_method->method->keyboard_grab;
	const struct wlr_virtual_keyboard_v1 *virtual =
		wlr_input_device_get_virtual_keyboard(&keyboard->base);
	if (virtual != NULL && wl_resource_get_client(virtual->resource) ==
			wl_resource_get_client(grab->resource)) {
		return NULL;
	}
	return grab;
}

bool input_method_take_key(struct input_method *input_method, struct wlr_keyboard *keyboard,
		const struct wlr_keyboard_key_event *event) {
	struct wlr_input_method_keyboard_grab_v2 *grab = get_grab(input_method, keyboard);
	if (grab == NULL) {
		return false;
	}
	wlr_input_method_keyboard_grab_v2_set_keyboard(grab, keyboard);
	wlr_input_method_keyboard_grab_v2_send_key(grab, event->time_msec, event->keycode,
		event->state);
	return true;
}

bool input_method_take_modifiers(struct input_method *input_method,
		struct wlr_keyboard *keyboard) {
	struct wlr_input_method_keyboard_grab_v2 *grab = get_grab(input_method, keyboard);
	if (grab == NULL) {
		return false;
	}
	wlr_input_method_keyboard_grab_v2_set_keyboard(grab, keyboard);
	wlr_input_method_keyboard_grab_v2_send_modifiers(grab, &keyboard->modifiers);
	return true;
}

struct input_method *input_method_create(struct seat *seat) {
	struct input_method *input_method = calloc(1, sizeof(*input_method));
	if (input_method == NULL) {
		return NULL;
	}
	struct wlr_input_method_manager_v2 *methods =
		wlr_input_method_manager_v2_create(seat->server->display);
	struct wlr_text_input_manager_v3 *texts =
		wlr_text_input_manager_v3_create(seat->server->display);
	if (methods == NULL || texts == NULL) {
		free(input_method);
		return NULL;
	}
	input_method->seat = seat;
	wl_list_init(&input_method->texts);
	wl_list_init(&input_method->popups);
	wl_list_init(&input_method->grab_destroy.link);
	input_method->focus_destroy.notify = handle_focus_destroy;
	wl_list_init(&input_method->focus_destroy.link);
	listener_add(&methods->events.new_input_method, &input_method->new_method,
		handle_new_method);
	listener_add(&texts->events.new_text_input, &input_method->new_text, handle_new_text);
	return input_method;
}

void input_method_destroy(struct input_method *input_method) {
	if (input_method == NULL) {
		return;
	}
	// Clients, and with them methods and texts, are gone
	wl_list_remove(&input_method->new_method.link);
	wl_list_remove(&input_method->new_text.link);
	wl_list_remove(&input_method->focus_destroy.link);
	wl_list_remove(&input_method->grab_destroy.link);
	free(input_method);
}
