#ifndef CONFIG_KEYMAP_H
#define CONFIG_KEYMAP_H

#include <xkbcommon/xkbcommon.h>

/**
 * A keymap by xkb's names; those that are NULL come from XKB_DEFAULT_LAYOUT and its like. Returns
 * NULL if there is no such layout.
 */
struct xkb_keymap *keymap_create(const struct xkb_rule_names *names);

#endif
