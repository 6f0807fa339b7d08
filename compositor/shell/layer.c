#include <stdlib.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_cursor.h>
#include <wlr/types/wlr_layer_shell_v1.h>
#include <wlr/types/wlr_output.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/types/wlr_xdg_shell.h>
#include <wlr/util/log.h>
#include "desktop/popup.h"
#include "output.h"
#include "seat/seat.h"
#include "server.h"
#include "shell/layer.h"
#include "util/listener.h"

/** The newest version that wlroots 0.20 implements. */
#define LAYER_SHELL_VERSION 5

struct layer_shell {
	struct server *server;
	struct wl_list surfaces; // layer_surface.link, the newest first
	struct wl_listener new_surface;
};

/** Its scene tree goes with its surface. */
struct layer_surface {
	struct wl_list link; // layer_shell.surfaces
	struct layer_shell *shell;
	struct wlr_layer_surface_v1 *wlr;
	struct wlr_scene_layer_surface_v1 *scene;

	struct wl_listener map, unmap, client_commit, commit, new_popup, destroy;
};

/** Topmost first, as the keyboard goes to the topmost that insists. */
static const enum zwlr_layer_shell_v1_layer layers[] = {
	ZWLR_LAYER_SHELL_V1_LAYER_OVERLAY,
	ZWLR_LAYER_SHELL_V1_LAYER_TOP,
	ZWLR_LAYER_SHELL_V1_LAYER_BOTTOM,
	ZWLR_LAYER_SHELL_V1_LAYER_BACKGROUND,
};

static struct wlr_scene_tree *get_tree(struct server *server,
		enum zwlr_layer_shell_v1_layer layer) {
	switch (layer) {
	case ZWLR_LAYER_SHELL_V1_LAYER_BACKGROUND:
		return server->layers[LAYER_BACKGROUND];
	case ZWLR_LAYER_SHELL_V1_LAYER_BOTTOM:
		return server->layers[LAYER_BOTTOM];
	case ZWLR_LAYER_SHELL_V1_LAYER_OVERLAY:
		return server->layers[LAYER_OVERLAY];
	case ZWLR_LAYER_SHELL_V1_LAYER_TOP:
		break;
	}
	return server->layers[LAYER_TOP];
}

/** Those that reserve room at an edge come first, so that the others keep off it. */
static void arrange_some(struct layer_shell *shell, struct output *output, bool exclusive,
		const struct wlr_box *full, struct wlr_box *usable) {
	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
		struct layer_surface *surface;
		wl_list_for_each_reverse(surface, &shell->surfaces, link) {
			const struct wlr_layer_surface_v1_state *state = &surface->wlr->current;
			if (surface->wlr->output == output->wlr_output && surface->wlr->initialized &&
					state->layer == layers[i] && (state->exclusive_zone > 0) == exclusive) {
				wlr_scene_layer_surface_v1_configure(surface->scene, full, usable);
				popups_react(surface->scene->tree);
			}
		}
	}
}

void layer_shell_arrange(struct layer_shell *shell, struct output *output) {
	const struct wlr_box full = output_get_box(output);
	struct wlr_box usable = full;
	if (shell == NULL || wlr_box_empty(&full)) {
		return; // It is not part of the layout now
	}
	arrange_some(shell, output, true, &full, &usable);
	arrange_some(shell, output, false, &full, &usable);
	usable.x -= full.x;
	usable.y -= full.y;
	output_set_usable_box(output, &usable);
}

void layer_shell_output_gone(struct layer_shell *shell, struct output *output) {
	if (shell == NULL) {
		return;
	}
	struct layer_surface *surface, *tmp;
	wl_list_for_each_safe(surface, tmp, &shell->surfaces, link) {
		if (surface->wlr->output == output->wlr_output) {
			wlr_layer_surface_v1_destroy(surface->wlr);
		}
	}
}

struct wlr_surface *layer_shell_get_exclusive(struct layer_shell *shell) {
	if (shell == NULL) {
		return NULL;
	}
	// Only above windows; below them, it is as if the keyboard were wanted on demand
	for (size_t i = 0; i < 2; i++) {
		struct layer_surface *surface;
		wl_list_for_each(surface, &shell->surfaces, link) {
			if (surface->wlr->surface->mapped && surface->wlr->current.layer == layers[i] &&
					surface->wlr->current.keyboard_interactive ==
					ZWLR_LAYER_SURFACE_V1_KEYBOARD_INTERACTIVITY_EXCLUSIVE) {
				return surface->wlr->surface;
			}
		}
	}
	return NULL;
}

void layer_shell_click(struct layer_shell *shell, struct wlr_surface *surface) {
	struct wlr_layer_surface_v1 *wlr =
		wlr_layer_surface_v1_try_from_wlr_surface(wlr_surface_get_root_surface(surface));
	if (wlr != NULL && wlr->surface->mapped && wlr->current.keyboard_interactive !=
			ZWLR_LAYER_SURFACE_V1_KEYBOARD_INTERACTIVITY_NONE) {
		shell->server->seat->focus_layer = wlr->surface;
		seat_update_focus(shell->server->seat);
	}
}

static struct output *get_output(const struct layer_surface *surface) {
	return surface->wlr->output != NULL ? surface->wlr->output->data : NULL;
}

static void arrange_its_output(struct layer_surface *surface) {
	struct output *output = get_output(surface);
	if (output != NULL) {
		layer_shell_arrange(surface->shell, output);
	}
}

static bool is_above_windows(const struct layer_surface *surface) {
	return surface->wlr->current.layer == ZWLR_LAYER_SHELL_V1_LAYER_TOP ||
		surface->wlr->current.layer == ZWLR_LAYER_SHELL_V1_LAYER_OVERLAY;
}

static void handle_map(struct wl_listener *listener, void *data) {
	struct layer_surface *surface = wl_container_of(listener, surface, map);
	struct seat *seat = surface->shell->server->seat;
	arrange_its_output(surface);
	// As a new window does; if it insists, nothing else is asked
	if (is_above_windows(surface) && surface->wlr->current.keyboard_interactive !=
			ZWLR_LAYER_SURFACE_V1_KEYBOARD_INTERACTIVITY_NONE) {
		seat->focus_layer = surface->wlr->surface;
	}
	seat_update_focus(seat);
}

/** The keyboard goes back to a window. */
static void let_go(struct layer_surface *surface) {
	struct seat *seat = surface->shell->server->seat;
	if (seat->focus_layer == surface->wlr->surface) {
		seat->focus_layer = NULL;
	}
	seat_update_focus(seat);
}

static void handle_unmap(struct wl_listener *listener, void *data) {
	struct layer_surface *surface = wl_container_of(listener, surface, unmap);
	arrange_its_output(surface);
	let_go(surface);
}

/** wlroots checks this, too, but for that of Debian, which has left it out. */
static void handle_client_commit(struct wl_listener *listener, void *data) {
	struct layer_surface *surface = wl_container_of(listener, surface, client_commit);
	const struct wlr_layer_surface_v1_state *state = &surface->wlr->pending;
	const uint32_t across =
		ZWLR_LAYER_SURFACE_V1_ANCHOR_LEFT | ZWLR_LAYER_SURFACE_V1_ANCHOR_RIGHT;
	const uint32_t down =
		ZWLR_LAYER_SURFACE_V1_ANCHOR_TOP | ZWLR_LAYER_SURFACE_V1_ANCHOR_BOTTOM;
	if ((state->desired_width == 0 && (state->anchor & across) != across) ||
			(state->desired_height == 0 && (state->anchor & down) != down)) {
		wlr_surface_reject_pending(surface->wlr->surface, surface->wlr->resource,
			ZWLR_LAYER_SURFACE_V1_ERROR_INVALID_SIZE,
			"a size of 0 needs anchors at both edges of that direction");
	}
}

static void handle_commit(struct wl_listener *listener, void *data) {
	struct layer_surface *surface = wl_container_of(listener, surface, commit);
	const struct wlr_layer_surface_v1_state *state = &surface->wlr->current;
	if (!surface->wlr->initial_commit && state->committed == 0) {
		return;
	}
	if (state->committed & WLR_LAYER_SURFACE_V1_STATE_LAYER) {
		wlr_scene_node_reparent(&surface->scene->tree->node,
			get_tree(surface->shell->server, state->layer));
	}
	arrange_its_output(surface);
	if (state->committed & (WLR_LAYER_SURFACE_V1_STATE_LAYER |
			WLR_LAYER_SURFACE_V1_STATE_KEYBOARD_INTERACTIVITY)) {
		if (state->keyboard_interactive == ZWLR_LAYER_SURFACE_V1_KEYBOARD_INTERACTIVITY_NONE) {
			let_go(surface);
		} else {
			seat_update_focus(surface->shell->server->seat);
		}
	}
}

static void handle_new_popup(struct wl_listener *listener, void *data) {
	struct layer_surface *surface = wl_container_of(listener, surface, new_popup);
	popup_create(surface->shell->server, data, surface->scene->tree);
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct layer_surface *surface = wl_container_of(listener, surface, destroy);
	wl_list_remove(&surface->map.link);
	wl_list_remove(&surface->unmap.link);
	wl_list_remove(&surface->client_commit.link);
	wl_list_remove(&surface->commit.link);
	wl_list_remove(&surface->new_popup.link);
	wl_list_remove(&surface->destroy.link);
	wl_list_remove(&surface->link);
	free(surface);
}

/** One that names no output gets the one that the pointer is on. */
static bool choose_output(struct layer_shell *shell, struct wlr_layer_surface_v1 *wlr) {
	if (wlr->output == NULL) {
		const struct wlr_cursor *cursor = shell->server->seat->cursor;
		struct output *output = output_at(shell->server, cursor->x, cursor->y);
		wlr->output = output != NULL ? output->wlr_output : NULL;
	}
	return wlr->output != NULL && wlr->output->data != NULL;
}

static void handle_new_surface(struct wl_listener *listener, void *data) {
	struct layer_shell *shell = wl_container_of(listener, shell, new_surface);
	struct wlr_layer_surface_v1 *wlr = data;
	if (!choose_output(shell, wlr)) {
		wlr_log(WLR_DEBUG, "layer-shell: no output for \"%s\"", wlr->namespace);
		wlr_layer_surface_v1_destroy(wlr);
		return;
	}
	struct layer_surface *surface = calloc(1, sizeof(*surface));
	if (surface != NULL) {
		surface->scene = wlr_scene_layer_surface_v1_create(
			get_tree(shell->server, wlr->pending.layer), wlr);
	}
	if (surface == NULL || surface->scene == NULL) {
		free(surface);
		wl_resource_post_no_memory(wlr->resource);
		return;
	}
	surface->shell = shell;
	surface->wlr = wlr;
	wl_list_insert(&shell->surfaces, &surface->link);
	listener_add(&wlr->surface->events.map, &surface->map, handle_map);
	listener_add(&wlr->surface->events.unmap, &surface->unmap, handle_unmap);
	listener_add(&wlr->surface->events.client_commit, &surface->client_commit,
		handle_client_commit);
	listener_add(&wlr->surface->events.commit, &surface->commit, handle_commit);
	listener_add(&wlr->events.new_popup, &surface->new_popup, handle_new_popup);
	listener_add(&wlr->events.destroy, &surface->destroy, handle_destroy);
}

struct layer_shell *layer_shell_create(struct server *server) {
	struct layer_shell *shell = calloc(1, sizeof(*shell));
	struct wlr_layer_shell_v1 *wlr =
		shell != NULL ? wlr_layer_shell_v1_create(server->display, LAYER_SHELL_VERSION) : NULL;
	if (wlr == NULL) {
		free(shell);
		return NULL;
	}
	shell->server = server;
	wl_list_init(&shell->surfaces);
	listener_add(&wlr->events.new_surface, &shell->new_surface, handle_new_surface);
	return shell;
}

void layer_shell_destroy(struct layer_shell *shell) {
	if (shell == NULL) {
		return;
	}
	// Clients, and their surfaces, are gone
	wl_list_remove(&shell->new_surface.link);
	free(shell);
}
