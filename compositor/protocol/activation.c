#include <stdlib.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_seat.h>
#include <wlr/types/wlr_xdg_activation_v1.h>
#include <wlr/util/log.h>
#include "desktop/focus.h"
#include "desktop/window.h"
#include "protocol/activation.h"
#include "seat/seat.h"
#include "server.h"
#include "util/listener.h"

struct activation {
	struct server *server;
	struct wl_listener new_token, request_activate;
};

/** What was known when a token was made. Freed with it. */
struct token {
	bool from_focus; // its client had the focus, and input to show for it
	struct wl_listener destroy;
};

static void handle_token_destroy(struct wl_listener *listener, void *data) {
	struct token *token = wl_container_of(listener, token, destroy);
	wl_list_remove(&token->destroy.link);
	free(token);
}

/** Whether the user was using the client that asks: else a token could steal the focus. */
static bool is_from_focus(struct activation *activation,
		const struct wlr_xdg_activation_token_v1 *wlr_token) {
	struct wlr_seat *seat = activation->server->seat->wlr_seat;
	if (wlr_token->seat != seat || wlr_token->surface == NULL) {
		return false;
	}
	struct wl_client *client = wl_resource_get_client(wlr_token->surface->resource);
	struct wlr_seat_client *seat_client = wlr_seat_client_for_wl_client(seat, client);
	return seat_client != NULL &&
		wlr_seat_client_validate_event_serial(seat_client, wlr_token->serial) &&
		seat->keyboard_state.focused_client == seat_client;
}

static void handle_new_token(struct wl_listener *listener, void *data) {
	struct activation *activation = wl_container_of(listener, activation, new_token);
	struct wlr_xdg_activation_token_v1 *wlr_token = data;
	struct token *token = calloc(1, sizeof(*token));
	if (token == NULL) {
		return; // one that activates nothing
	}
	token->from_focus = is_from_focus(activation, wlr_token);
	listener_add(&wlr_token->events.destroy, &token->destroy, handle_token_destroy);
	wlr_token->data = token;
}

static void handle_request_activate(struct wl_listener *listener, void *data) {
	const struct wlr_xdg_activation_v1_request_activate_event *event = data;
	const struct token *token = event->token->data;
	if (token == NULL || !token->from_focus) {
		wlr_log(WLR_DEBUG, "Not activated: the token's client was not in use");
		return;
	}
	window_focus(window_from_surface(event->surface));
}

struct activation *activation_create(struct server *server) {
	struct activation *activation = calloc(1, sizeof(*activation));
	struct wlr_xdg_activation_v1 *wlr_activation =
		activation != NULL ? wlr_xdg_activation_v1_create(server->display) : NULL;
	if (wlr_activation == NULL) {
		free(activation);
		return NULL;
	}
	activation->server = server;
	listener_add(&wlr_activation->events.new_token, &activation->new_token, handle_new_token);
	listener_add(&wlr_activation->events.request_activate, &activation->request_activate,
		handle_request_activate);
	return activation;
}

void activation_destroy(struct activation *activation) {
	if (activation == NULL) {
		return;
	}
	wl_list_remove(&activation->new_token.link);
	wl_list_remove(&activation->request_activate.link);
	free(activation);
}
