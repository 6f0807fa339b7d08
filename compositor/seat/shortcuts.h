#ifndef SEAT_SHORTCUTS_H
#define SEAT_SHORTCUTS_H

#include <stdbool.h>

struct seat;
struct shortcuts;

/** keyboard-shortcuts-inhibit: a window (of a virtual machine, say) wants all keys. */
struct shortcuts *shortcuts_create(struct seat *seat);
/** NULL is allowed. */
void shortcuts_destroy(struct shortcuts *shortcuts);
/** Whether keys are the focused window's now, bindings or not. */
bool shortcuts_are_inhibited(const struct shortcuts *shortcuts);
/** Take that back from the window that has the keyboard, and tell it. */
void shortcuts_release(struct shortcuts *shortcuts);
/** All that want it may have it. */
void shortcuts_restore(struct shortcuts *shortcuts);

#endif
