#ifndef DESKTOP_DECORATION_H
#define DESKTOP_DECORATION_H

#include <stdint.h>
#include "desktop/layout.h"

struct window;

/**
 * What is drawn around a window whose client leaves that to us: a title, a button that closes it,
 * and a border that shows whether it has the focus. Text is drawn when it, its room or the screen's
 * scale changes, and only then; everything else are rectangles.
 */
struct decoration;

/** Whether title and border are ours to draw. */
void window_set_decorated(struct window *window, bool decorated);
/** How much is around the visible part now: nothing if it fills its screen or is the only tile. */
struct insets window_get_insets(struct window *window);
/** Have it look as things are now. */
void window_decorate(struct window *window);

/** A part of a window that is not its client's. */
enum window_part {
	WINDOW_PART_NONE,
	WINDOW_PART_TITLE,
	WINDOW_PART_CLOSE,
	WINDOW_PART_BORDER,
};

/** What is at a point in layout coordinates, and which edges (enum wlr_edges) would be dragged. */
enum window_part window_part_at(struct window *window, double lx, double ly, uint32_t *edges);
/**
 * A button was pressed there, which is no surface of the window. The first one, on the title moves
 * a floating window, on the border resizes it.
 */
void window_press_decoration(struct window *window, double lx, double ly);

/** For window.c: before the window's scene goes. */
void decoration_destroy(struct decoration *decoration);

#endif
