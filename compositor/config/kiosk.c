#include <stdlib.h>
#include <string.h>
#include "config/kiosk.h"
#include "config/output.h"
#include "util/suggest.h"

/** A day: longer pauses are mistakes, and sums of a few of them fit into an int. */
#define MAX_SECONDS 86400.0
/** Names become part of a socket's. */
#define MAX_NAME 32

bool kiosk_config_has_items(const struct config *config) {
	return !wl_list_empty(&config->commands) || !wl_list_empty(&config->sources);
}

bool kiosk_config_has_item(const struct config *config, const char *name) {
	const struct command_config *command;
	wl_list_for_each(command, &config->commands, link) {
		if (strcmp(command->name, name) == 0) {
			return true;
		}
	}
	const struct source_config *source;
	wl_list_for_each(source, &config->sources, link) {
		if (strcmp(source->name, name) == 0) {
			return true;
		}
	}
	return false;
}

/** The name of a command or a source, which no other has. */
bool kiosk_config_get_name(struct config_parser *parser, const struct scfg_directive *directive,
		char **name_ptr) {
	const char *name = directive->params[0];
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	if (name[0] == '\0' || name[0] == '-' || strspn(name, allowed) != strlen(name) ||
			strlen(name) > MAX_NAME) {
		config_error(parser, directive->lineno, "%s: \"%s\" cannot be a name; it is made of up to "
			"%d letters, digits, - and _", directive->name, name, MAX_NAME);
		return false;
	}
	if (kiosk_config_has_item(parser->config, name)) {
		config_error(parser, directive->lineno, "%s: there is a command or a source \"%s\" "
			"already", directive->name, name);
		return false;
	}
	return config_get_text(parser, directive, 0, name_ptr);
}

static void parse_run(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct command_config *command = target;
	command->argv = calloc(directive->params_len + 1, sizeof(*command->argv));
	if (command->argv == NULL) {
		config_error(parser, directive->lineno, "run: out of memory");
		return;
	}
	config_get_text(parser, directive, 0, &command->argv[0]);
	for (size_t i = 1; i < directive->params_len; i++) {
		command->argv[i] = strdup(directive->params[i]); // which may be empty
		if (command->argv[i] == NULL) {
			config_error(parser, directive->lineno, "run: out of memory");
			return;
		}
	}
}

static void parse_restart(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	static const char *const choices[] = {
		[COMMAND_RESTART_NEVER] = "never",
		[COMMAND_RESTART_ON_FAILURE] = "on-failure",
		[COMMAND_RESTART_ALWAYS] = "always",
		NULL,
	};
	struct command_config *command = target;
	int restart;
	if (config_get_choice(parser, directive, 0, choices, &restart)) {
		command->restart = (enum command_restart)restart;
	}
}

static void get_ms(struct config_parser *parser, const struct scfg_directive *directive,
		size_t index, int *ms) {
	double seconds;
	if (config_get_number(parser, directive, index, 0, MAX_SECONDS, &seconds)) {
		*ms = (int)(seconds * 1000 + 0.5);
	}
}

static void parse_backoff(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct command_config *command = target;
	get_ms(parser, directive, 0, &command->backoff.first_ms);
	get_ms(parser, directive, 1, &command->backoff.longest_ms);
	if (command->backoff.longest_ms < command->backoff.first_ms) {
		config_error(parser, directive->lineno, "backoff: the longest pause is shorter than the "
			"first");
	}
}

static void parse_healthy(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct command_config *command = target;
	get_ms(parser, directive, 0, &command->backoff.healthy_ms);
}

static void parse_grace(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct command_config *command = target;
	get_ms(parser, directive, 0, &command->grace_ms);
}

void command_config_parse(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	static const struct config_directive words[] = {
		{ "run", "PROGRAM [ARGUMENT…]", 1, CONFIG_ANY, 0, parse_run },
		{ "restart", "always|on-failure|never", 1, 1, 0, parse_restart },
		{ "backoff", "FIRST LONGEST", 2, 2, 0, parse_backoff },
		{ "healthy", "SECONDS", 1, 1, 0, parse_healthy },
		{ "grace", "SECONDS", 1, 1, 0, parse_grace },
		{ 0 },
	};
	struct config *config = target;
	struct command_config *command = calloc(1, sizeof(*command));
	if (command == NULL || !kiosk_config_get_name(parser, directive, &command->name)) {
		free(command);
		return;
	}
	command->restart = COMMAND_RESTART_ALWAYS;
	command->backoff = COMMAND_BACKOFF_DEFAULT;
	command->grace_ms = COMMAND_GRACE_MS_DEFAULT;
	command->own_socket = true;
	wl_list_insert(config->commands.prev, &command->link);
	size_t errors = parser->report->errors;
	config_parse_block(parser, &directive->children, words, command);
	if (command->argv == NULL && parser->report->errors == errors) {
		config_error(parser, directive->lineno, "command %s: what is it to run? It is written "
			"\"run PROGRAM [ARGUMENT…]\"", command->name);
	}
}

void command_config_destroy(struct command_config *command) {
	wl_list_remove(&command->link);
	command_config_finish(command);
	free(command);
}

static void parse_vt_switch(struct config_parser *parser,
		const struct scfg_directive *directive, void *target) {
	struct kiosk_config *kiosk = target;
	config_get_switch(parser, directive, 0, &kiosk->vt_switch);
}

void kiosk_config_parse(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	static const struct config_directive words[] = {
		{ "vt-switch", "on|off", 1, 1, 0, parse_vt_switch },
		{ 0 },
	};
	struct config *config = target;
	config_parse_block(parser, &directive->children, words, &config->kiosk);
}

static void complain_unknown(struct config_parser *parser, const struct output_config *output) {
	const struct config *config = parser->config;
	struct suggestion suggestion = { 0 };
	const struct command_config *command;
	wl_list_for_each(command, &config->commands, link) {
		suggest(&suggestion, output->show, command->name);
	}
	const struct source_config *source;
	wl_list_for_each(source, &config->sources, link) {
		suggest(&suggestion, output->show, source->name);
	}
	if (suggestion.word != NULL) {
		config_error(parser, output->show_line, "show: there is no command or source \"%s\"; is "
			"\"%s\" meant?", output->show, suggestion.word);
	} else {
		config_error(parser, output->show_line, "show: there is no command or source \"%s\"",
			output->show);
	}
}

void kiosk_config_check(struct config_parser *parser) {
	const struct output_config *output, *other;
	wl_list_for_each(output, &parser->config->outputs, link) {
		if (output->show == NULL) {
			continue;
		}
		if (!kiosk_config_has_item(parser->config, output->show)) {
			complain_unknown(parser, output);
		}
		wl_list_for_each(other, &parser->config->outputs, link) {
			if (other == output) {
				break;
			}
			if (other->show != NULL && strcmp(other->show, output->show) == 0) {
				config_error(parser, output->show_line, "show: \"%s\" is shown by the output of "
					"line %d already", output->show, other->line);
			}
		}
	}
}
