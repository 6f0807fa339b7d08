#include <wlr/types/wlr_buffer.h>
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
	};
}

void direct_end(struct output *output) {
	output->direct = (struct direct){0};
}

/** The driver has taken one like it: format, layout, size and, by the stack, the place. */
static bool is_same_kind(const struct direct *direct, struct wlr_buffer *source) {
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

/** The entry that alone makes up the screen, if it is the surface of the steady state. */
static const struct stack_entry *find_entry(struct ladder *ladder, struct output *output) {
	size_t len;
	const struct stack_entry *stack = stack_collect(ladder, output, &len);
	if (len == 0) {
		return NULL;
	}
	const struct stack_entry *top = &stack[len - 1];
	struct wlr_scene_surface *scene_surface =
		wlr_scene_surface_try_from_buffer(top->scene_buffer);
	if (scene_surface == NULL || scene_surface->surface != output->direct.surface->surface) {
		return NULL;
	}
	struct wlr_buffer *source = stack_get_source(top);
	if (source == NULL || stack_is_detached(top) || !is_same_kind(&output->direct, source) ||
			!shows_whole_buffer(top->scene_buffer) ||
			stack_why_not_scanout(output, stack, len, len - 1) != SLUICE_REASON_OK) {
		return NULL;
	}
	// What is below an image with an alpha channel shines through
	if (len > 1 && !wlr_buffer_is_opaque(source)) {
		return NULL;
	}
	// The scene knows the fences of explicit synchronisation, and nobody else
	if (wlr_linux_drm_syncobj_v1_get_surface_state(scene_surface->surface) != NULL) {
		return NULL;
	}
	return top;
}

bool direct_commit(struct ladder *ladder, struct output *output) {
	if (output->direct.surface == NULL) {
		return false;
	}
	const struct stack_entry *entry = find_entry(ladder, output);
	if (entry == NULL) {
		direct_end(output);
		return false;
	}

	struct wlr_output_state state;
	wlr_output_state_init(&state);
	wlr_output_state_set_buffer(&state, stack_get_source(entry));
	bool ok = wlr_output_commit_state(output->wlr_output, &state);
	if (!ok) {
		ladder_commit_failed(ladder, output, &state);
		direct_end(output);
	}
	wlr_output_state_finish(&state);
	if (!ok) {
		return false;
	}

	// Presentation feedback hangs off this
	struct wlr_scene_output_sample_event event = {
		.output = output->scene_output,
		.direct_scanout = true,
	};
	wl_signal_emit_mutable(&entry->scene_buffer->events.output_sample, &event);
	path_surface_set(output->direct.surface, SLUICE_PATH_SCANOUT, SLUICE_REASON_OK,
		output->wlr_output);
	return true;
}
