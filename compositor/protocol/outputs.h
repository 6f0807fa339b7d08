#ifndef PROTOCOL_OUTPUTS_H
#define PROTOCOL_OUTPUTS_H

struct outputs;
struct server;

/**
 * What clients may do to screens: wlr-output-management (mode, place, scale, transform),
 * wlr-output-power-management and wlr-gamma-control.
 */
struct outputs *outputs_create(struct server *server);
/** NULL is allowed. */
void outputs_destroy(struct outputs *outputs);
/** A screen changed in a way that the layout does not tell: tell clients. NULL is allowed. */
void outputs_publish(struct outputs *outputs);

#endif
