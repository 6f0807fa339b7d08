#include <wlr/types/wlr_output.h>
#include "fixed/fixed.h"
#include "ipc/ipc.h"
#include "kiosk/assignment.h"
#include "kiosk/command.h"
#include "kiosk/kiosk.h"
#include "kiosk/process.h"
#include "kiosk/stage.h"
#include "output.h"

static void add(struct json_object *object, const char *key, struct json_object *value) {
	json_object_object_add(object, key, value);
}

static const char *get_state(const struct command *command) {
	if (command_is_running(command)) {
		return "running";
	}
	return command_is_waiting(command) ? "waiting" : "ended";
}

static struct json_object *describe_command(const struct command *command) {
	struct json_object *object = json_object_new_object();
	add(object, "name", ipc_text(command->config.name));
	add(object, "state", json_object_new_string(get_state(command)));
	add(object, "pid", command->process != NULL ?
		json_object_new_int(process_get_pid(command->process)) : NULL);
	add(object, "runs", json_object_new_int64(command->runs));
	add(object, "status", json_object_new_int(command->status));
	struct output *output;
	kiosk_get_output(command->kiosk, command, &output);
	add(object, "output", output != NULL ? ipc_text(output->wlr_output->name) : NULL);
	return object;
}

static void handle_commands(struct ipc_request *request, struct json_object *object,
		void *data) {
	struct kiosk *kiosk = data;
	struct json_object *answer = json_object_new_array();
	const struct command *command;
	wl_list_for_each(command, &kiosk->commands, link) {
		json_object_array_add(answer, describe_command(command));
	}
	ipc_answer(request, answer);
}

static struct json_object *describe_source(const struct fixed_source *source) {
	struct json_object *object = json_object_new_object();
	add(object, "name", ipc_text(source->config.name));
	add(object, "exporter", ipc_text(source->config.device));
	add(object, "state", json_object_new_string(source->buffer != NULL ? "ready" : "failed"));
	add(object, "trouble", source->trouble[0] != '\0' ? ipc_text(source->trouble) : NULL);
	const struct stage *stage;
	wl_list_for_each(stage, &source->kiosk->stages, link) {
		if (stage->source == source) {
			add(object, "output", ipc_text(stage->output->wlr_output->name));
		}
	}
	return object;
}

static void handle_fixed_sources(struct ipc_request *request, struct json_object *object,
		void *data) {
	struct kiosk *kiosk = data;
	struct json_object *answer = json_object_new_array();
	const struct fixed_source *source;
	wl_list_for_each(source, &kiosk->sources, link) {
		json_object_array_add(answer, describe_source(source));
	}
	ipc_answer(request, answer);
}

bool kiosk_register_ipc(struct kiosk *kiosk, struct ipc *ipc) {
	return ipc_register(ipc, "commands", handle_commands, kiosk) &&
		ipc_register(ipc, "fixed-sources", handle_fixed_sources, kiosk);
}
