#include <stdlib.h>
#include <wlr/types/wlr_keyboard_shortcuts_inhibit_v1.h>
#include <wlr/types/wlr_seat.h>
#include "seat/seat.h"
#include "seat/shortcuts.h"
#include "util/listener.h"

struct shortcuts {
	struct seat *seat;
	struct wlr_keyboard_shortcuts_inhibit_manager_v1 *manager;
	struct wl_listener new_inhibitor;
};

static void handle_new_inhibitor(struct wl_listener *listener, void *data) {
	const struct shortcuts *shortcuts = wl_container_of(listener, shortcuts, new_inhibitor);
	const struct wlr_keyboard_shortcuts_inhibitor_v1 *inhibitor = data;
	if (shortcuts->seat->released && inhibitor->surface ==
			shortcuts->seat->wlr_seat->keyboard_state.focused_surface) {
		return; // it was taken back just now
	}
	wlr_keyboard_shortcuts_inhibitor_v1_activate(data);
}

bool shortcuts_are_inhibited(const struct shortcuts *shortcuts) {
	const struct wlr_surface *surface =
		shortcuts->seat->wlr_seat->keyboard_state.focused_surface;
	const struct wlr_keyboard_shortcuts_inhibitor_v1 *inhibitor;
	wl_list_for_each(inhibitor, &shortcuts->manager->inhibitors, link) {
		if (inhibitor->active && inhibitor->surface == surface) {
			return true;
		}
	}
	return false;
}

void shortcuts_release(struct shortcuts *shortcuts) {
	const struct wlr_surface *surface =
		shortcuts->seat->wlr_seat->keyboard_state.focused_surface;
	struct wlr_keyboard_shortcuts_inhibitor_v1 *inhibitor;
	wl_list_for_each(inhibitor, &shortcuts->manager->inhibitors, link) {
		if (inhibitor->active && inhibitor->surface == surface) {
			wlr_keyboard_shortcuts_inhibitor_v1_deactivate(inhibitor);
		}
	}
}

void shortcuts_restore(struct shortcuts *shortcuts) {
	struct wlr_keyboard_shortcuts_inhibitor_v1 *inhibitor;
	wl_list_for_each(inhibitor, &shortcuts->manager->inhibitors, link) {
		if (!inhibitor->active) {
			wlr_keyboard_shortcuts_inhibitor_v1_activate(inhibitor);
		}
	}
}

struct shortcuts *shortcuts_create(struct seat *seat) {
	struct shortcuts *shortcuts = calloc(1, sizeof(*shortcuts));
	if (shortcuts == NULL) {
		return NULL;
	}
	shortcuts->seat = seat;
	shortcuts->manager = wlr_keyboard_shortcuts_inhibit_v1_create(seat->server->display);
	if (shortcuts->manager == NULL) {
		free(shortcuts);
		return NULL;
	}
	listener_add(&shortcuts->manager->events.new_inhibitor, &shortcuts->new_inhibitor,
		handle_new_inhibitor);
	return shortcuts;
}

void shortcuts_destroy(struct shortcuts *shortcuts) {
	if (shortcuts == NULL) {
		return;
	}
	wl_list_remove(&shortcuts->new_inhibitor.link);
	free(shortcuts);
}
