#include <fnmatch.h>
#include <libinput.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config/button.h"
#include "config/input.h"
#include "config/keymap.h"
#include "config/parser.h"

#define MAX_WORDS 8

/** What may be said of a setting, and libinput's number for it. */
struct choice {
	const char *word;
	int value;
};

static const struct choice on_off[] = { { "off", 0 }, { "on", 1 }, { 0 } };
static const struct choice send_events[] = {
	{ "enabled", LIBINPUT_CONFIG_SEND_EVENTS_ENABLED },
	{ "disabled", LIBINPUT_CONFIG_SEND_EVENTS_DISABLED },
	{ "disabled-on-external-mouse", LIBINPUT_CONFIG_SEND_EVENTS_DISABLED_ON_EXTERNAL_MOUSE },
	{ 0 },
};
static const struct choice button_maps[] = {
	{ "lrm", LIBINPUT_CONFIG_TAP_MAP_LRM }, { "lmr", LIBINPUT_CONFIG_TAP_MAP_LMR }, { 0 },
};
static const struct choice drag_locks[] = {
	{ "off", LIBINPUT_CONFIG_DRAG_LOCK_DISABLED },
	{ "on", LIBINPUT_CONFIG_DRAG_LOCK_ENABLED_TIMEOUT },
	{ "sticky", LIBINPUT_CONFIG_DRAG_LOCK_ENABLED_STICKY },
	{ 0 },
};
static const struct choice click_methods[] = {
	{ "none", LIBINPUT_CONFIG_CLICK_METHOD_NONE },
	{ "buttonareas", LIBINPUT_CONFIG_CLICK_METHOD_BUTTON_AREAS },
	{ "clickfinger", LIBINPUT_CONFIG_CLICK_METHOD_CLICKFINGER },
	{ 0 },
};
static const struct choice scroll_methods[] = {
	{ "none", LIBINPUT_CONFIG_SCROLL_NO_SCROLL },
	{ "twofinger", LIBINPUT_CONFIG_SCROLL_2FG },
	{ "edge", LIBINPUT_CONFIG_SCROLL_EDGE },
	{ "button", LIBINPUT_CONFIG_SCROLL_ON_BUTTON_DOWN },
	{ 0 },
};
static const struct choice accel_profiles[] = {
	{ "flat", LIBINPUT_CONFIG_ACCEL_PROFILE_FLAT },
	{ "adaptive", LIBINPUT_CONFIG_ACCEL_PROFILE_ADAPTIVE },
	{ 0 },
};

static const struct {
	const char *name;
	const struct choice *choices; // NULL: a number, or a button
} settings[INPUT_SETTINGS] = {
	[INPUT_SEND_EVENTS] = { "send-events", send_events },
	[INPUT_TAP] = { "tap", on_off },
	[INPUT_TAP_BUTTON_MAP] = { "tap-button-map", button_maps },
	[INPUT_DRAG] = { "drag", on_off },
	[INPUT_DRAG_LOCK] = { "drag-lock", drag_locks },
	[INPUT_NATURAL_SCROLL] = { "natural-scroll", on_off },
	[INPUT_LEFT_HANDED] = { "left-handed", on_off },
	[INPUT_MIDDLE_EMULATION] = { "middle-emulation", on_off },
	[INPUT_DWT] = { "dwt", on_off },
	[INPUT_DWTP] = { "dwtp", on_off },
	[INPUT_CLICK_METHOD] = { "click-method", click_methods },
	[INPUT_CLICKFINGER_MAP] = { "clickfinger-button-map", button_maps },
	[INPUT_SCROLL_METHOD] = { "scroll-method", scroll_methods },
	[INPUT_SCROLL_BUTTON] = { "scroll-button", NULL },
	[INPUT_SCROLL_BUTTON_LOCK] = { "scroll-button-lock", on_off },
	[INPUT_ACCEL_PROFILE] = { "accel-profile", accel_profiles },
	[INPUT_ROTATION_ANGLE] = { "rotation-angle", NULL },
	[INPUT_REPEAT_RATE] = { "repeat-rate", NULL },
	[INPUT_REPEAT_DELAY] = { "repeat-delay", NULL },
	[INPUT_NUM_LOCK] = { "num-lock", on_off },
};

const char *input_config_setting_name(enum input_setting setting) {
	return settings[setting].name;
}

const char *input_config_value_name(enum input_setting setting, int value) {
	const struct choice *choice = settings[setting].choices;
	while (choice != NULL && choice->word != NULL && choice->value != value) {
		choice++;
	}
	return choice != NULL ? choice->word : NULL;
}

static void set(struct input_config *input, enum input_setting setting, int value) {
	input->values[setting] = value;
	input->set |= UINT32_C(1) << setting;
}

static enum input_setting find_setting(const char *name) {
	enum input_setting setting = 0;
	while (strcmp(settings[setting].name, name) != 0) {
		setting++;
	}
	return setting;
}

static void parse_choice(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	enum input_setting setting = find_setting(directive->name);
	const struct choice *choices = settings[setting].choices;
	bool on;
	if (choices == on_off) {
		if (config_get_switch(parser, directive, 0, &on)) {
			set(target, setting, on);
		}
		return;
	}
	const char *words[MAX_WORDS] = { 0 };
	for (size_t i = 0; choices[i].word != NULL && i < MAX_WORDS - 1; i++) {
		words[i] = choices[i].word;
	}
	int index;
	if (config_get_choice(parser, directive, 0, words, &index)) {
		set(target, setting, choices[index].value);
	}
}

static void parse_rotation_angle(struct config_parser *parser,
		const struct scfg_directive *directive, void *target) {
	int degrees;
	if (config_get_int(parser, directive, 0, 0, 359, &degrees)) {
		set(target, INPUT_ROTATION_ANGLE, degrees);
	}
}

static void parse_scroll_button(struct config_parser *parser,
		const struct scfg_directive *directive, void *target) {
	struct suggestion suggestion = { 0 };
	uint32_t button = button_find(directive->params[0], &suggestion);
	if (button != 0) {
		set(target, INPUT_SCROLL_BUTTON, (int)button);
	} else {
		config_error(parser, directive->lineno, "there is no button \"%s\"%s%s%s",
			directive->params[0], suggestion.word != NULL ? "; is \"" : "",
			suggestion.word != NULL ? suggestion.word : "",
			suggestion.word != NULL ? "\" meant?" : "");
	}
}

static void parse_repeat_rate(struct config_parser *parser,
		const struct scfg_directive *directive, void *target) {
	int rate;
	if (config_get_int(parser, directive, 0, 0, 1000, &rate)) {
		set(target, INPUT_REPEAT_RATE, rate);
	}
}

static void parse_repeat_delay(struct config_parser *parser,
		const struct scfg_directive *directive, void *target) {
	int delay_ms;
	if (config_get_int(parser, directive, 0, 1, 60000, &delay_ms)) {
		set(target, INPUT_REPEAT_DELAY, delay_ms);
	}
}

static void parse_accel_speed(struct config_parser *parser,
		const struct scfg_directive *directive, void *target) {
	struct input_config *input = target;
	if (config_get_number(parser, directive, 0, -1, 1, &input->accel_speed)) {
		input->has_accel_speed = true;
	}
}

static void parse_calibration_matrix(struct config_parser *parser,
		const struct scfg_directive *directive, void *target) {
	struct input_config *input = target;
	for (size_t i = 0; i < 6; i++) {
		double value;
		if (!config_get_number(parser, directive, i, -1000, 1000, &value)) {
			return;
		}
		input->calibration[i] = (float)value;
	}
	input->has_calibration = true;
}

static const char **get_name(struct xkb_rule_names *names, const char *word) {
	return strcmp(word, "xkb-rules") == 0 ? &names->rules :
		strcmp(word, "xkb-model") == 0 ? &names->model :
		strcmp(word, "xkb-layout") == 0 ? &names->layout :
		strcmp(word, "xkb-variant") == 0 ? &names->variant : &names->options;
}

static void parse_xkb(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct input_config *input = target;
	// Empty ones have a meaning: no options, whatever XKB_DEFAULT_OPTIONS says
	char *copy = strdup(directive->params[0]);
	if (copy == NULL) {
		config_error(parser, directive->lineno, "out of memory");
	}
	*get_name(&input->keymap, directive->name) = copy;
}

static void parse_map_to_output(struct config_parser *parser,
		const struct scfg_directive *directive, void *target) {
	struct input_config *input = target;
	config_get_text(parser, directive, 0, &input->output);
}

static const struct config_directive words[] = {
	{ "send-events", "enabled|disabled|disabled-on-external-mouse", 1, 1, 0, parse_choice },
	{ "tap", "on|off", 1, 1, 0, parse_choice },
	{ "tap-button-map", "lrm|lmr", 1, 1, 0, parse_choice },
	{ "drag", "on|off", 1, 1, 0, parse_choice },
	{ "drag-lock", "on|off|sticky", 1, 1, 0, parse_choice },
	{ "natural-scroll", "on|off", 1, 1, 0, parse_choice },
	{ "left-handed", "on|off", 1, 1, 0, parse_choice },
	{ "middle-emulation", "on|off", 1, 1, 0, parse_choice },
	{ "dwt", "on|off", 1, 1, 0, parse_choice },
	{ "dwtp", "on|off", 1, 1, 0, parse_choice },
	{ "click-method", "none|buttonareas|clickfinger", 1, 1, 0, parse_choice },
	{ "clickfinger-button-map", "lrm|lmr", 1, 1, 0, parse_choice },
	{ "scroll-method", "none|twofinger|edge|button", 1, 1, 0, parse_choice },
	{ "scroll-button", "BUTTON", 1, 1, 0, parse_scroll_button },
	{ "scroll-button-lock", "on|off", 1, 1, 0, parse_choice },
	{ "accel-profile", "flat|adaptive", 1, 1, 0, parse_choice },
	{ "accel-speed", "SPEED", 1, 1, 0, parse_accel_speed },
	{ "rotation-angle", "DEGREES", 1, 1, 0, parse_rotation_angle },
	{ "calibration-matrix", "A B C D E F", 6, 6, 0, parse_calibration_matrix },
	{ "map-to-output", "OUTPUT", 1, 1, 0, parse_map_to_output },
	{ "xkb-rules", "RULES", 1, 1, 0, parse_xkb },
	{ "xkb-model", "MODEL", 1, 1, 0, parse_xkb },
	{ "xkb-layout", "LAYOUT[,…]", 1, 1, 0, parse_xkb },
	{ "xkb-variant", "VARIANT[,…]", 1, 1, 0, parse_xkb },
	{ "xkb-options", "OPTION[,…]", 1, 1, 0, parse_xkb },
	{ "repeat-rate", "PER-SECOND", 1, 1, 0, parse_repeat_rate },
	{ "repeat-delay", "MILLISECONDS", 1, 1, 0, parse_repeat_delay },
	{ "num-lock", "on|off", 1, 1, 0, parse_choice },
	{ 0 },
};

static const char *or_nothing(const char *text) {
	return text != NULL ? text : "";
}

/** That there is such a layout shall not turn out only when a keyboard is plugged in. */
static void check_keymap(struct config_parser *parser, const struct input_config *input) {
	const struct xkb_rule_names *names = &input->keymap;
	if (names->rules == NULL && names->model == NULL && names->layout == NULL &&
			names->variant == NULL && names->options == NULL) {
		return;
	}
	struct xkb_keymap *keymap = keymap_create(names);
	if (keymap == NULL) {
		config_error(parser, input->line, "xkb knows no keymap of layout \"%s\", variant \"%s\"; "
			"localectl list-x11-keymap-layouts lists the layouts, list-x11-keymap-variants "
			"LAYOUT the variants of one", or_nothing(names->layout),
			or_nothing(names->variant));
	}
	xkb_keymap_unref(keymap);
}

void input_config_parse(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct config *config = target;
	struct input_config *input = calloc(1, sizeof(*input));
	if (input == NULL || !config_get_text(parser, directive, 0, &input->name)) {
		free(input);
		return;
	}
	input->line = directive->lineno;
	wl_list_insert(config->inputs.prev, &input->link);
	config_parse_block(parser, &directive->children, words, input);
	check_keymap(parser, input);
}

void input_config_destroy(struct input_config *input) {
	wl_list_remove(&input->link);
	free(input->name);
	free((char *)input->keymap.rules);
	free((char *)input->keymap.model);
	free((char *)input->keymap.layout);
	free((char *)input->keymap.variant);
	free((char *)input->keymap.options);
	free(input->output);
	free(input);
}

static bool is_type(const char *name, const struct input_identity *identity) {
	return strcmp(name, "*") == 0 || strcmp(name, identity->type) == 0;
}

bool input_config_matches(const struct input_config *input,
		const struct input_identity *identity) {
	unsigned vendor, product;
	int end = 0;
	bool is_id = sscanf(input->name, "%4x:%4x%n", &vendor, &product, &end) == 2 &&
		input->name[end] == '\0';
	return is_type(input->name, identity) ||
		(is_id && vendor == identity->vendor && product == identity->product) ||
		fnmatch(input->name, identity->name, 0) == 0;
}

static void take_name(const char **to, const char *from) {
	if (from != NULL) {
		*to = from;
	}
}

struct input_config input_config_merge(const struct config *config,
		const struct input_identity *identity) {
	struct input_config result = { 0 };
	const struct input_config *input;
	wl_list_for_each(input, &config->inputs, link) {
		if (!input_config_matches(input, identity)) {
			continue;
		}
		if (!is_type(input->name, identity)) {
			result.name = input->name;
		}
		for (size_t i = 0; i < INPUT_SETTINGS; i++) {
			if (input->set & UINT32_C(1) << i) {
				set(&result, i, input->values[i]);
			}
		}
		if (input->has_accel_speed) {
			result.has_accel_speed = true;
			result.accel_speed = input->accel_speed;
		}
		if (input->has_calibration) {
			result.has_calibration = true;
			memcpy(result.calibration, input->calibration, sizeof(result.calibration));
		}
		take_name(&result.keymap.rules, input->keymap.rules);
		take_name(&result.keymap.model, input->keymap.model);
		take_name(&result.keymap.layout, input->keymap.layout);
		take_name(&result.keymap.variant, input->keymap.variant);
		take_name(&result.keymap.options, input->keymap.options);
		result.output = input->output != NULL ? input->output : result.output;
	}
	return result;
}
