#ifndef DESKTOP_WORKSPACES_H
#define DESKTOP_WORKSPACES_H

#include <stdbool.h>
#include <wayland-util.h>
#include "desktop/layout.h"

struct wlr_ext_workspace_group_handle_v1;
struct wlr_ext_workspace_handle_v1;

/**
 * Which workspace is on which screen: rules alone, that know neither windows nor outputs.
 *
 * As long as there are screens, each workspace lives on one of them, and each screen shows one of
 * those that live on it. When a screen goes, its workspaces move to another one; when one of its
 * name returns, they go back, and it shows what it showed. A workspace that is neither shown nor
 * has windows is unused, and may be destroyed.
 */
struct workspaces {
	struct wl_list all; // workspace.link; numbers first, in order, then names
	struct wl_list screens; // screen.link, in the order of their coming
	struct workspace *focused; // where keys and new windows go; NULL before the first screen
	struct layout layout; // of new ones
	bool tiles;
};

struct screen {
	struct wl_list link; // workspaces.screens
	char *name;
	struct workspace *shown;
	void *data; // the caller's: struct output
	struct wlr_ext_workspace_group_handle_v1 *group; // ext_workspace.c's
};

struct workspace {
	struct wl_list link; // workspaces.all
	char *name;
	struct screen *screen; // NULL if there are none
	char *home; // the name of the screen on which it was put
	bool shown_at_home; // when that screen went
	struct wl_list windows; // the caller's: unused means that it is empty
	struct layout layout;
	bool tiles; // new windows are tiled
	/** It goes nowhere by itself: where it was put, or, without that screen, nowhere. */
	bool bound;
	struct wlr_ext_workspace_handle_v1 *handle; // ext_workspace.c's
};

void workspaces_init(struct workspaces *workspaces);
/** Destroys all that is left. */
void workspaces_finish(struct workspaces *workspaces);

/** A screen of a name that no other one has now. NULL if memory ran out. */
struct screen *workspaces_add_screen(struct workspaces *workspaces, const char *name);
/** The screen is freed; its workspaces are on another one now, if there is one. */
void workspaces_remove_screen(struct workspaces *workspaces, struct screen *screen);

/** NULL if there is none of that name. */
struct workspace *workspaces_find(struct workspaces *workspaces, const char *name);
/** Find or make one; a new one lives on the focused screen. NULL if memory ran out. */
struct workspace *workspaces_get(struct workspaces *workspaces, const char *name);
/** Show it on the screen where it lives, and focus it. */
void workspaces_show(struct workspaces *workspaces, struct workspace *workspace);
/**
 * Put it on another screen, for good, which shows it. The screen where it was shows another one.
 * false if memory ran out: nothing has changed.
 */
bool workspaces_move(struct workspaces *workspaces, struct workspace *workspace,
	struct screen *screen);
/** Take a bound one off the screen that shows it, which shows another one. false: no memory. */
bool workspaces_hide(struct workspaces *workspaces, struct workspace *workspace);
/** It is no longer bound: it lives on a screen, as others do. */
void workspaces_release(struct workspaces *workspaces, struct workspace *workspace);
/** The next (1) or previous (-1) one on the same screen, in order and around. */
struct workspace *workspaces_get_next(struct workspaces *workspaces,
	struct workspace *workspace, int step);
/** Any that is unused, or NULL. */
struct workspace *workspaces_find_unused(struct workspaces *workspaces);
/** It must be unused. */
void workspace_destroy(struct workspace *workspace);

bool workspace_is_shown(const struct workspace *workspace);

#endif
