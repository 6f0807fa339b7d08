#define _GNU_SOURCE
#include <assert.h>
#include <json-c/json_tokener.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/util/log.h>
#include "ipc/internal.h"
#include "util/suggest.h"

static void finish(struct ipc_request *request, struct json_object *answer) {
	struct ipc_client *client = request->client;
	client->request = NULL;
	free(request);
	ipc_client_send(client, answer);
	ipc_client_continue(client);
}

void ipc_answer(struct ipc_request *request, struct json_object *data) {
	struct json_object *answer = json_object_new_object();
	json_object_object_add(answer, "ok", json_object_new_boolean(true));
	json_object_object_add(answer, "data", data);
	finish(request, answer);
}

void ipc_fail(struct ipc_request *request, const char *format, ...) {
	char *text;
	va_list args;
	va_start(args, format);
	int len = vasprintf(&text, format, args);
	va_end(args);
	struct json_object *answer = json_object_new_object();
	json_object_object_add(answer, "ok", json_object_new_boolean(false));
	json_object_object_add(answer, "error", ipc_text(len >= 0 ? text : "out of memory"));
	if (len >= 0) {
		free(text);
	}
	finish(request, answer);
}

void ipc_request_set_cancel(struct ipc_request *request, void (*cancel)(void *data),
		void *data) {
	request->cancel = cancel;
	request->cancel_data = data;
}

/** Returns NULL, and why, if it is no JSON object. */
static struct json_object *parse(const char *line, size_t len, const char **error) {
	if (line == NULL) {
		*error = "the line is too long";
		return NULL;
	}
	if (memchr(line, '\0', len) != NULL) {
		*error = "the line has a NUL byte in it";
		return NULL;
	}
	struct json_tokener *tokener = json_tokener_new_ex(IPC_DEPTH_MAX);
	if (tokener == NULL) {
		*error = "out of memory";
		return NULL;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	// With the byte that ends it: otherwise a number could go on
	struct json_object *object = json_tokener_parse_ex(tokener, line, (int)len + 1);
	enum json_tokener_error status = json_tokener_get_error(tokener);
	*error = status == json_tokener_continue ? "it ends too early" :
		status != json_tokener_success ? json_tokener_error_desc(status) :
		!json_object_is_type(object, json_type_object) ? "it is no object" : NULL;
	json_tokener_free(tokener);
	if (*error != NULL) {
		json_object_put(object);
		return NULL;
	}
	return object;
}

static const struct ipc_command *find_command(struct ipc *ipc, const char *name,
		struct suggestion *suggestion) {
	const struct ipc_command *command;
	wl_array_for_each(command, &ipc->commands) {
		if (strcmp(command->name, name) == 0) {
			return command;
		}
		suggest(suggestion, name, command->name);
	}
	return NULL;
}

void ipc_dispatch(struct ipc_client *client, const char *line, size_t len) {
	struct ipc_request *request = calloc(1, sizeof(*request));
	if (request == NULL) {
		client->closing = true; // there is no memory to say that there is none
		return;
	}
	request->client = client;
	client->request = request;

	const char *error;
	struct json_object *object = parse(line, len, &error);
	if (object == NULL) {
		ipc_fail(request, "not a request: %s; a request is one line of JSON, such as "
			"{\"command\": \"version\"}", error);
		return;
	}
	struct json_object *value;
	const char *name = json_object_object_get_ex(object, "command", &value) &&
		json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
	struct suggestion suggestion = { 0 };
	const struct ipc_command *command =
		name != NULL ? find_command(client->ipc, name, &suggestion) : NULL;
	if (name == NULL) {
		ipc_fail(request, "a request needs \"command\", a string");
	} else if (command == NULL) {
		ipc_fail(request, "no command \"%.64s\"%s%s%s", name,
			suggestion.word != NULL ? "; is \"" : "",
			suggestion.word != NULL ? suggestion.word : "",
			suggestion.word != NULL ? "\" meant?" : "");
	} else {
		command->handler(request, object, command->data);
		// A handler that answers later must hear of a client that goes away
		assert(client->request != request || request->cancel != NULL);
	}
	json_object_put(object);
}
