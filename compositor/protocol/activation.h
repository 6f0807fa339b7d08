#ifndef PROTOCOL_ACTIVATION_H
#define PROTOCOL_ACTIVATION_H

struct activation;
struct server;

/** xdg-activation: a client hands the focus on to another, such as a launcher to what it starts. */
struct activation *activation_create(struct server *server);
/** NULL is allowed. */
void activation_destroy(struct activation *activation);

#endif
