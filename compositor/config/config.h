#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <wayland-server-core.h>
#include "config/windows.h"

/** What a person at the screen may do in a kiosk: a "kiosk" block. */
struct kiosk_config {
	bool vt_switch; // Ctrl+Alt+F1 and so on
};

/**
 * What a configuration file says. It does not change once it was parsed: a reload makes another,
 * and the difference is applied.
 *
 * To add a directive, see config/parser.h.
 */
struct config {
	char *path; // of the file, NULL if there is none and all is as built in
	struct wl_list bindings; // binding.link, see config/binding.h
	struct wl_list inputs; // input_config.link, see config/input.h
	struct wl_list outputs; // output_config.link, see config/output.h
	struct windows_config windows;
	struct wl_list commands; // command_config.link, see config/kiosk.h
	struct wl_list sources; // source_config.link, see config/kiosk.h
	struct kiosk_config kiosk;

	char *cursor_theme; // NULL: XCURSOR_THEME, or the default one
	int cursor_size; // 0: XCURSOR_SIZE, or 24
	bool xwayland; // X11 programs are shown; looked at when the compositor starts
};

/** What is wrong with a file, for a person: lines of the form "PATH:LINE: MESSAGE". */
struct config_report {
	char *text;
	size_t text_len;
	FILE *stream; // writes to text
	size_t errors;
};

bool config_report_init(struct config_report *report);
void config_report_finish(struct config_report *report);
/** Add a line of what went wrong elsewhere than in the file, while it was applied. */
void config_report_add(struct config_report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** The lines so far. Valid until the next error. */
const char *config_report_get_text(struct config_report *report);

/**
 * Where the configuration is: $XDG_CONFIG_HOME/sluice/config, then sluice/config in each of
 * XDG_CONFIG_DIRS and in sysconfdir. Returns NULL if there is none; the caller frees it.
 */
char *config_find(void);

/**
 * Read a file, or with NULL what is built in. Returns NULL if it is broken; the report then has
 * every error in it, not the first one only.
 */
struct config *config_load(const char *path, struct config_report *report);
/** NULL is allowed. */
void config_destroy(struct config *config);

#endif
