#include <wlr/types/wlr_buffer.h>
#include <wlr/types/wlr_output.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/util/log.h>
#include "path/ladder.h"
#include "path/stack.h"

static struct wlr_box get_buffer_box(const struct wlr_scene_buffer *scene_buffer, int x, int y) {
	struct wlr_box box = {
		.x = x,
		.y = y,
		.width = scene_buffer->dst_width,
		.height = scene_buffer->dst_height,
	};
	if (box.width <= 0 || box.height <= 0) {
		box.width = scene_buffer->buffer->width;
		box.height = scene_buffer->buffer->height;
	}
	return box;
}

/** Rectangles, too, which wlr_scene_output_for_each_buffer() leaves out: they may cover an image. */
static bool get_entry(struct wlr_scene_node *node, int x, int y, const struct wlr_box *screen,
		struct stack_entry *entry) {
	if (node->type == WLR_SCENE_NODE_BUFFER) {
		struct wlr_scene_buffer *scene_buffer = wlr_scene_buffer_from_node(node);
		if (scene_buffer->buffer == NULL) {
			return false;
		}
		*entry = (struct stack_entry){scene_buffer, get_buffer_box(scene_buffer, x, y)};
	} else {
		const struct wlr_scene_rect *rect = wlr_scene_rect_from_node(node);
		*entry = (struct stack_entry){NULL, {x, y, rect->width, rect->height}};
	}
	struct wlr_box overlap;
	return wlr_box_intersection(&overlap, &entry->box, screen);
}

static void add_tree(struct wl_array *entries, struct wlr_scene_tree *tree, int x, int y,
		const struct wlr_box *screen) {
	struct wlr_scene_node *node;
	wl_list_for_each(node, &tree->children, link) {
		if (!node->enabled) {
			continue;
		}
		struct stack_entry found;
		if (node->type == WLR_SCENE_NODE_TREE) {
			add_tree(entries, wlr_scene_tree_from_node(node), x + node->x, y + node->y, screen);
		} else if (get_entry(node, x + node->x, y + node->y, screen, &found)) {
			struct stack_entry *entry = wl_array_add(entries, sizeof(*entry));
			if (entry != NULL) {
				*entry = found;
			}
		}
	}
}

static bool find_top(struct wlr_scene_tree *tree, int x, int y, const struct wlr_box *screen,
		struct stack_entry *entry) {
	struct wlr_scene_node *node;
	wl_list_for_each_reverse(node, &tree->children, link) {
		if (!node->enabled) {
			continue;
		}
		if (node->type == WLR_SCENE_NODE_TREE ?
				find_top(wlr_scene_tree_from_node(node), x + node->x, y + node->y, screen, entry) :
				get_entry(node, x + node->x, y + node->y, screen, entry)) {
			return true;
		}
	}
	return false;
}

bool stack_get_top(struct output *output, struct stack_entry *top) {
	struct wlr_box screen = output_get_box(output);
	return find_top(&output->server->scene->tree, 0, 0, &screen, top);
}

const struct stack_entry *stack_collect(struct ladder *ladder, struct output *output,
		size_t *len) {
	ladder->stack.size = 0;
	struct wlr_box screen = output_get_box(output);
	add_tree(&ladder->stack, &output->server->scene->tree, 0, 0, &screen);
	*len = ladder->stack.size / sizeof(struct stack_entry);
	return ladder->stack.data;
}

/** NULL if it is not a buffer of a client. */
static struct wlr_client_buffer *get_client_buffer(const struct stack_entry *entry) {
	return entry->scene_buffer != NULL ? wlr_client_buffer_get(entry->scene_buffer->buffer) : NULL;
}

struct wlr_texture *stack_get_texture(const struct stack_entry *entry) {
	struct wlr_client_buffer *client_buffer = get_client_buffer(entry);
	return client_buffer != NULL ? client_buffer->texture : NULL;
}

struct wlr_surface *stack_get_surface(const struct stack_entry *entry) {
	struct wlr_scene_surface *scene_surface = entry->scene_buffer != NULL ?
		wlr_scene_surface_try_from_buffer(entry->scene_buffer) : NULL;
	return scene_surface != NULL ? scene_surface->surface : NULL;
}

struct wlr_buffer *stack_get_source(const struct stack_entry *entry) {
	struct wlr_client_buffer *client_buffer = get_client_buffer(entry);
	if (client_buffer != NULL) {
		return client_buffer->source;
	}
	return entry->scene_buffer != NULL ? entry->scene_buffer->buffer : NULL;
}

bool stack_is_detached(const struct stack_entry *entry) {
	struct wlr_texture *texture = stack_get_texture(entry);
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
