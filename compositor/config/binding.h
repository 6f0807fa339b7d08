#ifndef CONFIG_BINDING_H
#define CONFIG_BINDING_H

#include <stdint.h>
#include <xkbcommon/xkbcommon.h>
#include "action/action.h"
#include "config/parser.h"

/** An action bound to a key or a button with modifiers. */
struct binding {
	struct wl_list link; // config.bindings
	uint32_t modifiers; // enum wlr_keyboard_modifier
	xkb_keysym_t keysym; // XKB_KEY_NoSymbol for a button
	uint32_t button; // linux/input-event-codes.h, 0 for a key
	bool built_in; // not from a file
	struct action_call call;
};

/** "bind", "bind-pointer" and "unbind". */
void binding_parse(struct config_parser *parser, const struct scfg_directive *directive,
	void *target);
void binding_parse_unbind(struct config_parser *parser, const struct scfg_directive *directive,
	void *target);

/** The ones that hold unless the file says something else. false if memory ran out. */
bool binding_add_built_in(struct config *config);
void binding_destroy(struct binding *binding);

/** The one of exactly these modifiers, or NULL. */
const struct binding *binding_find(const struct config *config, uint32_t modifiers,
	xkb_keysym_t keysym, uint32_t button);

#endif
