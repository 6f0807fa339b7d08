#include <stdlib.h>
#include <wlr/backend.h>
#include <wlr/types/wlr_output_layout.h>
#include <wlr/types/wlr_output_swapchain_manager.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/util/log.h>
#include "config/config.h"
#include "ipc/events.h"
#include "output_apply.h"
#include "path/ladder.h"
#include "protocol/outputs.h"

/** What "@60" and a screen's 59.94 Hz may differ by. */
#define MAX_REFRESH_DIFFERENCE_MHZ 500

/** Where nothing is. */
#define NOWHERE (1 << 28)

/** Draw each output's first frame in its new state, and commit all of them. */
static bool draw_and_commit(struct server *server, struct wlr_backend_output_state *states,
		const struct output_target *targets, size_t len,
		struct wlr_output_swapchain_manager *swapchains) {
	if (!wlr_output_swapchain_manager_prepare(swapchains, states, len)) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		struct wlr_scene_output_state_options options = {
			.swapchain =
				wlr_output_swapchain_manager_get_swapchain(swapchains, states[i].output),
		};
		if (!targets[i].placed) {
			continue;
		}
		struct output *output = targets[i].output;
		if (wlr_output_layout_get(server->output_layout, output->wlr_output) == NULL) {
			// Its place depends on its size: the first frame is black
			wlr_scene_output_set_position(output->scene_output, NOWHERE, NOWHERE);
		}
		ladder_prepare(server->ladder, output);
		if (!wlr_scene_output_build_state(output->scene_output, &states[i].base, &options)) {
			return false;
		}
	}
	if (!wlr_backend_commit(server->backend, states, len)) {
		return false;
	}
	wlr_output_swapchain_manager_apply(swapchains);
	for (size_t i = 0; i < len; i++) {
		if (targets[i].placed) {
			ladder_committed(server->ladder, targets[i].output, &states[i].base);
		}
	}
	return true;
}

static void place(const struct output_target *target) {
	struct output *output = target->output;
	struct server *server = output->server;
	struct wlr_output_layout *layout = server->output_layout;
	const struct wlr_output_layout_output *before =
		wlr_output_layout_get(layout, output->wlr_output);
	if (!target->placed) {
		wlr_output_layout_remove(layout, output->wlr_output);
		return;
	}
	struct wlr_output_layout_output *placed = NULL;
	if (!target->automatic) {
		placed = wlr_output_layout_add(layout, output->wlr_output, target->x, target->y);
	} else if (before == NULL || !before->auto_configured) {
		placed = wlr_output_layout_add_auto(layout, output->wlr_output);
	}
	if (before == NULL && placed != NULL) {
		wlr_scene_output_layout_add_output(server->scene_layout, placed, output->scene_output);
	}
}

/**
 * Whether its scale leaves it a size, and one that can be drawn: clients may ask for any. wlroots
 * takes it, and then asserts that there is something to draw.
 */
static bool is_sensible(const struct output_target *target) {
	const struct wlr_output *wlr_output = target->output->wlr_output;
	const struct wlr_output_state *state = &target->state;
	int width = wlr_output->width, height = wlr_output->height;
	float scale = wlr_output->scale;
	if (!target->placed) {
		return true;
	}
	if ((state->committed & WLR_OUTPUT_STATE_MODE) &&
			state->mode_type == WLR_OUTPUT_STATE_MODE_FIXED) {
		width = state->mode->width;
		height = state->mode->height;
	} else if (state->committed & WLR_OUTPUT_STATE_MODE) {
		width = state->custom_mode.width;
		height = state->custom_mode.height;
	}
	if (state->committed & WLR_OUTPUT_STATE_SCALE) {
		scale = state->scale;
	}
	return scale >= (float)OUTPUT_CONFIG_SCALE_MIN && scale <= (float)OUTPUT_CONFIG_SCALE_MAX &&
		(float)width >= scale && (float)height >= scale;
}

static bool test_or_commit(struct server *server, const struct output_target *targets,
		size_t len, bool commit) {
	struct wlr_backend_output_state *states = calloc(len, sizeof(*states));
	bool ok = states != NULL;
	for (size_t i = 0; ok && i < len; i++) {
		ok = is_sensible(&targets[i]);
	}
	for (size_t i = 0; ok && i < len; i++) {
		states[i].output = targets[i].output->wlr_output;
		ok = wlr_output_state_copy(&states[i].base, &targets[i].state);
	}
	if (ok) {
		struct wlr_output_swapchain_manager swapchains;
		wlr_output_swapchain_manager_init(&swapchains, server->backend);
		// To prepare is to test, with buffers such as the commit would have
		ok = commit ? draw_and_commit(server, states, targets, len, &swapchains) :
			wlr_output_swapchain_manager_prepare(&swapchains, states, len);
		wlr_output_swapchain_manager_finish(&swapchains);
	}
	for (size_t i = 0; states != NULL && i < len; i++) {
		wlr_output_state_finish(&states[i].base);
	}
	free(states);
	return ok;
}

/**
 * What a driver does not take at once (virtio-gpu does not light one screen while another gets a
 * mode), it may take one by one: first those that are switched off, which may free what others need.
 */
static bool one_by_one(struct server *server, const struct output_target *targets, size_t len,
		bool commit) {
	for (int placed = 0; placed < 2; placed++) {
		for (size_t i = 0; i < len; i++) {
			if (targets[i].placed == placed &&
					!test_or_commit(server, &targets[i], 1, commit)) {
				return false;
			}
		}
	}
	return true;
}

bool outputs_test(struct server *server, const struct output_target *targets, size_t len) {
	return test_or_commit(server, targets, len, false) ||
		(len > 1 && one_by_one(server, targets, len, false));
}

static void remember(struct wlr_output *wlr_output, struct wlr_output_state *state) {
	wlr_output_state_init(state);
	wlr_output_state_set_enabled(state, wlr_output->enabled);
	if (!wlr_output->enabled) {
		return;
	}
	if (wlr_output->current_mode != NULL) {
		wlr_output_state_set_mode(state, wlr_output->current_mode);
	} else {
		wlr_output_state_set_custom_mode(state, wlr_output->width, wlr_output->height,
			wlr_output->refresh);
	}
	wlr_output_state_set_scale(state, wlr_output->scale);
	wlr_output_state_set_transform(state, wlr_output->transform);
	if (wlr_output->adaptive_sync_supported) {
		wlr_output_state_set_adaptive_sync_enabled(state,
			wlr_output->adaptive_sync_status == WLR_OUTPUT_ADAPTIVE_SYNC_ENABLED);
	}
}

static bool has_mode(const struct wlr_output *wlr_output, const struct wlr_output_state *state) {
	if (state->mode_type == WLR_OUTPUT_STATE_MODE_FIXED) {
		return wlr_output->current_mode == state->mode;
	}
	return wlr_output->width == state->custom_mode.width &&
		wlr_output->height == state->custom_mode.height &&
		wlr_output->refresh == state->custom_mode.refresh;
}

static bool has_adaptive_sync(const struct wlr_output *wlr_output,
		const struct wlr_output_state *state) {
	return !wlr_output->adaptive_sync_supported || state->adaptive_sync_enabled ==
		(wlr_output->adaptive_sync_status == WLR_OUTPUT_ADAPTIVE_SYNC_ENABLED);
}

/**
 * Where screens were changed one by one, by several GPUs or because the driver would not take all
 * at once: what the first ones have taken is undone when a later one refuses.
 */
static void restore(struct wlr_output *wlr_output, const struct wlr_output_state *before) {
	bool same = wlr_output->enabled == before->enabled;
	if (same && before->enabled) {
		same = wlr_output->scale == before->scale &&
			wlr_output->transform == before->transform && has_mode(wlr_output, before) &&
			has_adaptive_sync(wlr_output, before);
	}
	if (!same && !wlr_output_commit_state(wlr_output, before)) {
		wlr_log(WLR_ERROR, "%s: it does not even go back to how it was", wlr_output->name);
	}
}

bool outputs_commit(struct server *server, struct output_target *targets, size_t len) {
	struct wlr_output_state *before = calloc(len, sizeof(*before));
	for (size_t i = 0; before != NULL && i < len; i++) {
		remember(targets[i].output->wlr_output, &before[i]);
	}
	bool ok = before != NULL && (test_or_commit(server, targets, len, true) ||
		(len > 1 && one_by_one(server, targets, len, true)));
	for (size_t i = 0; before != NULL && i < len; i++) {
		if (!ok) {
			restore(targets[i].output->wlr_output, &before[i]);
		}
		wlr_output_state_finish(&before[i]);
	}
	free(before);
	if (!ok) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		place(&targets[i]);
	}
	outputs_arrange(server);
	outputs_publish(server->protocols.outputs);
	return true;
}

static struct wlr_output_mode *find_mode(struct wlr_output *wlr_output,
		const struct output_config *config) {
	struct wlr_output_mode *mode, *best = NULL;
	int best_difference = 0;
	wl_list_for_each(mode, &wlr_output->modes, link) {
		if (mode->width != config->width || mode->height != config->height) {
			continue;
		}
		int difference = config->refresh_mhz == 0 ? -mode->refresh :
			abs(mode->refresh - config->refresh_mhz);
		if (difference <= MAX_REFRESH_DIFFERENCE_MHZ &&
				(best == NULL || difference < best_difference)) {
			best = mode;
			best_difference = difference;
		}
	}
	return best;
}

static void set_mode(struct wlr_output *wlr_output, const struct output_config *config,
		struct wlr_output_state *state, struct config_report *report) {
	// Nested and headless ones have no list of modes, and take any
	bool any = config->custom || wl_list_empty(&wlr_output->modes);
	if (config->width > 0 && any) {
		wlr_output_state_set_custom_mode(state, config->width, config->height,
			config->refresh_mhz);
		return;
	}
	struct wlr_output_mode *mode =
		config->width > 0 ? find_mode(wlr_output, config) : NULL;
	if (config->width > 0 && mode == NULL) {
		config_report_add(report, "%s: it has no mode %dx%d%s; sluicectl outputs lists those "
			"that it has", wlr_output->name, config->width, config->height,
			config->refresh_mhz > 0 ? " of this refresh rate" : "");
	}
	if (mode == NULL) {
		mode = wlr_output_preferred_mode(wlr_output);
	}
	if (mode != NULL) {
		wlr_output_state_set_mode(state, mode);
	}
}

static void target_init(struct output_target *target, struct output *output,
		const struct output_config *config, struct config_report *report) {
	struct wlr_output *wlr_output = output->wlr_output;
	*target = (struct output_target){
		.output = output,
		.placed = config->enabled,
		.automatic = !(config->fields & OUTPUT_CONFIG_POSITION),
		.x = config->x,
		.y = config->y,
	};
	wlr_output_state_init(&target->state);
	wlr_output_state_set_enabled(&target->state, config->enabled);
	if (!config->enabled) {
		return;
	}
	set_mode(wlr_output, config, &target->state, report);
	wlr_output_state_set_scale(&target->state, (float)config->scale);
	wlr_output_state_set_transform(&target->state, config->transform);
	if (wlr_output->adaptive_sync_supported) {
		wlr_output_state_set_adaptive_sync_enabled(&target->state, config->adaptive_sync);
	} else if (config->adaptive_sync) {
		config_report_add(report, "%s: it has no adaptive sync", wlr_output->name);
	}
}

/** Too much for this link, perhaps: take the largest mode that works. */
static bool commit_any_mode(struct output_target *target) {
	struct output *output = target->output;
	struct wlr_output_mode *mode;
	wl_list_for_each(mode, &output->wlr_output->modes, link) {
		wlr_output_state_set_mode(&target->state, mode);
		if (outputs_commit(output->server, target, 1)) {
			return true;
		}
	}
	return false;
}

void output_apply_config(struct output *output) {
	struct server *server = output->server;
	struct wlr_output *wlr_output = output->wlr_output;
	struct config_report report;
	if (!config_report_init(&report)) {
		return;
	}
	output->config = output_config_merge(server->config, wlr_output);
	struct output_target target;
	target_init(&target, output, &output->config, &report);
	bool ok = !target.placed || outputs_commit(server, &target, 1);
	if (!ok) {
		wlr_log(WLR_ERROR, "%s: does not work as it is configured: trying other modes",
			wlr_output->name);
		ok = commit_any_mode(&target);
	}
	wlr_output_state_finish(&target.state);
	if (report.errors > 0) {
		wlr_log(WLR_ERROR, "%s", config_report_get_text(&report));
	}
	config_report_finish(&report);
	if (!ok) {
		wlr_log(WLR_ERROR, "%s: no mode of it works; is the cable able to carry it?",
			wlr_output->name);
	} else if (!target.placed) {
		wlr_log(WLR_INFO, "%s: disabled by the configuration", wlr_output->name);
	} else {
		wlr_log(WLR_INFO, "%s: %dx%d at %.3f Hz", wlr_output->name, wlr_output->width,
			wlr_output->height, wlr_output->refresh / 1000.0);
	}
}

void outputs_apply_config(struct server *server, struct config_report *report) {
	size_t max = (size_t)wl_list_length(&server->outputs), len = 0;
	struct output_target *targets = calloc(max > 0 ? max : 1, sizeof(*targets));
	struct output *output;
	wl_list_for_each(output, &server->outputs, link) {
		struct output_config config = output_config_merge(server->config, output->wlr_output);
		if (targets != NULL && !output_config_equals(&config, &output->config)) {
			target_init(&targets[len++], output, &config, report);
		}
	}
	bool ok = targets != NULL && (len == 0 || outputs_commit(server, targets, len));
	if (!ok) {
		config_report_add(report, "the display driver refuses what is said of the outputs: "
			"they stay as they were");
	}
	for (size_t i = 0; i < len; i++) {
		output = targets[i].output;
		if (ok) {
			output->config = output_config_merge(server->config, output->wlr_output);
			wlr_log(WLR_INFO, "%s: configured anew", output->wlr_output->name);
			ipc_tell_output(output, "changed");
		}
		wlr_output_state_finish(&targets[i].state);
	}
	free(targets);
}
