#include <stdint.h>
#include "config/binding.h"
#include "config/input.h"
#include "config/kiosk.h"
#include "config/output.h"
#include "config/parser.h"
#include "config/windows.h"

static void parse_cursor_theme(struct config_parser *parser,
		const struct scfg_directive *directive, void *target) {
	struct config *config = target;
	config_get_text(parser, directive, 0, &config->cursor_theme);
	if (directive->params_len > 1) {
		config_get_int(parser, directive, 1, 1, 512, &config->cursor_size);
	}
}

static void parse_xwayland(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct config *config = target;
	config_get_switch(parser, directive, 0, &config->xwayland);
}

const struct config_directive config_directives[] = {
	{ "bind", "KEYS ACTION […]", 2, CONFIG_ANY, CONFIG_MANY, binding_parse },
	{ "bind-pointer", "BUTTON ACTION […]", 2, CONFIG_ANY, CONFIG_MANY, binding_parse },
	{ "unbind", "KEYS|all", 1, 1, CONFIG_MANY, binding_parse_unbind },
	{ "command", "NAME {…}", 1, 1, CONFIG_BLOCK | CONFIG_MANY, command_config_parse },
	{ "cursor-theme", "NAME [SIZE]", 1, 2, 0, parse_cursor_theme },
	{ "input", "DEVICE {…}", 1, 1, CONFIG_BLOCK | CONFIG_MANY, input_config_parse },
	{ "kiosk", "{…}", 0, 0, CONFIG_BLOCK, kiosk_config_parse },
	{ "output", "NAME {…}", 1, 1, CONFIG_BLOCK | CONFIG_MANY, output_config_parse },
	{ "source", "NAME {…}", 1, 1, CONFIG_BLOCK | CONFIG_MANY, source_config_parse },
	{ "windows", "{…}", 0, 0, CONFIG_BLOCK, windows_config_parse },
	{ "xwayland", "on|off", 1, 1, 0, parse_xwayland },
	{ 0 },
};
