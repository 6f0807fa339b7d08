#include <stdlib.h>
#include <wlr/backend/session.h>
#include <wlr/interfaces/wlr_keyboard.h>
#include <wlr/types/wlr_keyboard.h>
#include <wlr/types/wlr_seat.h>
#include <wlr/types/wlr_virtual_keyboard_v1.h>
#include <wlr/util/log.h>
#include <xkbcommon/xkbcommon.h>
#include "config/config.h"
#include "seat/input_method.h"
#include "seat/seat.h"
#include "shell/lock.h"

struct keyboard {
	struct wl_list link; // seat.keyboards
	struct seat *seat;
	struct wlr_keyboard *wlr_keyboard;
	uint32_t swallowed[WLR_KEYBOARD_KEYS_CAP]; // pressed, and not told to any client
	size_t swallowed_len;

	struct wl_listener key;
	struct wl_listener modifiers;
	struct wl_listener destroy;
};

/** Ctrl+Alt+F1 and so on, which the keymap makes keys of their own of. */
static bool switch_vt(struct keyboard *keyboard, uint32_t keycode) {
	struct wlr_session *session = keyboard->seat->server->session;
	xkb_keysym_t sym = xkb_state_key_get_one_sym(keyboard->wlr_keyboard->xkb_state, keycode + 8);
	const struct server *server = keyboard->seat->server;
	if (server->options.mode == MODE_KIOSK && !server->config->kiosk.vt_switch) {
		return false; // no way out, unless it was configured
	}
	if (sym < XKB_KEY_XF86Switch_VT_1 || sym > XKB_KEY_XF86Switch_VT_12) {
		return false;
	}
	if (session != NULL) {
		wlr_session_change_vt(session, sym - XKB_KEY_XF86Switch_VT_1 + 1);
	}
	return true;
}

/** Whether the client gets a key. One that did not get its press does not get its release. */
static bool is_ours(struct keyboard *keyboard, const struct wlr_keyboard_key_event *event) {
	size_t i = 0;
	while (i < keyboard->swallowed_len && keyboard->swallowed[i] != event->keycode) {
		i++;
	}
	bool known = i < keyboard->swallowed_len;
	if (event->state == WL_KEYBOARD_KEY_STATE_RELEASED) {
		if (known) {
			keyboard->swallowed[i] = keyboard->swallowed[--keyboard->swallowed_len];
		}
		return known;
	}
	// Bindings are for whoever has the session
	if (!switch_vt(keyboard, event->keycode) && (lock_is_locked(keyboard->seat->server->lock) ||
			!seat_run_key_binding(keyboard->seat, keyboard->wlr_keyboard, event->keycode))) {
		return false;
	}
	if (!known && keyboard->swallowed_len < WLR_KEYBOARD_KEYS_CAP) {
		keyboard->swallowed[keyboard->swallowed_len++] = event->keycode;
	}
	return true;
}

/** Keys come from it: clients get its keymap. */
static void use(struct keyboard *keyboard) {
	struct seat *seat = keyboard->seat;
	bool is_first = wlr_seat_get_keyboard(seat->wlr_seat) == NULL;
	wlr_seat_set_keyboard(seat->wlr_seat, keyboard->wlr_keyboard);
	if (is_first) {
		// Who was given the focus before there was a keyboard has not been told of it
		wlr_seat_keyboard_notify_clear_focus(seat->wlr_seat);
		seat_update_focus(seat);
	}
}

static void handle_key(struct wl_listener *listener, void *data) {
	struct keyboard *keyboard = wl_container_of(listener, keyboard, key);
	const struct wlr_keyboard_key_event *event = data;
	struct seat *seat = keyboard->seat;
	seat_notify_activity(seat);
	if (!is_ours(keyboard, event) &&
			!input_method_take_key(seat->input_method, keyboard->wlr_keyboard, event)) {
		use(keyboard);
		wlr_seat_keyboard_notify_key(seat->wlr_seat, event->time_msec, event->keycode,
			event->state);
	}
}

static void handle_modifiers(struct wl_listener *listener, void *data) {
	struct keyboard *keyboard = wl_container_of(listener, keyboard, modifiers);
	struct seat *seat = keyboard->seat;
	if (!input_method_take_modifiers(seat->input_method, keyboard->wlr_keyboard)) {
		use(keyboard);
		wlr_seat_keyboard_notify_modifiers(seat->wlr_seat,
			&keyboard->wlr_keyboard->modifiers);
	}
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct keyboard *keyboard = wl_container_of(listener, keyboard, destroy);
	struct seat *seat = keyboard->seat;
	wl_list_remove(&keyboard->key.link);
	wl_list_remove(&keyboard->modifiers.link);
	wl_list_remove(&keyboard->destroy.link);
	wl_list_remove(&keyboard->link);
	free(keyboard);
	if (!wl_list_empty(&seat->keyboards)) {
		// Clients keep a keymap, though its keyboard (a virtual one, perhaps) is gone
		struct keyboard *other = wl_container_of(seat->keyboards.next, other, link);
		wlr_seat_set_keyboard(seat->wlr_seat, other->wlr_keyboard);
	}
	seat_update_capabilities(seat);
}

void seat_add_keyboard(struct seat *seat, struct wlr_input_device *device) {
	struct keyboard *keyboard = calloc(1, sizeof(*keyboard));
	if (keyboard == NULL) {
		return;
	}
	keyboard->seat = seat;
	keyboard->wlr_keyboard = wlr_keyboard_from_input_device(device);
	// A virtual one brings its own, later
	bool is_virtual = wlr_input_device_get_virtual_keyboard(device) != NULL;
	if (!is_virtual && keyboard->wlr_keyboard->keymap == NULL) {
		wlr_log(WLR_ERROR, "Keyboard \"%s\" is left alone: there is no keymap at all; is xkb's "
			"data installed?", device->name != NULL ? device->name : "?");
		free(keyboard);
		return;
	}

	keyboard->key.notify = handle_key;
	wl_signal_add(&keyboard->wlr_keyboard->events.key, &keyboard->key);
	keyboard->modifiers.notify = handle_modifiers;
	wl_signal_add(&keyboard->wlr_keyboard->events.modifiers, &keyboard->modifiers);
	keyboard->destroy.notify = handle_destroy;
	wl_signal_add(&device->events.destroy, &keyboard->destroy);
	wl_list_insert(&seat->keyboards, &keyboard->link);
	if (!is_virtual) {
		wlr_seat_set_keyboard(seat->wlr_seat, keyboard->wlr_keyboard);
	}
}

void seat_add_spare_keyboard(struct seat *seat) {
	static const struct wlr_keyboard_impl impl = { .name = "spare" };
	seat->spare_keyboard = calloc(1, sizeof(*seat->spare_keyboard));
	if (seat->spare_keyboard != NULL) {
		wlr_keyboard_init(seat->spare_keyboard, &impl, "spare keyboard");
		seat_add_device(seat, &seat->spare_keyboard->base);
	}
}

void seat_remove_spare_keyboard(struct seat *seat) {
	if (seat->spare_keyboard != NULL) {
		wlr_keyboard_finish(seat->spare_keyboard);
		free(seat->spare_keyboard);
		seat->spare_keyboard = NULL;
	}
}
