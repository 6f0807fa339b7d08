#ifndef PROTOCOL_PROTOCOL_H
#define PROTOCOL_PROTOCOL_H

#include <stdbool.h>

struct server;

/**
 * The protocols that wlroots implements and that need no folder of their own. What takes a seat's
 * part is in seat/, what are windows or shells in desktop/ and shell/.
 */
struct protocols {
	struct activation *activation;
	struct bell *bell;
	struct decorations *decorations;
	struct idle *idle;
	struct lease *lease; // NULL where there is no DRM device
	struct outputs *outputs;
	struct privilege *privilege;
};

/** Those that a surface needs, created with the renderer: server.compositor is made here. */
bool protocols_init_surface(struct server *server);
/** All others; the seat and the scene exist. */
bool protocols_init(struct server *server);
/** Take what listens down, before the display is destroyed. */
void protocols_finish(struct server *server);

#endif
