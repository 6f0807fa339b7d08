#ifndef IPC_IPC_H
#define IPC_IPC_H

#include <json-c/json_object.h>
#include <stdbool.h>
#include <wayland-server-core.h>

/**
 * The socket that sluicectl speaks to: $XDG_RUNTIME_DIR/sluice-$WAYLAND_DISPLAY.sock, exported as
 * SLUICE_SOCK. One JSON object a line each way.
 *
 *     {"command": "NAME", …}        {"ok": true, "data": …}  or  {"ok": false, "error": "…"}
 *
 * Requests of one client are answered one after the other, in order. After "subscribe", events
 * come between the answers: {"event": "NAME", "data": …}
 *
 * This part knows nothing of the compositor: each folder registers its own commands and events.
 */
struct ipc;

/** One request of one client, to be answered once. */
struct ipc_request;

/**
 * Answer a request by ipc_answer() or ipc_fail(). The object is the whole request, owned by the
 * caller: what is kept of it needs a reference.
 *
 * A handler may return without an answer, and give it later. It must have called
 * ipc_request_set_cancel() then.
 */
typedef void (*ipc_handler_t)(struct ipc_request *request, struct json_object *object,
	void *data);

/**
 * Listen. display is the name of the Wayland socket, which has a lock: nobody else listens at the
 * same path, and a socket that lies there is removed. Returns NULL, logged, on failure.
 */
struct ipc *ipc_create(struct wl_event_loop *loop, const char *display);
/** Cancels what is unanswered, and removes the socket. NULL is allowed. */
void ipc_destroy(struct ipc *ipc);
const char *ipc_get_path(const struct ipc *ipc);

/** Add a command. The name must outlive the server. false if memory ran out. */
bool ipc_register(struct ipc *ipc, const char *name, ipc_handler_t handler, void *data);
/** Add an event that may be subscribed to. The name must outlive the server. */
bool ipc_register_event(struct ipc *ipc, const char *name);

/** It was done. Takes data over; NULL if there is nothing to tell. */
void ipc_answer(struct ipc_request *request, struct json_object *data);
/** It could not be done: a sentence without a full stop. */
void ipc_fail(struct ipc_request *request, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** Called if the client goes away before it is answered: forget the request. */
void ipc_request_set_cancel(struct ipc_request *request, void (*cancel)(void *data), void *data);

/**
 * Whether anybody listens to an event: if not, there is no need to describe it. NULL, of a
 * compositor that has no socket, is allowed, as it is for ipc_emit().
 */
bool ipc_has_subscriber(const struct ipc *ipc, const char *event);
/**
 * Send an event to those who have subscribed to it. Takes data over. A subscriber that does not read
 * is disconnected when too much has gathered.
 */
void ipc_emit(struct ipc *ipc, const char *event, struct json_object *data);

/** A string from a client, made valid UTF-8. NULL becomes null. */
struct json_object *ipc_text(const char *text);

#endif
