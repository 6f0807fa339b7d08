#ifndef CONFIG_BUTTON_H
#define CONFIG_BUTTON_H

#include <stdint.h>
#include "util/suggest.h"

/** The code (linux/input-event-codes.h) of a button's name, such as "left". 0 if there is none. */
uint32_t button_find(const char *name, struct suggestion *suggestion);
/** The name of a code, or NULL. */
const char *button_get_name(uint32_t button);

#endif
