#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <wlr/types/wlr_keyboard.h>
#include "config/binding.h"
#include "config/button.h"
#include "util/suggest.h"

static const struct {
	const char *keys, *action, *word;
} built_in[] = {
	{ "Logo+1", "workspace", "1" },
	{ "Logo+2", "workspace", "2" },
	{ "Logo+3", "workspace", "3" },
	{ "Logo+4", "workspace", "4" },
	{ "Logo+5", "workspace", "5" },
	{ "Logo+6", "workspace", "6" },
	{ "Logo+7", "workspace", "7" },
	{ "Logo+8", "workspace", "8" },
	{ "Logo+9", "workspace", "9" },
	{ "Logo+Shift+1", "send-to-workspace", "1" },
	{ "Logo+Shift+2", "send-to-workspace", "2" },
	{ "Logo+Shift+3", "send-to-workspace", "3" },
	{ "Logo+Shift+4", "send-to-workspace", "4" },
	{ "Logo+Shift+5", "send-to-workspace", "5" },
	{ "Logo+Shift+6", "send-to-workspace", "6" },
	{ "Logo+Shift+7", "send-to-workspace", "7" },
	{ "Logo+Shift+8", "send-to-workspace", "8" },
	{ "Logo+Shift+9", "send-to-workspace", "9" },
	{ "Logo+Left", "focus", "left" },
	{ "Logo+Right", "focus", "right" },
	{ "Logo+Up", "focus", "up" },
	{ "Logo+Down", "focus", "down" },
	{ "Logo+Shift+Left", "swap", "left" },
	{ "Logo+Shift+Right", "swap", "right" },
	{ "Logo+Shift+Up", "swap", "up" },
	{ "Logo+Shift+Down", "swap", "down" },
	{ "Logo+Ctrl+Left", "send-to-output", "left" },
	{ "Logo+Ctrl+Right", "send-to-output", "right" },
	{ "Logo+Ctrl+Up", "send-to-output", "up" },
	{ "Logo+Ctrl+Down", "send-to-output", "down" },
	{ "Logo+Shift+Return", "swap", "master" },
	{ "Logo+minus", "master-width", "-5" },
	{ "Logo+equal", "master-width", "5" },
	{ "Logo+comma", "master-count", "1" },
	{ "Logo+period", "master-count", "-1" },
	{ "Logo+space", "float", NULL },
	{ "Logo+t", "tiling", NULL },
	{ "Logo+m", "maximize", NULL },
	{ "Alt+Tab", "focus", "next" },
	{ "Logo+f", "fullscreen", NULL },
	{ "Logo+q", "close", NULL },
	{ "Scroll_Lock", "grab", NULL },
	{ "Logo+i", "overlay", NULL },
	{ "Logo+left", "drag-move", NULL },
	{ "Logo+right", "drag-resize", NULL },
};

static const struct {
	const char *name;
	uint32_t value;
} modifiers[] = {
	{ "Shift", WLR_MODIFIER_SHIFT },
	{ "Ctrl", WLR_MODIFIER_CTRL },
	{ "Control", WLR_MODIFIER_CTRL },
	{ "Alt", WLR_MODIFIER_ALT },
	{ "Mod1", WLR_MODIFIER_ALT },
	{ "Logo", WLR_MODIFIER_LOGO },
	{ "Super", WLR_MODIFIER_LOGO },
	{ "Mod4", WLR_MODIFIER_LOGO },
	{ "Mod3", WLR_MODIFIER_MOD3 },
	{ "Mod5", WLR_MODIFIER_MOD5 },
};

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static uint32_t find_modifier(const char *name, struct suggestion *suggestion) {
	for (size_t i = 0; i < LEN(modifiers); i++) {
		if (strcmp(modifiers[i].name, name) == 0) {
			return modifiers[i].value;
		}
		suggest(suggestion, name, modifiers[i].name);
	}
	return 0;
}

static void complain(struct config_parser *parser, int line, const char *what,
		const char *name, const char *meant) {
	if (meant != NULL && meant[0] != '\0') {
		config_error(parser, line, "there is no %s \"%s\"; is \"%s\" meant?", what, name, meant);
	} else {
		config_error(parser, line, "there is no %s \"%s\"", what, name);
	}
}

/** The last part of "Logo+Shift+q". */
static bool parse_last(struct config_parser *parser, int line, const char *name, bool pointer,
		struct binding *binding) {
	struct suggestion suggestion = { 0 };
	if (pointer) {
		binding->button = button_find(name, &suggestion);
	} else {
		// Whoever writes "Logo+Q" means the key, not the capital
		binding->keysym =
			xkb_keysym_to_lower(xkb_keysym_from_name(name, XKB_KEYSYM_NO_FLAGS));
	}
	if (binding->button != 0 || binding->keysym != XKB_KEY_NoSymbol) {
		return true;
	}
	if (pointer) {
		complain(parser, line, "button", name, suggestion.word);
		return false;
	}
	char meant[64] = "";
	xkb_keysym_t near = xkb_keysym_from_name(name, XKB_KEYSYM_CASE_INSENSITIVE);
	if (near != XKB_KEY_NoSymbol) {
		xkb_keysym_get_name(near, meant, sizeof(meant));
	}
	complain(parser, line, "key", name, meant);
	return false;
}

static bool parse_keys(struct config_parser *parser, int line, const char *text, bool pointer,
		struct binding *binding) {
	char *copy = strdup(text), *rest = copy, *part;
	bool ok = copy != NULL;
	while (ok && (part = strsep(&rest, "+")) != NULL) {
		if (rest == NULL) {
			ok = parse_last(parser, line, part, pointer, binding);
			break;
		}
		struct suggestion suggestion = { 0 };
		uint32_t modifier = find_modifier(part, &suggestion);
		if (modifier == 0) {
			complain(parser, line, "modifier", part, suggestion.word);
			ok = false;
		}
		binding->modifiers |= modifier;
	}
	free(copy);
	return ok;
}

static const struct action *find_action(struct config_parser *parser, int line,
		const char *name) {
	const struct action *action = action_find(name);
	if (action == NULL) {
		struct suggestion suggestion = { 0 };
		for (size_t i = 0; i < ACTION_COUNT; i++) {
			suggest(&suggestion, name, actions[i].name);
		}
		complain(parser, line, "action", name, suggestion.word);
	}
	return action;
}

static struct binding *find_equal(const struct config *config, const struct binding *like) {
	struct binding *binding;
	wl_list_for_each(binding, &config->bindings, link) {
		if (binding->modifiers == like->modifiers && binding->keysym == like->keysym &&
				binding->button == like->button) {
			return binding;
		}
	}
	return NULL;
}

void binding_parse(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct config *config = target;
	int line = directive->lineno;
	bool pointer = strcmp(directive->name, "bind-pointer") == 0;
	const char *const *args = (const char *const *)&directive->params[2];
	size_t len = directive->params_len - 2;
	struct binding key = { 0 };
	bool ok = parse_keys(parser, line, directive->params[0], pointer, &key);
	const struct action *action = find_action(parser, line, directive->params[1]);
	if (!ok || action == NULL) {
		return;
	}
	char message[512];
	if (!action_check(action, args, len, message, sizeof(message))) {
		config_error(parser, line, "%s: %s", action->name, message);
		return;
	}
	if (action->pointer_only && !pointer) {
		config_error(parser, line, "%s needs a button that is held: write bind-pointer",
			action->name);
		return;
	}
	struct binding *earlier = find_equal(config, &key);
	if (earlier != NULL && !earlier->built_in) {
		config_error(parser, line, "\"%s\" is bound to %s already", directive->params[0],
			earlier->call.action->name);
		return;
	}
	struct binding *binding = calloc(1, sizeof(*binding));
	if (binding == NULL || !action_call_init(&key.call, action, args, len)) {
		free(binding);
		config_error(parser, line, "out of memory");
		return;
	}
	*binding = key;
	if (earlier != NULL) {
		binding_destroy(earlier);
	}
	wl_list_insert(config->bindings.prev, &binding->link);
}

void binding_parse_unbind(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct config *config = target;
	const char *keys = directive->params[0];
	struct binding *binding, *tmp;
	if (strcmp(keys, "all") == 0) {
		wl_list_for_each_safe(binding, tmp, &config->bindings, link) {
			binding_destroy(binding);
		}
		return;
	}
	// The last part is a button's name or a key's: no name is both
	const char *last = strrchr(keys, '+');
	struct suggestion suggestion = { 0 };
	bool pointer = button_find(last != NULL ? last + 1 : keys, &suggestion) != 0;
	struct binding key = { 0 };
	if (!parse_keys(parser, directive->lineno, keys, pointer, &key)) {
		return;
	}
	binding = find_equal(config, &key);
	if (binding == NULL) {
		config_error(parser, directive->lineno, "nothing is bound to \"%s\"", keys);
	} else {
		binding_destroy(binding);
	}
}

bool binding_add_built_in(struct config *config) {
	struct config_parser parser = { .config = config };
	for (size_t i = 0; i < LEN(built_in); i++) {
		struct binding *binding = calloc(1, sizeof(*binding));
		struct suggestion suggestion = { 0 };
		const char *last = strrchr(built_in[i].keys, '+');
		bool pointer =
			button_find(last != NULL ? last + 1 : built_in[i].keys, &suggestion) != 0;
		if (binding == NULL || !action_call_init(&binding->call,
				action_find(built_in[i].action), &built_in[i].word,
				built_in[i].word != NULL ? 1 : 0)) {
			free(binding);
			return false;
		}
		parse_keys(&parser, 0, built_in[i].keys, pointer, binding);
		binding->built_in = true;
		wl_list_insert(config->bindings.prev, &binding->link);
	}
	return true;
}

void binding_destroy(struct binding *binding) {
	wl_list_remove(&binding->link);
	action_call_finish(&binding->call);
	free(binding);
}

const struct binding *binding_find(const struct config *config, uint32_t modifiers,
		xkb_keysym_t keysym, uint32_t button) {
	struct binding key = { .modifiers = modifiers, .keysym = keysym, .button = button };
	if (keysym == XKB_KEY_NoSymbol && button == 0) {
		return NULL;
	}
	return find_equal(config, &key);
}
