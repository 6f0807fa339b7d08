#ifndef SEAT_GESTURE_H
#define SEAT_GESTURE_H

struct gesture;
struct seat;

/** Touchpad gestures, passed on to the surface below the pointer. */
struct gesture *gesture_create(struct seat *seat);
/** NULL is allowed. */
void gesture_destroy(struct gesture *gesture);

#endif
