#ifndef DESKTOP_XDG_WINDOW_H
#define DESKTOP_XDG_WINDOW_H

#include "server.h"

/** Create xdg-shell: its toplevels become windows, its popups are shown with what they belong to. */
bool xdg_window_init(struct server *server);

#endif
