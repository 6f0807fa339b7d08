#include <stdlib.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_scene.h>
#include "action/action.h"
#include "config/output.h"
#include "desktop/desktop.h"
#include "desktop/window.h"
#include "ipc/commands.h"
#include "ipc/events.h"
#include "output.h"
#include "path/ladder.h"
#include "path/surface.h"
#include "seat/devices.h"
#include "seat/seat.h"
#include "vram/vram.h"

static void add(struct json_object *object, const char *key, struct json_object *value) {
	json_object_object_add(object, key, value);
}

static struct json_object *describe_box(const struct wlr_box *box) {
	struct json_object *object = json_object_new_object();
	add(object, "x", json_object_new_int(box->x));
	add(object, "y", json_object_new_int(box->y));
	add(object, "width", json_object_new_int(box->width));
	add(object, "height", json_object_new_int(box->height));
	return object;
}

static void handle_version(struct ipc_request *request, struct json_object *object,
		void *data) {
	struct json_object *answer = json_object_new_object();
	add(answer, "version", json_object_new_string(SLUICE_VERSION));
	ipc_answer(request, answer);
}

/** {"command": NAME, "arguments": [WORD, …]}: see action/action.h */
static void handle_action(struct ipc_request *request, struct json_object *object,
		void *data) {
	const struct action *action =
		action_find(json_object_get_string(json_object_object_get(object, "command")));
	struct json_object *arguments = json_object_object_get(object, "arguments");
	if (arguments != NULL && !json_object_is_type(arguments, json_type_array)) {
		ipc_fail(request, "\"arguments\" must be an array of words");
		return;
	}
	size_t len = arguments != NULL ? json_object_array_length(arguments) : 0;
	const char **words = calloc(len + 1, sizeof(*words));
	for (size_t i = 0; words != NULL && i < len; i++) {
		const char *word = json_object_get_string(json_object_array_get_idx(arguments, i));
		words[i] = word != NULL ? word : "";
	}
	struct action_call call;
	char message[512] = "out of memory", *error = NULL;
	if (words == NULL || !action_check(action, words, len, message, sizeof(message)) ||
			!action_call_init(&call, action, words, len)) {
		ipc_fail(request, "%s: %s", action->name, message);
	} else {
		if (action_run(data, &call, NULL, &error)) {
			ipc_answer(request, NULL);
		} else {
			ipc_fail(request, "%s", error != NULL ? error : "out of memory");
		}
		action_call_finish(&call);
	}
	free(error);
	free(words);
}

static bool register_actions(struct ipc *ipc, struct server *server) {
	for (size_t i = 0; i < ACTION_COUNT; i++) {
		if (!actions[i].pointer_only &&
				!ipc_register(ipc, actions[i].name, handle_action, server)) {
			return false;
		}
	}
	return true;
}

static struct json_object *describe_mode(int width, int height, int refresh) {
	struct json_object *object = json_object_new_object();
	add(object, "width", json_object_new_int(width));
	add(object, "height", json_object_new_int(height));
	add(object, "refresh_mhz", json_object_new_int(refresh));
	return object;
}

struct json_object *ipc_describe_output(struct output *output) {
	struct wlr_output *wlr_output = output->wlr_output;
	struct json_object *object = json_object_new_object();
	add(object, "name", ipc_text(wlr_output->name));
	add(object, "description", ipc_text(wlr_output->description));
	add(object, "make", ipc_text(wlr_output->make));
	add(object, "model", ipc_text(wlr_output->model));
	add(object, "serial", ipc_text(wlr_output->serial));
	add(object, "enabled", json_object_new_boolean(wlr_output->enabled));
	add(object, "mode",
		describe_mode(wlr_output->width, wlr_output->height, wlr_output->refresh));
	struct json_object *modes = json_object_new_array();
	const struct wlr_output_mode *mode;
	wl_list_for_each(mode, &wlr_output->modes, link) {
		struct json_object *entry = describe_mode(mode->width, mode->height, mode->refresh);
		add(entry, "preferred", json_object_new_boolean(mode->preferred));
		json_object_array_add(modes, entry);
	}
	add(object, "modes", modes);
	struct wlr_box box = output_get_box(output);
	add(object, "box", describe_box(&box));
	add(object, "scale", json_object_new_double(wlr_output->scale));
	add(object, "transform", json_object_new_string(
		output_config_transforms[wlr_output->transform]));
	add(object, "adaptive_sync", json_object_new_boolean(
		wlr_output->adaptive_sync_status == WLR_OUTPUT_ADAPTIVE_SYNC_ENABLED));
	return object;
}

static void handle_outputs(struct ipc_request *request, struct json_object *object,
		void *data) {
	struct server *server = data;
	struct json_object *answer = json_object_new_array();
	struct output *output;
	wl_list_for_each(output, &server->outputs, link) {
		json_object_array_add(answer, ipc_describe_output(output));
	}
	ipc_answer(request, answer);
}

static struct json_object *get_pid(struct wl_client *client) {
	pid_t pid;
	wl_client_get_credentials(client, &pid, NULL, NULL);
	return json_object_new_int(pid);
}

struct json_object *ipc_describe_window(struct window *window) {
	struct json_object *object = json_object_new_object();
	add(object, "id", json_object_new_int64(window->id));
	add(object, "title", ipc_text(window_get_title(window)));
	add(object, "app_id", ipc_text(window_get_app_id(window)));
	add(object, "pid", json_object_new_int(window_get_pid(window)));
	add(object, "focused",
		json_object_new_boolean(window == window_get_focused(window->server)));
	add(object, "grabs", json_object_new_boolean(window == window->server->seat->captor));
	add(object, "workspace",
		window->workspace != NULL ? ipc_text(window->workspace->name) : NULL);
	add(object, "visible", json_object_new_boolean(window->tree->node.enabled));
	add(object, "tiled", json_object_new_boolean(window_is_tiled(window)));
	add(object, "fullscreen", json_object_new_boolean(window->fullscreen));
	add(object, "maximized", json_object_new_boolean(window->maximized));
	struct wlr_box box = window_get_box(window);
	add(object, "box", describe_box(&box));
	return object;
}

static void handle_windows(struct ipc_request *request, struct json_object *object,
		void *data) {
	struct server *server = data;
	struct json_object *answer = json_object_new_array();
	struct window *window;
	wl_list_for_each(window, &server->windows, link) {
		if (window->mapped) {
			json_object_array_add(answer, ipc_describe_window(window));
		}
	}
	ipc_answer(request, answer);
}

static void handle_inputs(struct ipc_request *request, struct json_object *object, void *data) {
	struct server *server = data;
	ipc_answer(request, devices_describe(server->seat->devices));
}

static void handle_workspaces(struct ipc_request *request, struct json_object *object,
		void *data) {
	struct server *server = data;
	struct workspaces *workspaces = &server->desktop->workspaces;
	struct json_object *answer = json_object_new_array();
	struct workspace *workspace;
	wl_list_for_each(workspace, &workspaces->all, link) {
		struct json_object *entry = json_object_new_object();
		add(entry, "name", ipc_text(workspace->name));
		add(entry, "output",
			workspace->screen != NULL ? ipc_text(workspace->screen->name) : NULL);
		add(entry, "visible", json_object_new_boolean(workspace_is_shown(workspace)));
		add(entry, "focused", json_object_new_boolean(workspace == workspaces->focused));
		add(entry, "tiles", json_object_new_boolean(workspace->tiles));
		add(entry, "windows", json_object_new_int(wl_list_length(&workspace->windows)));
		json_object_array_add(answer, entry);
	}
	ipc_answer(request, answer);
}

/** Why not by a better path: what the path itself says, or what stands in the way of scanout. */
struct json_object *ipc_describe_reason(enum sluice_reason reason) {
	struct json_object *object = json_object_new_object();
	add(object, "name", json_object_new_string(sluice_reason_name(reason)));
	add(object, "sentence", json_object_new_string(sluice_reason_sentence(reason)));
	return object;
}

struct json_object *ipc_describe_path(struct path_surface *path_surface) {
	struct json_object *object = json_object_new_object();
	struct window *window = path_surface->surface != NULL ?
		window_from_surface(path_surface->surface) : NULL;
	add(object, "id", json_object_new_int64(path_surface->id));
	add(object, "window", window != NULL ? json_object_new_int64(window->id) : NULL);
	add(object, "title", window != NULL ? ipc_text(window_get_title(window)) : NULL);
	add(object, "output", path_surface->output != NULL ?
		ipc_text(path_surface->output->name) : NULL);
	add(object, "path", json_object_new_string(sluice_path_name(path_surface->path)));
	add(object, "simulated", json_object_new_boolean(path_surface_is_simulated(path_surface)));
	add(object, "reason", ipc_describe_reason(path_surface->reason));
	add(object, "scanout_reason", ipc_describe_reason(path_surface->scanout_reason));
	add(object, "frames", stats_describe_frames(path_surface->stats.frames));
	add(object, "imports", json_object_new_uint64(path_surface->stats.imports));
	add(object, "failed", json_object_new_uint64(path_surface->stats.failed));
	add(object, "vram_bytes_read",
		json_object_new_int64((int64_t)path_surface_get_bytes_read(path_surface)));
	return object;
}

static bool is_of_source(struct path_surface *path_surface, struct vram_source *source) {
	struct wlr_surface *surface = path_surface->surface;
	struct wlr_buffer *buffer = surface != NULL && surface->buffer != NULL ?
		surface->buffer->source : NULL;
	return path_surface->source == source ||
		(buffer != NULL && vram_find_source(source->manager, buffer) == source);
}

struct json_object *ipc_describe_source(struct vram_source *source) {
	struct json_object *object = json_object_new_object();
	add(object, "name", ipc_text(source->name));
	add(object, "exporter", source->device != NULL && source->device->address[0] != '\0' ?
		ipc_text(source->device->address) : NULL);
	add(object, "state", json_object_new_string(life_state_name(source->life.state)));
	add(object, "pid", get_pid(wl_resource_get_client(source->resource)));
	add(object, "images", json_object_new_int(wl_list_length(&source->buffers)));
	add(object, "adopted", json_object_new_int(wl_list_length(&source->adopted)));
	add(object, "exports", json_object_new_int64((int64_t)source->exports));
	add(object, "revocations", json_object_new_int64((int64_t)source->revocations));
	struct json_object *surfaces = json_object_new_array();
	struct path_surface *path_surface;
	wl_list_for_each(path_surface, &source->manager->server->ladder->surfaces, link) {
		if (is_of_source(path_surface, source)) {
			json_object_array_add(surfaces, ipc_describe_path(path_surface));
		}
	}
	add(object, "surfaces", surfaces);
	return object;
}

static void handle_sources(struct ipc_request *request, struct json_object *object,
		void *data) {
	struct server *server = data;
	struct json_object *answer = json_object_new_array();
	struct vram_source *source;
	wl_list_for_each(source, &server->vram->sources, link) {
		json_object_array_add(answer, ipc_describe_source(source));
	}
	ipc_answer(request, answer);
}

/** As if the GPU had been reset: for tests, and only there. */
static void handle_lose_renderer(struct ipc_request *request, struct json_object *object,
		void *data) {
	struct server *server = data;
	wl_signal_emit_mutable(&server->renderer->events.lost, NULL);
	ipc_answer(request, NULL);
}

static void handle_paths(struct ipc_request *request, struct json_object *object, void *data) {
	struct server *server = data;
	struct json_object *answer = json_object_new_array();
	struct path_surface *path_surface;
	wl_list_for_each(path_surface, &server->ladder->surfaces, link) {
		if (path_surface_is_watched(path_surface)) {
			json_object_array_add(answer, ipc_describe_path(path_surface));
		}
	}
	ipc_answer(request, answer);
}

bool ipc_commands_register(struct ipc *ipc, struct server *server) {
	if (getenv("SLUICE_TEST_COMMANDS") != NULL &&
			!ipc_register(ipc, "test-lose-renderer", handle_lose_renderer, server)) {
		return false;
	}
	return ipc_register(ipc, "version", handle_version, server) &&
		register_actions(ipc, server) &&
		ipc_register(ipc, "outputs", handle_outputs, server) &&
		ipc_register(ipc, "inputs", handle_inputs, server) &&
		ipc_register(ipc, "windows", handle_windows, server) &&
		ipc_register(ipc, "workspaces", handle_workspaces, server) &&
		ipc_register(ipc, "sources", handle_sources, server) &&
		ipc_register(ipc, "paths", handle_paths, server) &&
		ipc_events_register(ipc);
}
