#define _GNU_SOURCE
#include <inttypes.h>
#include <scfg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config/parser.h"
#include "headless/headless.h"
#include "headless/script.h"
#include "headless/verb.h"
#include "util/suggest.h"

struct script {
	char *path;
	struct scfg_block block;
	struct headless *headless;
	size_t next;
	const struct verb_call *call; // of it; NULL if it could not begin
	size_t expected, disagreed; // expect: how many, and how many went wrong
};

static void complain(struct script *script, const struct scfg_directive *directive,
		const char *message) {
	fprintf(stderr, "%s:%d: %s\n", script->path, directive->lineno,
		message != NULL ? message : "out of memory");
}

static void step(struct script *script);

static void handle_done(struct verb_call *call, void *data) {
	struct script *script = data;
	const struct scfg_directive *directive = &script->block.directives[script->next];
	script->call = NULL;
	bool failed = call->error != NULL;
	if (failed) {
		char *message = NULL;
		if (asprintf(&message, "%s: %s", directive->name, call->error) < 0) {
			message = NULL;
		}
		complain(script, directive, message);
		free(message);
	}
	bool disagrees = call->disagrees;
	script->expected += strcmp(directive->name, "expect") == 0;
	verb_call_destroy(call);
	if (failed && disagrees) {
		// What comes after may be worth to see as well
		script->disagreed++;
		script->headless->failed = true;
	} else if (failed) {
		headless_fail(script->headless, "The script ended at line %d", directive->lineno);
		return;
	}
	script->next++;
	step(script);
}

/** Begin the next verb, or end. */
static void step(struct script *script) {
	struct headless *headless = script->headless;
	if (headless->server.quitting) {
		return;
	}
	if (script->next == script->block.directives_len) {
		if (script->expected > 0) {
			fprintf(stderr, "%s: %zu of %zu pictures as expected\n", script->path,
				script->expected - script->disagreed, script->expected);
		}
		server_quit(&headless->server, script->disagreed > 0 ? EXIT_FAILURE : EXIT_SUCCESS);
		return;
	}
	const struct scfg_directive *directive = &script->block.directives[script->next];
	char *error = NULL;
	script->call = verb_begin(headless, directive->name, directive->params, directive->params_len,
		handle_done, script, &error);
	if (script->call == NULL) {
		complain(script, directive, error);
		free(error);
		headless_fail(headless, "The script ended at line %d", directive->lineno);
	}
}

void script_start(struct script *script, struct headless *headless) {
	script->headless = headless;
	step(script);
}

int script_get_line(const struct script *script) {
	size_t left = script->block.directives_len - script->next;
	// What the last one asked for may have been that end
	bool done = left == 0 || (left == 1 && script->call != NULL && script->call->wait == WAIT_QUIET);
	return done ? 0 : script->block.directives[script->next].lineno;
}

/** What can be seen without running it: verbs and how many arguments they have. */
static bool check(struct script *script) {
	bool ok = true;
	for (size_t i = 0; i < script->block.directives_len; i++) {
		const struct scfg_directive *directive = &script->block.directives[i];
		char *error = directive->children.directives_len > 0 ?
			strdup("a script has no blocks; quote a brace: \"{\"") :
			verb_check(directive->name, directive->params_len);
		if (error != NULL) {
			complain(script, directive, error);
			ok = false;
		}
		free(error);
	}
	return ok;
}

struct script *script_load(const char *path) {
	struct script *script = calloc(1, sizeof(*script));
	struct config_report report;
	if (script == NULL || !config_report_init(&report)) {
		free(script);
		return NULL;
	}
	script->path = strdup(path);
	struct config_parser parser = { .path = path, .report = &report };
	bool ok = script->path != NULL && config_read_block(&parser, &script->block);
	if (!ok) {
		fputs(config_report_get_text(&report), stderr);
	}
	config_report_finish(&report);
	if (!ok || !check(script)) {
		script_destroy(script);
		return NULL;
	}
	return script;
}

void script_destroy(struct script *script) {
	if (script == NULL) {
		return;
	}
	scfg_block_finish(&script->block);
	free(script->path);
	free(script);
}
