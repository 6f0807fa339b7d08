#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/backend/interface.h>
#include <wlr/interfaces/wlr_keyboard.h>
#include <wlr/interfaces/wlr_output.h>
#include <wlr/interfaces/wlr_pointer.h>
#include <wlr/interfaces/wlr_touch.h>
#include <wlr/util/log.h>
#include "headless/backend.h"

#define NSEC_PER_SEC UINT64_C(1000000000)
#define MHZ_PER_HZ UINT64_C(1000)

static const uint32_t supported_state = WLR_OUTPUT_STATE_BACKEND_OPTIONAL |
	WLR_OUTPUT_STATE_BUFFER | WLR_OUTPUT_STATE_MODE | WLR_OUTPUT_STATE_ENABLED;

static struct headless_output *from_output(struct wlr_output *wlr_output) {
	struct headless_output *output = wl_container_of(wlr_output, output, base);
	return output;
}

/** The picture of a buffer is captured from its pixels: there is nothing that could scale it. */
static bool shows_whole_buffer(const struct wlr_output_state *state, int width, int height) {
	const struct wlr_fbox whole = {
		.width = state->buffer->width,
		.height = state->buffer->height,
	};
	const struct wlr_box screen = { .width = width, .height = height };
	return state->buffer->width == width && state->buffer->height == height &&
		(wlr_fbox_empty(&state->buffer_src_box) ||
			wlr_fbox_equal(&state->buffer_src_box, &whole)) &&
		(wlr_box_empty(&state->buffer_dst_box) ||
			wlr_box_equal(&state->buffer_dst_box, &screen));
}

static bool output_test(struct wlr_output *wlr_output, const struct wlr_output_state *state) {
	uint32_t unsupported = state->committed & ~supported_state;
	if (unsupported != 0) {
		wlr_log(WLR_DEBUG, "%s: unsupported output state 0x%x", wlr_output->name, unsupported);
		return false;
	}
	int width = wlr_output->width, height = wlr_output->height;
	if (state->committed & WLR_OUTPUT_STATE_MODE) {
		if (state->mode_type != WLR_OUTPUT_STATE_MODE_CUSTOM) {
			return false;
		}
		width = state->custom_mode.width;
		height = state->custom_mode.height;
		if (width > HEADLESS_MAX_EXTENT || height > HEADLESS_MAX_EXTENT) {
			wlr_log(WLR_ERROR, "%s: %dx%d is larger than %dx%d", wlr_output->name, width, height,
				HEADLESS_MAX_EXTENT, HEADLESS_MAX_EXTENT);
			return false;
		}
	}
	return !(state->committed & WLR_OUTPUT_STATE_BUFFER) ||
		shows_whole_buffer(state, width, height);
}

static bool output_commit(struct wlr_output *wlr_output, const struct wlr_output_state *state) {
	struct headless_output *output = from_output(wlr_output);
	if (!output_test(wlr_output, state)) {
		return false;
	}
	if ((state->committed & WLR_OUTPUT_STATE_MODE) && state->custom_mode.refresh > 0 &&
			state->custom_mode.refresh != wlr_output->refresh) {
		// Refreshes are counted in periods of the new mode from here
		output->epoch = headless_output_next_refresh(output);
		output->refreshes = 0;
	}
	if (state->committed & WLR_OUTPUT_STATE_BUFFER) {
		output->committed_seq = wlr_output->commit_seq + 1;
		output->presenting = true;
	}
	return true;
}

/**
 * The pointer's image lies in a plane of its own, which captures do not contain. Who wants it in
 * the picture has wlroots draw it (--cursor).
 */
static bool output_set_cursor(struct wlr_output *wlr_output, struct wlr_buffer *buffer,
		int hotspot_x, int hotspot_y) {
	return true;
}

static bool output_move_cursor(struct wlr_output *wlr_output, int x, int y) {
	return true;
}

static void output_destroy(struct wlr_output *wlr_output) {
	struct headless_output *output = from_output(wlr_output);
	wlr_output_finish(wlr_output);
	wl_list_remove(&output->link);
	free(output);
}

static const struct wlr_output_impl output_impl = {
	.set_cursor = output_set_cursor,
	.move_cursor = output_move_cursor,
	.destroy = output_destroy,
	.test = output_test,
	.commit = output_commit,
};

uint64_t headless_output_next_refresh(const struct headless_output *output) {
	uint64_t mhz = output->base.refresh > 0 ? (uint64_t)output->base.refresh :
		HEADLESS_DEFAULT_REFRESH;
	// From the beginning each time, so that what is rounded off does not add up
	uint64_t n = output->refreshes + 1;
	uint64_t per_second = NSEC_PER_SEC * MHZ_PER_HZ;
	return output->epoch + n / mhz * per_second + n % mhz * per_second / mhz;
}

void headless_output_skip(struct headless_output *output, uint64_t until) {
	const uint64_t next = headless_output_next_refresh(output);
	if (until <= next) {
		return;
	}
	uint64_t period = (next - output->epoch) / (output->refreshes + 1);
	// One less, as periods are rounded
	uint64_t skipped = (until - next) / (period + 1);
	output->refreshes += skipped > 0 ? skipped - 1 : 0;
	while (headless_output_next_refresh(output) < until) {
		output->refreshes++;
	}
}

static struct timespec to_timespec(uint64_t ns) {
	return (struct timespec){
		.tv_sec = (time_t)(ns / NSEC_PER_SEC),
		.tv_nsec = (long)(ns % NSEC_PER_SEC),
	};
}

void headless_output_refresh(struct headless_output *output, uint64_t now) {
	output->refreshes++;
	wlr_output_send_frame(&output->base);
	if (!output->presenting) {
		return;
	}
	output->presenting = false;
	struct wlr_output_event_present event = {
		.commit_seq = output->committed_seq,
		.presented = true,
		.when = to_timespec(now),
		.seq = (unsigned)output->refreshes,
		.refresh = (int)(headless_output_next_refresh(output) - now),
		.flags = WLR_OUTPUT_PRESENT_VSYNC,
	};
	wlr_output_send_present(&output->base, &event);
}

void headless_output_request_mode(struct headless_output *output, int width, int height,
		int refresh) {
	struct wlr_output_state state;
	wlr_output_state_init(&state);
	wlr_output_state_set_custom_mode(&state, width, height,
		refresh > 0 ? refresh : output->base.refresh);
	wlr_output_send_request_state(&output->base, &state);
	wlr_output_state_finish(&state);
}

struct headless_output *headless_backend_find_output(struct headless_backend *backend,
		const char *name) {
	struct headless_output *output;
	wl_list_for_each(output, &backend->outputs, link) {
		if (strcmp(output->base.name, name) == 0) {
			return output;
		}
	}
	return NULL;
}

struct headless_output *headless_backend_add_output(struct headless_backend *backend,
		const char *name, int width, int height, int refresh, uint64_t now) {
	struct headless_output *output = calloc(1, sizeof(*output));
	if (output == NULL) {
		return NULL;
	}
	output->backend = backend;
	output->epoch = now;

	struct wlr_output_state state;
	wlr_output_state_init(&state);
	wlr_output_state_set_custom_mode(&state, width, height,
		refresh > 0 ? refresh : HEADLESS_DEFAULT_REFRESH);
	wlr_output_init(&output->base, &backend->base, &output_impl, backend->loop, &state);
	wlr_output_state_finish(&state);

	char generated[32];
	if (name == NULL) {
		snprintf(generated, sizeof(generated), "HEADLESS-%u", ++backend->last_output);
		name = generated;
	}
	wlr_output_set_name(&output->base, name);
	wlr_output_set_description(&output->base, "Headless output");

	wl_list_insert(backend->outputs.prev, &output->link);
	if (backend->started) {
		wl_signal_emit_mutable(&backend->base.events.new_output, &output->base);
	}
	return output;
}

static bool backend_start(struct wlr_backend *wlr_backend) {
	struct headless_backend *backend = wl_container_of(wlr_backend, backend, base);
	backend->started = true;
	struct headless_output *output, *tmp;
	wl_list_for_each_safe(output, tmp, &backend->outputs, link) {
		wl_signal_emit_mutable(&wlr_backend->events.new_output, &output->base);
	}
	wl_signal_emit_mutable(&wlr_backend->events.new_input, &backend->keyboard.base);
	wl_signal_emit_mutable(&wlr_backend->events.new_input, &backend->pointer.base);
	wl_signal_emit_mutable(&wlr_backend->events.new_input, &backend->touch.base);
	return true;
}

static void backend_destroy(struct wlr_backend *wlr_backend) {
	struct headless_backend *backend = wl_container_of(wlr_backend, backend, base);
	wlr_backend_finish(wlr_backend);
	struct headless_output *output, *tmp;
	wl_list_for_each_safe(output, tmp, &backend->outputs, link) {
		wlr_output_destroy(&output->base);
	}
	wlr_keyboard_finish(&backend->keyboard);
	wlr_pointer_finish(&backend->pointer);
	wlr_touch_finish(&backend->touch);
	free(backend);
}

static const struct wlr_backend_impl backend_impl = {
	.start = backend_start,
	.destroy = backend_destroy,
};

static const struct wlr_keyboard_impl keyboard_impl = { .name = "headless-keyboard" };
static const struct wlr_pointer_impl pointer_impl = { .name = "headless-pointer" };
static const struct wlr_touch_impl touch_impl = { .name = "headless-touch" };

struct headless_backend *headless_backend_create(struct wl_event_loop *loop) {
	struct headless_backend *backend = calloc(1, sizeof(*backend));
	if (backend == NULL) {
		return NULL;
	}
	wlr_backend_init(&backend->base, &backend_impl);
	backend->base.buffer_caps =
		WLR_BUFFER_CAP_DATA_PTR | WLR_BUFFER_CAP_SHM | WLR_BUFFER_CAP_DMABUF;
	backend->loop = loop;
	wl_list_init(&backend->outputs);
	wlr_keyboard_init(&backend->keyboard, &keyboard_impl, keyboard_impl.name);
	wlr_pointer_init(&backend->pointer, &pointer_impl, pointer_impl.name);
	wlr_touch_init(&backend->touch, &touch_impl, touch_impl.name);
	return backend;
}
