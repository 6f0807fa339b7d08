#ifndef SEAT_CAPTOR_H
#define SEAT_CAPTOR_H

#include <stdbool.h>

struct seat;

/**
 * All input for one window: no key does anything else but the ones that end it ("grab" in the
 * configuration; switching consoles apart, where that is allowed), and the pointer stays on its
 * screen. Clients take the same by themselves, by keyboard-shortcuts-inhibit and
 * pointer-constraints; what ends the one ends the other. It ends with the focus, too.
 */

/** Whether a window has it, or its client took it. */
bool captor_is_there(const struct seat *seat);
/** For the focused window. false if there is none. */
bool captor_begin(struct seat *seat);
/** Until the focus changes, the client cannot take it back either. */
void captor_end(struct seat *seat);
/** Another surface has the keyboard, or outputs changed. */
void captor_update(struct seat *seat);

#endif
