#ifndef POPUP_H
#define POPUP_H

#include <wayland-server-core.h>

/** For wlr_xdg_shell.events.new_popup. */
void popup_handle_new(struct wl_listener *listener, void *data);

#endif
