#include <stdlib.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_input_method_v2.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/types/wlr_text_input_v3.h>
#include "output.h"
#include "seat/input_popup.h"
#include "server.h"
#include "util/listener.h"

struct input_popup {
	struct wl_list link; // input_method.popups
	struct server *server;
	struct wlr_input_popup_surface_v2 *wlr_popup;
	struct wlr_scene_tree *tree;
	const struct wlr_text_input_v3 *text; // it is at, compared only
	struct wlr_box cursor; // of the text, layout coordinates

	struct wl_listener commit, destroy;
};

/** Below the cursor, or above it where there is no room. */
static void place(struct input_popup *popup) {
	const struct wlr_box *cursor = &popup->cursor;
	int width = popup->wlr_popup->surface->current.width;
	int height = popup->wlr_popup->surface->current.height;
	int x = cursor->x, y = cursor->y + cursor->height;
	struct output *output = output_at(popup->server, cursor->x, cursor->y);
	if (output != NULL) {
		struct wlr_box screen = output_get_box(output);
		if (x + width > screen.x + screen.width) {
			x = screen.x + screen.width - width;
		}
		if (y + height > screen.y + screen.height) {
			y = cursor->y - height;
		}
		x = x > screen.x ? x : screen.x;
	}
	wlr_scene_node_set_position(&popup->tree->node, x, y);
	struct wlr_box relative = {
		.x = cursor->x - x,
		.y = cursor->y - y,
		.width = cursor->width,
		.height = cursor->height,
	};
	wlr_input_popup_surface_v2_send_text_input_rectangle(popup->wlr_popup, &relative);
}

static void handle_commit(struct wl_listener *listener, void *data) {
	struct input_popup *popup = wl_container_of(listener, popup, commit);
	if (popup->text != NULL) {
		place(popup);
	}
}

/** What looks for a surface in the scene. */
struct search {
	const struct wlr_surface *surface;
	bool found;
	int x, y;
};

static void match(struct wlr_scene_buffer *scene_buffer, int sx, int sy, void *data) {
	struct search *search = data;
	const struct wlr_scene_surface *scene_surface =
		wlr_scene_surface_try_from_buffer(scene_buffer);
	if (scene_surface != NULL && scene_surface->surface == search->surface) {
		search->found = true;
		search->x = sx;
		search->y = sy;
	}
}

void input_popups_place(struct wl_list *popups, const struct wlr_text_input_v3 *text) {
	struct input_popup *popup;
	wl_list_for_each(popup, popups, link) {
		struct search search = { .surface = text != NULL ? text->focused_surface : NULL };
		if (search.surface != NULL) {
			wlr_scene_node_for_each_buffer(&popup->server->scene->tree.node, match, &search);
		}
		bool shown = search.found;
		popup->text = shown ? text : NULL;
		wlr_scene_node_set_enabled(&popup->tree->node, shown);
		if (shown) {
			popup->cursor = text->current.cursor_rectangle;
			popup->cursor.x += search.x;
			popup->cursor.y += search.y;
			place(popup);
		}
	}
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct input_popup *popup = wl_container_of(listener, popup, destroy);
	wl_list_remove(&popup->commit.link);
	wl_list_remove(&popup->destroy.link);
	wl_list_remove(&popup->link);
	wlr_scene_node_destroy(&popup->tree->node);
	free(popup);
}

void input_popup_create(struct server *server, struct wl_list *popups,
		struct wlr_input_popup_surface_v2 *wlr_popup) {
	struct input_popup *popup = calloc(1, sizeof(*popup));
	struct wlr_scene_tree *tree = popup != NULL ?
		wlr_scene_tree_create(server->layers[LAYER_OVERLAY]) : NULL;
	if (tree == NULL || wlr_scene_subsurface_tree_create(tree, wlr_popup->surface) == NULL) {
		if (tree != NULL) {
			wlr_scene_node_destroy(&tree->node);
		}
		free(popup);
		wl_resource_post_no_memory(wlr_popup->resource);
		return;
	}
	popup->server = server;
	popup->wlr_popup = wlr_popup;
	popup->tree = tree;
	wlr_scene_node_set_enabled(&tree->node, false);
	wl_list_insert(popups, &popup->link);
	listener_add(&wlr_popup->surface->events.commit, &popup->commit, handle_commit);
	listener_add(&wlr_popup->events.destroy, &popup->destroy, handle_destroy);
}
