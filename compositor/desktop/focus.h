#ifndef DESKTOP_FOCUS_H
#define DESKTOP_FOCUS_H

#include "desktop/layout.h"
#include "server.h"

struct window;

/**
 * Raise, activate and give the keyboard to; shows its workspace. NULL is allowed and does nothing.
 */
void window_focus(struct window *window);
/** As above, but it stays where it is in the stack. */
void window_focus_in_place(struct window *window);
/** Only raise it: who has the focus keeps it. */
void window_raise(struct window *window);
/** After the focused window or workspace went: whatever should have the focus. */
void window_refocus(struct server *server);
/** Of the focused workspace: the one that has waited longest, and so around. */
void window_focus_next(struct server *server);
/** Of the focused workspace: the one that had the focus before. */
void window_focus_previous(struct server *server);
/** The one that lies there, be it on another screen. */
void window_focus_direction(struct server *server, enum direction direction);

/** The one that is shown next to it in a direction, or NULL. */
struct window *window_find_neighbour(struct window *window, enum direction direction);

/** Put all windows in their layers, and in order in these. */
void window_restack(struct server *server);

#endif
