#include <stdlib.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/types/wlr_xdg_shell.h>
#include "output.h"
#include "popup.h"
#include "window.h"

/** A menu or the like. Its scene tree goes with its surface. */
struct popup {
	struct server *server;
	struct wlr_xdg_popup *wlr_popup;
	struct wlr_scene_tree *tree;

	struct wl_listener commit, reposition, destroy;
};

/** Keep it on the screen that its window is on. */
static void unconstrain(struct popup *popup) {
	const struct wlr_scene_tree *tree = popup->tree->node.parent;
	while (tree != NULL && tree->node.data == NULL) {
		tree = tree->node.parent;
	}
	if (tree == NULL) {
		return;
	}
	struct window *window = tree->node.data;
	struct wlr_box at = window_get_box(window);
	struct output *output =
		output_at(popup->server, at.x + at.width / 2.0, at.y + at.height / 2.0);
	if (output == NULL) {
		return;
	}
	// In coordinates of the window's surface
	struct wlr_box geometry = window_get_geometry(window);
	struct wlr_box box = output_get_box(output);
	box.x -= at.x - geometry.x;
	box.y -= at.y - geometry.y;
	wlr_xdg_popup_unconstrain_from_box(popup->wlr_popup, &box);
}

static void handle_commit(struct wl_listener *listener, void *data) {
	struct popup *popup = wl_container_of(listener, popup, commit);
	if (popup->wlr_popup->base->initial_commit) {
		unconstrain(popup);
		wlr_xdg_surface_schedule_configure(popup->wlr_popup->base);
	}
}

static void handle_reposition(struct wl_listener *listener, void *data) {
	struct popup *popup = wl_container_of(listener, popup, reposition);
	unconstrain(popup);
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct popup *popup = wl_container_of(listener, popup, destroy);
	wl_list_remove(&popup->commit.link);
	wl_list_remove(&popup->reposition.link);
	wl_list_remove(&popup->destroy.link);
	popup->wlr_popup->base->data = NULL; // another may still be made of it
	free(popup);
}

void popup_handle_new(struct wl_listener *listener, void *data) {
	struct server *server = wl_container_of(listener, server, new_popup);
	struct wlr_xdg_popup *wlr_popup = data;

	struct wlr_xdg_surface *parent = wlr_popup->parent != NULL ?
		wlr_xdg_surface_try_from_wlr_surface(wlr_popup->parent) : NULL;
	struct popup *popup = calloc(1, sizeof(*popup));
	if (parent == NULL || parent->data == NULL || popup == NULL) {
		free(popup);
		wlr_xdg_popup_destroy(wlr_popup);
		return;
	}
	popup->server = server;
	popup->wlr_popup = wlr_popup;
	popup->tree = wlr_scene_xdg_surface_create(parent->data, wlr_popup->base);
	if (popup->tree == NULL) {
		free(popup);
		wlr_xdg_popup_destroy(wlr_popup);
		return;
	}
	wlr_popup->base->data = popup->tree;
	popup->commit.notify = handle_commit;
	wl_signal_add(&wlr_popup->base->surface->events.commit, &popup->commit);
	popup->reposition.notify = handle_reposition;
	wl_signal_add(&wlr_popup->events.reposition, &popup->reposition);
	popup->destroy.notify = handle_destroy;
	wl_signal_add(&wlr_popup->events.destroy, &popup->destroy);
}
