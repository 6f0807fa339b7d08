#ifndef IPC_COMMANDS_H
#define IPC_COMMANDS_H

#include <sluice/renderer.h>
#include "ipc/ipc.h"
#include "server.h"

struct output;
struct path_surface;
struct vram_source;
struct window;

/** Register every action, and what is told of the compositor: version, outputs, windows, sources. */
bool ipc_commands_register(struct ipc *ipc, struct server *server);

/** What is told of one; of a reason, its name and its sentence. */
struct json_object *ipc_describe_output(struct output *output);
struct json_object *ipc_describe_window(struct window *window);
struct json_object *ipc_describe_reason(enum sluice_reason reason);
struct json_object *ipc_describe_path(struct path_surface *path_surface);
struct json_object *ipc_describe_source(struct vram_source *source);

#endif
