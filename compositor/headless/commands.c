/*
 * The verbs for sluicectl: {"command": "headless", "verb": "type", "args": ["hello"]}. The answer
 * comes when the verb is done.
 */
#include <stdlib.h>
#include <string.h>
#include "headless/headless.h"
#include "headless/verb.h"
#include "ipc/ipc.h"

#define MAX_ARGS 64

static void handle_done(struct verb_call *call, void *data) {
	struct ipc_request *request = data;
	struct json_object *answer = json_object_get(call->data);
	if (call->error != NULL) {
		call->headless->failed |= call->disagrees;
		ipc_fail(request, "%s: %s", call->verb->name, call->error);
		json_object_put(answer);
	} else {
		ipc_answer(request, answer);
	}
	verb_call_destroy(call);
}

static void handle_cancel(void *data) {
	verb_call_destroy(data);
}

static void handle_verb(struct ipc_request *request, struct json_object *object, void *data) {
	struct headless *headless = data;
	struct json_object *verb = json_object_object_get(object, "verb");
	struct json_object *args = json_object_object_get(object, "args");
	if (!json_object_is_type(verb, json_type_string) ||
			(args != NULL && !json_object_is_type(args, json_type_array))) {
		ipc_fail(request, "It needs a \"verb\", and \"args\" as an array of strings");
		return;
	}
	size_t argc = args != NULL ? json_object_array_length(args) : 0;
	char *argv[MAX_ARGS];
	if (argc > MAX_ARGS) {
		ipc_fail(request, "More than %d arguments", MAX_ARGS);
		return;
	}
	for (size_t i = 0; i < argc; i++) {
		struct json_object *arg = json_object_array_get_idx(args, i);
		// Numbers are taken for what they look like
		argv[i] = (char *)(uintptr_t)json_object_get_string(arg);
		if (argv[i] == NULL) {
			ipc_fail(request, "Argument %zu is null", i + 1);
			return;
		}
	}
	char *error = NULL;
	struct verb_call *call = verb_begin(headless, json_object_get_string(verb), argv, argc,
		handle_done, request, &error);
	if (call == NULL) {
		ipc_fail(request, "%s", error != NULL ? error : "out of memory");
		free(error);
		return;
	}
	ipc_request_set_cancel(request, handle_cancel, call);
}

bool headless_register_commands(struct headless *headless) {
	return ipc_register(headless->server.ipc, "headless", handle_verb, headless);
}
