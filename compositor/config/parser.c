#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "config/parser.h"
#include "util/suggest.h"

/** A file that has more wrong with it is no configuration, and nobody reads on. */
#define MAX_ERRORS 50

void config_error(struct config_parser *parser, int line, const char *format, ...) {
	struct config_report *report = parser->report;
	if (++report->errors > MAX_ERRORS) {
		if (report->errors == MAX_ERRORS + 1) {
			fprintf(report->stream, "%s: more errors follow\n", parser->path);
		}
		return;
	}
	if (line > 0) {
		fprintf(report->stream, "%s:%d: ", parser->path, line);
	} else {
		fprintf(report->stream, "%s: ", parser->path);
	}
	va_list args;
	va_start(args, format);
	vfprintf(report->stream, format, args);
	va_end(args);
	fputc('\n', report->stream);
}

static void complain_unknown(struct config_parser *parser,
		const struct scfg_directive *directive, const struct config_directive *table) {
	struct suggestion suggestion = { 0 };
	for (const struct config_directive *known = table; known->name != NULL; known++) {
		suggest(&suggestion, directive->name, known->name);
	}
	if (suggestion.word != NULL) {
		config_error(parser, directive->lineno, "unknown directive \"%s\"; is \"%s\" meant?",
			directive->name, suggestion.word);
	} else {
		config_error(parser, directive->lineno, "unknown directive \"%s\" here",
			directive->name);
	}
}

static bool check_shape(struct config_parser *parser, const struct scfg_directive *directive,
		const struct config_directive *known) {
	if (directive->params_len < known->min_params ||
			directive->params_len > known->max_params) {
		config_error(parser, directive->lineno, "\"%s\" has too %s parameters; it is written "
			"\"%s%s%s\"", known->name,
			directive->params_len < known->min_params ? "few" : "many",
			known->name, known->params[0] != '\0' ? " " : "", known->params);
		return false;
	}
	if (directive->children.directives_len > 0 && !(known->flags & CONFIG_BLOCK)) {
		config_error(parser, directive->lineno, "\"%s\" takes no block in braces",
			known->name);
		return false;
	}
	return true;
}

static int find_earlier(const struct scfg_block *block, size_t index) {
	for (size_t i = 0; i < index; i++) {
		if (strcmp(block->directives[i].name, block->directives[index].name) == 0) {
			return block->directives[i].lineno;
		}
	}
	return 0;
}

void config_parse_block(struct config_parser *parser, const struct scfg_block *block,
		const struct config_directive *table, void *target) {
	for (size_t i = 0; i < block->directives_len; i++) {
		const struct scfg_directive *directive = &block->directives[i];
		const struct config_directive *known = table;
		while (known->name != NULL && strcmp(known->name, directive->name) != 0) {
			known++;
		}
		if (known->name == NULL) {
			complain_unknown(parser, directive, table);
			continue;
		}
		int earlier = known->flags & CONFIG_MANY ? 0 : find_earlier(block, i);
		if (earlier > 0) {
			config_error(parser, directive->lineno, "\"%s\" was said before, in line %d",
				known->name, earlier);
		} else if (check_shape(parser, directive, known)) {
			known->parse(parser, directive, target);
		}
	}
}

bool config_get_int(struct config_parser *parser, const struct scfg_directive *directive,
		size_t index, int min, int max, int *result) {
	const char *param = directive->params[index];
	char *end;
	errno = 0;
	long value = strtol(param, &end, 10);
	if (end == param || *end != '\0' || errno != 0 || value < min || value > max) {
		config_error(parser, directive->lineno, "%s: \"%s\" is no whole number from %d to %d",
			directive->name, param, min, max);
		return false;
	}
	*result = (int)value;
	return true;
}

bool config_get_number(struct config_parser *parser, const struct scfg_directive *directive,
		size_t index, double min, double max, double *result) {
	const char *param = directive->params[index];
	char *end;
	double value = strtod(param, &end);
	if (end == param || *end != '\0' || !(value >= min && value <= max)) {
		config_error(parser, directive->lineno, "%s: \"%s\" is no number from %g to %g",
			directive->name, param, min, max);
		return false;
	}
	*result = value;
	return true;
}

bool config_get_choice(struct config_parser *parser, const struct scfg_directive *directive,
		size_t index, const char *const choices[], int *result) {
	const char *param = directive->params[index];
	struct suggestion suggestion = { 0 };
	char all[512] = "";
	for (int i = 0; choices[i] != NULL; i++) {
		if (strcmp(param, choices[i]) == 0) {
			*result = i;
			return true;
		}
		suggest(&suggestion, param, choices[i]);
		size_t len = strlen(all);
		snprintf(all + len, sizeof(all) - len, "%s%s", i > 0 ? ", " : "", choices[i]);
	}
	config_error(parser, directive->lineno, "%s: \"%s\" is none of %s%s%s%s", directive->name,
		param, all, suggestion.word != NULL ? "; is \"" : "",
		suggestion.word != NULL ? suggestion.word : "",
		suggestion.word != NULL ? "\" meant?" : "");
	return false;
}

bool config_get_switch(struct config_parser *parser, const struct scfg_directive *directive,
		size_t index, bool *result) {
	static const char *const words[] = {
		"off", "on", "no", "yes", "false", "true", "disabled", "enabled",
	};
	const char *param = directive->params[index];
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(param, words[i]) == 0) {
			*result = i % 2 == 1;
			return true;
		}
	}
	config_error(parser, directive->lineno, "%s: \"%s\" is neither on nor off",
		directive->name, param);
	return false;
}

bool config_get_text(struct config_parser *parser, const struct scfg_directive *directive,
		size_t index, char **result) {
	const char *param = directive->params[index];
	char *copy = param[0] != '\0' ? strdup(param) : NULL;
	if (copy == NULL) {
		config_error(parser, directive->lineno, "%s: %s", directive->name,
			param[0] == '\0' ? "there must be something between the quotes" : "out of memory");
		return false;
	}
	free(*result);
	*result = copy;
	return true;
}
