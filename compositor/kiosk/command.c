#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wlr/util/log.h>
#include "kiosk/command.h"
#include "kiosk/kiosk.h"
#include "kiosk/process.h"
#include "kiosk/socket.h"
#include "server.h"

/** The environment of the compositor, with another WAYLAND_DISPLAY. Free both. */
static char **make_environment(const char *display, char **variable_ptr) {
	size_t len = 0;
	while (environ[len] != NULL) {
		len++;
	}
	char **environment = calloc(len + 2, sizeof(*environment));
	if (environment == NULL || asprintf(variable_ptr, "WAYLAND_DISPLAY=%s", display) < 0) {
		free(environment);
		return NULL;
	}
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		if (strncmp(environ[i], "WAYLAND_DISPLAY=", strlen("WAYLAND_DISPLAY=")) != 0) {
			environment[n++] = environ[i];
		}
	}
	environment[n] = *variable_ptr;
	return environment;
}

static long long get_age_ms(const struct command *command) {
	const struct timespec now = server_now(command->kiosk->server);
	return (now.tv_sec - command->started.tv_sec) * 1000LL +
		(now.tv_nsec - command->started.tv_nsec) / 1000000;
}

static bool is_restarted(const struct command *command) {
	switch (command->config.restart) {
	case COMMAND_RESTART_ALWAYS:
		return !command->stopped;
	case COMMAND_RESTART_ON_FAILURE:
		return !command->stopped && command->status != 0;
	case COMMAND_RESTART_NEVER:
		break;
	}
	return false;
}

static void restart_later(struct command *command) {
	int pause_ms =
		backoff_next(&command->backoff, &command->config.backoff, get_age_ms(command));
	command->waiting = true;
	wlr_log(WLR_INFO, "%s: starting it again in %d ms", command->config.name, pause_ms);
	// A timer of 0 would be disarmed
	timer_set(&command->restart_timer, pause_ms > 0 ? pause_ms : 1);
}

static void start_or_wait(struct command *command);

static void handle_ended(int status, void *data) {
	struct command *command = data;
	process_destroy(command->process);
	command->process = NULL;
	command->status = status;
	if (status > 128 && status - 128 < NSIG) {
		wlr_log(WLR_ERROR, "%s: killed: %s", command->config.name, strsignal(status - 128));
	} else {
		wlr_log(status == 0 ? WLR_DEBUG : WLR_INFO, "%s: ended with status %d",
			command->config.name, status);
	}
	if (command->socket != NULL) {
		// What has left the process group must not stay on the screen of the next run
		client_socket_disconnect(command->socket);
	}
	if (command->changed) {
		command->changed = false;
		command->backoff = (struct backoff){ 0 };
		start_or_wait(command);
	} else if (is_restarted(command)) {
		restart_later(command);
	}
	struct kiosk *kiosk = command->kiosk;
	kiosk_command_ended(kiosk, command);
	if (command->removed) {
		command_destroy(command);
	}
}

/** Returns 0 or a negative errno. */
static int start(struct command *command) {
	char *variable = NULL;
	char **environment = NULL;
	if (command->socket != NULL) {
		environment = make_environment(client_socket_get_name(command->socket), &variable);
		if (environment == NULL) {
			return -ENOMEM;
		}
	}
	command->waiting = false;
	command->started = server_now(command->kiosk->server);
	int ret = process_start(&command->process, command->kiosk->server->loop,
		command->config.argv, environment != NULL ? environment : environ,
		command->config.grace_ms, handle_ended, command);
	free(environment);
	free(variable);
	if (ret < 0) {
		command->status = -1;
		wlr_log(WLR_ERROR, "Cannot start \"%s\": %s", command->config.argv[0], strerror(-ret));
		return ret;
	}
	command->runs++;
	wlr_log(WLR_DEBUG, "%s: process %d", command->config.name,
		(int)process_get_pid(command->process));
	return 0;
}

static void start_or_wait(struct command *command) {
	if (start(command) < 0 && is_restarted(command)) {
		restart_later(command);
	}
	kiosk_update(command->kiosk);
}

static void handle_restart(void *data) {
	start_or_wait(data);
}

void command_config_finish(struct command_config *config) {
	for (size_t i = 0; config->argv != NULL && config->argv[i] != NULL; i++) {
		free(config->argv[i]);
	}
	free(config->argv);
	free(config->name);
}

static bool config_copy(struct command_config *copy, const struct command_config *config) {
	*copy = *config;
	size_t argc = 0;
	while (config->argv[argc] != NULL) {
		argc++;
	}
	copy->name = strdup(config->name);
	copy->argv = calloc(argc + 1, sizeof(*copy->argv));
	bool ok = copy->name != NULL && copy->argv != NULL;
	for (size_t i = 0; ok && i < argc; i++) {
		copy->argv[i] = strdup(config->argv[i]);
		ok = copy->argv[i] != NULL;
	}
	return ok;
}

struct command *command_create(struct kiosk *kiosk, const struct command_config *config) {
	struct command *command = calloc(1, sizeof(*command));
	if (command == NULL) {
		return NULL;
	}
	command->kiosk = kiosk;
	wl_list_insert(kiosk->commands.prev, &command->link);
	if (!timer_init(&command->restart_timer, kiosk->server, handle_restart, command) ||
			!config_copy(&command->config, config)) {
		goto error;
	}
	if (config->own_socket) {
		command->socket = client_socket_create(kiosk->server, config->name, command);
		if (command->socket == NULL) {
			goto error;
		}
	}
	if (start(command) < 0) {
		if (!is_restarted(command)) {
			goto error;
		}
		restart_later(command);
	}
	return command;

error:
	command_destroy(command);
	return NULL;
}

void command_destroy(struct command *command) {
	process_destroy(command->process);
	client_socket_destroy(command->socket);
	timer_finish(&command->restart_timer);
	command_config_finish(&command->config);
	wl_list_remove(&command->link);
	free(command);
}

void command_stop(struct command *command) {
	command->stopped = true;
	command->waiting = command->changed = false;
	timer_set(&command->restart_timer, 0);
	if (command->process != NULL) {
		process_end(command->process);
	}
}

void command_remove(struct command *command) {
	command_stop(command);
	command->removed = true;
	// Another one of the same name may come before this one has ended
	client_socket_destroy(command->socket);
	command->socket = NULL;
	if (command->process == NULL) {
		command_destroy(command);
	}
}

static bool is_same_program(const struct command_config *a, const struct command_config *b) {
	size_t i = 0;
	while (a->argv[i] != NULL && b->argv[i] != NULL && strcmp(a->argv[i], b->argv[i]) == 0) {
		i++;
	}
	return a->argv[i] == NULL && b->argv[i] == NULL;
}

bool command_take_config(struct command *command, const struct command_config *config) {
	struct command_config copy;
	if (!config_copy(&copy, config)) {
		command_config_finish(&copy);
		return false;
	}
	bool same = is_same_program(&command->config, config);
	command_config_finish(&command->config);
	command->config = copy;
	if (!same && command->process != NULL) {
		command->changed = true;
		process_end(command->process);
	} else if (command->process == NULL && (!same || is_restarted(command) != command->waiting)) {
		// Another program, or one that now is to run again, or is not any more
		command->backoff = (struct backoff){ 0 };
		command->waiting = !same || is_restarted(command);
		timer_set(&command->restart_timer, command->waiting ? 1 : 0);
	}
	return true;
}

bool command_is_waiting(const struct command *command) {
	return command->waiting;
}

bool command_is_running(const struct command *command) {
	return command->process != NULL;
}
