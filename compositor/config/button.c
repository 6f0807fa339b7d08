#include <linux/input-event-codes.h>
#include <stddef.h>
#include <string.h>
#include "config/button.h"

static const struct {
	const char *name;
	uint32_t code;
} buttons[] = {
	{ "left", BTN_LEFT },
	{ "right", BTN_RIGHT },
	{ "middle", BTN_MIDDLE },
	{ "side", BTN_SIDE },
	{ "extra", BTN_EXTRA },
	{ "forward", BTN_FORWARD },
	{ "back", BTN_BACK },
	{ "task", BTN_TASK },
};

#define LEN (sizeof(buttons) / sizeof(buttons[0]))

uint32_t button_find(const char *name, struct suggestion *suggestion) {
	for (size_t i = 0; i < LEN; i++) {
		if (strcmp(buttons[i].name, name) == 0) {
			return buttons[i].code;
		}
		suggest(suggestion, name, buttons[i].name);
	}
	return 0;
}

const char *button_get_name(uint32_t button) {
	for (size_t i = 0; i < LEN; i++) {
		if (buttons[i].code == button) {
			return buttons[i].name;
		}
	}
	return NULL;
}
