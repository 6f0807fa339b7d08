#include <stdlib.h>
#include <wlr/types/wlr_keyboard.h>
#include <wlr/types/wlr_seat.h>
#include <wlr/util/log.h>
#include "config/binding.h"
#include "seat/seat.h"
#include "seat/shortcuts.h"

/** Caps lock and num lock do not count. */
#define MODIFIERS (WLR_MODIFIER_SHIFT | WLR_MODIFIER_CTRL | WLR_MODIFIER_ALT | \
	WLR_MODIFIER_LOGO | WLR_MODIFIER_MOD3 | WLR_MODIFIER_MOD5)

static void run(struct seat *seat, const struct binding *binding, struct window *window) {
	const char *name = binding->call.action->name;
	char *error = NULL;
	if (!action_run(seat->server, &binding->call, window, &error)) {
		wlr_log(WLR_INFO, "%s: %s", name, error != NULL ? error : "out of memory");
	}
	free(error);
}

static const struct binding *find(struct seat *seat, uint32_t modifiers, xkb_keysym_t keysym,
		uint32_t button) {
	const struct binding *binding =
		binding_find(seat->server->config, modifiers, keysym, button);
	if (binding == NULL || binding->call.action == &actions[ACTION_GRAB]) {
		return binding; // the way back is always there
	}
	// A kiosk has only what it was configured to have, a window that has all keys only itself
	bool is_taken = seat->captor != NULL ||
		(button == 0 && shortcuts_are_inhibited(seat->shortcuts));
	bool is_built_in = binding->built_in && seat->server->options.mode == MODE_KIOSK;
	return is_taken || is_built_in ? NULL : binding;
}

static const struct binding *find_key(struct seat *seat, struct wlr_keyboard *keyboard,
		xkb_keycode_t key) {
	struct xkb_state *state = keyboard->xkb_state;
	uint32_t modifiers = wlr_keyboard_get_modifiers(keyboard) & MODIFIERS;

	// As it is written: "Logo+exclam", whatever has to be held to get there
	xkb_keysym_t sym = xkb_state_key_get_one_sym(state, key);
	uint32_t consumed = xkb_state_key_get_consumed_mods2(state, key, XKB_CONSUMED_MODE_XKB);
	const struct binding *binding = find(seat, modifiers & ~consumed, sym, 0);
	// As it is printed on the key: "Logo+Shift+1". Where a layout has other letters, those of
	// the next one
	xkb_layout_index_t layouts = xkb_keymap_num_layouts_for_key(keyboard->keymap, key);
	xkb_layout_index_t first = xkb_state_key_get_layout(state, key);
	for (xkb_layout_index_t i = 0; binding == NULL && i < layouts; i++) {
		const xkb_keysym_t *syms;
		int len = xkb_keymap_key_get_syms_by_level(keyboard->keymap, key,
			(first + i) % layouts, 0, &syms);
		binding = len == 1 ? find(seat, modifiers, syms[0], 0) : NULL;
	}
	return binding;
}

bool seat_run_key_binding(struct seat *seat, struct wlr_keyboard *keyboard, uint32_t keycode) {
	const struct binding *binding = find_key(seat, keyboard, keycode + 8);
	if (binding != NULL) {
		run(seat, binding, NULL);
	}
	return binding != NULL;
}

bool seat_run_button_binding(struct seat *seat, uint32_t button, struct window *window) {
	struct wlr_keyboard *keyboard = wlr_seat_get_keyboard(seat->wlr_seat);
	uint32_t modifiers =
		keyboard != NULL ? wlr_keyboard_get_modifiers(keyboard) & MODIFIERS : 0;
	const struct binding *binding = find(seat, modifiers, XKB_KEY_NoSymbol, button);
	// Without a window below it, a drag is an ordinary press
	if (binding == NULL || (binding->call.action->pointer_only && window == NULL)) {
		return false;
	}
	run(seat, binding, window);
	return true;
}
