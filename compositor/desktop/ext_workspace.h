#ifndef DESKTOP_EXT_WORKSPACE_H
#define DESKTOP_EXT_WORKSPACE_H

#include "desktop/desktop.h"

/**
 * ext-workspace-v1: panels see the workspaces, a group for each output, and switch between them.
 */
struct ext_workspaces;

struct ext_workspaces *ext_workspaces_create(struct server *server);
/** Before the workspaces. NULL is allowed. */
void ext_workspaces_destroy(struct ext_workspaces *ext);

/** Tell what is different from what was told last. */
void ext_workspaces_sync(struct ext_workspaces *ext);
/** One of them is about to go. */
void ext_workspaces_forget_screen(struct screen *screen);
void ext_workspaces_forget(struct workspace *workspace);

#endif
