#ifndef CONFIG_RELOAD_H
#define CONFIG_RELOAD_H

#include <stdbool.h>

struct server;

/** Read the configuration for the first time, before anything else is there. false, logged, if broken. */
bool config_init(struct server *server);
/**
 * Read it again, from where it would be found now, and apply what is different. A broken one changes
 * nothing. Returns false, and what is wrong with it or could not be applied, which the caller frees.
 */
bool config_reload(struct server *server, char **error_ptr);
/** For SIGHUP. data: struct server */
int config_handle_signal(int signal, void *data);

#endif
