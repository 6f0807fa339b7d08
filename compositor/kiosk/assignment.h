#ifndef KIOSK_ASSIGNMENT_H
#define KIOSK_ASSIGNMENT_H

#include <stdbool.h>
#include <wayland-server-core.h>

/** What is shown on which screen. An item (a command or a source, by name) is on one at most. */
struct assignment {
	struct wl_list link; // kiosk.assignments, the later ones count
	char *output; // connector, or "make model serial" as EDID has them, with * and ?
	char *item; // NULL: nothing
};

/** Add one to the end. false if there is no memory. */
bool assignment_add(struct wl_list *assignments, const char *output, const char *item);
void assignment_destroy(struct assignment *assignment);
/** The one of an item, or NULL. */
struct assignment *assignment_find_item(struct wl_list *assignments, const char *item);
/**
 * Show an item (NULL: nothing) where another is: if it was on another screen, the two change
 * places. false if there is no memory, and nothing has changed.
 */
bool assignment_set(struct assignment *assignment, struct wl_list *assignments,
	const char *item);

#endif
