#include <stdlib.h>
#include <string.h>
#include "config/config.h"
#include "config/parser.h"
#include "config/windows.h"

#define MAX_EXTENT 500

static void parse_layout(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	static const char *const layouts[] = { "float", "tile", NULL };
	struct windows_config *windows = target;
	int layout;
	if (config_get_choice(parser, directive, 0, layouts, &layout)) {
		windows->tile = layout == 1;
	}
}

static void parse_gap(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct windows_config *windows = target;
	config_get_int(parser, directive, 0, 0, MAX_EXTENT, &windows->gap);
}

static void parse_focus(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	static const char *const ways[] = { "click", "pointer", NULL };
	struct windows_config *windows = target;
	int way;
	if (config_get_choice(parser, directive, 0, ways, &way)) {
		windows->focus_follows_pointer = way == 1;
	}
}

static void parse_border(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct windows_config *windows = target;
	config_get_int(parser, directive, 0, 0, MAX_EXTENT, &windows->border);
}

static void parse_title(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct windows_config *windows = target;
	config_get_int(parser, directive, 0, 0, MAX_EXTENT, &windows->title);
}

/** RRGGBB as numbers from 0 to 1. */
static void parse_color(struct config_parser *parser, const struct scfg_directive *directive,
		float color[4]) {
	const char *text = directive->params[0];
	const char *digits = text[0] == '#' ? text + 1 : text;
	if (strlen(digits) != 6 || digits[strspn(digits, "0123456789abcdefABCDEF")] != '\0') {
		config_error(parser, directive->lineno, "%s: \"%s\" is no colour; it is written RRGGBB",
			directive->name, text);
		return;
	}
	unsigned long value = strtoul(digits, NULL, 16);
	for (int i = 0; i < 3; i++) {
		color[i] = (float)(value >> (16 - 8 * i) & 0xff) / 255;
	}
	color[3] = 1;
}

static void parse_active_color(struct config_parser *parser,
		const struct scfg_directive *directive, void *target) {
	struct windows_config *windows = target;
	parse_color(parser, directive, windows->active);
}

static void parse_inactive_color(struct config_parser *parser,
		const struct scfg_directive *directive, void *target) {
	struct windows_config *windows = target;
	parse_color(parser, directive, windows->inactive);
}

static void parse_text_color(struct config_parser *parser,
		const struct scfg_directive *directive, void *target) {
	struct windows_config *windows = target;
	parse_color(parser, directive, windows->text);
}

static void parse_font(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct windows_config *windows = target;
	config_get_text(parser, directive, 0, &windows->font);
}

static const struct config_directive words[] = {
	{ "layout", "float|tile", 1, 1, 0, parse_layout },
	{ "gap", "PIXELS", 1, 1, 0, parse_gap },
	{ "focus", "click|pointer", 1, 1, 0, parse_focus },
	{ "border", "PIXELS", 1, 1, 0, parse_border },
	{ "title", "PIXELS", 1, 1, 0, parse_title },
	{ "active-color", "RRGGBB", 1, 1, 0, parse_active_color },
	{ "inactive-color", "RRGGBB", 1, 1, 0, parse_inactive_color },
	{ "text-color", "RRGGBB", 1, 1, 0, parse_text_color },
	{ "font", "\"NAME SIZE\"", 1, 1, 0, parse_font },
	{ 0 },
};

void windows_config_parse(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct config *config = target;
	config_parse_block(parser, &directive->children, words, &config->windows);
}

void windows_config_init(struct windows_config *windows) {
	*windows = (struct windows_config){
		.border = 2,
		.title = 24,
		.active = { 0.2f, 0.4f, 0.6f, 1 }, // 336699
		.inactive = { 0.2f, 0.2f, 0.2f, 1 }, // 333333
		.text = { 0.933f, 0.933f, 0.933f, 1 }, // eeeeee
	};
}

void windows_config_finish(struct windows_config *windows) {
	free(windows->font);
}
