#ifndef DESKTOP_LAYOUT_H
#define DESKTOP_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <wlr/util/box.h>

/**
 * Where windows are: arithmetic, in layout pixels, that knows neither windows nor screens.
 *
 * Tiled windows stand in two columns: the masters on the left, in the order of the workspace, and
 * the stack of all others on the right. If there is nothing for one column, the other has all the
 * place.
 */
struct layout {
	double ratio; // of the masters' column to the whole width
	int masters; // how many, at least 1
	int gap; // between windows, and around them unless there is but one
};

#define LAYOUT_RATIO_MIN 0.1
#define LAYOUT_RATIO_MAX 0.9
#define LAYOUT_MASTERS_MAX 16

enum direction {
	DIRECTION_LEFT,
	DIRECTION_RIGHT,
	DIRECTION_UP,
	DIRECTION_DOWN,
};

/** The space that something takes at each side of a box. */
struct insets {
	int left, right, top, bottom;
};

/** Widen or narrow the masters' column. */
void layout_change_ratio(struct layout *layout, double by);
/** More or fewer masters. */
void layout_change_masters(struct layout *layout, int by);

/**
 * Share an area among so many windows. Without gaps, the boxes cover every pixel of it once. Boxes
 * are at least 1×1, and overlap if the area is too small for that.
 */
void layout_tile(const struct layout *layout, const struct wlr_box *area, size_t count,
	struct wlr_box boxes[]);

/**
 * The box that lies next to another one in a direction: of those whose centre is farther that way,
 * the nearest. Boxes beside it (that overlap with it across the direction) come first; of others,
 * what is out of the direction counts twice. Returns count if there is none.
 */
size_t layout_find_neighbour(const struct wlr_box boxes[], size_t count, size_t from,
	enum direction direction);

/**
 * Move a box as little as possible so that it is inside the area. Of one that is larger, the left
 * upper corner is.
 */
struct wlr_box layout_bring_inside(const struct wlr_box *box, const struct wlr_box *area);
/**
 * Whether enough of a box is inside the area for a person to see and take hold of it: all of it, or
 * this many pixels in both directions.
 */
bool layout_is_reachable(const struct wlr_box *box, const struct wlr_box *area, int enough);
/** In the middle of the area; the corner of what is larger stays inside. */
struct wlr_box layout_center(int width, int height, const struct wlr_box *area);

/** Without, and with what the insets take. What is left is at least 1×1. */
struct wlr_box layout_shrink(const struct wlr_box *box, const struct insets *insets);
struct wlr_box layout_grow(const struct wlr_box *box, const struct insets *insets);

#endif
