#include <inttypes.h>
#include <stdlib.h>
#include <wlr/backend/session.h>
#include <wlr/render/pixman.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/util/log.h>
#include <sluice/buffer.h>
#include "path/demotion.h"
#include "path/ladder.h"
#include "path/stack.h"
#include "path/surface.h"

static struct path_surface *get_path_surface(struct ladder *ladder,
		const struct stack_entry *entry) {
	struct wlr_scene_surface *scene_surface =
		wlr_scene_surface_try_from_buffer(entry->scene_buffer);
	return scene_surface != NULL ? path_surface_find(ladder, scene_surface->surface) : NULL;
}

static struct wlr_texture *get_texture(const struct stack_entry *entry) {
	struct wlr_client_buffer *client_buffer =
		wlr_client_buffer_get(entry->scene_buffer->buffer);
	return client_buffer != NULL ? client_buffer->texture : NULL;
}

static struct demotion *find_demotion(struct ladder *ladder, struct output *output,
		const struct stack_entry *entry) {
	struct wlr_buffer *source = stack_get_source(entry);
	return source != NULL ? demotion_find(&ladder->demotions, source, get_texture(entry),
		output->wlr_output->backend) : NULL;
}

static void set_composite_only(struct output *output, bool composite_only) {
	if (output->composite_only != composite_only) {
		output->composite_only = composite_only;
		wlr_output_lock_attach_render(output->wlr_output, composite_only);
	}
}

/**
 * Its image was revoked or quiesced. The framebuffer lives until the next page flip, and the scene,
 * which would show it again, must not.
 */
static bool is_detached(const struct stack_entry *entry) {
	struct wlr_texture *texture = get_texture(entry);
	return texture != NULL && sluice_texture_is(texture) &&
		sluice_texture_get_buffer(texture) == NULL;
}

void ladder_prepare(struct ladder *ladder, struct output *output) {
	bool composite_only = false;
	size_t len;
	const struct stack_entry *stack = stack_collect(output, &len);
	for (size_t i = 0; i < len && !composite_only; i++) {
		composite_only = is_detached(&stack[i]) ||
			find_demotion(ladder, output, &stack[i]) != NULL;
	}
	set_composite_only(output, composite_only);
}

/**
 * The scene had to composite although nothing that the compositor knows of stood in the way. Was
 * it the driver? Ask it alone, once.
 */
static enum sluice_reason ask_driver(struct ladder *ladder, struct output *output,
		const struct stack_entry *entry) {
	struct wlr_buffer *source = stack_get_source(entry);
	struct wlr_output_state state;
	wlr_output_state_init(&state);
	wlr_output_state_set_buffer(&state, source);
	bool ok = wlr_output_test_state(output->wlr_output, &state);
	wlr_output_state_finish(&state);
	if (ok) {
		return SLUICE_REASON_OTHER;
	}
	demotion_add(&ladder->demotions, source, get_texture(entry), output->wlr_output->backend,
		output->wlr_output->name, SLUICE_REASON_TEST_FAILED);
	return SLUICE_REASON_TEST_FAILED;
}

static enum sluice_reason why_not_scanout(struct ladder *ladder, struct output *output,
		const struct wlr_output_state *state, const struct stack_entry *stack, size_t len,
		size_t i, enum sluice_reason previous) {
	enum sluice_reason reason = stack_why_not_scanout(output, stack, len, i);
	if (reason != SLUICE_REASON_OK) {
		return reason;
	}
	struct demotion *demotion = find_demotion(ladder, output, &stack[i]);
	if (demotion != NULL) {
		return demotion->reason;
	}
	// wlroots never scans out in the commit that sets a mode: the next one tells
	if (state->committed & (WLR_OUTPUT_STATE_MODE | WLR_OUTPUT_STATE_ENABLED)) {
		return SLUICE_REASON_OK;
	}
	if (previous == SLUICE_REASON_OTHER) {
		return previous; // It was asked, and is not asked in each frame
	}
	return ask_driver(ladder, output, &stack[i]);
}

static void update_path(struct ladder *ladder, struct output *output,
		const struct wlr_output_state *state, const struct stack_entry *stack, size_t len,
		size_t i) {
	struct path_surface *path_surface = get_path_surface(ladder, &stack[i]);
	if (path_surface == NULL || !path_surface_is_watched(path_surface)) {
		return;
	}
	if (stack[i].scene_buffer->primary_output != output->scene_output) {
		return; // Told by the output that shows most of it
	}

	if (state->buffer != NULL && state->buffer == stack_get_source(&stack[i])) {
		path_surface->scanout_reason = SLUICE_REASON_OK;
		path_surface_set(path_surface, SLUICE_PATH_SCANOUT, SLUICE_REASON_OK,
			output->wlr_output);
		return;
	}

	struct wlr_texture *texture = get_texture(&stack[i]);
	// An ordinary buffer is drawn by whatever the renderer draws with
	bool pixman = wlr_renderer_is_pixman(sluice_renderer_get_inner(ladder->server->renderer));
	enum sluice_path path = pixman ? SLUICE_PATH_CPU : SLUICE_PATH_GPU;
	enum sluice_reason reason = pixman ? SLUICE_REASON_NO_GPU_IMPORT : SLUICE_REASON_OK;
	if (texture != NULL && sluice_texture_is(texture)) {
		path = sluice_texture_get_path(texture, &reason);
	}
	path_surface->scanout_reason = why_not_scanout(ladder, output, state, stack, len, i,
		path_surface->scanout_reason);
	if (path == SLUICE_PATH_GPU) {
		reason = path_surface->scanout_reason;
	}
	path_surface_set(path_surface, path, reason, output->wlr_output);
}

static bool is_anything_watched(struct ladder *ladder) {
	struct path_surface *path_surface;
	wl_list_for_each(path_surface, &ladder->surfaces, link) {
		if (path_surface_is_watched(path_surface)) {
			return true;
		}
	}
	return false;
}

void ladder_committed(struct ladder *ladder, struct output *output,
		const struct wlr_output_state *state) {
	if (!is_anything_watched(ladder)) {
		return;
	}
	size_t len;
	const struct stack_entry *stack = stack_collect(output, &len);
	for (size_t i = 0; i < len; i++) {
		update_path(ladder, output, state, stack, len, i);
	}
}

bool ladder_commit_failed(struct ladder *ladder, struct output *output,
		const struct wlr_output_state *state) {
	struct wlr_session *session = ladder->server->session;
	if (session != NULL && !session->active) {
		return false; // Another VT has the screen: nobody's fault
	}
	if (!(state->committed & WLR_OUTPUT_STATE_BUFFER)) {
		return false;
	}
	size_t len;
	const struct stack_entry *stack = stack_collect(output, &len);
	for (size_t i = 0; i < len; i++) {
		if (stack_get_source(&stack[i]) != state->buffer) {
			continue;
		}
		struct sluice_buffer *vram = sluice_buffer_try_from_buffer(state->buffer);
		if (vram != NULL && !sluice_buffer_check(vram)) {
			wlr_log(WLR_INFO, "%s: commit failed: VRAM of %s was revoked",
				output->wlr_output->name, sluice_buffer_get_exporter(vram));
		} else if (!demotion_add(&ladder->demotions, state->buffer, get_texture(&stack[i]),
				output->wlr_output->backend, output->wlr_output->name,
				SLUICE_REASON_COMMIT_FAILED)) {
			return false;
		}
		set_composite_only(output, true);
		return true;
	}
	return false;
}

void ladder_output_gone(struct ladder *ladder, struct output *output) {
	struct path_surface *path_surface;
	wl_list_for_each(path_surface, &ladder->surfaces, link) {
		if (path_surface->output == output->wlr_output) {
			path_surface_set(path_surface, SLUICE_PATH_NONE, SLUICE_REASON_NO_OUTPUT, NULL);
		}
	}
}

void ladder_log(struct ladder *ladder) {
	struct path_surface *path_surface;
	wl_list_for_each(path_surface, &ladder->surfaces, link) {
		if (path_surface_is_watched(path_surface)) {
			wlr_log(WLR_INFO, "stats: path %s (%s) on %s for %" PRIu64 " frames",
				sluice_path_name(path_surface->path),
				sluice_reason_name(path_surface->reason),
				path_surface->output != NULL ? path_surface->output->name : "no output",
				path_surface->frames);
		}
	}
}

static void handle_new_surface(struct wl_listener *listener, void *data) {
	struct ladder *ladder = wl_container_of(listener, ladder, new_surface);
	struct wlr_surface *surface = data;
	if (path_surface_create(ladder, surface) == NULL) {
		wl_resource_post_no_memory(surface->resource);
	}
}

static void handle_verdict(struct wl_listener *listener, void *data) {
	struct ladder *ladder = wl_container_of(listener, ladder, verdict);
	output_damage_all(ladder->server);
}

void ladder_set_renderer(struct ladder *ladder, struct wlr_renderer *renderer) {
	wl_list_remove(&ladder->verdict.link);
	wl_signal_add(sluice_renderer_get_verdict_signal(renderer), &ladder->verdict);
}

struct ladder *ladder_create(struct server *server) {
	struct ladder *ladder = calloc(1, sizeof(*ladder));
	if (ladder == NULL) {
		return NULL;
	}
	ladder->server = server;
	wl_list_init(&ladder->surfaces);
	wl_list_init(&ladder->demotions);
	ladder->new_surface.notify = handle_new_surface;
	wl_signal_add(&server->compositor->events.new_surface, &ladder->new_surface);
	ladder->verdict.notify = handle_verdict;
	wl_list_init(&ladder->verdict.link);
	ladder_set_renderer(ladder, server->renderer);
	return ladder;
}

void ladder_destroy(struct ladder *ladder) {
	if (ladder == NULL) {
		return;
	}
	struct demotion *demotion, *tmp;
	wl_list_for_each_safe(demotion, tmp, &ladder->demotions, link) {
		demotion_destroy(demotion);
	}
	wl_list_remove(&ladder->new_surface.link);
	wl_list_remove(&ladder->verdict.link);
	free(ladder);
}
