#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <wayland-server-core.h>
#include <wlr/util/log.h>
#include "kiosk/socket.h"
#include "server.h"
#include "util/acceptor.h"

#define BACKLOG 32

struct client_socket {
	struct server *server;
	struct sockaddr_un address;
	int fd;
	struct acceptor acceptor;
	struct wl_list clients; // socket_client.link
	void *data;
};

struct socket_client {
	struct wl_list link; // client_socket.clients
	struct client_socket *socket;
	struct wl_client *client;
	struct wl_listener destroy;
};

static void handle_client_destroy(struct wl_listener *listener, void *data) {
	struct socket_client *client = wl_container_of(listener, client, destroy);
	wl_list_remove(&client->destroy.link);
	wl_list_remove(&client->link);
	free(client);
}

static void handle_accepted(int client_fd, void *data) {
	struct client_socket *client_socket = data;
	struct socket_client *client = calloc(1, sizeof(*client));
	if (client != NULL) {
		client->client = wl_client_create(client_socket->server->display, client_fd);
	}
	if (client == NULL || client->client == NULL) {
		wlr_log(WLR_ERROR, "%s: no memory for a client", client_socket->address.sun_path);
		close(client_fd);
		free(client);
		return;
	}
	client->socket = client_socket;
	client->destroy.notify = handle_client_destroy;
	wl_client_add_destroy_listener(client->client, &client->destroy);
	wl_list_insert(&client_socket->clients, &client->link);
}

/** Beside the display's own socket, whose lock makes sure that no other compositor has the name. */
static bool set_address(struct client_socket *client_socket, const char *name) {
	const char *directory = getenv("XDG_RUNTIME_DIR");
	const char *display = getenv("WAYLAND_DISPLAY");
	struct sockaddr_un *address = &client_socket->address;
	address->sun_family = AF_UNIX;
	int len = snprintf(address->sun_path, sizeof(address->sun_path), "%s/sluice-%s-%s",
		directory, display, name);
	if (len < 0 || (size_t)len >= sizeof(address->sun_path)) {
		wlr_log(WLR_ERROR, "The name of the socket for \"%s\" below %s is too long", name,
			directory);
		return false;
	}
	return true;
}

static bool listen_there(struct client_socket *client_socket) {
	const struct sockaddr_un *address = &client_socket->address;
	client_socket->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client_socket->fd < 0) {
		wlr_log_errno(WLR_ERROR, "Cannot make a socket");
		return false;
	}
	unlink(address->sun_path); // of a compositor that died
	if (bind(client_socket->fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ||
			listen(client_socket->fd, BACKLOG) < 0) {
		wlr_log_errno(WLR_ERROR, "Cannot listen on %s", address->sun_path);
		return false;
	}
	return acceptor_init(&client_socket->acceptor, client_socket->server->loop,
		client_socket->fd, 0, address->sun_path, handle_accepted, client_socket);
}

struct client_socket *client_socket_create(struct server *server, const char *name,
		void *data) {
	struct client_socket *client_socket = calloc(1, sizeof(*client_socket));
	if (client_socket == NULL) {
		return NULL;
	}
	client_socket->server = server;
	client_socket->fd = -1;
	client_socket->data = data;
	wl_list_init(&client_socket->clients);
	if (!set_address(client_socket, name)) {
		free(client_socket);
		return NULL;
	}
	if (!listen_there(client_socket)) {
		client_socket_destroy(client_socket);
		return NULL;
	}
	return client_socket;
}

void client_socket_destroy(struct client_socket *client_socket) {
	if (client_socket == NULL) {
		return;
	}
	client_socket_disconnect(client_socket);
	acceptor_finish(&client_socket->acceptor);
	if (client_socket->fd >= 0) {
		close(client_socket->fd);
		unlink(client_socket->address.sun_path);
	}
	free(client_socket);
}

const char *client_socket_get_name(const struct client_socket *client_socket) {
	return strrchr(client_socket->address.sun_path, '/') + 1;
}

void client_socket_disconnect(struct client_socket *client_socket) {
	struct socket_client *client, *tmp;
	wl_list_for_each_safe(client, tmp, &client_socket->clients, link) {
		wl_client_destroy(client->client);
	}
}

void *client_socket_find_data(struct wl_client *wl_client) {
	struct wl_listener *listener =
		wl_client_get_destroy_listener(wl_client, handle_client_destroy);
	if (listener == NULL) {
		return NULL;
	}
	struct socket_client *client = wl_container_of(listener, client, destroy);
	return client->socket->data;
}
