#include <stdlib.h>
#include <wlr/backend/session.h>
#include <wlr/types/wlr_keyboard.h>
#include <wlr/types/wlr_seat.h>
#include <wlr/util/log.h>
#include <xkbcommon/xkbcommon.h>
#include "seat.h"
#include "window.h"

#define REPEAT_PER_SECOND 25
#define REPEAT_DELAY_MS 600

struct keyboard {
	struct wl_list link; // seat.keyboards
	struct seat *seat;
	struct wlr_keyboard *wlr_keyboard;

	struct wl_listener key;
	struct wl_listener modifiers;
	struct wl_listener destroy;
};

/** The few keys that are not the focused window's, until there is a configuration. */
static bool handle_binding(struct seat *seat, xkb_keysym_t sym, uint32_t modifiers) {
	struct server *server = seat->server;
	if (sym >= XKB_KEY_XF86Switch_VT_1 && sym <= XKB_KEY_XF86Switch_VT_12) {
		if (server->session != NULL) {
			wlr_session_change_vt(server->session, sym - XKB_KEY_XF86Switch_VT_1 + 1);
		}
		return true;
	}
	if (server->mode == MODE_KIOSK) {
		return false;
	}
	if ((modifiers & WLR_MODIFIER_ALT) && sym == XKB_KEY_Tab) {
		window_focus_next(server);
		return true;
	}
	if (!(modifiers & WLR_MODIFIER_LOGO)) {
		return false;
	}
	struct window *window = window_get_focused(server);
	switch (sym) {
	case XKB_KEY_f:
		if (window != NULL) {
			window_set_fullscreen(window, !window->fullscreen, NULL);
		}
		return true;
	case XKB_KEY_q:
		if (window != NULL) {
			window_close(window);
		}
		return true;
	default:
		return false;
	}
}

static void handle_key(struct wl_listener *listener, void *data) {
	struct keyboard *keyboard = wl_container_of(listener, keyboard, key);
	const struct wlr_keyboard_key_event *event = data;
	struct seat *seat = keyboard->seat;

	bool handled = false;
	if (event->state == WL_KEYBOARD_KEY_STATE_PRESSED) {
		const xkb_keysym_t *syms;
		int syms_len = xkb_state_key_get_syms(keyboard->wlr_keyboard->xkb_state,
			event->keycode + 8, &syms);
		uint32_t modifiers = wlr_keyboard_get_modifiers(keyboard->wlr_keyboard);
		for (int i = 0; i < syms_len && !handled; i++) {
			handled = handle_binding(seat, syms[i], modifiers);
		}
	}
	if (!handled) {
		wlr_seat_set_keyboard(seat->wlr_seat, keyboard->wlr_keyboard);
		wlr_seat_keyboard_notify_key(seat->wlr_seat, event->time_msec, event->keycode,
			event->state);
	}
}

static void handle_modifiers(struct wl_listener *listener, void *data) {
	struct keyboard *keyboard = wl_container_of(listener, keyboard, modifiers);
	wlr_seat_set_keyboard(keyboard->seat->wlr_seat, keyboard->wlr_keyboard);
	wlr_seat_keyboard_notify_modifiers(keyboard->seat->wlr_seat,
		&keyboard->wlr_keyboard->modifiers);
}

static void keyboard_destroy(struct keyboard *keyboard) {
	wl_list_remove(&keyboard->key.link);
	wl_list_remove(&keyboard->modifiers.link);
	wl_list_remove(&keyboard->destroy.link);
	wl_list_remove(&keyboard->link);
	free(keyboard);
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct keyboard *keyboard = wl_container_of(listener, keyboard, destroy);
	struct seat *seat = keyboard->seat;
	keyboard_destroy(keyboard);
	seat_update_capabilities(seat);
}

void seat_forget_keyboards(struct seat *seat) {
	struct keyboard *keyboard, *tmp;
	wl_list_for_each_safe(keyboard, tmp, &seat->keyboards, link) {
		keyboard_destroy(keyboard);
	}
}

/** The layout of XKB_DEFAULT_LAYOUT and its like. */
static bool set_keymap(struct wlr_keyboard *wlr_keyboard) {
	struct xkb_context *context = xkb_context_new(XKB_CONTEXT_NO_FLAGS);
	if (context == NULL) {
		return false;
	}
	struct xkb_keymap *keymap =
		xkb_keymap_new_from_names(context, NULL, XKB_KEYMAP_COMPILE_NO_FLAGS);
	bool ok = keymap != NULL && wlr_keyboard_set_keymap(wlr_keyboard, keymap);
	xkb_keymap_unref(keymap);
	xkb_context_unref(context);
	return ok;
}

void seat_add_keyboard(struct seat *seat, struct wlr_input_device *device) {
	struct keyboard *keyboard = calloc(1, sizeof(*keyboard));
	if (keyboard == NULL) {
		return;
	}
	keyboard->seat = seat;
	keyboard->wlr_keyboard = wlr_keyboard_from_input_device(device);
	if (!set_keymap(keyboard->wlr_keyboard)) {
		wlr_log(WLR_ERROR, "No keymap for \"%s\"; is XKB_DEFAULT_LAYOUT a layout that exists?",
			device->name != NULL ? device->name : "?");
		free(keyboard);
		return;
	}
	wlr_keyboard_set_repeat_info(keyboard->wlr_keyboard, REPEAT_PER_SECOND, REPEAT_DELAY_MS);

	keyboard->key.notify = handle_key;
	wl_signal_add(&keyboard->wlr_keyboard->events.key, &keyboard->key);
	keyboard->modifiers.notify = handle_modifiers;
	wl_signal_add(&keyboard->wlr_keyboard->events.modifiers, &keyboard->modifiers);
	keyboard->destroy.notify = handle_destroy;
	wl_signal_add(&device->events.destroy, &keyboard->destroy);
	wl_list_insert(&seat->keyboards, &keyboard->link);
	wlr_seat_set_keyboard(seat->wlr_seat, keyboard->wlr_keyboard);
}
