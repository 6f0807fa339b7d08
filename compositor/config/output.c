#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include "config/output.h"
#include "config/parser.h"

/** Screens are not larger, and sums of a few of these fit into an int. */
#define MAX_EXTENT 65535
#define MAX_REFRESH_HZ 10000.0

const char *const output_config_transforms[] = {
	"normal", "90", "180", "270", "flipped", "flipped-90", "flipped-180", "flipped-270", NULL,
};

static void parse_enable(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct output_config *output = target;
	if (output->fields & OUTPUT_CONFIG_ENABLED) {
		config_error(parser, directive->lineno, "a screen is enabled or disabled, not both");
	}
	output->enabled = strcmp(directive->name, "enable") == 0;
	output->fields |= OUTPUT_CONFIG_ENABLED;
}

/** WIDTHxHEIGHT[@HZ]. Returns false if it is something else. */
static bool scan_mode(const char *text, int *width, int *height, int *refresh_mhz) {
	unsigned w, h;
	double hz = 0;
	int end = 0;
	if (strspn(text, "0123456789x") < 3 || sscanf(text, "%5ux%5u%n", &w, &h, &end) != 2) {
		return false;
	}
	if (text[end] == '@') {
		char *rest;
		hz = strtod(text + end + 1, &rest);
		if (rest == text + end + 1 || (rest[0] != '\0' && strcmp(rest, "Hz") != 0) ||
				!(hz > 0 && hz <= MAX_REFRESH_HZ)) {
			return false;
		}
	} else if (text[end] != '\0') {
		return false;
	}
	if (w < 1 || w > MAX_EXTENT || h < 1 || h > MAX_EXTENT) {
		return false;
	}
	*width = (int)w;
	*height = (int)h;
	*refresh_mhz = (int)(hz * 1000 + 0.5);
	return true;
}

static void parse_mode(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct output_config *output = target;
	if (output->fields & OUTPUT_CONFIG_MODE) {
		config_error(parser, directive->lineno, "a screen has one mode only");
		return;
	}
	output->custom = strcmp(directive->name, "custom-mode") == 0;
	bool preferred = !output->custom && strcmp(directive->params[0], "preferred") == 0;
	if (!preferred && !scan_mode(directive->params[0], &output->width, &output->height,
			&output->refresh_mhz)) {
		config_error(parser, directive->lineno, "%s: \"%s\" is no mode; it is written "
			"WIDTHxHEIGHT or WIDTHxHEIGHT@HZ%s", directive->name, directive->params[0],
			output->custom ? "" : ", or preferred");
		return;
	}
	output->fields |= OUTPUT_CONFIG_MODE;
}

static void parse_position(struct config_parser *parser,
		const struct scfg_directive *directive, void *target) {
	struct output_config *output = target;
	if (config_get_int(parser, directive, 0, -MAX_EXTENT, MAX_EXTENT, &output->x) &&
			config_get_int(parser, directive, 1, -MAX_EXTENT, MAX_EXTENT, &output->y)) {
		output->fields |= OUTPUT_CONFIG_POSITION;
	}
}

static void parse_scale(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct output_config *output = target;
	if (config_get_number(parser, directive, 0, OUTPUT_CONFIG_SCALE_MIN, OUTPUT_CONFIG_SCALE_MAX,
			&output->scale)) {
		output->fields |= OUTPUT_CONFIG_SCALE;
	}
}

static void parse_transform(struct config_parser *parser,
		const struct scfg_directive *directive, void *target) {
	struct output_config *output = target;
	int transform;
	if (config_get_choice(parser, directive, 0, output_config_transforms, &transform)) {
		output->transform = (enum wl_output_transform)transform;
		output->fields |= OUTPUT_CONFIG_TRANSFORM;
	}
}

static void parse_adaptive_sync(struct config_parser *parser,
		const struct scfg_directive *directive, void *target) {
	struct output_config *output = target;
	if (config_get_switch(parser, directive, 0, &output->adaptive_sync)) {
		output->fields |= OUTPUT_CONFIG_ADAPTIVE_SYNC;
	}
}

static void parse_show(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct output_config *output = target;
	// Looked up when all is known, see kiosk_config_check()
	config_get_text(parser, directive, 0, &output->show);
	output->show_line = directive->lineno;
}

static const struct config_directive words[] = {
	{ "enable", "", 0, 0, 0, parse_enable },
	{ "disable", "", 0, 0, 0, parse_enable },
	{ "mode", "WIDTHxHEIGHT[@HZ]", 1, 1, 0, parse_mode },
	{ "custom-mode", "WIDTHxHEIGHT[@HZ]", 1, 1, 0, parse_mode },
	{ "position", "X Y", 2, 2, 0, parse_position },
	{ "scale", "FACTOR", 1, 1, 0, parse_scale },
	{ "transform", "normal|90|180|270|flipped|…", 1, 1, 0, parse_transform },
	{ "adaptive-sync", "on|off", 1, 1, 0, parse_adaptive_sync },
	{ "show", "COMMAND|SOURCE", 1, 1, 0, parse_show },
	{ 0 },
};

void output_config_parse(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct config *config = target;
	struct output_config *output = calloc(1, sizeof(*output));
	if (output == NULL || !config_get_text(parser, directive, 0, &output->name)) {
		free(output);
		return;
	}
	output->line = directive->lineno;
	wl_list_insert(config->outputs.prev, &output->link);
	config_parse_block(parser, &directive->children, words, output);
}

void output_config_destroy(struct output_config *output) {
	wl_list_remove(&output->link);
	free(output->name);
	free(output->show);
	free(output);
}

bool output_name_matches(const char *name, const struct wlr_output *wlr_output) {
	char edid[256];
	snprintf(edid, sizeof(edid), "%s %s %s",
		wlr_output->make != NULL ? wlr_output->make : "Unknown",
		wlr_output->model != NULL ? wlr_output->model : "Unknown",
		wlr_output->serial != NULL ? wlr_output->serial : "Unknown");
	return fnmatch(name, wlr_output->name, 0) == 0 || fnmatch(name, edid, 0) == 0;
}

bool output_config_matches(const struct output_config *output,
		const struct wlr_output *wlr_output) {
	return output_name_matches(output->name, wlr_output);
}

struct output_config output_config_merge(const struct config *config,
		const struct wlr_output *wlr_output) {
	struct output_config result = { .enabled = true, .scale = 1 };
	const struct output_config *output;
	wl_list_for_each(output, &config->outputs, link) {
		if (!output_config_matches(output, wlr_output)) {
			continue;
		}
		if (output->fields & OUTPUT_CONFIG_ENABLED) {
			result.enabled = output->enabled;
		}
		if (output->fields & OUTPUT_CONFIG_MODE) {
			result.width = output->width;
			result.height = output->height;
			result.refresh_mhz = output->refresh_mhz;
			result.custom = output->custom;
		}
		if (output->fields & OUTPUT_CONFIG_POSITION) {
			result.x = output->x;
			result.y = output->y;
		}
		if (output->fields & OUTPUT_CONFIG_SCALE) {
			result.scale = output->scale;
		}
		if (output->fields & OUTPUT_CONFIG_TRANSFORM) {
			result.transform = output->transform;
		}
		if (output->fields & OUTPUT_CONFIG_ADAPTIVE_SYNC) {
			result.adaptive_sync = output->adaptive_sync;
		}
		result.fields |= output->fields;
	}
	return result;
}

bool output_config_equals(const struct output_config *a, const struct output_config *b) {
	return a->fields == b->fields && a->enabled == b->enabled && a->width == b->width &&
		a->height == b->height && a->refresh_mhz == b->refresh_mhz && a->custom == b->custom &&
		a->x == b->x && a->y == b->y && a->scale == b->scale &&
		a->transform == b->transform && a->adaptive_sync == b->adaptive_sync;
}
