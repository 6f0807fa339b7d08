/*
 * panel COMMAND...: does once what panels do all day.
 *
 *   panel workspaces [activate NAME | assign NAME OUTPUT]
 *       prints a line for each workspace: its name, its output (- if it has none), and "active" or -;
 *       before that, has one of them shown, or put on an output
 *   panel toplevels
 *       prints a line for each window: its identifier, application and title
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wayland-client.h>
#include "ext-foreign-toplevel-list-v1-client-protocol.h"
#include "ext-workspace-v1-client-protocol.h"

#define MAX 64

struct output {
	struct wl_output *wl_output;
	char name[64];
};

struct group {
	struct ext_workspace_group_handle_v1 *handle;
	struct wl_output *output;
};

struct workspace {
	struct ext_workspace_handle_v1 *handle;
	struct ext_workspace_group_handle_v1 *group;
	char name[64];
	bool active, removed;
};

struct toplevel {
	char identifier[64], app_id[64], title[64];
	bool closed;
};

static struct output outputs[MAX];
static struct group groups[MAX];
static struct workspace workspaces[MAX];
static struct toplevel toplevels[MAX];
static size_t outputs_len, groups_len, workspaces_len, toplevels_len;
static bool workspaces_done;
static struct ext_workspace_manager_v1 *workspace_manager;

static void fail(const char *message) {
	fprintf(stderr, "panel: %s\n", message);
	exit(EXIT_FAILURE);
}

/** The next one of an array. */
static size_t take(size_t *len) {
	if (*len == MAX) {
		fail("too many");
	}
	return (*len)++;
}

static void copy(char (*to)[64], const char *from) {
	snprintf(*to, sizeof(*to), "%s", from);
}

static struct workspace *find_workspace(const void *handle) {
	for (size_t i = 0; i < workspaces_len; i++) {
		if (workspaces[i].handle == handle) {
			return &workspaces[i];
		}
	}
	fail("a group has a workspace that was not announced");
	return NULL;
}

static int dispatch(const void *interface, void *target, uint32_t opcode,
	const struct wl_message *message, union wl_argument *arguments);

/** Its events go to dispatch(), which so needs no function for each of those that say nothing. */
static void listen_to(void *proxy, const struct wl_interface *interface, void *data) {
	wl_proxy_add_dispatcher(proxy, dispatch, interface, data);
}

static void handle_manager(const char *event, const union wl_argument *argument) {
	if (strcmp(event, "workspace_group") == 0) {
		void *proxy = argument->o;
		struct group *group = &groups[take(&groups_len)];
		group->handle = proxy;
		listen_to(proxy, &ext_workspace_group_handle_v1_interface, group);
	} else if (strcmp(event, "workspace") == 0) {
		void *proxy = argument->o;
		struct workspace *workspace = &workspaces[take(&workspaces_len)];
		workspace->handle = proxy;
		listen_to(proxy, &ext_workspace_handle_v1_interface, workspace);
	} else if (strcmp(event, "done") == 0) {
		workspaces_done = true;
	}
}

static void handle_group(struct group *group, const char *event,
		const union wl_argument *argument) {
	if (strcmp(event, "output_enter") == 0) {
		group->output = (void *)argument->o;
	} else if (strcmp(event, "workspace_enter") == 0) {
		find_workspace(argument->o)->group = group->handle;
	} else if (strcmp(event, "workspace_leave") == 0) {
		find_workspace(argument->o)->group = NULL;
	}
}

static void handle_workspace(struct workspace *workspace, const char *event,
		const union wl_argument *argument) {
	if (strcmp(event, "name") == 0) {
		copy(&workspace->name, argument->s);
	} else if (strcmp(event, "state") == 0) {
		workspace->active = argument->u & EXT_WORKSPACE_HANDLE_V1_STATE_ACTIVE;
	} else if (strcmp(event, "removed") == 0) {
		workspace->removed = true;
	}
}

static void handle_toplevel(struct toplevel *toplevel, const char *event,
		const union wl_argument *argument) {
	if (strcmp(event, "identifier") == 0) {
		copy(&toplevel->identifier, argument->s);
	} else if (strcmp(event, "app_id") == 0) {
		copy(&toplevel->app_id, argument->s);
	} else if (strcmp(event, "title") == 0) {
		copy(&toplevel->title, argument->s);
	} else if (strcmp(event, "closed") == 0) {
		toplevel->closed = true;
	}
}

static int dispatch(const void *interface, void *target, uint32_t opcode,
		const struct wl_message *message, union wl_argument *arguments) {
	void *data = wl_proxy_get_user_data(target);
	if (interface == &wl_output_interface && strcmp(message->name, "name") == 0) {
		copy(&((struct output *)data)->name, arguments[0].s);
	} else if (interface == &ext_workspace_manager_v1_interface) {
		handle_manager(message->name, arguments);
	} else if (interface == &ext_workspace_group_handle_v1_interface) {
		handle_group(data, message->name, arguments);
	} else if (interface == &ext_workspace_handle_v1_interface) {
		handle_workspace(data, message->name, arguments);
	} else if (interface == &ext_foreign_toplevel_list_v1_interface &&
			strcmp(message->name, "toplevel") == 0) {
		listen_to(arguments[0].o, &ext_foreign_toplevel_handle_v1_interface,
			&toplevels[take(&toplevels_len)]);
	} else if (interface == &ext_foreign_toplevel_handle_v1_interface) {
		handle_toplevel(data, message->name, arguments);
	}
	return 0;
}

static void handle_global(void *data, struct wl_registry *registry, uint32_t name,
		const char *interface, uint32_t version) {
	if (strcmp(interface, wl_output_interface.name) == 0) {
		struct output *output = &outputs[take(&outputs_len)];
		output->wl_output = wl_registry_bind(registry, name, &wl_output_interface, 4);
		listen_to(output->wl_output, &wl_output_interface, output);
	} else if (strcmp(interface, ext_workspace_manager_v1_interface.name) == 0) {
		workspace_manager =
			wl_registry_bind(registry, name, &ext_workspace_manager_v1_interface, 1);
		listen_to(workspace_manager, &ext_workspace_manager_v1_interface, NULL);
	} else if (strcmp(interface, ext_foreign_toplevel_list_v1_interface.name) == 0) {
		listen_to(wl_registry_bind(registry, name, &ext_foreign_toplevel_list_v1_interface, 1),
			&ext_foreign_toplevel_list_v1_interface, NULL);
	}
}

static void handle_global_remove(void *data, struct wl_registry *registry, uint32_t name) {
}

static const struct wl_registry_listener registry_listener = {
	.global = handle_global, .global_remove = handle_global_remove,
};

static const char *get_output_name(const struct workspace *workspace) {
	for (size_t i = 0; i < groups_len; i++) {
		for (size_t j = 0; j < outputs_len; j++) {
			if (groups[i].handle == workspace->group &&
					groups[i].output == outputs[j].wl_output) {
				return outputs[j].name;
			}
		}
	}
	return "-";
}

static struct ext_workspace_group_handle_v1 *find_group(const char *output) {
	for (size_t i = 0; i < groups_len; i++) {
		for (size_t j = 0; j < outputs_len; j++) {
			if (groups[i].output == outputs[j].wl_output &&
					strcmp(outputs[j].name, output) == 0) {
				return groups[i].handle;
			}
		}
	}
	fail("there is no such output");
	return NULL;
}

static struct ext_workspace_handle_v1 *find_named(const char *name) {
	for (size_t i = 0; i < workspaces_len; i++) {
		if (strcmp(workspaces[i].name, name) == 0) {
			return workspaces[i].handle;
		}
	}
	fail("there is no such workspace");
	return NULL;
}

static void change_workspaces(char *words[], int len) {
	if (len == 2 && strcmp(words[0], "activate") == 0) {
		ext_workspace_handle_v1_activate(find_named(words[1]));
	} else if (len == 3 && strcmp(words[0], "assign") == 0) {
		ext_workspace_handle_v1_assign(find_named(words[1]), find_group(words[2]));
	} else if (len != 0) {
		fail("activate NAME, or assign NAME OUTPUT");
	}
	ext_workspace_manager_v1_commit(workspace_manager);
}

int main(int argc, char *argv[]) {
	struct wl_display *display = wl_display_connect(NULL);
	if (argc < 2 || display == NULL) {
		fail(argc < 2 ? "which command?" : "no Wayland display");
	}
	wl_registry_add_listener(wl_display_get_registry(display), &registry_listener, NULL);
	// Globals, what they have, and what these have
	for (int i = 0; i < 3; i++) {
		wl_display_roundtrip(display);
	}
	if (strcmp(argv[1], "workspaces") == 0 && workspace_manager != NULL) {
		change_workspaces(&argv[2], argc - 2);
		workspaces_done = argc == 2;
		wl_display_roundtrip(display);
		while (!workspaces_done && wl_display_dispatch(display) >= 0) {
		}
		for (size_t i = 0; i < workspaces_len; i++) {
			if (!workspaces[i].removed) {
				printf("%s %s %s\n", workspaces[i].name, get_output_name(&workspaces[i]),
					workspaces[i].active ? "active" : "-");
			}
		}
	} else if (strcmp(argv[1], "toplevels") == 0) {
		for (size_t i = 0; i < toplevels_len; i++) {
			if (!toplevels[i].closed) {
				printf("%s %s %s\n", toplevels[i].identifier, toplevels[i].app_id,
					toplevels[i].title);
			}
		}
	} else {
		fail("no such command, or the compositor does not have what it needs");
	}
	if (wl_display_roundtrip(display) < 0) {
		fail("the compositor has cut the connection");
	}
	wl_display_disconnect(display);
	return EXIT_SUCCESS;
}
