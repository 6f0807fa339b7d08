#ifndef IPC_EVENTS_H
#define IPC_EVENTS_H

#include <stdbool.h>

struct ipc;
struct output;
struct path_surface;
struct server;
struct vram_source;
struct window;

/*
 * What subscribers are told. Each event's data has "change", what happened, and what it happened to,
 * as the command of that name tells it.
 */

bool ipc_events_register(struct ipc *ipc);
/** "opened", "closed", "focused", "title" or "bell". */
void ipc_tell_window(struct window *window, const char *change);
/** "added", "removed" or "changed". */
void ipc_tell_output(struct output *output, const char *change);
/** A surface's frames get to the screen in another way. */
void ipc_tell_path(struct path_surface *path_surface);
/** "added", "removed" or "state". */
void ipc_tell_source(struct vram_source *source, const char *change);
/** "reloaded", or "failed" with what is wrong. */
void ipc_tell_config(struct server *server, const char *change, const char *error);

#endif
