#ifndef SEAT_SELECTION_H
#define SEAT_SELECTION_H

struct seat;
struct selection;

/**
 * Selections (clipboard and primary), who may control them (ext and wlr data-control), and drag
 * and drop.
 */
struct selection *selection_create(struct seat *seat);
/** NULL is allowed. */
void selection_destroy(struct selection *selection);
/** What is dragged is at a point in layout coordinates. */
void selection_move_icon(struct selection *selection, double x, double y);

#endif
