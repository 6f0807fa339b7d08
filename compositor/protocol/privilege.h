#ifndef PROTOCOL_PRIVILEGE_H
#define PROTOCOL_PRIVILEGE_H

struct privilege;
struct server;

/**
 * Which globals a client sees. One in a security context (a sandbox, by wp_security_context_v1)
 * sees only what is known to reach no farther than its own windows; the X11 server's own protocol
 * is for the X11 server alone.
 */
struct privilege *privilege_create(struct server *server);
/** NULL is allowed. */
void privilege_destroy(struct privilege *privilege);

#endif
