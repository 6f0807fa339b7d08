#include <wlr/types/wlr_buffer.h>
#include <wlr/types/wlr_output.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/util/log.h>
#include "path/ladder.h"
#include "path/stack.h"

static void add_entry(struct wlr_scene_buffer *scene_buffer, int sx, int sy, void *data) {
	if (scene_buffer->buffer == NULL) {
		return;
	}
	struct wl_array *entries = data;
	struct stack_entry *entry = wl_array_add(entries, sizeof(*entry));
	if (entry == NULL) {
		return;
	}
	int width = scene_buffer->dst_width, height = scene_buffer->dst_height;
	if (width <= 0 || height <= 0) {
		width = scene_buffer->buffer->width;
		height = scene_buffer->buffer->height;
	}
	*entry = (struct stack_entry){
		.scene_buffer = scene_buffer,
		.box = { .x = sx, .y = sy, .width = width, .height = height },
	};
}

const struct stack_entry *stack_collect(struct ladder *ladder, struct output *output,
		size_t *len) {
	ladder->stack.size = 0;
	wlr_scene_output_for_each_buffer(output->scene_output, add_entry, &ladder->stack);
	*len = ladder->stack.size / sizeof(struct stack_entry);
	return ladder->stack.data;
}

struct wlr_buffer *stack_get_source(const struct stack_entry *entry) {
	struct wlr_client_buffer *client_buffer =
		wlr_client_buffer_get(entry->scene_buffer->buffer);
	return client_buffer != NULL ? client_buffer->source : entry->scene_buffer->buffer;
}

bool stack_is_detached(const struct stack_entry *entry) {
	struct wlr_client_buffer *client_buffer =
		wlr_client_buffer_get(entry->scene_buffer->buffer);
	struct wlr_texture *texture = client_buffer != NULL ? client_buffer->texture : NULL;
	return texture != NULL && sluice_texture_is(texture) &&
		sluice_texture_get_buffer(texture) == NULL;
}

static bool has_software_cursor(struct wlr_output *output) {
	struct wlr_output_cursor *cursor;
	wl_list_for_each(cursor, &output->cursors, link) {
		if (cursor->enabled && cursor->visible && cursor != output->hardware_cursor) {
			return true;
		}
	}
	return false;
}

enum sluice_reason stack_why_not_scanout(struct output *output,
		const struct stack_entry *stack, size_t len, size_t index) {
	const struct stack_entry *entry = &stack[index];
	const struct wlr_scene_buffer *scene_buffer = entry->scene_buffer;
	struct wlr_output *wlr_output = output->wlr_output;
	struct wlr_box screen = output_get_box(output);

	for (size_t i = index + 1; i < len; i++) {
		struct wlr_box overlap;
		if (wlr_box_intersection(&overlap, &stack[i].box, &entry->box)) {
			return SLUICE_REASON_COVERED;
		}
	}
	if (!wlr_box_equal(&screen, &entry->box)) {
		return SLUICE_REASON_NOT_FULLSCREEN;
	}
	if (scene_buffer->transform != wlr_output->transform) {
		return SLUICE_REASON_TRANSFORM;
	}
	struct wlr_buffer *source = stack_get_source(entry);
	if (source == NULL || source->width != wlr_output->width ||
			source->height != wlr_output->height) {
		return SLUICE_REASON_SIZE_MISMATCH;
	}
	if (scene_buffer->opacity < 1) {
		return SLUICE_REASON_OTHER;
	}
	if (has_software_cursor(wlr_output)) {
		return SLUICE_REASON_SOFTWARE_CURSOR;
	}
	// One of the locks is the ladder's own
	if (wlr_output->attach_render_locks > (output->composite_only ? 1 : 0)) {
		return SLUICE_REASON_CAPTURE;
	}
	return SLUICE_REASON_OK;
}
