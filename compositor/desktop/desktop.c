#include <stdlib.h>
#include <wlr/types/wlr_output_layout.h>
#include <wlr/util/edges.h>
#include <wlr/util/log.h>
#include "config/config.h"
#include "desktop/decoration.h"
#include "desktop/desktop.h"
#include "desktop/ext_workspace.h"
#include "desktop/focus.h"
#include "desktop/foreign.h"
#include "desktop/place.h"
#include "desktop/popup.h"
#include "desktop/window.h"
#include "kiosk/kiosk.h"
#include "output.h"
#include "seat/captor.h"
#include "seat/seat.h"

/** So much of a window is always in sight, in layout pixels. */
#define REACHABLE 32

static struct output *get_output(const struct workspace *workspace) {
	return workspace->screen != NULL ? workspace->screen->data : NULL;
}

struct wlr_box workspace_get_box(const struct workspace *workspace) {
	struct output *output = get_output(workspace);
	return output != NULL ? output_get_box(output) : (struct wlr_box){0};
}

struct wlr_box workspace_get_usable_box(const struct workspace *workspace) {
	struct output *output = get_output(workspace);
	return output != NULL ? output_get_usable_box(output) : (struct wlr_box){0};
}

size_t workspace_count_tiles(const struct workspace *workspace) {
	size_t count = 0;
	struct window *window;
	wl_list_for_each(window, &workspace->windows, workspace_link) {
		if (window->mapped && window_is_tiled(window)) {
			count++;
		}
	}
	return count;
}

struct workspace *desktop_get_shown(struct output *output) {
	struct screen *screen;
	wl_list_for_each(screen, &output->server->desktop->workspaces.screens, link) {
		if (screen->data == output) {
			return screen->shown;
		}
	}
	return NULL;
}

void desktop_update_outputs(struct server *server) {
	struct desktop *desktop = server->desktop;
	struct screen *screen, *tmp;
	wl_list_for_each_safe(screen, tmp, &desktop->workspaces.screens, link) {
		if (!output_is_there(server, screen->data)) {
			ext_workspaces_forget_screen(screen);
			workspaces_remove_screen(&desktop->workspaces, screen);
		}
	}
	struct output *output;
	wl_list_for_each(output, &server->outputs, link) {
		if (!output_is_there(server, output) || desktop_get_shown(output) != NULL) {
			continue;
		}
		screen = workspaces_add_screen(&desktop->workspaces, output->wlr_output->name);
		if (screen == NULL) {
			wlr_log(WLR_ERROR, "%s: out of memory: it shows no windows",
				output->wlr_output->name);
			continue;
		}
		screen->data = output;
	}
	kiosk_update(server->kiosk);
	desktop_arrange(server);
	window_refocus(server);
	struct window *window;
	wl_list_for_each(window, &server->windows, link) {
		popups_react(window->popups);
	}
}

/** Where a floating window is now: never where nobody can get at it. */
static struct wlr_box get_floating_box(struct window *window, const struct wlr_box *screen,
		const struct wlr_box *usable) {
	struct wlr_box box = window->floating;
	if (box.width == 0) {
		return box;
	}
	box.x += screen->x;
	box.y += screen->y;
	struct insets insets = window_get_insets(window);
	struct wlr_box outer = layout_grow(&box, &insets);
	if (window->resize_edges != WLR_EDGE_NONE || seat_is_grabbing(window->server->seat, window) ||
			layout_is_reachable(&outer, usable, REACHABLE)) {
		return box;
	}
	outer = layout_bring_inside(&outer, usable);
	return layout_shrink(&outer, &insets);
}

struct wlr_box desktop_predict_tile(const struct workspace *workspace) {
	struct wlr_box usable = workspace_get_usable_box(workspace);
	size_t count = workspace_count_tiles(workspace);
	struct wlr_box *tiles = calloc(count + 1, sizeof(*tiles));
	struct wlr_box last = {0};
	if (tiles != NULL && usable.width > 0) {
		layout_tile(&workspace->layout, &usable, count + 1, tiles);
		last = tiles[count];
	}
	free(tiles);
	return last;
}

static void arrange_windows(struct workspace *workspace) {
	struct wlr_box screen = workspace_get_box(workspace);
	struct wlr_box usable = workspace_get_usable_box(workspace);
	size_t count = workspace_count_tiles(workspace), tile = 0;
	struct wlr_box *tiles = calloc(count + 1, sizeof(*tiles));
	if (tiles == NULL) {
		return; // Better where they are than nowhere
	}
	layout_tile(&workspace->layout, &usable, count, tiles);
	struct window *window;
	wl_list_for_each(window, &workspace->windows, workspace_link) {
		if (!window->mapped) {
			continue;
		}
		// One that fills the screen keeps its tile
		struct insets insets = window_get_insets(window);
		bool tiled = window_is_tiled(window);
		struct wlr_box box = tiled ? layout_shrink(&tiles[tile++], &insets) :
			get_floating_box(window, &screen, &usable);
		if (window->fullscreen) {
			box = screen;
		} else if (window->maximized) {
			box = layout_shrink(&usable, &insets);
		}
		window_place(window, &box);
	}
	free(tiles);
}

void desktop_arrange(struct server *server) {
	struct desktop *desktop = server->desktop;
	struct workspace *workspace;
	wl_list_for_each(workspace, &desktop->workspaces.all, link) {
		if (workspace->screen != NULL) {
			arrange_windows(workspace);
		}
		struct window *window;
		wl_list_for_each(window, &workspace->windows, workspace_link) {
			window_set_visible(window, window->mapped && workspace_is_shown(workspace));
			if (window->mapped && !window->held) {
				window_decorate(window);
			}
			foreign_window_sync(window);
		}
	}
	window_restack(server);
	while ((workspace = workspaces_find_unused(&desktop->workspaces)) != NULL) {
		ext_workspaces_forget(workspace);
		workspace_destroy(workspace);
	}
	ext_workspaces_sync(desktop->ext);
}

void desktop_show_workspace(struct server *server, struct workspace *workspace) {
	workspaces_show(&server->desktop->workspaces, workspace);
	desktop_arrange(server);
	window_refocus(server);
}

void desktop_move_workspace(struct server *server, struct workspace *workspace,
		struct screen *screen) {
	if (!workspaces_move(&server->desktop->workspaces, workspace, screen)) {
		wlr_log(WLR_ERROR, "out of memory: workspace %s stays where it is", workspace->name);
	}
	desktop_arrange(server);
	window_refocus(server);
	captor_update(server->seat);
}

void desktop_hide_workspace(struct server *server, struct workspace *workspace) {
	if (!workspaces_hide(&server->desktop->workspaces, workspace)) {
		wlr_log(WLR_ERROR, "out of memory: workspace %s stays in sight", workspace->name);
	}
	desktop_arrange(server);
	window_refocus(server);
}

struct workspace *desktop_choose_workspace(struct window *window) {
	const struct window *parent = window_get_parent(window);
	if (parent != NULL && parent->workspace != NULL) {
		return parent->workspace;
	}
	return kiosk_choose_workspace(window);
}

void desktop_send_window(struct window *window, struct workspace *workspace) {
	if (window->workspace == workspace) {
		return;
	}
	struct server *server = window->server;
	wl_list_remove(&window->workspace_link);
	wl_list_insert(workspace->windows.prev, &window->workspace_link);
	window->workspace = workspace;
	// What belongs to it goes with it
	struct window *dialog;
	wl_list_for_each(dialog, &server->windows, link) {
		if (dialog->workspace != NULL && dialog->workspace != workspace &&
				window_is_dialog_of(dialog, window)) {
			wl_list_remove(&dialog->workspace_link);
			wl_list_insert(workspace->windows.prev, &dialog->workspace_link);
			dialog->workspace = workspace;
		}
	}
	desktop_arrange(server);
	window_refocus(server);
}

void desktop_apply_config(struct server *server) {
	const struct windows_config *config = &server->config->windows;
	struct workspaces *workspaces = &server->desktop->workspaces;
	workspaces->tiles = config->tile;
	workspaces->layout.gap = config->gap;
	struct workspace *workspace;
	wl_list_for_each(workspace, &workspaces->all, link) {
		workspace->layout.gap = config->gap;
		if (wl_list_empty(&workspace->windows)) {
			workspace->tiles = config->tile;
		}
	}
	desktop_arrange(server);
}

void desktop_point(struct server *server, struct window *window) {
	if (server->config->windows.focus_follows_pointer && window != NULL &&
			window != server->desktop->active) {
		window_focus_in_place(window);
	}
}

void desktop_press(struct server *server, struct window *window, double lx, double ly) {
	if (window != NULL) {
		window_press_decoration(window, lx, ly);
		return;
	}
	struct output *output = output_at(server, lx, ly);
	struct workspace *shown = output != NULL ? desktop_get_shown(output) : NULL;
	if (shown != NULL && shown != server->desktop->workspaces.focused) {
		desktop_show_workspace(server, shown);
	}
}

void desktop_set_tiling(struct server *server, struct workspace *workspace, bool tiles) {
	workspace->tiles = tiles;
	struct window *window;
	wl_list_for_each(window, &workspace->windows, workspace_link) {
		window->floats = window_should_float(window);
	}
	desktop_arrange(server);
}

static void swap(struct window *a, struct window *b) {
	struct wl_list *before_a = a->workspace_link.prev, *before_b = b->workspace_link.prev;
	wl_list_remove(&a->workspace_link);
	if (before_b == &a->workspace_link) {
		wl_list_insert(&b->workspace_link, &a->workspace_link);
	} else {
		wl_list_remove(&b->workspace_link);
		wl_list_insert(before_b, &a->workspace_link);
		wl_list_insert(before_a == &b->workspace_link ? &a->workspace_link : before_a,
			&b->workspace_link);
	}
	desktop_arrange(a->server);
}

bool desktop_swap_direction(struct window *window, enum direction direction) {
	struct window *other = window_find_neighbour(window, direction);
	if (other == NULL || other->workspace != window->workspace || !window_is_tiled(other)) {
		return false;
	}
	swap(window, other);
	return true;
}

bool desktop_swap_master(struct window *window) {
	struct window *other;
	wl_list_for_each(other, &window->workspace->windows, workspace_link) {
		if (other->mapped && window_is_tiled(other)) {
			if (other != window) {
				swap(window, other);
			}
			return other != window;
		}
	}
	return false;
}

struct desktop *desktop_create(struct server *server) {
	struct desktop *desktop = calloc(1, sizeof(*desktop));
	if (desktop == NULL) {
		return NULL;
	}
	desktop->server = server;
	workspaces_init(&desktop->workspaces);
	desktop->workspaces.tiles = server->config->windows.tile;
	desktop->workspaces.layout.gap = server->config->windows.gap;
	wl_list_init(&desktop->stack);
	// There is always one to put windows on, even before the first screen
	desktop->workspaces.focused = workspaces_get(&desktop->workspaces, "1");
	desktop->ext = ext_workspaces_create(server);
	desktop->foreign = foreign_create(server);
	if (desktop->workspaces.focused == NULL || desktop->ext == NULL ||
			desktop->foreign == NULL) {
		desktop_destroy(desktop);
		return NULL;
	}
	return desktop;
}

void desktop_destroy(struct desktop *desktop) {
	if (desktop == NULL) {
		return;
	}
	foreign_destroy(desktop->foreign);
	ext_workspaces_destroy(desktop->ext);
	workspaces_finish(&desktop->workspaces);
	free(desktop);
}
