#ifndef DESKTOP_FOREIGN_H
#define DESKTOP_FOREIGN_H

struct foreign;
struct server;
struct window;

/**
 * Windows for other clients, such as panels: ext-foreign-toplevel-list-v1 only names them,
 * wlr-foreign-toplevel-management tells their state, and has them focused, filled and closed.
 */
struct foreign *foreign_create(struct server *server);
/** After the windows. NULL is allowed. */
void foreign_destroy(struct foreign *foreign);

/** It was mapped. */
void foreign_window_open(struct window *window);
/** Tell what is different from what was told last; of one that is not open, nothing. */
void foreign_window_sync(struct window *window);
void foreign_window_close(struct window *window);

#endif
