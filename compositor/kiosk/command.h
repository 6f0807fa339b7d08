#ifndef KIOSK_COMMAND_H
#define KIOSK_COMMAND_H

#include <stdbool.h>
#include <time.h>
#include <wayland-server-core.h>
#include "kiosk/backoff.h"
#include "timer.h"

struct kiosk;

/** Whether a command is started again after it has ended. */
enum command_restart {
	COMMAND_RESTART_NEVER,
	COMMAND_RESTART_ON_FAILURE, // unless its exit status was 0
	COMMAND_RESTART_ALWAYS,
};

/** What the configuration says of a command. */
struct command_config {
	struct wl_list link; // config.commands
	char *name;
	char **argv; // ends with NULL
	enum command_restart restart;
	struct backoff_config backoff;
	int grace_ms; // from SIGTERM to SIGKILL
	/** Its clients connect to a socket of its own, by which its windows are known. */
	bool own_socket;
	/** The compositor ends when it does, and with its exit status. */
	bool ends_compositor;
};

/** What is taken where nothing is configured. */
#define COMMAND_BACKOFF_DEFAULT \
	((struct backoff_config){ .first_ms = 1000, .longest_ms = 60000, .healthy_ms = 60000 })
#define COMMAND_GRACE_MS_DEFAULT 5000

/** A command that the compositor runs, and runs again. Owned by the kiosk. */
struct command {
	struct wl_list link; // kiosk.commands
	struct kiosk *kiosk;
	struct command_config config; // a copy
	struct client_socket *socket; // NULL if it has none of its own
	struct process *process; // NULL while it does not run
	struct backoff backoff;
	struct timespec started;
	unsigned runs; // how often it was started
	int status; // its last exit status, -1 if it could not be started
	bool stopped; // it is not to be started again
	bool parked; // its screen was given to another: it is in sight nowhere
	bool removed; // it is to go when it has ended
	bool waiting; // to be started again
	bool changed; // it is being ended to be started at once, as another program
	struct timer restart_timer; // armed while it waits
};

/** Free what it points to. */
void command_config_finish(struct command_config *config);

/**
 * Start a command. If it cannot be started and is one that is restarted, that is tried again later,
 * else NULL is returned. Logged.
 */
struct command *command_create(struct kiosk *kiosk, const struct command_config *config);
/** Kill what still runs of it. */
void command_destroy(struct command *command);
/** End it, and do not start it again. */
void command_stop(struct command *command);
/** End it, and destroy it when it has ended, perhaps at once. */
void command_remove(struct command *command);
/**
 * Another configuration holds. One that runs another program now is ended and started again. false:
 * no memory, and nothing has changed.
 */
bool command_take_config(struct command *command, const struct command_config *config);
/** Whether it will be started again. */
bool command_is_waiting(const struct command *command);
/** Whether anything of it still runs. */
bool command_is_running(const struct command *command);

#endif
