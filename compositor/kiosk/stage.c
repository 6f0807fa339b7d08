#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/types/wlr_scene.h>
#include "desktop/desktop.h"
#include "desktop/window.h"
#include "fixed/fixed.h"
#include "kiosk/command.h"
#include "kiosk/kiosk.h"
#include "kiosk/stage.h"
#include "output.h"
#include "placeholder.h"
#include "server.h"

struct stage *stage_create(struct kiosk *kiosk, struct output *output) {
	struct stage *stage = calloc(1, sizeof(*stage));
	if (stage == NULL) {
		return NULL;
	}
	stage->kiosk = kiosk;
	stage->output = output;
	stage->placeholder =
		wlr_scene_buffer_create(kiosk->server->layers[LAYER_BACKGROUND], NULL);
	if (stage->placeholder == NULL) {
		free(stage);
		return NULL;
	}
	wl_list_insert(kiosk->stages.prev, &stage->link);
	return stage;
}

void stage_destroy(struct stage *stage) {
	if (stage->source != NULL) {
		fixed_source_show(stage->source, NULL);
	}
	wlr_scene_node_destroy(&stage->placeholder->node);
	wl_list_remove(&stage->link);
	free(stage->text);
	free(stage);
}

static void describe_command(const struct command *command, char *text, size_t size) {
	const char *name = command->config.name;
	if (command_is_running(command)) {
		snprintf(text, size, "%s is starting", name);
	} else if (command->status < 0) {
		snprintf(text, size, "%s cannot be started", name);
	} else if (command_is_waiting(command)) {
		snprintf(text, size, "%s ended with status %d and will be started again", name,
			command->status);
	} else {
		snprintf(text, size, "%s ended with status %d", name, command->status);
	}
}

static bool has_window(const struct stage *stage) {
	struct window *window;
	wl_list_for_each(window, &stage->kiosk->server->windows, link) {
		if (window->mapped && window_get_output(window) == stage->output &&
				workspace_is_shown(window->workspace)) {
			return true;
		}
	}
	return false;
}

/** What a person in front of the screen is told. false: there is something to be seen. */
static bool describe(const struct stage *stage, char *text, size_t size) {
	if (stage->source != NULL) {
		snprintf(text, size, "%s", stage->source->trouble);
		return stage->source->trouble[0] != '\0';
	}
	if (has_window(stage)) {
		return false;
	}
	if (stage->command != NULL) {
		describe_command(stage->command, text, size);
		return true;
	}
	// A kiosk for one command, and a session, are simply empty
	snprintf(text, size, "Nothing is assigned to %s", stage->output->wlr_output->name);
	return !wl_list_empty(&stage->kiosk->assignments);
}

static void set_text(struct stage *stage, const char *text) {
	if (stage->text != NULL && strcmp(stage->text, text) == 0) {
		return;
	}
	free(stage->text);
	stage->text = strdup(text);
	struct wlr_buffer *buffer = placeholder_create(text);
	wlr_scene_buffer_set_buffer(stage->placeholder, buffer);
	if (buffer != NULL) {
		wlr_buffer_drop(buffer);
	}
}

void stage_update(struct stage *stage) {
	struct wlr_box box = output_get_box(stage->output);
	if (stage->source != NULL) {
		fixed_source_show(stage->source, &box);
	}
	char text[256];
	bool empty = describe(stage, text, sizeof(text));
	if (empty) {
		set_text(stage, text);
		const struct wlr_buffer *buffer = stage->placeholder->buffer;
		int width = buffer != NULL ? buffer->width : 0;
		int height = buffer != NULL ? buffer->height : 0;
		wlr_scene_node_set_position(&stage->placeholder->node,
			box.x + (box.width - width) / 2, box.y + (box.height - height) / 2);
	}
	wlr_scene_node_set_enabled(&stage->placeholder->node, empty);
}
