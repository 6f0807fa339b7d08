#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wlr/util/log.h>
#include "ipc/internal.h"

/** Room for more bytes at the end, and one that ends a string. */
static bool reserve(struct ipc_buffer *buffer, size_t more) {
	size_t needed = buffer->len + more + 1;
	if (needed <= buffer->capacity) {
		return true;
	}
	size_t capacity = buffer->capacity > 0 ? buffer->capacity : 1024;
	while (capacity < needed) {
		capacity *= 2;
	}
	char *data = realloc(buffer->data, capacity);
	if (data == NULL) {
		return false;
	}
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
}

static void consume(struct ipc_buffer *buffer, size_t len) {
	buffer->len -= len;
	if (buffer->len == 0) {
		free(buffer->data); // there may be none at all
		*buffer = (struct ipc_buffer){ 0 };
	} else {
		memmove(buffer->data, buffer->data + len, buffer->len);
	}
}

static void update_mask(struct ipc_client *client) {
	bool reads = client->request == NULL && !client->eof && !client->closing;
	wl_event_source_fd_update(client->source, (reads ? WL_EVENT_READABLE : 0u) |
		(client->out.len > 0 ? WL_EVENT_WRITABLE : 0u));
}

/** Its next event will be that the connection is closed, which destroys it. */
static void cut(struct ipc_client *client) {
	client->closing = true;
	client->out.len = 0;
	shutdown(client->fd, SHUT_RDWR);
}

static void flush(struct ipc_client *client) {
	size_t done = 0;
	while (done < client->out.len) {
		ssize_t n = send(client->fd, client->out.data + done, client->out.len - done,
			MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR) {
			continue;
		} else if (n < 0 && errno == EAGAIN) {
			break;
		} else if (n < 0) {
			cut(client);
			return;
		}
		done += (size_t)n;
	}
	consume(&client->out, done);
	if (client->out.len == 0 && client->closing) {
		cut(client);
	}
}

void ipc_client_send(struct ipc_client *client, struct json_object *object) {
	size_t len = 0;
	const char *text = object != NULL ? json_object_to_json_string_length(object,
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len) : NULL;
	if (client->closing) {
		json_object_put(object);
		return;
	}
	if (text == NULL || len + 1 > IPC_QUEUE_MAX - client->out.len ||
			!reserve(&client->out, len + 1)) {
		wlr_log(WLR_INFO, "ipc: a client does not read, or memory ran out: disconnected");
		cut(client);
	} else {
		memcpy(client->out.data + client->out.len, text, len);
		client->out.data[client->out.len + len] = '\n';
		client->out.len += len + 1;
		flush(client);
	}
	json_object_put(object);
	update_mask(client);
}

/** Take line after line out of what was read, until one has no answer yet. */
static void process_lines(struct ipc_client *client) {
	client->busy = true;
	size_t start = 0;
	while (client->request == NULL && !client->closing) {
		char *line = client->in.data + start;
		char *end = client->in.len > start ?
			memchr(line, '\n', client->in.len - start) : NULL;
		if (end == NULL) {
			break;
		}
		*end = '\0';
		ipc_dispatch(client, line, (size_t)(end - line));
		start += (size_t)(end - line) + 1;
	}
	consume(&client->in, start);
	if (client->in.len > IPC_LINE_MAX && client->request == NULL && !client->closing) {
		ipc_dispatch(client, NULL, client->in.len);
		client->closing = true;
		flush(client);
	}
	client->busy = false;
}

void ipc_client_continue(struct ipc_client *client) {
	if (!client->busy) {
		process_lines(client);
		update_mask(client);
	}
}

/** Returns false if the connection is broken. */
static bool read_some(struct ipc_client *client) {
	size_t space = IPC_LINE_MAX + 1 - client->in.len;
	if (!reserve(&client->in, space)) {
		return false;
	}
	ssize_t n = recv(client->fd, client->in.data + client->in.len, space, MSG_DONTWAIT);
	if (n < 0) {
		return errno == EAGAIN || errno == EINTR;
	}
	client->eof = n == 0;
	client->in.len += (size_t)n;
	process_lines(client);
	return true;
}

/** One that only wanted answers to what it sent has all of them. */
static bool is_done(const struct ipc_client *client) {
	return client->eof && client->request == NULL && client->out.len == 0 &&
		client->subscribed == 0;
}

static int handle_event(int fd, uint32_t mask, void *data) {
	struct ipc_client *client = data;
	bool ok = !(mask & (WL_EVENT_ERROR | WL_EVENT_HANGUP));
	if (ok && (mask & WL_EVENT_WRITABLE)) {
		flush(client);
	}
	if (ok && (mask & WL_EVENT_READABLE)) {
		ok = read_some(client);
	}
	if (!ok || is_done(client)) {
		ipc_client_destroy(client);
	} else {
		update_mask(client);
	}
	return 0;
}

bool ipc_client_create(struct ipc *ipc, int fd) {
	struct ipc_client *client = calloc(1, sizeof(*client));
	if (client == NULL) {
		return false;
	}
	client->ipc = ipc;
	client->fd = fd;
	client->source =
		wl_event_loop_add_fd(ipc->loop, fd, WL_EVENT_READABLE, handle_event, client);
	if (client->source == NULL) {
		free(client);
		return false;
	}
	wl_list_insert(&ipc->clients, &client->link);
	return true;
}

void ipc_client_destroy(struct ipc_client *client) {
	if (client->request != NULL) {
		client->request->cancel(client->request->cancel_data);
		free(client->request);
	}
	wl_list_remove(&client->link);
	wl_event_source_remove(client->source);
	close(client->fd);
	free(client->in.data);
	free(client->out.data);
	free(client);
}
