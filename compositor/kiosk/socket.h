#ifndef KIOSK_SOCKET_H
#define KIOSK_SOCKET_H

struct server;
struct wl_client;

/**
 * A Wayland socket for the programs of one command. Who connected there belongs to the command,
 * whatever its process says of itself.
 */
struct client_socket;

/** Listen on a socket whose name ends with this one. NULL if it does not work; logged. */
struct client_socket *client_socket_create(struct server *server, const char *name, void *data);
/** Stop to listen, and disconnect its clients. NULL is allowed. */
void client_socket_destroy(struct client_socket *socket);

/** What WAYLAND_DISPLAY is to be for its clients. */
const char *client_socket_get_name(const struct client_socket *socket);
/** Disconnect who is connected. */
void client_socket_disconnect(struct client_socket *socket);
/** The data of the socket that a client came by, NULL if it came by another. */
void *client_socket_find_data(struct wl_client *client);

#endif
