#include <stdlib.h>
#include <time.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_output_layout.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/util/log.h>
#include "capture/capture.h"
#include "desktop/desktop.h"
#include "ipc/events.h"
#include "headless/headless.h"
#include "output.h"
#include "output_apply.h"
#include "path/ladder.h"
#include "protocol/lease.h"
#include "render_vram.h"
#include "seat/seat.h"
#include "shell/layer.h"
#include "shell/lock.h"

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
			again = built && ladder_commit_failed(server->ladder, output, &state);
			if (!again && server->render_vram != NULL &&
					!render_vram_check(server->render_vram)) {
				output->stats.retried++;
				again = true;
			}
		}
		wlr_output_state_finish(&state);
		if (!again) {
			return ok;
		}
	}
	return false;
}

static void send_frame_done(struct output *output) {
	struct timespec now = server_now(output->server);
	wlr_scene_output_send_frame_done(output->scene_output, &now);
}

/**
 * A frame is wanted, or the last one's page flip has ended. In the steady state of scanout, frame
 * callbacks wait for the latter: the buffer before is released then, and the producer, which can
 * seldom draw without it, is woken once instead of twice.
 */
static void handle_frame(struct wl_listener *listener, void *data) {
	struct output *output = wl_container_of(listener, output, frame);
	struct server *server = output->server;
	struct headless *headless = server->options.headless;
	if (headless != NULL && !headless->refreshing) {
		return; // wlroots offers a frame at once where none is pending: it has to wait for its time
	}
	bool answered = output->owes_frame_done;
	if (answered) {
		output->owes_frame_done = false;
		struct timespec now = server_now(server);
		direct_send_frame_done(output, &now);
	}
	if (!wlr_scene_output_needs_frame(output->scene_output)) {
		if (!answered) {
			send_frame_done(output);
		}
	} else if (direct_commit(server->ladder, output)) {
		output->owes_frame_done = headless == NULL;
		if (headless != NULL) {
			send_frame_done(output); // the flip takes no time, and each callback is to be a frame
		}
	} else {
		output_commit(output);
		send_frame_done(output);
		// What was drawn may be something else than the pointer was over before
		seat_rebase(output->server->seat);
	}
	capture_frame_done(server->capture, output);
}

static void handle_present(struct wl_listener *listener, void *data) {
	struct output *output = wl_container_of(listener, output, present);
	ladder_presented(output->server->ladder, output);
}

void outputs_arrange(struct server *server) {
	struct output *output;
	wl_list_for_each(output, &server->outputs, link) {
		layer_shell_arrange(server->layer_shell, output);
	}
	lock_arrange(server->lock);
	desktop_update_outputs(server);
	seat_outputs_changed(server->seat);
}

static void handle_request_state(struct wl_listener *listener, void *data) {
	struct output *output = wl_container_of(listener, output, request_state);
	const struct wlr_output_event_request_state *event = data;
	wlr_output_commit_state(output->wlr_output, event->state);
	outputs_arrange(output->server);
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct output *output = wl_container_of(listener, output, destroy);
	struct server *server = output->server;
	wlr_log(WLR_INFO, "%s: gone", output->wlr_output->name);
	wlr_scene_output_destroy(output->scene_output);
	output->scene_output = NULL;
	layer_shell_output_gone(server->layer_shell, output);
	ipc_tell_output(output, "removed");
	ladder_output_gone(server->ladder, output);
	stats_remove_output(output);
	wl_list_remove(&output->frame.link);
	wl_list_remove(&output->present.link);
	wl_list_remove(&output->request_state.link);
	wl_list_remove(&output->destroy.link);
	wl_list_remove(&output->link);
	output->wlr_output->data = NULL;
	// Else it would leave by itself, but after this, and move its neighbours then
	wlr_output_layout_remove(server->output_layout, output->wlr_output);
	free(output);
	outputs_arrange(server);
}

bool output_set_power(struct output *output, bool on) {
	struct wlr_output_state state;
	wlr_output_state_init(&state);
	wlr_output_state_set_enabled(&state, on);
	bool ok = output->wlr_output->enabled == on ||
		wlr_output_commit_state(output->wlr_output, &state);
	wlr_output_state_finish(&state);
	if (!ok) {
		wlr_log(WLR_ERROR, "%s: cannot be switched %s", output->wlr_output->name,
			on ? "on" : "off");
	}
	return ok;
}

void output_handle_new(struct wl_listener *listener, void *data) {
	struct server *server = wl_container_of(listener, server, new_output);
	struct wlr_output *wlr_output = data;

	if (wlr_output->non_desktop) {
		lease_offer(server->protocols.lease, wlr_output);
		return;
	}
	if (!wlr_output_init_render(wlr_output, output_get_allocator(server), server->renderer)) {
		wlr_log(WLR_ERROR, "%s: cannot be drawn on", wlr_output->name);
		return;
	}
	struct output *output = calloc(1, sizeof(*output));
	if (output == NULL) {
		return;
	}
	output->server = server;
	output->wlr_output = wlr_output;
	output->scene_output = wlr_scene_output_create(server->scene, wlr_output);
	if (output->scene_output == NULL) {
		free(output);
		return;
	}
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
	stats_add_output(server->stats, output);
	capture_add_output(server->capture, output);
	output_apply_config(output);
	ipc_tell_output(output, "added");
}

bool output_is_there(struct server *server, const struct output *wanted) {
	const struct output *output;
	wl_list_for_each(output, &server->outputs, link) {
		if (output == wanted) {
			return wlr_output_layout_get(server->output_layout, output->wlr_output) != NULL;
		}
	}
	return false;
}

struct output *output_at(struct server *server, double x, double y) {
	struct wlr_output *wlr_output = wlr_output_layout_output_at(server->output_layout, x, y);
	if (wlr_output != NULL && wlr_output->data != NULL) {
		return wlr_output->data;
	}
	struct output *output;
	wl_list_for_each(output, &server->outputs, link) {
		if (wlr_output_layout_get(server->output_layout, output->wlr_output) != NULL) {
			return output;
		}
	}
	return NULL;
}

struct wlr_box output_get_box(struct output *output) {
	struct wlr_box box;
	wlr_output_layout_get_box(output->server->output_layout, output->wlr_output, &box);
	return box;
}

struct wlr_box output_get_usable_box(struct output *output) {
	struct wlr_box box = output_get_box(output);
	int width = box.width - output->reserved.left - output->reserved.right;
	int height = box.height - output->reserved.top - output->reserved.bottom;
	if (width <= 0 || height <= 0) {
		return box; // A panel that takes all is no reason to have no windows
	}
	return (struct wlr_box){
		.x = box.x + output->reserved.left,
		.y = box.y + output->reserved.top,
		.width = width,
		.height = height,
	};
}

void output_set_usable_box(struct output *output, const struct wlr_box *usable) {
	struct wlr_box box = output_get_box(output);
	int left = usable->x, right = box.width - usable->x - usable->width;
	int top = usable->y, bottom = box.height - usable->y - usable->height;
	if (left == output->reserved.left && right == output->reserved.right &&
			top == output->reserved.top && bottom == output->reserved.bottom) {
		return;
	}
	output->reserved.left = left;
	output->reserved.right = right;
	output->reserved.top = top;
	output->reserved.bottom = bottom;
	desktop_update_outputs(output->server);
}

void output_damage(struct output *output) {
	// The scene listens to this, and takes it to be as a person sees the screen: rotated
	int width, height;
	wlr_output_transformed_resolution(output->wlr_output, &width, &height);
	pixman_region32_t whole;
	pixman_region32_init_rect(&whole, 0, 0, (unsigned)width, (unsigned)height);
	struct wlr_output_event_damage event = { .output = output->wlr_output, .damage = &whole };
	wl_signal_emit_mutable(&output->wlr_output->events.damage, &event);
	pixman_region32_fini(&whole);
	wlr_output_schedule_frame(output->wlr_output);
}

static void damage_all(void *data) {
	struct server *server = data;
	server->damage = NULL;
	struct output *output;
	wl_list_for_each(output, &server->outputs, link) {
		output_damage(output);
	}
}

void output_damage_all(struct server *server) {
	// Not at once: a frame that is being drawn would take the damage for its own
	if (server->damage == NULL) {
		server->damage = wl_event_loop_add_idle(server->loop, damage_all, server);
	}
}
