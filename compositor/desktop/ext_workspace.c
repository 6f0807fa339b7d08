#include <stdlib.h>
#include <wlr/types/wlr_ext_workspace_v1.h>
#include "desktop/ext_workspace.h"
#include "output.h"
#include "util/listener.h"

#define EXT_WORKSPACE_VERSION 1

struct ext_workspaces {
	struct server *server;
	struct wlr_ext_workspace_manager_v1 *manager;
	struct wl_listener commit;
};

/** Clients may name what is gone by now: wlroots leaves NULL in its place. */
static void handle_request(struct ext_workspaces *ext,
		const struct wlr_ext_workspace_v1_request *request) {
	struct server *server = ext->server;
	switch (request->type) {
	case WLR_EXT_WORKSPACE_V1_REQUEST_ACTIVATE:
		if (request->activate.workspace != NULL) {
			desktop_show_workspace(server, request->activate.workspace->data);
		}
		break;
	case WLR_EXT_WORKSPACE_V1_REQUEST_ASSIGN:
		if (request->assign.workspace != NULL && request->assign.group != NULL) {
			desktop_move_workspace(server, request->assign.workspace->data,
				request->assign.group->data);
		}
		break;
	default:
		break; // No capability was announced for it
	}
}

static void handle_commit(struct wl_listener *listener, void *data) {
	struct ext_workspaces *ext = wl_container_of(listener, ext, commit);
	const struct wlr_ext_workspace_v1_commit_event *event = data;
	const struct wlr_ext_workspace_v1_request *request;
	wl_list_for_each(request, event->requests, link) {
		handle_request(ext, request);
	}
}

static void sync_screen(struct ext_workspaces *ext, struct screen *screen) {
	if (screen->group != NULL) {
		return;
	}
	screen->group = wlr_ext_workspace_group_handle_v1_create(ext->manager, 0);
	if (screen->group != NULL) {
		const struct output *output = screen->data;
		screen->group->data = screen;
		wlr_ext_workspace_group_handle_v1_output_enter(screen->group, output->wlr_output);
	}
}

static void sync_workspace(struct ext_workspaces *ext, struct workspace *workspace) {
	if (workspace->handle == NULL) {
		workspace->handle = wlr_ext_workspace_handle_v1_create(ext->manager, workspace->name,
			EXT_WORKSPACE_HANDLE_V1_WORKSPACE_CAPABILITIES_ACTIVATE |
			EXT_WORKSPACE_HANDLE_V1_WORKSPACE_CAPABILITIES_ASSIGN);
		if (workspace->handle == NULL) {
			return;
		}
		workspace->handle->data = workspace;
		wlr_ext_workspace_handle_v1_set_name(workspace->handle, workspace->name);
	}
	struct wlr_ext_workspace_handle_v1 *handle = workspace->handle;
	struct wlr_ext_workspace_group_handle_v1 *group =
		workspace->screen != NULL ? workspace->screen->group : NULL;
	if (handle->group != group) {
		wlr_ext_workspace_handle_v1_set_group(handle, group);
	}
	wlr_ext_workspace_handle_v1_set_active(handle, workspace_is_shown(workspace));
}

void ext_workspaces_sync(struct ext_workspaces *ext) {
	struct workspaces *workspaces = &ext->server->desktop->workspaces;
	struct screen *screen;
	wl_list_for_each(screen, &workspaces->screens, link) {
		sync_screen(ext, screen);
	}
	struct workspace *workspace;
	wl_list_for_each(workspace, &workspaces->all, link) {
		sync_workspace(ext, workspace);
	}
}

void ext_workspaces_forget_screen(struct screen *screen) {
	wlr_ext_workspace_group_handle_v1_destroy(screen->group);
	screen->group = NULL;
}

void ext_workspaces_forget(struct workspace *workspace) {
	wlr_ext_workspace_handle_v1_destroy(workspace->handle);
	workspace->handle = NULL;
}

struct ext_workspaces *ext_workspaces_create(struct server *server) {
	struct ext_workspaces *ext = calloc(1, sizeof(*ext));
	if (ext == NULL) {
		return NULL;
	}
	ext->server = server;
	ext->manager = wlr_ext_workspace_manager_v1_create(server->display, EXT_WORKSPACE_VERSION);
	if (ext->manager == NULL) {
		free(ext);
		return NULL;
	}
	listener_add(&ext->manager->events.commit, &ext->commit, handle_commit);
	return ext;
}

void ext_workspaces_destroy(struct ext_workspaces *ext) {
	if (ext == NULL) {
		return;
	}
	wl_list_remove(&ext->commit.link);
	free(ext);
}
