#ifndef KIOSK_KIOSK_H
#define KIOSK_KIOSK_H

#include <stdbool.h>
#include <sys/types.h>
#include <wayland-server-core.h>

struct command;
struct command_config;
struct config;
struct fixed_source;
struct output;
struct ipc;
struct server;
struct window;
struct workspace;

/**
 * The commands that the compositor runs and the fixed framebuffer sources that it owns, by name,
 * and the screens that they are assigned to. Screens, commands and exporters come and go in any
 * order.
 */
struct kiosk {
	struct server *server;
	struct wl_list commands; // command.link
	struct wl_list sources; // fixed_source.link
	struct wl_list devices; // fixed_device.link
	struct wl_list assignments; // assignment.link
	struct wl_list stages; // stage.link, one for each output
	bool updating;
	bool ending; // the display ends with the last command
};

struct kiosk *kiosk_create(struct server *server);
/** The backend that tells of new exporters is going. NULL is allowed. */
void kiosk_forget_exporters(struct kiosk *kiosk);
/** Kills what still runs. NULL is allowed. */
void kiosk_destroy(struct kiosk *kiosk);

/**
 * Start what the configuration says, or, with argv (which ends with NULL), that command instead of
 * the configured ones. false if the command of the command line cannot be started; logged.
 */
bool kiosk_start(struct kiosk *kiosk, char *const argv[]);
/** Another configuration holds: end, start and change what is different. */
void kiosk_reload(struct kiosk *kiosk);
/**
 * End every command, and then the display. Returns false if none runs, or if it was called before:
 * there is nothing to wait for then.
 */
bool kiosk_end(struct kiosk *kiosk);

/** Outputs, windows, commands or sources changed: what the screens show follows. NULL is allowed. */
void kiosk_update(struct kiosk *kiosk);
/** The renderer was replaced, and its textures are lost. */
void kiosk_renderer_replaced(struct kiosk *kiosk);
/**
 * Show a command or a source (NULL: nothing) on the output of this name, or of the assignment that
 * names it. If it was on another, the two change places. false, and why not, which the caller frees.
 */
bool kiosk_assign(struct kiosk *kiosk, const char *output_name, const char *item,
	char **error_ptr);
/** Whether a command has a screen of its own, be it there or not (*output_ptr is NULL then). */
bool kiosk_get_output(struct kiosk *kiosk, const struct command *command,
	struct output **output_ptr);
/** Whether a window is one of a command that has a screen of its own, which it fills. */
bool kiosk_has_screen(struct window *window);
/**
 * Where a new window goes: to the workspace of its command, if that has a screen; else to a screen
 * that nothing is assigned to, if there is one.
 */
struct workspace *kiosk_choose_workspace(struct window *window);

/** Register what sluicectl can ask. */
bool kiosk_register_ipc(struct kiosk *kiosk, struct ipc *ipc);

/**
 * The processes of commands that run, as many as there is room for; returns how many. NULL is
 * allowed.
 */
size_t kiosk_get_pids(struct kiosk *kiosk, pid_t pids[], size_t max);
/** Whether what a command has left behind is being ended, which takes the machine's time. */
bool kiosk_is_ending_commands(struct kiosk *kiosk);
struct command *kiosk_find_command(struct kiosk *kiosk, const char *name);
struct fixed_source *kiosk_find_source(struct kiosk *kiosk, const char *name);
/** For command.c: a command has ended, and perhaps waits to be started again. */
void kiosk_command_ended(struct kiosk *kiosk, struct command *command);

#endif
