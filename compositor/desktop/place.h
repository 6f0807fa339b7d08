#ifndef DESKTOP_PLACE_H
#define DESKTOP_PLACE_H

#include "desktop/window.h"

/**
 * How a window gets to where it should be: it is asked for a size, and what is seen of it stays as
 * it was until the client has drawn that, or 200 ms are over. So no frame shows a new place with an
 * old size. The desktop's own; others use desktop/window.h.
 */

/** false if memory ran out. */
bool window_init_hold(struct window *window);
/** Do not wait for it any longer. */
void window_release(struct window *window);
/** Show it where it should be, with the size that it has. */
void window_show(struct window *window);
/** Ask for a box (of width 0: as it likes), and show it there once it is drawn. */
void window_place(struct window *window, const struct wlr_box *box);
/** Show or hide it, with its workspace. */
void window_set_visible(struct window *window, bool visible);

#endif
