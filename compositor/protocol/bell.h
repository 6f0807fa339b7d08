#ifndef PROTOCOL_BELL_H
#define PROTOCOL_BELL_H

struct bell;
struct server;

/**
 * xdg-system-bell: a client, such as a terminal, rings. sluice makes no sound of its own: it tells
 * subscribers of sluicectl's socket, who do whatever is liked.
 */
struct bell *bell_create(struct server *server);
/** NULL is allowed. */
void bell_destroy(struct bell *bell);

#endif
