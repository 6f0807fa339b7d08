#include <glib.h>
#include <linux/input-event-codes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wlr/interfaces/wlr_keyboard.h>
#include <wlr/interfaces/wlr_pointer.h>
#include <wlr/types/wlr_output_layout.h>
#include <xkbcommon/xkbcommon.h>
#include "headless/headless.h"
#include "headless/verb.h"

/** xkb counts from here. */
#define XKB_OFFSET 8
#define MAX_CHORD 8
#define MAX_STEPS 1000

static uint32_t now_msec(const struct verb_call *call) {
	return (uint32_t)(headless_now(call->headless) / 1000000);
}

static void send_key(struct verb_call *call, xkb_keycode_t keycode, bool pressed) {
	struct wlr_keyboard_key_event event = {
		.time_msec = now_msec(call),
		.keycode = keycode - XKB_OFFSET,
		.update_state = true,
		.state = pressed ? WL_KEYBOARD_KEY_STATE_PRESSED : WL_KEYBOARD_KEY_STATE_RELEASED,
	};
	wlr_keyboard_notify_key(&call->headless->backend->keyboard, &event);
}

/** A key, and what must be held with it. */
struct stroke {
	xkb_keycode_t key;
	xkb_keycode_t modifiers[2];
	size_t modifiers_len;
};

static xkb_keycode_t find_plain_key(struct xkb_keymap *keymap, xkb_keysym_t sym) {
	xkb_keycode_t max = xkb_keymap_max_keycode(keymap);
	for (xkb_keycode_t key = xkb_keymap_min_keycode(keymap); key <= max; key++) {
		const xkb_keysym_t *syms;
		if (xkb_keymap_key_get_syms_by_level(keymap, key, 0, 0, &syms) == 1 && syms[0] == sym) {
			return key;
		}
	}
	return XKB_KEYCODE_INVALID;
}

/** Whether the modifiers of a level can be held down: none, Shift, AltGr, or both. */
static bool find_modifiers(struct xkb_keymap *keymap, xkb_keycode_t key, xkb_level_index_t level,
		struct stroke *stroke) {
	xkb_mod_mask_t masks[8];
	size_t len = xkb_keymap_key_get_mods_for_level(keymap, key, 0, level, masks,
		sizeof(masks) / sizeof(masks[0]));
	xkb_mod_mask_t shift = UINT32_C(1) << xkb_keymap_mod_get_index(keymap, XKB_MOD_NAME_SHIFT);
	xkb_mod_index_t alt_gr_index = xkb_keymap_mod_get_index(keymap, "Mod5");
	xkb_mod_mask_t alt_gr = alt_gr_index < 32 ? UINT32_C(1) << alt_gr_index : 0;
	for (size_t i = 0; i < len; i++) {
		if (masks[i] & ~(shift | alt_gr)) {
			continue;
		}
		stroke->modifiers_len = 0;
		if (masks[i] & shift) {
			stroke->modifiers[stroke->modifiers_len++] = KEY_LEFTSHIFT + XKB_OFFSET;
		}
		if (masks[i] & alt_gr) {
			stroke->modifiers[stroke->modifiers_len++] =
				find_plain_key(keymap, XKB_KEY_ISO_Level3_Shift);
		}
		return true;
	}
	return false;
}

/** How a symbol is typed in the keymap's first layout. */
static bool find_stroke(struct xkb_keymap *keymap, xkb_keysym_t sym, struct stroke *stroke) {
	xkb_keycode_t max = xkb_keymap_max_keycode(keymap);
	for (xkb_level_index_t level = 0; level < 4; level++) {
		for (xkb_keycode_t key = xkb_keymap_min_keycode(keymap); key <= max; key++) {
			const xkb_keysym_t *syms;
			if (xkb_keymap_num_levels_for_key(keymap, key, 0) > level &&
					xkb_keymap_key_get_syms_by_level(keymap, key, 0, level, &syms) == 1 &&
					syms[0] == sym && find_modifiers(keymap, key, level, stroke)) {
				stroke->key = key;
				return true;
			}
		}
	}
	return false;
}

static struct xkb_keymap *get_keymap(struct verb_call *call) {
	struct xkb_keymap *keymap = call->headless->backend->keyboard.keymap;
	if (keymap == NULL) {
		verb_fail(call, "the keyboard has no keymap");
	}
	return keymap;
}

static xkb_keysym_t get_sym(gunichar character) {
	switch (character) {
	case '\n':
		return XKB_KEY_Return;
	case '\t':
		return XKB_KEY_Tab;
	default:
		return xkb_utf32_to_keysym(character);
	}
}

bool verb_type(struct verb_call *call) {
	struct xkb_keymap *keymap = get_keymap(call);
	const char *text = call->argv[0];
	if (keymap == NULL) {
		return false;
	}
	if (!g_utf8_validate(text, -1, NULL)) {
		return verb_fail(call, "the text is no UTF-8");
	}
	// All of it, or nothing
	struct stroke stroke;
	for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at)) {
		if (!find_stroke(keymap, get_sym(g_utf8_get_char(at)), &stroke)) {
			return verb_fail(call, "no key of the layout \"%s\" types \"%.*s\"",
				xkb_keymap_layout_get_name(keymap, 0), (int)(g_utf8_next_char(at) - at), at);
		}
	}
	for (const char *at = text; *at != '\0'; at = g_utf8_next_char(at)) {
		find_stroke(keymap, get_sym(g_utf8_get_char(at)), &stroke);
		for (size_t i = 0; i < stroke.modifiers_len; i++) {
			send_key(call, stroke.modifiers[i], true);
		}
		send_key(call, stroke.key, true);
		send_key(call, stroke.key, false);
		for (size_t i = stroke.modifiers_len; i > 0; i--) {
			send_key(call, stroke.modifiers[i - 1], false);
		}
	}
	return true;
}

/** A key by what it types without others, by its name, or by a modifier's. */
static bool find_key(struct verb_call *call, const char *name, xkb_keycode_t *key) {
	static const struct {
		const char *name;
		uint32_t key;
	} modifiers[] = {
		{ "ctrl", KEY_LEFTCTRL }, { "control", KEY_LEFTCTRL }, { "shift", KEY_LEFTSHIFT },
		{ "alt", KEY_LEFTALT }, { "super", KEY_LEFTMETA }, { "logo", KEY_LEFTMETA },
	};
	for (size_t i = 0; i < sizeof(modifiers) / sizeof(modifiers[0]); i++) {
		if (strcasecmp(name, modifiers[i].name) == 0) {
			*key = modifiers[i].key + XKB_OFFSET;
			return true;
		}
	}
	struct xkb_keymap *keymap = get_keymap(call);
	if (keymap == NULL) {
		return false;
	}
	xkb_keysym_t sym = xkb_keysym_from_name(name, XKB_KEYSYM_CASE_INSENSITIVE);
	*key = sym != XKB_KEY_NoSymbol ? find_plain_key(keymap, sym) : XKB_KEYCODE_INVALID;
	return *key != XKB_KEYCODE_INVALID ||
		verb_fail(call, "no key \"%s\": they are named as in xkbcommon-keysyms.h, such as "
			"Return, F1, a, plus; and ctrl, shift, alt, logo", name);
}

static bool send_chord(struct verb_call *call, char *chord) {
	xkb_keycode_t keys[MAX_CHORD];
	size_t len = 0;
	char *saved = NULL;
	for (char *name = strtok_r(chord, "+", &saved); name != NULL;
			name = strtok_r(NULL, "+", &saved)) {
		if (len == MAX_CHORD) {
			return verb_fail(call, "more than %d keys together", MAX_CHORD);
		}
		if (!find_key(call, name, &keys[len++])) {
			return false;
		}
	}
	if (len == 0) {
		return verb_fail(call, "no key; the key + is called plus");
	}
	for (size_t i = 0; i < len; i++) {
		send_key(call, keys[i], true);
	}
	for (size_t i = len; i > 0; i--) {
		send_key(call, keys[i - 1], false);
	}
	return true;
}

bool verb_key(struct verb_call *call) {
	for (size_t i = 0; i < call->argc; i++) {
		if (!send_chord(call, call->argv[i])) {
			return false;
		}
	}
	return true;
}

static bool is_held(struct verb_call *call, xkb_keycode_t key) {
	const struct wlr_keyboard *keyboard = &call->headless->backend->keyboard;
	for (size_t i = 0; i < keyboard->num_keycodes; i++) {
		if (keyboard->keycodes[i] == key - XKB_OFFSET) {
			return true;
		}
	}
	return false;
}

static bool hold(struct verb_call *call, bool pressed) {
	xkb_keycode_t key;
	if (!find_key(call, call->argv[0], &key)) {
		return false;
	}
	if (is_held(call, key) == pressed) {
		return verb_fail(call, pressed ? "%s is held already" : "%s is not held",
			call->argv[0]);
	}
	send_key(call, key, pressed);
	return true;
}

bool verb_press(struct verb_call *call) {
	return hold(call, true);
}

bool verb_release(struct verb_call *call) {
	return hold(call, false);
}

/** A point in layout coordinates, as the fraction of the layout that devices tell. */
static bool get_point(struct verb_call *call, size_t index, double *x, double *y) {
	struct wlr_box box;
	wlr_output_layout_get_box(call->headless->server.output_layout, NULL, &box);
	if (wlr_box_empty(&box)) {
		return verb_fail(call, "there is no output to point at");
	}
	double px, py;
	if (!verb_get_number(call, index, box.x, box.x + box.width - 1, &px) ||
			!verb_get_number(call, index + 1, box.y, box.y + box.height - 1, &py)) {
		return false;
	}
	*x = (px - box.x) / box.width;
	*y = (py - box.y) / box.height;
	return true;
}

static struct wlr_pointer *get_pointer(struct verb_call *call) {
	return &call->headless->backend->pointer;
}

static void end_pointer_frame(struct verb_call *call) {
	struct wlr_pointer *pointer = get_pointer(call);
	wl_signal_emit_mutable(&pointer->events.frame, pointer);
}

static bool move_to(struct verb_call *call, size_t index) {
	struct wlr_pointer_motion_absolute_event event = {
		.pointer = get_pointer(call),
		.time_msec = now_msec(call),
	};
	if (!get_point(call, index, &event.x, &event.y)) {
		return false;
	}
	wl_signal_emit_mutable(&event.pointer->events.motion_absolute, &event);
	end_pointer_frame(call);
	return true;
}

bool verb_move(struct verb_call *call) {
	return move_to(call, 0);
}

static bool get_button(struct verb_call *call, const char *name, uint32_t *button) {
	static const struct {
		const char *name;
		uint32_t button;
	} buttons[] = {
		{ "left", BTN_LEFT }, { "middle", BTN_MIDDLE }, { "right", BTN_RIGHT },
		{ "side", BTN_SIDE }, { "extra", BTN_EXTRA },
	};
	for (size_t i = 0; i < sizeof(buttons) / sizeof(buttons[0]); i++) {
		if (strcmp(name, buttons[i].name) == 0) {
			*button = buttons[i].button;
			return true;
		}
	}
	return verb_fail(call, "no button \"%s\": there are left, middle, right, side and extra", name);
}

static void send_button(struct verb_call *call, uint32_t button, bool pressed) {
	struct wlr_pointer_button_event event = {
		.pointer = get_pointer(call),
		.time_msec = now_msec(call),
		.button = button,
		.state = pressed ? WL_POINTER_BUTTON_STATE_PRESSED : WL_POINTER_BUTTON_STATE_RELEASED,
	};
	wlr_pointer_notify_button(event.pointer, &event);
	end_pointer_frame(call);
}

bool verb_click(struct verb_call *call) {
	uint32_t button = BTN_LEFT;
	size_t point = call->argc % 2; // after the button, if that is given
	if ((point == 1 && !get_button(call, call->argv[0], &button)) ||
			(call->argc >= 2 && !move_to(call, point))) {
		return false;
	}
	send_button(call, button, true);
	send_button(call, button, false);
	return true;
}

bool verb_button(struct verb_call *call) {
	uint32_t button = BTN_LEFT;
	if (!get_button(call, call->argv[0], &button)) {
		return false;
	}
	bool down = strcmp(call->argv[1], "down") == 0;
	if (!down && strcmp(call->argv[1], "up") != 0) {
		return verb_fail(call, "\"%s\" is neither down nor up", call->argv[1]);
	}
	send_button(call, button, down);
	return true;
}

static void send_axis(struct verb_call *call, enum wl_pointer_axis orientation, double steps) {
	struct wlr_pointer_axis_event event = {
		.pointer = get_pointer(call),
		.time_msec = now_msec(call),
		.source = WL_POINTER_AXIS_SOURCE_WHEEL,
		.orientation = orientation,
		.delta = 15 * steps, // degrees, as most wheels have
		.delta_discrete = (int32_t)(WLR_POINTER_AXIS_DISCRETE_STEP * steps),
	};
	if (steps != 0) {
		wl_signal_emit_mutable(&event.pointer->events.axis, &event);
	}
}

bool verb_scroll(struct verb_call *call) {
	double dx, dy;
	if (!verb_get_number(call, 0, -MAX_STEPS, MAX_STEPS, &dx) ||
			!verb_get_number(call, 1, -MAX_STEPS, MAX_STEPS, &dy)) {
		return false;
	}
	send_axis(call, WL_POINTER_AXIS_HORIZONTAL_SCROLL, dx);
	send_axis(call, WL_POINTER_AXIS_VERTICAL_SCROLL, dy);
	end_pointer_frame(call);
	return true;
}

static void end_touch_frame(struct verb_call *call) {
	wl_signal_emit_mutable(&call->headless->backend->touch.events.frame, NULL);
}

static bool touch_down(struct verb_call *call, int32_t id, size_t index) {
	struct wlr_touch *touch = &call->headless->backend->touch;
	struct wlr_touch_down_event event = {
		.touch = touch, .time_msec = now_msec(call), .touch_id = id };
	if (!get_point(call, index, &event.x, &event.y)) {
		return false;
	}
	wl_signal_emit_mutable(&touch->events.down, &event);
	end_touch_frame(call);
	return true;
}

static bool touch_move(struct verb_call *call, int32_t id) {
	struct wlr_touch *touch = &call->headless->backend->touch;
	struct wlr_touch_motion_event event = {
		.touch = touch, .time_msec = now_msec(call), .touch_id = id };
	if (!get_point(call, 2, &event.x, &event.y)) {
		return false;
	}
	wl_signal_emit_mutable(&touch->events.motion, &event);
	end_touch_frame(call);
	return true;
}

static void touch_up(struct verb_call *call, int32_t id) {
	struct wlr_touch *touch = &call->headless->backend->touch;
	struct wlr_touch_up_event event = {
		.touch = touch, .time_msec = now_msec(call), .touch_id = id };
	wl_signal_emit_mutable(&touch->events.up, &event);
	end_touch_frame(call);
}

bool verb_touch(struct verb_call *call) {
	const char *action = call->argv[0];
	bool up = strcmp(action, "up") == 0;
	double id;
	if (!up && strcmp(action, "down") != 0 && strcmp(action, "move") != 0) {
		return verb_fail(call, "\"%s\" is none of down, move, up", action);
	}
	if (call->argc != (up ? 2 : 4)) {
		return verb_fail(call, up ? "%s takes a finger's number only" :
			"%s needs a finger's number and a point", action);
	}
	if (!verb_get_number(call, 1, 0, 100, &id)) {
		return false;
	}
	if (up) {
		touch_up(call, (int32_t)id);
		return true;
	}
	return strcmp(action, "down") == 0 ? touch_down(call, (int32_t)id, 2) :
		touch_move(call, (int32_t)id);
}

bool verb_tap(struct verb_call *call) {
	if (!touch_down(call, 0, 0)) {
		return false;
	}
	touch_up(call, 0);
	return true;
}
