#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_output_layout.h>
#include <wlr/util/log.h>
#include "config/output.h"
#include "desktop/desktop.h"
#include "desktop/window.h"
#include "fixed/fixed.h"
#include "kiosk/assignment.h"
#include "kiosk/command.h"
#include "kiosk/kiosk.h"
#include "kiosk/process.h"
#include "kiosk/socket.h"
#include "kiosk/stage.h"
#include "output.h"
#include "server.h"

struct kiosk *kiosk_create(struct server *server) {
	struct kiosk *kiosk = calloc(1, sizeof(*kiosk));
	if (kiosk == NULL) {
		return NULL;
	}
	kiosk->server = server;
	wl_list_init(&kiosk->commands);
	wl_list_init(&kiosk->sources);
	wl_list_init(&kiosk->devices);
	wl_list_init(&kiosk->assignments);
	wl_list_init(&kiosk->stages);
	return kiosk;
}

static void clear_assignments(struct kiosk *kiosk) {
	struct assignment *assignment, *tmp;
	wl_list_for_each_safe(assignment, tmp, &kiosk->assignments, link) {
		assignment_destroy(assignment);
	}
}

void kiosk_destroy(struct kiosk *kiosk) {
	if (kiosk == NULL) {
		return;
	}
	kiosk->server->kiosk = NULL; // nobody is to ask it any more
	struct command *command, *command_tmp;
	wl_list_for_each_safe(command, command_tmp, &kiosk->commands, link) {
		command_destroy(command);
	}
	struct stage *stage, *stage_tmp;
	wl_list_for_each_safe(stage, stage_tmp, &kiosk->stages, link) {
		stage_destroy(stage);
	}
	struct fixed_source *source, *source_tmp;
	wl_list_for_each_safe(source, source_tmp, &kiosk->sources, link) {
		fixed_source_destroy(source);
	}
	clear_assignments(kiosk);
	free(kiosk);
}

void kiosk_forget_exporters(struct kiosk *kiosk) {
	if (kiosk == NULL) {
		return;
	}
	struct fixed_device *device;
	wl_list_for_each(device, &kiosk->devices, link) {
		fixed_device_forget_exporters(device);
	}
}

struct command *kiosk_find_command(struct kiosk *kiosk, const char *name) {
	struct command *command;
	wl_list_for_each(command, &kiosk->commands, link) {
		if (command->config.own_socket && !command->removed && strcmp(command->config.name, name) == 0) {
			return command;
		}
	}
	return NULL;
}

size_t kiosk_get_pids(struct kiosk *kiosk, pid_t pids[], size_t max) {
	size_t len = 0;
	const struct command *command;
	if (kiosk == NULL) {
		return 0;
	}
	wl_list_for_each(command, &kiosk->commands, link) {
		if (command->process != NULL && len < max) {
			pids[len++] = process_get_pid(command->process);
		}
	}
	return len;
}

bool kiosk_is_ending_commands(struct kiosk *kiosk) {
	const struct command *command;
	wl_list_for_each(command, &kiosk->commands, link) {
		if (command->process != NULL && process_is_ending(command->process)) {
			return true;
		}
	}
	return false;
}

struct fixed_source *kiosk_find_source(struct kiosk *kiosk, const char *name) {
	struct fixed_source *source;
	wl_list_for_each(source, &kiosk->sources, link) {
		if (strcmp(source->config.name, name) == 0) {
			return source;
		}
	}
	return NULL;
}

/** The one that holds for an output, or NULL. */
static struct assignment *find_assignment(struct kiosk *kiosk, const struct output *output) {
	struct assignment *assignment;
	wl_list_for_each_reverse(assignment, &kiosk->assignments, link) {
		if (output_name_matches(assignment->output, output->wlr_output)) {
			return assignment;
		}
	}
	return NULL;
}

static struct stage *find_stage(struct kiosk *kiosk, const struct output *output) {
	struct stage *stage;
	wl_list_for_each(stage, &kiosk->stages, link) {
		if (stage->output == output) {
			return stage;
		}
	}
	return NULL;
}

/** A stage for each output that is switched on, and for no other. */
static void follow_outputs(struct kiosk *kiosk) {
	struct stage *stage, *tmp;
	wl_list_for_each_safe(stage, tmp, &kiosk->stages, link) {
		if (!output_is_there(kiosk->server, stage->output)) {
			stage_destroy(stage);
		}
	}
	struct output *output;
	wl_list_for_each(output, &kiosk->server->outputs, link) {
		if (output_is_there(kiosk->server, output) && find_stage(kiosk, output) == NULL &&
				stage_create(kiosk, output) == NULL) {
			wlr_log(WLR_ERROR, "%s: no memory for what it shows", output->wlr_output->name);
		}
	}
}

static bool is_on_stage(const struct kiosk *kiosk, const struct stage *before,
		const struct assignment *assignment) {
	const struct stage *stage;
	wl_list_for_each(stage, &kiosk->stages, link) {
		if (stage == before) {
			break;
		}
		if ((stage->command != NULL &&
				strcmp(stage->command->config.name, assignment->item) == 0) ||
				(stage->source != NULL &&
				strcmp(stage->source->config.name, assignment->item) == 0)) {
			return true;
		}
	}
	return false;
}

/** Which item is on which stage. */
static void cast(struct kiosk *kiosk) {
	struct stage *stage;
	wl_list_for_each(stage, &kiosk->stages, link) {
		struct assignment *assignment = find_assignment(kiosk, stage->output);
		stage->command = NULL;
		stage->source = NULL;
		// Two screens of the same make may be meant by one assignment: the first one gets it
		if (assignment != NULL && assignment->item != NULL &&
				!is_on_stage(kiosk, stage, assignment)) {
			stage->command = kiosk_find_command(kiosk, assignment->item);
			stage->source = kiosk_find_source(kiosk, assignment->item);
		}
	}
	struct fixed_source *source;
	wl_list_for_each(source, &kiosk->sources, link) {
		bool shown = false;
		wl_list_for_each(stage, &kiosk->stages, link) {
			shown = shown || stage->source == source;
		}
		if (!shown) {
			fixed_source_show(source, NULL);
		}
	}
}

static struct screen *find_screen(struct kiosk *kiosk, const struct output *output) {
	struct screen *screen;
	wl_list_for_each(screen, &kiosk->server->desktop->workspaces.screens, link) {
		if (screen->data == output) {
			return screen;
		}
	}
	return NULL;
}

/** The workspace of a command that has a screen, on that screen. NULL if there is no memory. */
static struct workspace *get_workspace(struct kiosk *kiosk, const struct command *command) {
	struct workspaces *workspaces = &kiosk->server->desktop->workspaces;
	struct workspace *workspace = workspaces_get(workspaces, command->config.name);
	if (workspace != NULL && !workspace->bound) {
		workspace->bound = true;
		if (!workspace_is_shown(workspace)) {
			workspace->screen = NULL; // until it is put where it belongs
		}
	}
	struct output *output;
	kiosk_get_output(kiosk, command, &output);
	struct screen *screen = output != NULL ? find_screen(kiosk, output) : NULL;
	if (workspace != NULL && screen != NULL && screen->shown != workspace) {
		desktop_move_workspace(kiosk->server, workspace, screen);
	}
	return workspace;
}

/** X11's windows come by one socket. Each command is a session of its own, which its programs are in. */
static struct command *find_by_session(struct kiosk *kiosk, pid_t pid) {
	if (kiosk == NULL || pid <= 0) {
		return NULL;
	}
	pid_t session = getsid(pid);
	struct command *command;
	wl_list_for_each(command, &kiosk->commands, link) {
		if (command->config.own_socket && command->process != NULL &&
				process_get_pid(command->process) == session) {
			return command;
		}
	}
	return NULL;
}

static struct command *get_command(struct window *window) {
	struct wlr_surface *surface = window_get_surface(window);
	struct command *command = surface != NULL ?
		client_socket_find_data(wl_resource_get_client(surface->resource)) : NULL;
	return command != NULL ? command :
		find_by_session(window->server->kiosk, window_get_pid(window));
}

/** A command that had none has a screen now: so have its windows. */
static void gather_windows(struct kiosk *kiosk, const struct command *command) {
	struct window *window, *tmp;
	wl_list_for_each_safe(window, tmp, &kiosk->server->windows, link) {
		if (!window->mapped || window_get_parent(window) != NULL ||
				get_command(window) != command) {
			continue;
		}
		struct workspace *workspace = get_workspace(kiosk, command);
		if (workspace != NULL && window->workspace != workspace) {
			window->fullscreen = true;
			desktop_send_window(window, workspace);
		}
	}
}

/** Commands have their windows where they are assigned to, and nowhere else. */
static void place_commands(struct kiosk *kiosk) {
	struct workspaces *workspaces = &kiosk->server->desktop->workspaces;
	const struct command *command;
	wl_list_for_each(command, &kiosk->commands, link) {
		struct workspace *workspace =
			workspaces_find(workspaces, command->config.name);
		struct output *output;
		if (!command->config.own_socket || command->removed) {
			continue;
		}
		bool has_screen = kiosk_get_output(kiosk, command, &output);
		if (output != NULL) {
			gather_windows(kiosk, command);
			workspace = workspaces_find(workspaces, command->config.name);
		}
		if (workspace == NULL) {
			continue;
		}
		if (!has_screen) {
			workspaces_release(workspaces, workspace);
		} else if (output != NULL) {
			get_workspace(kiosk, command);
		} else if (workspace->screen != NULL) {
			desktop_hide_workspace(kiosk->server, workspace);
		}
	}
}

void kiosk_update(struct kiosk *kiosk) {
	if (kiosk == NULL || kiosk->updating) {
		return; // what is done here has come back to us
	}
	kiosk->updating = true;
	follow_outputs(kiosk);
	cast(kiosk);
	place_commands(kiosk);
	kiosk->updating = false;
	struct stage *stage;
	wl_list_for_each(stage, &kiosk->stages, link) {
		stage_update(stage);
	}
}

void kiosk_renderer_replaced(struct kiosk *kiosk) {
	struct fixed_source *source;
	wl_list_for_each(source, &kiosk->sources, link) {
		fixed_source_renderer_replaced(source);
	}
}

bool kiosk_get_output(struct kiosk *kiosk, const struct command *command,
		struct output **output_ptr) {
	*output_ptr = NULL;
	if (kiosk == NULL || command == NULL || (!command->parked &&
			assignment_find_item(&kiosk->assignments, command->config.name) == NULL)) {
		return false;
	}
	struct stage *stage;
	wl_list_for_each(stage, &kiosk->stages, link) {
		if (stage->command == command) {
			*output_ptr = stage->output;
		}
	}
	return true;
}

bool kiosk_has_screen(struct window *window) {
	struct output *output;
	return kiosk_get_output(window->server->kiosk, get_command(window), &output);
}

/** What a screen that is free shows, else the workspace that has the focus. */
static struct workspace *choose_free(struct kiosk *kiosk) {
	struct workspaces *workspaces = &kiosk->server->desktop->workspaces;
	const struct stage *stage;
	struct workspace *found = workspaces->focused;
	bool is_free = false;
	wl_list_for_each(stage, &kiosk->stages, link) {
		struct workspace *shown = desktop_get_shown(stage->output);
		if (stage->command != NULL || stage->source != NULL || shown == NULL || is_free) {
			continue;
		}
		if (workspaces->focused == shown) {
			return shown;
		}
		found = shown;
		is_free = true;
	}
	// Nothing is to appear among the windows of a command, which may not even be in sight
	return found->bound ? workspaces_get(workspaces, "1") : found;
}

struct workspace *kiosk_choose_workspace(struct window *window) {
	struct kiosk *kiosk = window->server->kiosk;
	struct desktop *desktop = window->server->desktop;
	if (kiosk == NULL) {
		return desktop->workspaces.focused;
	}
	struct workspace *workspace = NULL;
	if (kiosk_has_screen(window)) {
		workspace = get_workspace(kiosk, get_command(window));
	} else if (!wl_list_empty(&kiosk->assignments)) {
		workspace = choose_free(kiosk);
	}
	return workspace != NULL ? workspace : desktop->workspaces.focused;
}

static struct output *find_output(struct kiosk *kiosk, const char *name) {
	struct output *output;
	wl_list_for_each(output, &kiosk->server->outputs, link) {
		if (strcmp(output->wlr_output->name, name) == 0) {
			return output;
		}
	}
	return NULL;
}

static struct assignment *find_by_pattern(struct kiosk *kiosk, const char *pattern) {
	struct assignment *assignment;
	wl_list_for_each(assignment, &kiosk->assignments, link) {
		if (strcmp(assignment->output, pattern) == 0) {
			return assignment;
		}
	}
	return NULL;
}

/** Whether an assignment is for other outputs that are there, too. */
static bool is_shared(struct kiosk *kiosk, const struct assignment *assignment,
		const struct output *output) {
	const struct output *other;
	wl_list_for_each(other, &kiosk->server->outputs, link) {
		if (other != output && output_name_matches(assignment->output, other->wlr_output)) {
			return true;
		}
	}
	return false;
}

/**
 * An assignment for this output alone, before others: empty, or with what it shows by one (NULL:
 * none) that is for several. NULL: no memory.
 */
static struct assignment *add_own(struct kiosk *kiosk, struct output *output,
		struct assignment *shared) {
	const struct stage *stage = find_stage(kiosk, output);
	bool shows = shared != NULL && stage != NULL &&
		(stage->command != NULL || stage->source != NULL);
	const char *name = output->wlr_output->name;
	if (!assignment_add(&kiosk->assignments, name, shows ? shared->item : NULL)) {
		return NULL;
	}
	if (shows) {
		assignment_set(shared, &kiosk->assignments, NULL);
	}
	return find_by_pattern(kiosk, name);
}

static bool fail(char **error_ptr, const char *format, const char *name) {
	if (asprintf(error_ptr, format, name) < 0) {
		*error_ptr = NULL;
	}
	return false;
}

static void update_parked(struct kiosk *kiosk, struct command *command) {
	if (command != NULL) {
		command->parked =
			assignment_find_item(&kiosk->assignments, command->config.name) == NULL;
	}
}

bool kiosk_assign(struct kiosk *kiosk, const char *output_name, const char *item,
		char **error_ptr) {
	if (item != NULL && kiosk_find_command(kiosk, item) == NULL &&
			kiosk_find_source(kiosk, item) == NULL) {
		return fail(error_ptr, "there is no command or source \"%s\"", item);
	}
	struct output *output = find_output(kiosk, output_name);
	struct assignment *assignment = output != NULL ? find_assignment(kiosk, output) :
		find_by_pattern(kiosk, output_name);
	if (output == NULL && assignment == NULL) {
		return fail(error_ptr, "there is no output \"%s\"", output_name);
	}
	if (assignment == NULL || (output != NULL && is_shared(kiosk, assignment, output))) {
		assignment = add_own(kiosk, output, assignment);
		if (assignment == NULL) {
			return fail(error_ptr, "%s", "out of memory");
		}
	}
	struct command *former =
		assignment->item != NULL ? kiosk_find_command(kiosk, assignment->item) : NULL;
	if (!assignment_set(assignment, &kiosk->assignments, item)) {
		return fail(error_ptr, "%s", "out of memory");
	}
	update_parked(kiosk, former);
	update_parked(kiosk, item != NULL ? kiosk_find_command(kiosk, item) : NULL);
	wlr_log(WLR_INFO, "%s shows %s", output_name, item != NULL ? item : "nothing");
	desktop_update_outputs(kiosk->server);
	return true;
}

static void take_assignments(struct kiosk *kiosk) {
	clear_assignments(kiosk);
	struct command *command;
	wl_list_for_each(command, &kiosk->commands, link) {
		command->parked = false;
	}
	const struct output_config *output;
	wl_list_for_each(output, &kiosk->server->config->outputs, link) {
		if (output->show != NULL &&
				!assignment_add(&kiosk->assignments, output->name, output->show)) {
			wlr_log(WLR_ERROR, "No memory to show %s on %s", output->show, output->name);
		}
	}
}

static void start_sources(struct kiosk *kiosk) {
	const struct source_config *config;
	wl_list_for_each(config, &kiosk->server->config->sources, link) {
		if (kiosk_find_source(kiosk, config->name) == NULL) {
			fixed_source_create(kiosk, config);
		}
	}
}

static void start_commands(struct kiosk *kiosk) {
	const struct command_config *config;
	wl_list_for_each(config, &kiosk->server->config->commands, link) {
		if (kiosk_find_command(kiosk, config->name) == NULL) {
			command_create(kiosk, config); // what failed was logged, and others may work
		}
	}
}

static bool run_argv(struct kiosk *kiosk, char *const argv[]) {
	const char *slash = strrchr(argv[0], '/');
	const struct command_config config = {
		.name = (char *)(slash != NULL ? slash + 1 : argv[0]),
		.argv = (char **)argv,
		.restart = COMMAND_RESTART_NEVER,
		.grace_ms = COMMAND_GRACE_MS_DEFAULT,
		.ends_compositor = kiosk->server->options.mode == MODE_KIOSK,
	};
	return command_create(kiosk, &config) != NULL;
}

bool kiosk_start(struct kiosk *kiosk, char *const argv[]) {
	take_assignments(kiosk);
	start_sources(kiosk);
	if (argv == NULL || kiosk->server->options.mode != MODE_KIOSK) {
		start_commands(kiosk);
	}
	desktop_update_outputs(kiosk->server);
	return argv == NULL || run_argv(kiosk, argv);
}

static const struct source_config *find_source_config(const struct config *config,
		const char *name) {
	const struct source_config *source;
	wl_list_for_each(source, &config->sources, link) {
		if (strcmp(source->name, name) == 0) {
			return source;
		}
	}
	return NULL;
}

static const struct command_config *find_command_config(const struct config *config,
		const char *name) {
	const struct command_config *command;
	wl_list_for_each(command, &config->commands, link) {
		if (strcmp(command->name, name) == 0) {
			return command;
		}
	}
	return NULL;
}

void kiosk_reload(struct kiosk *kiosk) {
	const struct config *config = kiosk->server->config;
	if (kiosk->ending) {
		return; // nothing is to be started any more
	}
	// Nothing is to look at an item that goes
	clear_assignments(kiosk);
	kiosk_update(kiosk);
	struct fixed_source *source, *source_tmp;
	wl_list_for_each_safe(source, source_tmp, &kiosk->sources, link) {
		const struct source_config *now = find_source_config(config, source->config.name);
		if (now == NULL || !source_config_equal(now, &source->config)) {
			fixed_source_destroy(source);
		}
	}
	struct command *command, *command_tmp;
	wl_list_for_each_safe(command, command_tmp, &kiosk->commands, link) {
		const struct command_config *now = find_command_config(config, command->config.name);
		if (command->config.own_socket && !command->removed &&
				(now == NULL || !command_take_config(command, now))) {
			command_remove(command); // it goes when all of it has ended
		}
	}
	take_assignments(kiosk);
	start_sources(kiosk);
	start_commands(kiosk);
	desktop_update_outputs(kiosk->server);
}

static bool is_anything_running(const struct kiosk *kiosk) {
	const struct command *command;
	wl_list_for_each(command, &kiosk->commands, link) {
		if (command_is_running(command)) {
			return true;
		}
	}
	return false;
}

bool kiosk_end(struct kiosk *kiosk) {
	if (kiosk->ending) {
		return false;
	}
	kiosk->ending = true;
	struct command *command;
	wl_list_for_each(command, &kiosk->commands, link) {
		command_stop(command);
	}
	return is_anything_running(kiosk);
}

void kiosk_command_ended(struct kiosk *kiosk, struct command *command) {
	if (kiosk->ending) {
		if (!is_anything_running(kiosk)) {
			wl_display_terminate(kiosk->server->display);
		}
	} else if (command->config.ends_compositor) {
		server_quit(kiosk->server, command->status);
	} else {
		kiosk_update(kiosk);
	}
}
