#ifndef PROTOCOL_DECORATION_H
#define PROTOCOL_DECORATION_H

#include <stdbool.h>

struct server;

/**
 * Who draws title and border, by xdg-decoration and KDE's older protocol: we do, unless a client
 * wants to. Clients that know neither draw their own.
 */
struct decorations;

struct decorations *decorations_create(struct server *server);
void decorations_destroy(struct decorations *decorations);

#endif
