#ifndef UTIL_LISTENER_H
#define UTIL_LISTENER_H

#include <wayland-server-core.h>

static inline void listener_add(struct wl_signal *signal, struct wl_listener *listener,
		wl_notify_func_t notify) {
	listener->notify = notify;
	wl_signal_add(signal, listener);
}

#endif
