#include <math.h>
#include <stdlib.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_cursor.h>
#include <wlr/types/wlr_pointer.h>
#include <wlr/types/wlr_pointer_constraints_v1.h>
#include <wlr/types/wlr_relative_pointer_v1.h>
#include <wlr/types/wlr_seat.h>
#include <wlr/util/region.h>
#include "seat/constraint.h"
#include "seat/seat.h"
#include "util/listener.h"

struct constraint {
	struct seat *seat;
	struct wlr_relative_pointer_manager_v1 *relative;
	struct wlr_pointer_constraints_v1 *manager;
	struct wlr_pointer_constraint_v1 *active; // NULL if none is in force

	struct wl_listener new_constraint, active_destroy, active_set_region;
};

/**
 * Where it holds, in surface coordinates. wlroots tells only once the surface has been committed
 * after the constraint was made, and until then nothing at all.
 */
static void get_region(const struct wlr_pointer_constraint_v1 *wlr_constraint,
		pixman_region32_t *region) {
	const pixman_region32_t *input = &wlr_constraint->surface->input_region;
	const pixman_region32_t *wanted = &wlr_constraint->current.region;
	pixman_region32_init(region);
	if (pixman_region32_not_empty(wanted)) {
		pixman_region32_intersect(region, input, wanted);
	} else {
		pixman_region32_copy(region, input);
	}
}

static bool contains(const struct wlr_pointer_constraint_v1 *wlr_constraint, double sx,
		double sy) {
	pixman_region32_t region;
	get_region(wlr_constraint, &region);
	bool inside = pixman_region32_contains_point(&region, (int)floor(sx), (int)floor(sy), NULL);
	pixman_region32_fini(&region);
	return inside;
}

/** A locked pointer was hidden all the while: it comes back where the client has shown it. */
static void warp_to_hint(struct constraint *constraint) {
	const struct wlr_pointer_constraint_v1 *active = constraint->active;
	struct seat *seat = constraint->seat;
	if (active->type != WLR_POINTER_CONSTRAINT_V1_LOCKED ||
			!active->current.cursor_hint.enabled ||
			seat->wlr_seat->pointer_state.focused_surface != active->surface) {
		return;
	}
	double x = active->current.cursor_hint.x, y = active->current.cursor_hint.y;
	double dx = x - seat->wlr_seat->pointer_state.sx;
	double dy = y - seat->wlr_seat->pointer_state.sy;
	wlr_cursor_warp(seat->cursor, NULL, seat->cursor->x + dx, seat->cursor->y + dy);
	wlr_seat_pointer_warp(seat->wlr_seat, x, y);
}

static void handle_active_destroy(struct wl_listener *listener, void *data) {
	struct constraint *constraint = wl_container_of(listener, constraint, active_destroy);
	warp_to_hint(constraint);
	wl_list_remove(&constraint->active_destroy.link);
	wl_list_remove(&constraint->active_set_region.link);
	constraint->active = NULL;
}

/** Put the pointer into the region, if it was left out. */
static void enter_region(struct constraint *constraint) {
	const struct wlr_pointer_constraint_v1 *active = constraint->active;
	struct seat *seat = constraint->seat;
	double sx = seat->wlr_seat->pointer_state.sx, sy = seat->wlr_seat->pointer_state.sy;
	if (active->type != WLR_POINTER_CONSTRAINT_V1_CONFINED || contains(active, sx, sy)) {
		return;
	}
	pixman_region32_t region;
	get_region(active, &region);
	int len;
	const pixman_box32_t *boxes = pixman_region32_rectangles(&region, &len);
	if (len > 0) {
		double x = (boxes[0].x1 + boxes[0].x2) / 2.0, y = (boxes[0].y1 + boxes[0].y2) / 2.0;
		wlr_cursor_warp_closest(seat->cursor, NULL, seat->cursor->x + x - sx,
			seat->cursor->y + y - sy);
		seat_rebase(seat);
	}
	pixman_region32_fini(&region);
}

static void handle_active_set_region(struct wl_listener *listener, void *data) {
	struct constraint *constraint = wl_container_of(listener, constraint, active_set_region);
	enter_region(constraint);
}

static void set_active(struct constraint *constraint,
		struct wlr_pointer_constraint_v1 *wlr_constraint) {
	struct wlr_pointer_constraint_v1 *former = constraint->active;
	if (former == wlr_constraint) {
		return;
	}
	if (former != NULL) {
		warp_to_hint(constraint);
		wl_list_remove(&constraint->active_destroy.link);
		wl_list_remove(&constraint->active_set_region.link);
		constraint->active = NULL;
		// One that holds only once is destroyed by this
		wlr_pointer_constraint_v1_send_deactivated(former);
	}
	if (wlr_constraint != NULL) {
		constraint->active = wlr_constraint;
		listener_add(&wlr_constraint->events.destroy, &constraint->active_destroy,
			handle_active_destroy);
		listener_add(&wlr_constraint->events.set_region, &constraint->active_set_region,
			handle_active_set_region);
		wlr_pointer_constraint_v1_send_activated(wlr_constraint);
		enter_region(constraint);
	}
}

void constraint_update(struct constraint *constraint) {
	struct wlr_seat *wlr_seat = constraint->seat->wlr_seat;
	struct wlr_surface *surface = wlr_seat->pointer_state.focused_surface;
	struct wlr_surface *keyboard = wlr_seat->keyboard_state.focused_surface;
	bool has_both = surface != NULL && keyboard != NULL && !constraint->seat->released &&
		wlr_surface_get_root_surface(surface) == wlr_surface_get_root_surface(keyboard);
	if (!has_both) {
		set_active(constraint, NULL);
		return;
	}
	struct wlr_pointer_constraint_v1 *wlr_constraint =
		wlr_pointer_constraints_v1_constraint_for_surface(constraint->manager, surface, wlr_seat);
	if (wlr_constraint != NULL && wlr_constraint != constraint->active &&
			!contains(wlr_constraint, wlr_seat->pointer_state.sx, wlr_seat->pointer_state.sy)) {
		return; // It waits until the pointer is in its region
	}
	set_active(constraint, wlr_constraint);
}

bool constraint_is_active(const struct constraint *constraint) {
	return constraint->active != NULL;
}

bool constraint_apply(struct constraint *constraint,
		const struct wlr_pointer_motion_event *event, double *dx, double *dy) {
	struct seat *seat = constraint->seat;
	wlr_relative_pointer_manager_v1_send_relative_motion(constraint->relative, seat->wlr_seat,
		(uint64_t)event->time_msec * 1000, event->delta_x, event->delta_y, event->unaccel_dx,
		event->unaccel_dy);
	*dx = event->delta_x;
	*dy = event->delta_y;
	struct wlr_pointer_constraint_v1 *active = constraint->active;
	if (active == NULL || seat->grab_mode != GRAB_NONE) {
		return true;
	}
	if (active->type == WLR_POINTER_CONSTRAINT_V1_LOCKED) {
		return false;
	}
	double sx = seat->wlr_seat->pointer_state.sx, sy = seat->wlr_seat->pointer_state.sy;
	double x, y;
	pixman_region32_t region;
	get_region(active, &region);
	bool inside = wlr_region_confine(&region, sx, sy, sx + *dx, sy + *dy, &x, &y);
	pixman_region32_fini(&region);
	if (!inside) {
		return false;
	}
	*dx = x - sx;
	*dy = y - sy;
	return true;
}

static void handle_new_constraint(struct wl_listener *listener, void *data) {
	struct constraint *constraint = wl_container_of(listener, constraint, new_constraint);
	constraint_update(constraint);
}

struct constraint *constraint_create(struct seat *seat) {
	struct constraint *constraint = calloc(1, sizeof(*constraint));
	if (constraint == NULL) {
		return NULL;
	}
	constraint->seat = seat;
	constraint->relative = wlr_relative_pointer_manager_v1_create(seat->server->display);
	constraint->manager = wlr_pointer_constraints_v1_create(seat->server->display);
	if (constraint->relative == NULL || constraint->manager == NULL) {
		free(constraint);
		return NULL;
	}
	listener_add(&constraint->manager->events.new_constraint, &constraint->new_constraint,
		handle_new_constraint);
	return constraint;
}

void constraint_destroy(struct constraint *constraint) {
	if (constraint == NULL) {
		return;
	}
	wl_list_remove(&constraint->new_constraint.link);
	if (constraint->active != NULL) {
		wl_list_remove(&constraint->active_destroy.link);
		wl_list_remove(&constraint->active_set_region.link);
	}
	free(constraint);
}
