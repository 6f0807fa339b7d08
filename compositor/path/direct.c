#include <wlr/types/wlr_buffer.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_linux_drm_syncobj_v1.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/util/log.h>
#include "output.h"
#include "path/direct.h"
#include "path/ladder.h"
#include "path/stack.h"
#include "path/surface.h"

void direct_begin(struct output *output, struct path_surface *path_surface,
		const struct stack_entry *entry) {
	struct wlr_dmabuf_attributes dmabuf;
	struct wlr_buffer *source = stack_get_source(entry);
	if (source == NULL || !wlr_buffer_get_dmabuf(source, &dmabuf) || dmabuf.n_planes != 1) {
		direct_end(output);
		return;
	}
	output->direct = (struct direct){
		.surface = path_surface,
		.format = dmabuf.format,
		.modifier = dmabuf.modifier,
		.stride = dmabuf.stride[0],
		.transfer_function = entry->scene_buffer->transfer_function,
		.primaries = entry->scene_buffer->primaries,
		.color_encoding = entry->scene_buffer->color_encoding,
		.color_range = entry->scene_buffer->color_range,
	};
}

void direct_end(struct output *output) {
	output->direct = (struct direct){0};
}

/** The driver has taken one like it: format, layout, size and, by the stack, the place. */
static bool is_same_kind(const struct direct *direct, const struct wlr_scene_buffer *scene_buffer,
		struct wlr_buffer *source) {
	if (scene_buffer->transfer_function != direct->transfer_function ||
			scene_buffer->primaries != direct->primaries ||
			scene_buffer->color_encoding != direct->color_encoding ||
			scene_buffer->color_range != direct->color_range) {
		return false;
	}
	struct wlr_dmabuf_attributes dmabuf;
	return wlr_buffer_get_dmabuf(source, &dmabuf) && dmabuf.n_planes == 1 &&
		dmabuf.format == direct->format && dmabuf.modifier == direct->modifier &&
		dmabuf.stride[0] == direct->stride && dmabuf.offset[0] == 0;
}

static bool shows_whole_buffer(const struct wlr_scene_buffer *scene_buffer) {
	const struct wlr_fbox whole = {
		.width = scene_buffer->buffer->width,
		.height = scene_buffer->buffer->height,
	};
	return wlr_fbox_empty(&scene_buffer->src_box) ||
		wlr_fbox_equal(&scene_buffer->src_box, &whole);
}

/** What is below an image with an alpha channel shines through. */
static bool hides_all_below(struct ladder *ladder, struct output *output,
		struct wlr_buffer *source) {
	if (wlr_buffer_is_opaque(source)) {
		return true;
	}
	size_t len;
	stack_collect(ladder, output, &len);
	return len == 1;
}

/** Whether the surface of the steady state alone makes up the screen, as the top entry. */
static bool find_entry(struct ladder *ladder, struct output *output, struct stack_entry *top) {
	if (!stack_get_top(output, top)) {
		return false;
	}
	struct wlr_surface *surface = stack_get_surface(top);
	if (surface == NULL || surface != output->direct.surface->surface) {
		return false;
	}
	struct wlr_buffer *source = stack_get_source(top);
	return source != NULL && !stack_is_detached(top) &&
		is_same_kind(&output->direct, top->scene_buffer, source) &&
		shows_whole_buffer(top->scene_buffer) &&
		stack_why_not_scanout(output, top, 1, 0) == SLUICE_REASON_OK &&
		hides_all_below(ladder, output, source) &&
		// The scene knows the fences of explicit synchronisation, and nobody else
		wlr_linux_drm_syncobj_v1_get_surface_state(surface) == NULL;
}

bool direct_commit(struct ladder *ladder, struct output *output) {
	if (output->direct.surface == NULL) {
		return false;
	}
	struct stack_entry entry;
	if (!find_entry(ladder, output, &entry)) {
		direct_end(output);
		return false;
	}

	// Presentation feedback hangs off this, and takes the next commit for its own
	struct wlr_scene_output_sample_event event = {
		.output = output->scene_output,
		.direct_scanout = true,
	};
	wl_signal_emit_mutable(&entry.scene_buffer->events.output_sample, &event);

	struct wlr_output_state state;
	wlr_output_state_init(&state);
	wlr_output_state_set_buffer(&state, stack_get_source(&entry));
	bool ok = wlr_output_commit_state(output->wlr_output, &state);
	if (!ok) {
		ladder_commit_failed(ladder, output, &state);
		direct_end(output);
	}
	wlr_output_state_finish(&state);
	if (!ok) {
		return false;
	}

	path_surface_set(output->direct.surface, SLUICE_PATH_SCANOUT, SLUICE_REASON_OK,
		output->wlr_output);
	if (wlr_scene_output_needs_frame(output->scene_output)) {
		direct_end(output); // There is more to it than a buffer, gamma perhaps, and the scene knows
	}
	return true;
}

void direct_send_frame_done(struct output *output, struct timespec *now) {
	if (output->direct.surface != NULL) {
		wlr_surface_send_frame_done(output->direct.surface->surface, now);
	} else {
		wlr_scene_output_send_frame_done(output->scene_output, now);
	}
}
