#include <wlr/types/wlr_cursor.h>
#include <wlr/types/wlr_output.h>
#include <wlr/util/log.h>
#include "desktop/focus.h"
#include "desktop/window.h"
#include "output.h"
#include "seat/captor.h"
#include "seat/constraint.h"
#include "seat/seat.h"
#include "seat/shortcuts.h"

bool captor_is_there(const struct seat *seat) {
	return seat->captor != NULL || shortcuts_are_inhibited(seat->shortcuts) ||
		constraint_is_active(seat->constraint);
}

static const char *get_title(struct window *window) {
	const char *title = window_get_title(window);
	return title != NULL ? title : "";
}

bool captor_begin(struct seat *seat) {
	struct window *window = seat->focus_window;
	if (window == NULL) {
		return false;
	}
	seat->captor = window;
	seat->released = false;
	shortcuts_restore(seat->shortcuts);
	captor_update(seat);
	constraint_update(seat->constraint);
	wlr_log(WLR_INFO, "All input is for \"%s\"", get_title(window));
	return true;
}

void captor_end(struct seat *seat) {
	seat->captor = NULL;
	seat->released = true;
	shortcuts_release(seat->shortcuts);
	captor_update(seat);
	constraint_update(seat->constraint);
	wlr_log(WLR_INFO, "Input is for all again");
}

void captor_update(struct seat *seat) {
	if (seat->captor != NULL && seat->captor != seat->focus_window) {
		seat->captor = NULL;
	}
	const struct output *output =
		seat->captor != NULL ? window_get_output(seat->captor) : NULL;
	wlr_cursor_map_to_output(seat->cursor, output != NULL ? output->wlr_output : NULL);
	if (output != NULL) {
		// It may be elsewhere
		wlr_cursor_warp_closest(seat->cursor, NULL, seat->cursor->x, seat->cursor->y);
	}
}
