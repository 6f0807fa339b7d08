#include <stdlib.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/types/wlr_seat.h>
#include <wlr/types/wlr_xdg_shell.h>
#include "desktop/popup.h"
#include "desktop/window.h"
#include "output.h"
#include "seat/seat.h"
#include "server.h"
#include "shell/lock.h"
#include "util/listener.h"

/**
 * A menu or the like. Its scene tree goes with its xdg_surface, which a client may keep when it has
 * destroyed the popup.
 */
struct popup {
	struct server *server;
	struct wlr_xdg_popup *wlr_popup;
	struct wlr_scene_tree *tree; // NULL once it is gone
	struct wlr_scene_tree *root; // of the window or panel, at its corner
	bool going; // it is being unmapped, perhaps as it is being destroyed

	struct wl_listener map, unmap, commit, reposition, destroy;
	struct wl_listener tree_destroy;
};

/** Whether panels are above it: it belongs to a window that they do not make way for. */
static bool is_below_panels(const struct wlr_xdg_surface *parent) {
	const struct window *window = parent != NULL ? parent->surface->data : NULL;
	return window != NULL && !window->fullscreen;
}

/**
 * Where it can be seen on the screen that its window, or panel, is on, in coordinates of that one's
 * surface. false if there is no screen.
 */
static bool get_screen(struct popup *popup, struct wlr_box *box) {
	int x, y;
	if (popup->tree == NULL) {
		return false; // what it belongs to is gone
	}
	wlr_scene_node_coords(&popup->root->node, &x, &y);
	struct wlr_xdg_popup *top = popup->wlr_popup;
	struct wlr_xdg_surface *parent = NULL;
	while (top->parent != NULL &&
			(parent = wlr_xdg_surface_try_from_wlr_surface(top->parent)) != NULL &&
			parent->role == WLR_XDG_SURFACE_ROLE_POPUP && parent->popup != NULL) {
		top = parent->popup;
	}
	struct wlr_box geometry = parent != NULL ? parent->geometry : (struct wlr_box){0};
	struct output *output =
		output_at(popup->server, x + geometry.width / 2.0, y + geometry.height / 2.0);
	if (output == NULL) {
		return false;
	}
	// The scene has the corner of the geometry at the tree's place
	*box = is_below_panels(parent) ? output_get_usable_box(output) : output_get_box(output);
	box->x -= x - geometry.x;
	box->y -= y - geometry.y;
	return true;
}

static void unconstrain(struct popup *popup) {
	struct wlr_box box;
	if (get_screen(popup, &box)) {
		wlr_xdg_popup_unconstrain_from_box(popup->wlr_popup, &box);
	}
}

/** The same once more, from where it would like to be, if it has asked for that. */
static void react(struct popup *popup) {
	struct wlr_xdg_popup *wlr_popup = popup->wlr_popup;
	const struct wlr_xdg_positioner_rules *rules = &wlr_popup->scheduled.rules;
	struct wlr_box screen, geometry;
	if (!rules->reactive || !wlr_popup->base->configured || !get_screen(popup, &screen)) {
		return;
	}
	int x, y;
	wlr_xdg_popup_get_toplevel_coords(wlr_popup, 0, 0, &x, &y);
	screen.x -= x;
	screen.y -= y;
	wlr_xdg_positioner_rules_get_geometry(rules, &geometry);
	wlr_xdg_positioner_rules_unconstrain_box(rules, &screen, &geometry);
	if (!wlr_box_equal(&geometry, &wlr_popup->scheduled.geometry)) {
		wlr_popup->scheduled.geometry = geometry;
		wlr_xdg_surface_schedule_configure(wlr_popup->base);
	}
}

void popups_react(struct wlr_scene_tree *tree) {
	struct wlr_scene_node *node;
	wl_list_for_each(node, &tree->children, link) {
		// Among the popups of a popup are the nodes of its own surface
		if (node->type == WLR_SCENE_NODE_TREE && node->data != NULL) {
			struct popup *popup = node->data;
			react(popup);
			popups_react(popup->tree);
		}
	}
}

static void handle_map(struct wl_listener *listener, void *data) {
	struct popup *popup = wl_container_of(listener, popup, map);
	seat_update_focus(popup->server->seat);
}

static void handle_unmap(struct wl_listener *listener, void *data) {
	struct popup *popup = wl_container_of(listener, popup, unmap);
	popup->going = true;
	seat_update_focus(popup->server->seat);
	popup->going = false;
}

static void handle_commit(struct wl_listener *listener, void *data) {
	struct popup *popup = wl_container_of(listener, popup, commit);
	if (!popup->wlr_popup->base->initial_commit) {
		return;
	}
	if (popup->wlr_popup->seat != NULL && lock_is_locked(popup->server->lock)) {
		// It would keep the seat's pointer from the lock screen
		wlr_xdg_popup_destroy(popup->wlr_popup);
	} else {
		wlr_xdg_surface_schedule_configure(popup->wlr_popup->base);
		unconstrain(popup);
	}
}

static void handle_reposition(struct wl_listener *listener, void *data) {
	struct popup *popup = wl_container_of(listener, popup, reposition);
	unconstrain(popup);
}

static void forget_tree(struct popup *popup) {
	popup->wlr_popup->base->data = NULL; // another may still be made of it
	if (popup->tree != NULL) {
		wl_list_remove(&popup->tree_destroy.link);
		popup->tree->node.data = NULL;
		popup->tree = NULL;
	}
}

static void handle_tree_destroy(struct wl_listener *listener, void *data) {
	struct popup *popup = wl_container_of(listener, popup, tree_destroy);
	forget_tree(popup);
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct popup *popup = wl_container_of(listener, popup, destroy);
	wl_list_remove(&popup->map.link);
	wl_list_remove(&popup->unmap.link);
	wl_list_remove(&popup->commit.link);
	wl_list_remove(&popup->reposition.link);
	wl_list_remove(&popup->destroy.link);
	forget_tree(popup);
	free(popup);
}

void popup_create(struct server *server, struct wlr_xdg_popup *wlr_popup,
		struct wlr_scene_tree *parent) {
	struct popup *popup = calloc(1, sizeof(*popup));
	if (popup != NULL) {
		popup->tree = wlr_scene_xdg_surface_create(parent, wlr_popup->base);
	}
	if (popup == NULL || popup->tree == NULL) {
		free(popup);
		wl_resource_post_no_memory(wlr_popup->resource);
		return;
	}
	const struct popup *outer = parent->node.data;
	bool is_nested = wlr_popup->parent != NULL &&
		wlr_xdg_popup_try_from_wlr_surface(wlr_popup->parent) != NULL;
	popup->server = server;
	popup->wlr_popup = wlr_popup;
	popup->root = is_nested ? outer->root : parent;
	popup->tree->node.data = popup;
	wlr_popup->base->data = popup->tree;
	listener_add(&wlr_popup->base->surface->events.map, &popup->map, handle_map);
	listener_add(&wlr_popup->base->surface->events.unmap, &popup->unmap, handle_unmap);
	listener_add(&wlr_popup->base->surface->events.commit, &popup->commit, handle_commit);
	listener_add(&wlr_popup->events.reposition, &popup->reposition, handle_reposition);
	listener_add(&wlr_popup->events.destroy, &popup->destroy, handle_destroy);
	listener_add(&popup->tree->node.events.destroy, &popup->tree_destroy, handle_tree_destroy);
}

void popup_handle_new(struct wl_listener *listener, void *data) {
	struct server *server = wl_container_of(listener, server, new_popup);
	struct wlr_xdg_popup *wlr_popup = data;
	if (wlr_popup->parent == NULL) {
		return; // Its parent is told later, by another protocol: layer-shell
	}
	struct wlr_xdg_surface *parent = wlr_xdg_surface_try_from_wlr_surface(wlr_popup->parent);
	if (parent == NULL || parent->data == NULL) {
		wlr_xdg_popup_destroy(wlr_popup);
		return;
	}
	popup_create(server, wlr_popup, parent->data);
}

bool popups_have_grab(struct server *server, const struct wlr_seat *seat) {
	const struct wlr_xdg_popup_grab *grab;
	wl_list_for_each(grab, &server->xdg_shell->popup_grabs, link) {
		if (grab->seat == seat && !wl_list_empty(&grab->popups)) {
			return true;
		}
	}
	return false;
}

static bool is_of_client(const struct wlr_surface *surface, const struct wl_client *client) {
	return surface != NULL && wl_resource_get_client(surface->resource) == client;
}

struct wlr_surface *popups_get_focus(struct server *server, const struct wlr_seat *seat,
		const struct wlr_surface *focus) {
	const struct wlr_surface *pointed = seat->pointer_state.focused_surface;
	const struct wlr_xdg_popup_grab *grab;
	wl_list_for_each(grab, &server->xdg_shell->popup_grabs, link) {
		// wlroots takes a grab from any client, whatever the serial
		if (grab->seat != seat || (!is_of_client(focus, grab->client) &&
				!is_of_client(pointed, grab->client))) {
			continue;
		}
		const struct wlr_xdg_popup *popup;
		wl_list_for_each(popup, &grab->popups, grab_link) {
			if (popup->base->surface->mapped) {
				return popup->base->surface;
			}
		}
	}
	return NULL;
}

/** Of those that have grabbed a seat, the topmost that is there to stay. */
static struct wlr_xdg_popup *find_staying(struct server *server, const struct wlr_seat *seat) {
	const struct wlr_xdg_popup_grab *grab;
	wl_list_for_each(grab, &server->xdg_shell->popup_grabs, link) {
		struct wlr_xdg_popup *wlr_popup;
		wl_list_for_each(wlr_popup, &grab->popups, grab_link) {
			const struct wlr_scene_tree *tree = wlr_popup->base->data;
			const struct popup *popup = tree != NULL ? tree->node.data : NULL;
			if (grab->seat == seat && (popup == NULL || !popup->going)) {
				return wlr_popup;
			}
		}
	}
	return NULL;
}

void popups_dismiss(struct server *server, const struct wlr_seat *seat) {
	// The grab goes with the last one
	struct wlr_xdg_popup *popup;
	while ((popup = find_staying(server, seat)) != NULL) {
		wlr_xdg_popup_destroy(popup);
	}
}
