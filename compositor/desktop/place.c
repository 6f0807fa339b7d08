#include <wlr/types/wlr_scene.h>
#include <wlr/util/edges.h>
#include "desktop/decoration.h"
#include "desktop/desktop.h"
#include "desktop/place.h"
#include "desktop/popup.h"
#include "seat/seat.h"

#define HOLD_MS 200

/** What makes a difference beside the size, as a client is told it. */
static unsigned get_state(const struct window *window) {
	return (window->fullscreen ? 1 : 0) | (window->maximized ? 2 : 0) |
		(window_is_tiled(window) ? 4 : 0);
}

static bool fills(const struct window *window) {
	return window->fullscreen || window->maximized;
}

static bool has_own_place(const struct window *window) {
	return !fills(window) && !window_is_tiled(window);
}

/** A client that fills its place only in part is put in the middle, on black. */
static void show_filling(struct window *window) {
	const struct wlr_box *target = &window->target;
	int dx = (target->width - window->drawn.width) / 2;
	int dy = (target->height - window->drawn.height) / 2;
	wlr_scene_node_set_position(&window->tree->node, target->x + dx, target->y + dy);
	wlr_scene_node_set_position(&window->backdrop->node, -dx, -dy);
	wlr_scene_rect_set_size(window->backdrop, target->width, target->height);
}

/** The client has taken a new size: keep the edges that are not dragged where they are. */
static void show_resizing(struct window *window) {
	struct wlr_box screen = workspace_get_box(window->workspace);
	struct wlr_box *floating = &window->floating;
	if (window->resize_edges & WLR_EDGE_LEFT) {
		floating->x = window->resize_right - window->drawn.width - screen.x;
	}
	if (window->resize_edges & WLR_EDGE_TOP) {
		floating->y = window->resize_bottom - window->drawn.height - screen.y;
	}
	window->target.x = screen.x + floating->x;
	window->target.y = screen.y + floating->y;
	wlr_scene_node_set_position(&window->tree->node, window->target.x, window->target.y);
	if (window->impl->has_settled(window) &&
			!seat_is_grabbing(window->server->seat, window)) {
		window->resize_edges = WLR_EDGE_NONE;
	}
}

/** What floats has the size that its client gives it. */
static void show_floating(struct window *window) {
	struct wlr_box *floating = &window->floating;
	if (floating->width == 0) {
		// It had no place of its own yet
		const struct window *parent = window_get_parent(window);
		struct wlr_box screen = workspace_get_box(window->workspace);
		struct wlr_box usable = workspace_get_usable_box(window->workspace);
		if (usable.width == 0) {
			return; // It gets its place with the first screen
		}
		struct wlr_box around = usable;
		if (parent != NULL && parent->mapped && parent->workspace == window->workspace) {
			around = parent->target;
		}
		struct insets insets = window_get_insets(window);
		struct wlr_box outer = layout_grow(&window->drawn, &insets);
		outer = layout_center(outer.width, outer.height, &around);
		outer = layout_bring_inside(&outer, &usable);
		struct wlr_box box = layout_shrink(&outer, &insets);
		window->target.x = box.x;
		window->target.y = box.y;
		floating->x = box.x - screen.x;
		floating->y = box.y - screen.y;
	}
	floating->width = window->target.width = window->drawn.width;
	floating->height = window->target.height = window->drawn.height;
	wlr_scene_node_set_position(&window->tree->node, window->target.x, window->target.y);
}

void window_show(struct window *window) {
	window_release(window);
	wlr_scene_node_set_position(&window->content->node, -window->drawn.x, -window->drawn.y);
	wlr_scene_node_set_enabled(&window->backdrop->node, window->fullscreen);
	if (fills(window)) {
		show_filling(window);
	} else if (window_is_tiled(window)) {
		wlr_scene_node_set_position(&window->tree->node, window->target.x, window->target.y);
	} else if (window->resize_edges != WLR_EDGE_NONE) {
		show_resizing(window);
	} else {
		show_floating(window);
	}
	// What does not shrink to its tile must not lie over its neighbours
	struct wlr_box clip = {0};
	if (window_is_tiled(window) && !fills(window)) {
		clip = (struct wlr_box){ window->drawn.x, window->drawn.y, window->target.width,
			window->target.height };
	}
	wlr_scene_subsurface_tree_set_clip(&window->content->node, &clip);
	window_decorate(window);
	popups_react(window->popups);
	if (window->impl->moved != NULL) {
		window->impl->moved(window);
	}
}

static void handle_hold_timer(void *data) {
	window_show(data);
}

bool window_init_hold(struct window *window) {
	return timer_init(&window->hold_timer, window->server, handle_hold_timer, window);
}

void window_release(struct window *window) {
	if (window->held) {
		window->held = false;
		timer_set(&window->hold_timer, 0);
	}
}

/** It floats, and has had no screen to be on. */
static bool is_unplaced(const struct window *window) {
	return has_own_place(window) && window->floating.width == 0;
}

static void hold(struct window *window) {
	if (!window->held) {
		window->held = true;
		timer_set(&window->hold_timer, HOLD_MS);
	}
}

void window_place(struct window *window, const struct wlr_box *box) {
	unsigned state = get_state(window);
	const struct wlr_box before = window->target;
	bool asks = box->width != before.width || box->height != before.height ||
		state != window->target_state;
	window->target = *box;
	window->target_state = state;
	if (asks || !window->mapped) {
		window->impl->configure(window, box);
	}
	if (!window->mapped) {
		return;
	}
	bool fits = box->width == window->drawn.width && box->height == window->drawn.height;
	if (asks && !fits) {
		hold(window);
	} else if (asks || (!window->held && (box->x != before.x || box->y != before.y ||
			is_unplaced(window)))) {
		window_show(window);
	}
}

void window_committed(struct window *window) {
	struct wlr_box before = window->drawn;
	window->drawn = window_get_geometry(window);
	if (window->mapped && has_own_place(window) &&
			window->impl->has_implied_geometry != NULL &&
			window->impl->has_implied_geometry(window)) {
		// A subsurface reaches out at the left or the top: the others stay where they are
		window->floating.x += window->drawn.x - before.x;
		window->floating.y += window->drawn.y - before.y;
		window->target.x += window->drawn.x - before.x;
		window->target.y += window->drawn.y - before.y;
	}
	if (!window->mapped || (window->held && !window->impl->has_settled(window))) {
		return;
	}
	// This is on the way of each frame, which has nothing to do with places
	if (window->held || window->resize_edges != WLR_EDGE_NONE ||
			!wlr_box_equal(&before, &window->drawn)) {
		window_show(window);
	}
}

void window_move(struct window *window, int x, int y) {
	if (window->workspace == NULL || !has_own_place(window)) {
		return;
	}
	struct wlr_box screen = workspace_get_box(window->workspace);
	window->floating.x = x - screen.x;
	window->floating.y = y - screen.y;
	window->target.x = x;
	window->target.y = y;
	window_show(window);
}

void window_resize(struct window *window, const struct wlr_box *box, uint32_t edges) {
	if (!has_own_place(window)) {
		return;
	}
	window->resize_edges = edges;
	window->resize_right = box->x + box->width;
	window->resize_bottom = box->y + box->height;
	window->target.width = window->floating.width = box->width;
	window->target.height = window->floating.height = box->height;
	window->impl->configure(window, box);
}

void window_set_visible(struct window *window, bool visible) {
	if (window->tree->node.enabled != visible) {
		wlr_scene_node_set_enabled(&window->tree->node, visible);
		window->impl->set_suspended(window, !visible);
	}
}
