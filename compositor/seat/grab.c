#include <math.h>
#include <wlr/types/wlr_cursor.h>
#include <wlr/types/wlr_seat.h>
#include <wlr/types/wlr_xcursor_manager.h>
#include <wlr/util/edges.h>
#include "desktop/window.h"
#include "seat/seat.h"

/** The smallest size that a window is resized to, in layout pixels. */
#define MIN_SIZE 32

/** The pixel that it is in. Positions that were scaled to a screen may be a hair before theirs. */
static int get_pixel(double position) {
	return (int)floor(position + 1 / 256.0);
}

void seat_update_grab(struct seat *seat) {
	int dx = get_pixel(seat->cursor->x) - get_pixel(seat->grab_x);
	int dy = get_pixel(seat->cursor->y) - get_pixel(seat->grab_y);
	struct wlr_box box = seat->grab_box;
	if (seat->grab_mode == GRAB_MOVE) {
		window_move(seat->grab_window, box.x + dx, box.y + dy);
		return;
	}
	int left = box.x, right = box.x + box.width, top = box.y, bottom = box.y + box.height;
	if (seat->grab_edges & WLR_EDGE_LEFT) {
		left = left + dx < right - MIN_SIZE ? left + dx : right - MIN_SIZE;
	} else if (seat->grab_edges & WLR_EDGE_RIGHT) {
		right = right + dx > left + MIN_SIZE ? right + dx : left + MIN_SIZE;
	}
	if (seat->grab_edges & WLR_EDGE_TOP) {
		top = top + dy < bottom - MIN_SIZE ? top + dy : bottom - MIN_SIZE;
	} else if (seat->grab_edges & WLR_EDGE_BOTTOM) {
		bottom = bottom + dy > top + MIN_SIZE ? bottom + dy : top + MIN_SIZE;
	}
	window_resize(seat->grab_window, &(struct wlr_box){
		.x = left, .y = top, .width = right - left, .height = bottom - top },
		seat->grab_edges);
}

void seat_begin_grab(struct seat *seat, struct window *window, enum grab_mode mode,
		uint32_t edges) {
	if (seat->grab_mode != GRAB_NONE || !window_begin_drag(window)) {
		return;
	}
	seat->grab_mode = mode;
	seat->grab_window = window;
	seat->grab_x = seat->cursor->x;
	seat->grab_y = seat->cursor->y;
	seat->grab_box = window_get_box(window);
	seat->grab_edges = edges;
	seat_release_pressed(seat);
	wlr_seat_pointer_clear_focus(seat->wlr_seat);
	wlr_cursor_set_xcursor(seat->cursor, seat->xcursors,
		mode == GRAB_MOVE ? "grabbing" : "nwse-resize");
}

/** The corner of a window that is nearest to the pointer. */
static uint32_t nearest_corner(const struct wlr_box *box, double x, double y) {
	uint32_t edges = x < box->x + box->width / 2.0 ? WLR_EDGE_LEFT : WLR_EDGE_RIGHT;
	return edges | (y < box->y + box->height / 2.0 ? WLR_EDGE_TOP : WLR_EDGE_BOTTOM);
}

void seat_begin_resize(struct seat *seat, struct window *window) {
	struct wlr_box box = window_get_box(window);
	seat_begin_grab(seat, window, GRAB_RESIZE,
		nearest_corner(&box, seat->cursor->x, seat->cursor->y));
}

void seat_end_grab(struct seat *seat) {
	if (seat->grab_mode != GRAB_NONE) {
		struct window *window = seat->grab_window;
		seat->grab_mode = GRAB_NONE;
		seat->grab_window = NULL;
		window_end_drag(window);
		seat_rebase(seat);
	}
}

bool seat_is_grabbing(const struct seat *seat, const struct window *window) {
	return seat->grab_window == window;
}
