#ifndef IPC_INTERNAL_H
#define IPC_INTERNAL_H

#include "ipc/ipc.h"
#include "util/acceptor.h"

/** What one client may send as one line, and what may wait for it to read. */
#define IPC_LINE_MAX (64 * 1024)
#define IPC_QUEUE_MAX (1024 * 1024)
#define IPC_CLIENTS_MAX 64
/** Objects in objects. */
#define IPC_DEPTH_MAX 16
#define IPC_EVENTS_MAX 32

struct ipc_command {
	const char *name;
	ipc_handler_t handler;
	void *data;
};

struct ipc {
	struct wl_event_loop *loop;
	char *path;
	int fd;
	struct acceptor acceptor;
	struct wl_list clients; // ipc_client.link
	struct wl_array commands; // struct ipc_command
	const char *events[IPC_EVENTS_MAX];
	size_t events_len;
};

/** Bytes that wait. */
struct ipc_buffer {
	char *data;
	size_t len, capacity;
};

struct ipc_request {
	struct ipc_client *client;
	void (*cancel)(void *data);
	void *cancel_data;
};

/** A connection. It is destroyed by its own handler of events only. */
struct ipc_client {
	struct wl_list link; // ipc.clients
	struct ipc *ipc;
	int fd;
	struct wl_event_source *source;
	struct ipc_buffer in, out;
	struct ipc_request *request; // not answered yet: nothing more is read
	uint32_t subscribed; // bit n: ipc.events[n]
	bool eof; // it sends nothing more, but may still read
	bool closing; // after what waits was written
	bool busy; // in the middle of its lines
};

/** Take over a connection. false if memory ran out. */
bool ipc_client_create(struct ipc *ipc, int fd);
void ipc_client_destroy(struct ipc_client *client);
/** Queue an object as one line, and write what can be written. Takes the object over. */
void ipc_client_send(struct ipc_client *client, struct json_object *object);

/** Answer the client's next request, which is one line without its end. */
void ipc_dispatch(struct ipc_client *client, const char *line, size_t len);
/** Continue with the client's next lines, after a request was answered. */
void ipc_client_continue(struct ipc_client *client);

#endif
