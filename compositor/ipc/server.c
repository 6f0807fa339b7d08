#define _GNU_SOURCE
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <wlr/util/log.h>
#include "ipc/internal.h"
#include "util/suggest.h"

static void handle_accepted(int client_fd, void *data) {
	struct ipc *ipc = data;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	bool ours = getsockopt(client_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
		(peer.uid == geteuid() || peer.uid == 0);
	bool full = wl_list_length(&ipc->clients) >= IPC_CLIENTS_MAX;
	if (full) {
		wlr_log(WLR_ERROR, "ipc: %d clients are connected: refused another", IPC_CLIENTS_MAX);
	}
	if (!ours || full || !ipc_client_create(ipc, client_fd)) {
		close(client_fd);
	}
}

/** Returns the listening socket, or -1 and errno. */
static int listen_at(const char *path) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -1;
	}
	unlink(path);
	// Linux gives the file the mode of the socket: it never is open to others, not even shortly
	if (fchmod(fd, S_IRUSR | S_IWUSR) < 0 ||
			bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0) {
		int saved_errno = errno;
		close(fd);
		errno = saved_errno;
		return -1;
	}
	return fd;
}

static void handle_subscribe(struct ipc_request *request, struct json_object *object,
		void *data) {
	struct ipc *ipc = data;
	struct json_object *names;
	if (!json_object_object_get_ex(object, "events", &names)) {
		request->client->subscribed = UINT32_MAX;
		ipc_answer(request, NULL);
		return;
	}
	if (!json_object_is_type(names, json_type_array)) {
		ipc_fail(request, "\"events\" must be an array of names");
		return;
	}
	uint32_t subscribed = 0;
	for (size_t i = 0; i < json_object_array_length(names); i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(names, i));
		struct suggestion suggestion = { 0 };
		size_t n = 0;
		while (name != NULL && n < ipc->events_len && strcmp(ipc->events[n], name) != 0) {
			suggest(&suggestion, name, ipc->events[n]);
			n++;
		}
		if (name == NULL || n == ipc->events_len) {
			ipc_fail(request, "no event \"%.64s\"%s%s%s", name != NULL ? name : "null",
				suggestion.word != NULL ? "; is \"" : "",
				suggestion.word != NULL ? suggestion.word : "",
				suggestion.word != NULL ? "\" meant?" : "");
			return;
		}
		subscribed |= UINT32_C(1) << n;
	}
	request->client->subscribed = subscribed;
	ipc_answer(request, NULL);
}

bool ipc_register(struct ipc *ipc, const char *name, ipc_handler_t handler, void *data) {
	struct ipc_command *command = wl_array_add(&ipc->commands, sizeof(*command));
	if (command == NULL) {
		return false;
	}
	*command = (struct ipc_command){ .name = name, .handler = handler, .data = data };
	return true;
}

bool ipc_register_event(struct ipc *ipc, const char *name) {
	if (ipc->events_len == IPC_EVENTS_MAX) {
		return false;
	}
	ipc->events[ipc->events_len++] = name;
	return true;
}

/** The bit of an event, 0 if there is none of this name. */
static uint32_t get_event_bit(const struct ipc *ipc, const char *event) {
	for (size_t n = 0; n < ipc->events_len; n++) {
		if (strcmp(ipc->events[n], event) == 0) {
			return UINT32_C(1) << n;
		}
	}
	return 0;
}

bool ipc_has_subscriber(const struct ipc *ipc, const char *event) {
	uint32_t bit = ipc != NULL ? get_event_bit(ipc, event) : 0;
	if (bit == 0) {
		return false;
	}
	const struct ipc_client *client;
	wl_list_for_each(client, &ipc->clients, link) {
		if (client->subscribed & bit) {
			return true;
		}
	}
	return false;
}

void ipc_emit(struct ipc *ipc, const char *event, struct json_object *data) {
	uint32_t bit = ipc != NULL ? get_event_bit(ipc, event) : 0;
	if (bit == 0) {
		json_object_put(data);
		return;
	}
	struct json_object *object = json_object_new_object();
	json_object_object_add(object, "event", json_object_new_string(event));
	json_object_object_add(object, "data", data);
	struct ipc_client *client;
	wl_list_for_each(client, &ipc->clients, link) {
		if (client->subscribed & bit) {
			ipc_client_send(client, json_object_get(object));
		}
	}
	json_object_put(object);
}

struct json_object *ipc_text(const char *text) {
	if (text == NULL) {
		return NULL;
	}
	gchar *valid = g_utf8_make_valid(text, -1);
	struct json_object *object = json_object_new_string(valid);
	g_free(valid);
	return object;
}

struct ipc *ipc_create(struct wl_event_loop *loop, const char *display) {
	const char *directory = getenv("XDG_RUNTIME_DIR");
	struct ipc *ipc = calloc(1, sizeof(*ipc));
	if (ipc == NULL || directory == NULL) {
		free(ipc);
		return NULL;
	}
	ipc->loop = loop;
	ipc->fd = -1;
	wl_list_init(&ipc->clients);
	wl_array_init(&ipc->commands);
	if (asprintf(&ipc->path, "%s/sluice-%s.sock", directory, display) < 0) {
		free(ipc);
		return NULL;
	}
	ipc->fd = listen_at(ipc->path);
	if (ipc->fd < 0) {
		wlr_log_errno(WLR_ERROR, "Cannot listen at %s", ipc->path);
	}
	if (ipc->fd < 0 || !acceptor_init(&ipc->acceptor, loop, ipc->fd, SOCK_NONBLOCK, "ipc",
			handle_accepted, ipc) || !ipc_register(ipc, "subscribe", handle_subscribe, ipc)) {
		ipc_destroy(ipc);
		return NULL;
	}
	return ipc;
}

void ipc_destroy(struct ipc *ipc) {
	if (ipc == NULL) {
		return;
	}
	struct ipc_client *client, *tmp;
	wl_list_for_each_safe(client, tmp, &ipc->clients, link) {
		ipc_client_destroy(client);
	}
	acceptor_finish(&ipc->acceptor);
	if (ipc->fd >= 0) {
		close(ipc->fd);
		unlink(ipc->path);
	}
	wl_array_release(&ipc->commands);
	free(ipc->path);
	free(ipc);
}

const char *ipc_get_path(const struct ipc *ipc) {
	return ipc->path;
}
