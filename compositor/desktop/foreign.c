#include <stdlib.h>
#include <string.h>
#include <wlr/types/wlr_ext_foreign_toplevel_list_v1.h>
#include <wlr/types/wlr_foreign_toplevel_management_v1.h>
#include <wlr/util/log.h>
#include "desktop/desktop.h"
#include "desktop/focus.h"
#include "desktop/foreign.h"
#include "desktop/window.h"
#include "output.h"
#include "util/listener.h"

#define EXT_FOREIGN_TOPLEVEL_LIST_VERSION 1

struct foreign {
	struct wlr_ext_foreign_toplevel_list_v1 *list;
	struct wlr_foreign_toplevel_manager_v1 *manager;
};

/** An open window, as the two protocols have it. */
struct foreign_window {
	struct window *window;
	struct wlr_ext_foreign_toplevel_handle_v1 *ext;
	struct wlr_foreign_toplevel_handle_v1 *wlr;
	struct wlr_output *output; // that it was said to be on: only to compare with, NULL if none

	struct wl_listener request_activate, request_maximize, request_fullscreen, request_close;
};

static bool is_same(const char *a, const char *b) {
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void sync_names(struct foreign_window *foreign) {
	const char *title = window_get_title(foreign->window);
	const char *app_id = window_get_app_id(foreign->window);
	if (!is_same(title, foreign->ext->title) || !is_same(app_id, foreign->ext->app_id)) {
		wlr_ext_foreign_toplevel_handle_v1_update_state(foreign->ext,
			&(struct wlr_ext_foreign_toplevel_handle_v1_state){
				.title = title, .app_id = app_id,
			});
	}
	if (title != NULL && !is_same(title, foreign->wlr->title)) {
		wlr_foreign_toplevel_handle_v1_set_title(foreign->wlr, title);
	}
	if (app_id != NULL && !is_same(app_id, foreign->wlr->app_id)) {
		wlr_foreign_toplevel_handle_v1_set_app_id(foreign->wlr, app_id);
	}
}

static void sync_output(struct foreign_window *foreign) {
	const struct output *output = window_get_output(foreign->window);
	struct wlr_output *wlr_output = output != NULL ? output->wlr_output : NULL;
	if (wlr_output == foreign->output) {
		return;
	}
	struct wlr_foreign_toplevel_handle_v1_output *entered, *tmp;
	wl_list_for_each_safe(entered, tmp, &foreign->wlr->outputs, link) {
		wlr_foreign_toplevel_handle_v1_output_leave(foreign->wlr, entered->output);
	}
	if (wlr_output != NULL) {
		wlr_foreign_toplevel_handle_v1_output_enter(foreign->wlr, wlr_output);
	}
	foreign->output = wlr_output;
}

void foreign_window_sync(struct window *window) {
	struct foreign_window *foreign = window->foreign;
	if (foreign == NULL) {
		return;
	}
	sync_names(foreign);
	sync_output(foreign);
	wlr_foreign_toplevel_handle_v1_set_maximized(foreign->wlr, window->maximized);
	wlr_foreign_toplevel_handle_v1_set_fullscreen(foreign->wlr, window->fullscreen);
	wlr_foreign_toplevel_handle_v1_set_activated(foreign->wlr,
		window == window->server->desktop->active);
	const struct window *parent = window_get_parent(window);
	wlr_foreign_toplevel_handle_v1_set_parent(foreign->wlr,
		parent != NULL && parent->foreign != NULL ? parent->foreign->wlr : NULL);
}

static void handle_request_activate(struct wl_listener *listener, void *data) {
	struct foreign_window *foreign = wl_container_of(listener, foreign, request_activate);
	window_focus(foreign->window);
}

static void handle_request_maximize(struct wl_listener *listener, void *data) {
	struct foreign_window *foreign = wl_container_of(listener, foreign, request_maximize);
	const struct wlr_foreign_toplevel_handle_v1_maximized_event *event = data;
	window_set_maximized(foreign->window, event->maximized);
}

static void handle_request_fullscreen(struct wl_listener *listener, void *data) {
	struct foreign_window *foreign = wl_container_of(listener, foreign, request_fullscreen);
	const struct wlr_foreign_toplevel_handle_v1_fullscreen_event *event = data;
	window_set_fullscreen(foreign->window, event->fullscreen, event->output);
}

static void handle_request_close(struct wl_listener *listener, void *data) {
	struct foreign_window *foreign = wl_container_of(listener, foreign, request_close);
	window_close(foreign->window);
}

void foreign_window_open(struct window *window) {
	const struct foreign *foreign = window->server->desktop->foreign;
	struct foreign_window *opened = calloc(1, sizeof(*opened));
	if (opened == NULL) {
		goto error;
	}
	opened->ext = wlr_ext_foreign_toplevel_handle_v1_create(foreign->list,
		&(struct wlr_ext_foreign_toplevel_handle_v1_state){
			.title = window_get_title(window), .app_id = window_get_app_id(window),
		});
	opened->wlr = wlr_foreign_toplevel_handle_v1_create(foreign->manager);
	if (opened->ext == NULL || opened->wlr == NULL) {
		goto error;
	}
	opened->window = window;
	listener_add(&opened->wlr->events.request_activate, &opened->request_activate,
		handle_request_activate);
	listener_add(&opened->wlr->events.request_maximize, &opened->request_maximize,
		handle_request_maximize);
	listener_add(&opened->wlr->events.request_fullscreen, &opened->request_fullscreen,
		handle_request_fullscreen);
	listener_add(&opened->wlr->events.request_close, &opened->request_close,
		handle_request_close);
	window->foreign = opened;
	foreign_window_sync(window);
	return;

error:
	wlr_log(WLR_ERROR, "out of memory: panels do not see window %u", window->id);
	if (opened != NULL && opened->ext != NULL) {
		wlr_ext_foreign_toplevel_handle_v1_destroy(opened->ext);
	}
	free(opened);
}

void foreign_window_close(struct window *window) {
	struct foreign_window *foreign = window->foreign;
	if (foreign == NULL) {
		return;
	}
	window->foreign = NULL;
	wl_list_remove(&foreign->request_activate.link);
	wl_list_remove(&foreign->request_maximize.link);
	wl_list_remove(&foreign->request_fullscreen.link);
	wl_list_remove(&foreign->request_close.link);
	wlr_ext_foreign_toplevel_handle_v1_destroy(foreign->ext);
	wlr_foreign_toplevel_handle_v1_destroy(foreign->wlr);
	free(foreign);
}

struct foreign *foreign_create(struct server *server) {
	struct foreign *foreign = calloc(1, sizeof(*foreign));
	if (foreign == NULL) {
		return NULL;
	}
	foreign->list = wlr_ext_foreign_toplevel_list_v1_create(server->display,
		EXT_FOREIGN_TOPLEVEL_LIST_VERSION);
	foreign->manager = wlr_foreign_toplevel_manager_v1_create(server->display);
	if (foreign->list == NULL || foreign->manager == NULL) {
		free(foreign);
		return NULL;
	}
	return foreign;
}

void foreign_destroy(struct foreign *foreign) {
	free(foreign);
}
