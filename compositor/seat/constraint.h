#ifndef SEAT_CONSTRAINT_H
#define SEAT_CONSTRAINT_H

#include <stdbool.h>
#include <stdint.h>

struct constraint;
struct seat;
struct wlr_pointer_motion_event;
struct wlr_surface;

/**
 * Relative motion, and clients that lock the pointer or confine it to a region: in force while
 * their surface has the keyboard.
 */
struct constraint *constraint_create(struct seat *seat);
/** NULL is allowed. */
void constraint_destroy(struct constraint *constraint);
/**
 * Before the pointer moves: tell clients how far, and shorten it (layout pixels) as the constraint
 * wants. false: it does not move at all.
 */
bool constraint_apply(struct constraint *constraint,
	const struct wlr_pointer_motion_event *event, double *dx, double *dy);
/** Whether the pointer may only be moved by relative motion now. */
bool constraint_is_active(const struct constraint *constraint);
/** Another surface has the keyboard, or the pointer came over one. */
void constraint_update(struct constraint *constraint);

#endif
