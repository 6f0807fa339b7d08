/*
 * Many clients of WLCS attach a buffer before the first configure, which xdg-shell and layer-shell
 * forbid and wlroots refuses. In tests where that is known (expected.toml), such a buffer is held
 * back here, between the client and the compositor, until the configure was sent: the compositor
 * sees first the initial commit without a buffer, and then, as if the client had waited, the buffer.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// For the requests that a resource answers to, which wayland-server-core.h has no name for
#include <wayland-server.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_layer_shell_v1.h>
#include <wlr/types/wlr_xdg_shell.h>
#include "module.h"
#include "util/listener.h"

/** A surface whose buffer waits. */
struct held {
	struct wlr_surface *surface;
	struct wl_event_loop *loop;
	struct wl_event_source *idle; // NULL until the configure was sent
	struct wl_listener configure, destroy;
};

static void held_destroy(struct held *held) {
	if (held->idle != NULL) {
		wl_event_source_remove(held->idle);
	}
	wl_list_remove(&held->configure.link);
	wl_list_remove(&held->destroy.link);
	free(held);
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct held *held = wl_container_of(listener, held, destroy);
	held_destroy(held);
}

/**
 * What the client's acknowledgement would do. It may come yet, so that the configure stays in the
 * list.
 */
static void acknowledge_xdg(struct wlr_xdg_surface *xdg_surface) {
	if (xdg_surface->configured || wl_list_empty(&xdg_surface->configure_list)) {
		return;
	}
	const struct wlr_xdg_surface_configure *configure =
		wl_container_of(xdg_surface->configure_list.prev, configure, link);
	xdg_surface->configured = true;
	xdg_surface->pending.configure_serial = configure->serial;
	if (xdg_surface->role == WLR_XDG_SURFACE_ROLE_POPUP && xdg_surface->popup != NULL) {
		struct wlr_xdg_popup_state *pending = &xdg_surface->popup->pending;
		pending->geometry = configure->popup_configure->geometry;
		pending->reactive = configure->popup_configure->rules.reactive;
	}
}

static void acknowledge_layer(struct wlr_layer_surface_v1 *layer_surface) {
	if (layer_surface->configured || wl_list_empty(&layer_surface->configure_list)) {
		return;
	}
	const struct wlr_layer_surface_v1_configure *configure =
		wl_container_of(layer_surface->configure_list.prev, configure, link);
	layer_surface->configured = true;
	layer_surface->pending.configure_serial = configure->serial;
	layer_surface->pending.actual_width = configure->width;
	layer_surface->pending.actual_height = configure->height;
}

static void release(void *data) {
	struct held *held = data;
	struct wlr_surface *surface = held->surface;
	held->idle = NULL;
	held_destroy(held);

	struct wlr_xdg_surface *xdg_surface = wlr_xdg_surface_try_from_wlr_surface(surface);
	struct wlr_layer_surface_v1 *layer_surface =
		wlr_layer_surface_v1_try_from_wlr_surface(surface);
	if (xdg_surface != NULL) {
		acknowledge_xdg(xdg_surface);
	} else if (layer_surface != NULL) {
		acknowledge_layer(layer_surface);
	}
	// wlroots still knows which buffer it was
	surface->pending.committed |= WLR_SURFACE_STATE_BUFFER;
	const struct wl_surface_interface *requests = surface->resource->object.implementation;
	requests->commit(wl_resource_get_client(surface->resource), surface->resource);
}

static void release_later(struct held *held) {
	if (held->idle == NULL) {
		held->idle = wl_event_loop_add_idle(held->loop, release, held);
	}
}

static void handle_configure(struct wl_listener *listener, void *data) {
	struct held *held = wl_container_of(listener, held, configure);
	release_later(held); // It is sent after this
}

static void hold(struct wlr_surface *surface) {
	struct wlr_xdg_surface *xdg_surface = wlr_xdg_surface_try_from_wlr_surface(surface);
	struct wlr_layer_surface_v1 *layer_surface =
		wlr_layer_surface_v1_try_from_wlr_surface(surface);
	struct wl_signal *destroy = xdg_surface != NULL ? &xdg_surface->events.destroy :
		&layer_surface->events.destroy;
	surface->pending.committed &= ~(uint32_t)WLR_SURFACE_STATE_BUFFER;
	if (wl_signal_get(destroy, handle_destroy) != NULL) {
		return; // One is held already, and this one takes its place
	}
	struct held *held = calloc(1, sizeof(*held));
	if (held == NULL) {
		abort();
	}
	// What tells expected.toml's tests from others
	fprintf(stderr, "sluice-wlcs: a buffer came before the first configure\n");
	held->surface = surface;
	held->loop = wl_display_get_event_loop(
		wl_client_get_display(wl_resource_get_client(surface->resource)));
	listener_add(destroy, &held->destroy, handle_destroy);
	wl_list_init(&held->configure.link);
	if (xdg_surface != NULL) {
		listener_add(&xdg_surface->events.configure, &held->configure, handle_configure);
	} else {
		release_later(held); // Panels are configured in the commit itself
	}
}

static bool is_unconfigured(struct wlr_surface *surface) {
	const struct wlr_xdg_surface *xdg_surface = wlr_xdg_surface_try_from_wlr_surface(surface);
	const struct wlr_layer_surface_v1 *layer_surface =
		wlr_layer_surface_v1_try_from_wlr_surface(surface);
	return (xdg_surface != NULL && xdg_surface->role != WLR_XDG_SURFACE_ROLE_NONE &&
		!xdg_surface->configured) || (layer_surface != NULL && !layer_surface->configured);
}

void early_buffers_handle(void *data, enum wl_protocol_logger_type direction,
		const struct wl_protocol_logger_message *message) {
	if (direction != WL_PROTOCOL_LOGGER_REQUEST ||
			strcmp(wl_resource_get_class(message->resource), "wl_surface") != 0 ||
			strcmp(message->message->name, "commit") != 0) {
		return;
	}
	struct wlr_surface *surface = wlr_surface_from_resource(message->resource);
	if ((surface->pending.committed & WLR_SURFACE_STATE_BUFFER) &&
			surface->WLR_PRIVATE.pending_buffer_resource != NULL && is_unconfigured(surface)) {
		hold(surface);
	}
}
