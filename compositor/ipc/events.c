#include "desktop/window.h"
#include "ipc/commands.h"
#include "ipc/events.h"
#include "ipc/ipc.h"
#include "output.h"
#include "path/ladder.h"
#include "path/surface.h"
#include "vram/vram.h"

static const char *const events[] = { "window", "output", "path", "source", "config" };

bool ipc_events_register(struct ipc *ipc) {
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (!ipc_register_event(ipc, events[i])) {
			return false;
		}
	}
	return true;
}

/** The event's name is also that of the thing. */
static void emit(struct ipc *ipc, const char *event, const char *change,
		struct json_object *thing) {
	struct json_object *data = json_object_new_object();
	json_object_object_add(data, "change", json_object_new_string(change));
	json_object_object_add(data, event, thing);
	ipc_emit(ipc, event, data);
}

void ipc_tell_window(struct window *window, const char *change) {
	struct ipc *ipc = window->server->ipc;
	if (ipc_has_subscriber(ipc, "window")) {
		emit(ipc, "window", change, ipc_describe_window(window));
	}
}

void ipc_tell_output(struct output *output, const char *change) {
	struct ipc *ipc = output->server->ipc;
	if (ipc_has_subscriber(ipc, "output")) {
		emit(ipc, "output", change, ipc_describe_output(output));
	}
}

void ipc_tell_path(struct path_surface *path_surface) {
	struct ipc *ipc = path_surface->ladder->server->ipc;
	if (ipc_has_subscriber(ipc, "path")) {
		emit(ipc, "path", "changed", ipc_describe_path(path_surface));
	}
}

void ipc_tell_source(struct vram_source *source, const char *change) {
	struct ipc *ipc = source->manager->server->ipc;
	if (ipc_has_subscriber(ipc, "source")) {
		emit(ipc, "source", change, ipc_describe_source(source));
	}
}

void ipc_tell_config(struct server *server, const char *change, const char *error) {
	struct ipc *ipc = server->ipc;
	if (ipc_has_subscriber(ipc, "config")) {
		emit(ipc, "config", change, ipc_text(error));
	}
}
