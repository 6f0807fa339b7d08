#ifndef CONFIG_INPUT_H
#define CONFIG_INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <xkbcommon/xkbcommon.h>
#include "config/config.h"

struct config_parser;
struct scfg_directive;

/** What is said as one of a few words, or as a whole number. */
enum input_setting {
	// of libinput: the values are its own
	INPUT_SEND_EVENTS,
	INPUT_TAP,
	INPUT_TAP_BUTTON_MAP,
	INPUT_DRAG,
	INPUT_DRAG_LOCK,
	INPUT_NATURAL_SCROLL,
	INPUT_LEFT_HANDED,
	INPUT_MIDDLE_EMULATION,
	INPUT_DWT,
	INPUT_DWTP,
	INPUT_CLICK_METHOD,
	INPUT_CLICKFINGER_MAP,
	INPUT_SCROLL_METHOD,
	INPUT_SCROLL_BUTTON, // linux/input-event-codes.h
	INPUT_SCROLL_BUTTON_LOCK,
	INPUT_ACCEL_PROFILE,
	INPUT_ROTATION_ANGLE, // degrees
	// of keyboards
	INPUT_REPEAT_RATE, // a second
	INPUT_REPEAT_DELAY, // ms
	INPUT_NUM_LOCK,
	INPUT_SETTINGS,
};

/** An "input" block, or what several say together. */
struct input_config {
	struct wl_list link; // config.inputs, in the order of the file
	/** A type, "VENDOR:PRODUCT", or a name in which * and ? stand for others. */
	char *name;
	int line;

	uint32_t set; // bit n: values[n] was said
	int values[INPUT_SETTINGS];
	bool has_accel_speed;
	double accel_speed; // -1 to 1
	bool has_calibration;
	float calibration[6];
	struct xkb_rule_names keymap; // NULL where nothing was said
	char *output; // that absolute coordinates are mapped to, NULL if none was named
};

/** What blocks know a device by. */
struct input_identity {
	const char *type; // keyboard, pointer, touchpad, touch, tablet, tablet-pad, switch
	const char *name; // as the kernel and libinput have it
	unsigned vendor, product;
};

void input_config_parse(struct config_parser *parser, const struct scfg_directive *directive,
	void *target);
void input_config_destroy(struct input_config *input);

/** Whether a block is about a device. */
bool input_config_matches(const struct input_config *input, const struct input_identity *identity);
/**
 * What all blocks that are about a device say together: of what is said twice, the later one
 * counts. Its strings belong to the configuration; its name is that of the last block that names
 * the device itself, not its type only, or NULL.
 */
struct input_config input_config_merge(const struct config *config,
	const struct input_identity *identity);

/** The word that the configuration has for a setting, and for a value of it, or NULL. */
const char *input_config_setting_name(enum input_setting setting);
const char *input_config_value_name(enum input_setting setting, int value);

#endif
