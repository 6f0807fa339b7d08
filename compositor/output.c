#include <stdlib.h>
#include <time.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_output_layout.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/util/log.h>
#include "output.h"
#include "path/ladder.h"
#include "render_vram.h"
#include "seat.h"
#include "window.h"

struct wlr_allocator *output_get_allocator(struct server *server) {
	return server->render_vram != NULL && render_vram_check(server->render_vram) ?
		render_vram_get_allocator(server->render_vram) : server->allocator;
}

/**
 * One frame: the scene says what is to be shown and whether a client's buffer can be shown as it
 * is; the ladder learns from what the driver makes of it.
 */
static bool output_commit(struct output *output) {
	ladder_prepare(output->server->ladder, output);
	for (int attempt = 0; attempt < 2; attempt++) {
		struct wlr_output_state state;
		wlr_output_state_init(&state);
		bool built = wlr_scene_output_build_state(output->scene_output, &state, NULL);
		bool ok = built && wlr_output_commit_state(output->wlr_output, &state);
		bool again = false;
		if (ok) {
			ladder_committed(output->server->ladder, output, &state);
		} else {
			struct server *server = output->server;
			again = (built && ladder_commit_failed(server->ladder, output, &state)) ||
				(server->render_vram != NULL && !render_vram_check(server->render_vram));
		}
		wlr_output_state_finish(&state);
		if (!again) {
			return ok;
		}
	}
	return false;
}

static void send_frame_done(struct output *output) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	wlr_scene_output_send_frame_done(output->scene_output, &now);
}

/**
 * A frame is wanted, or the last one's page flip has ended. In the steady state of scanout, frame
 * callbacks wait for the latter: the buffer before is released then, and the producer, which can
 * seldom draw without it, is woken once instead of twice.
 */
static void handle_frame(struct wl_listener *listener, void *data) {
	struct output *output = wl_container_of(listener, output, frame);
	if (output->owes_frame_done) {
		output->owes_frame_done = false;
		send_frame_done(output);
	}
	if (!wlr_scene_output_needs_frame(output->scene_output)) {
		send_frame_done(output);
	} else if (direct_commit(output->server->ladder, output)) {
		output->owes_frame_done = true;
	} else {
		output_commit(output);
		send_frame_done(output);
	}
}

static void handle_present(struct wl_listener *listener, void *data) {
	struct output *output = wl_container_of(listener, output, present);
	ladder_presented(output->server->ladder, output);
}

static void handle_request_state(struct wl_listener *listener, void *data) {
	struct output *output = wl_container_of(listener, output, request_state);
	const struct wlr_output_event_request_state *event = data;
	wlr_output_commit_state(output->wlr_output, event->state);
	window_arrange_output(output->server);
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct output *output = wl_container_of(listener, output, destroy);
	struct server *server = output->server;
	wlr_log(WLR_INFO, "%s: gone", output->wlr_output->name);
	ladder_output_gone(server->ladder, output);
	wl_list_remove(&output->frame.link);
	wl_list_remove(&output->present.link);
	wl_list_remove(&output->request_state.link);
	wl_list_remove(&output->destroy.link);
	wl_list_remove(&output->link);
	output->wlr_output->data = NULL;
	free(output);
	window_arrange_output(server);
}

static bool enable(struct wlr_output *wlr_output) {
	struct wlr_output_state state;
	wlr_output_state_init(&state);
	wlr_output_state_set_enabled(&state, true);
	struct wlr_output_mode *mode = wlr_output_preferred_mode(wlr_output);
	if (mode != NULL) {
		wlr_output_state_set_mode(&state, mode);
	}
	bool ok = wlr_output_commit_state(wlr_output, &state);
	if (!ok && mode != NULL) {
		// Too much for this link, perhaps: take the largest mode that works
		struct wlr_output_mode *other;
		wl_list_for_each(other, &wlr_output->modes, link) {
			wlr_output_state_set_mode(&state, other);
			ok = wlr_output_commit_state(wlr_output, &state);
			if (ok) {
				break;
			}
		}
	}
	wlr_output_state_finish(&state);
	return ok;
}

void output_handle_new(struct wl_listener *listener, void *data) {
	struct server *server = wl_container_of(listener, server, new_output);
	struct wlr_output *wlr_output = data;

	if (!wlr_output_init_render(wlr_output, output_get_allocator(server), server->renderer)) {
		wlr_log(WLR_ERROR, "%s: cannot be drawn on", wlr_output->name);
		return;
	}
	if (!enable(wlr_output)) {
		wlr_log(WLR_ERROR, "%s: no mode of it works; is the cable able to carry it?",
			wlr_output->name);
		return;
	}

	struct output *output = calloc(1, sizeof(*output));
	struct wlr_output_layout_output *layout_output =
		output != NULL ? wlr_output_layout_add_auto(server->output_layout, wlr_output) : NULL;
	if (layout_output == NULL) {
		free(output);
		return;
	}
	output->server = server;
	output->wlr_output = wlr_output;
	output->scene_output = wlr_scene_output_create(server->scene, wlr_output);
	if (output->scene_output == NULL) {
		wlr_output_layout_remove(server->output_layout, wlr_output);
		free(output);
		return;
	}
	wlr_scene_output_layout_add_output(server->scene_layout, layout_output,
		output->scene_output);
	wlr_output->data = output;
	wl_list_insert(server->outputs.prev, &output->link);

	output->frame.notify = handle_frame;
	wl_signal_add(&wlr_output->events.frame, &output->frame);
	output->present.notify = handle_present;
	wl_signal_add(&wlr_output->events.present, &output->present);
	output->request_state.notify = handle_request_state;
	wl_signal_add(&wlr_output->events.request_state, &output->request_state);
	output->destroy.notify = handle_destroy;
	wl_signal_add(&wlr_output->events.destroy, &output->destroy);

	wlr_log(WLR_INFO, "%s: %dx%d at %.3f Hz", wlr_output->name, wlr_output->width,
		wlr_output->height, wlr_output->refresh / 1000.0);
	window_arrange_output(server);
	seat_output_added(server->seat);
}

struct output *output_at(struct server *server, double x, double y) {
	struct wlr_output *wlr_output = wlr_output_layout_output_at(server->output_layout, x, y);
	if (wlr_output != NULL && wlr_output->data != NULL) {
		return wlr_output->data;
	}
	if (wl_list_empty(&server->outputs)) {
		return NULL;
	}
	struct output *first = wl_container_of(server->outputs.next, first, link);
	return first;
}

struct wlr_box output_get_box(struct output *output) {
	struct wlr_box box;
	wlr_output_layout_get_box(output->server->output_layout, output->wlr_output, &box);
	return box;
}

static void damage_all(void *data) {
	struct server *server = data;
	server->damage = NULL;
	struct output *output;
	wl_list_for_each(output, &server->outputs, link) {
		// The scene listens to this
		pixman_region32_t whole;
		pixman_region32_init_rect(&whole, 0, 0, (unsigned)output->wlr_output->width,
			(unsigned)output->wlr_output->height);
		struct wlr_output_event_damage event = { .output = output->wlr_output, .damage = &whole };
		wl_signal_emit_mutable(&output->wlr_output->events.damage, &event);
		pixman_region32_fini(&whole);
		wlr_output_schedule_frame(output->wlr_output);
	}
}

void output_damage_all(struct server *server) {
	// Not at once: a frame that is being drawn would take the damage for its own
	if (server->damage == NULL) {
		server->damage = wl_event_loop_add_idle(server->loop, damage_all, server);
	}
}
