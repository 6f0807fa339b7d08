#include <inttypes.h>
#include <stdlib.h>
#include <xf86drm.h>
#include <wlr/backend.h>
#include <wlr/backend/session.h>
#include <wlr/render/pixman.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/util/log.h>
#include "path/demotion.h"
#include "path/ladder.h"
#include "path/stack.h"
#include "path/surface.h"
#include "vram/vram.h"

static struct path_surface *get_path_surface(struct ladder *ladder,
		const struct stack_entry *entry) {
	struct wlr_surface *surface = stack_get_surface(entry);
	return surface != NULL ? path_surface_find(ladder, surface) :
		path_surface_find_own(ladder, entry->scene_buffer);
}

static struct demotion *find_demotion(struct ladder *ladder, struct output *output,
		const struct stack_entry *entry) {
	struct wlr_buffer *source = stack_get_source(entry);
	return source != NULL ? demotion_find(&ladder->demotions, source, stack_get_texture(entry),
		output->wlr_output->backend) : NULL;
}

static void set_composite_only(struct output *output, bool composite_only) {
	if (output->composite_only != composite_only) {
		output->composite_only = composite_only;
		wlr_output_lock_attach_render(output->wlr_output, composite_only);
	}
}

/** Whether the output must be drawn, whatever the driver might take. */
static bool must_composite(struct ladder *ladder, struct output *output,
		const struct stack_entry *entry) {
	if (entry->scene_buffer == NULL || entry->scene_buffer->primary_output == NULL) {
		return false; // It is no image, or covered by something else
	}
	// A framebuffer of an image that is gone may still be there, and would be shown again
	return stack_is_detached(entry) || find_demotion(ladder, output, entry) != NULL;
}

void ladder_prepare(struct ladder *ladder, struct output *output) {
	size_t len;
	const struct stack_entry *stack = stack_collect(ladder, output, &len);
	bool composite = false;
	for (size_t i = 0; i < len && !composite; i++) {
		composite = must_composite(ladder, output, &stack[i]);
	}
	set_composite_only(output, composite);
}

/**
 * The scene had to composite although nothing that the compositor knows of stood in the way. Was
 * it the driver? Ask it alone, once.
 */
static enum sluice_reason ask_driver(struct ladder *ladder, struct output *output,
		const struct stack_entry *entry) {
	struct wlr_buffer *source = stack_get_source(entry);
	struct wlr_texture *texture = stack_get_texture(entry);
	if (texture != NULL && sluice_texture_is(texture) && !sluice_texture_check(texture)) {
		return SLUICE_REASON_REVOKED;
	}
	struct wlr_dmabuf_attributes dmabuf;
	if (!wlr_buffer_get_dmabuf(source, &dmabuf)) {
		return SLUICE_REASON_FORMAT; // shared memory, which no screen reads
	}
	struct wlr_output_state state;
	wlr_output_state_init(&state);
	wlr_output_state_set_buffer(&state, source);
	bool ok = wlr_output_test_state(output->wlr_output, &state);
	wlr_output_state_finish(&state);
	if (ok) {
		return SLUICE_REASON_OTHER;
	}
	demotion_add(&ladder->demotions, source, stack_get_texture(entry), output->wlr_output->backend,
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
		return; // Told by the output that shows most of it, if any does
	}
	path_surface->seen_frame = ladder->frame;

	if (state->buffer != NULL && state->buffer == stack_get_source(&stack[i])) {
		path_surface->scanout_reason = SLUICE_REASON_OK;
		if (path_surface->surface != NULL) {
			direct_begin(output, path_surface, &stack[i]);
		}
		path_surface_set(path_surface, SLUICE_PATH_SCANOUT, SLUICE_REASON_OK,
			output->wlr_output);
		return;
	}

	struct wlr_texture *texture = path_surface->surface != NULL ?
		stack_get_texture(&stack[i]) : sluice_renderer_find_texture(ladder->server->renderer,
		stack_get_source(&stack[i]));
	// An ordinary buffer is drawn by whatever the renderer draws with
	bool pixman = wlr_renderer_is_pixman(sluice_renderer_get_inner(ladder->server->renderer));
	enum sluice_path path = pixman ? SLUICE_PATH_CPU : SLUICE_PATH_GPU;
	enum sluice_reason reason = pixman ? SLUICE_REASON_NO_GPU_IMPORT : SLUICE_REASON_OK;
	if (texture != NULL && sluice_texture_is(texture)) {
		path = sluice_texture_get_path(texture, &reason);
		if (reason == SLUICE_REASON_REVOKED && path_surface->source != NULL &&
				!life_takes_images(&path_surface->source->life)) {
			reason = SLUICE_REASON_QUIESCED;
		}
	}
	path_surface->scanout_reason = why_not_scanout(ladder, output, state, stack, len, i,
		path_surface->scanout_reason);
	if (path == SLUICE_PATH_GPU) {
		reason = path_surface->scanout_reason;
	}
	path_surface_set(path_surface, path, reason, output->wlr_output);
}

/** Surfaces that this output showed before, and no longer does: covered, or moved away. */
static void update_unseen(struct ladder *ladder, struct output *output,
		const struct stack_entry *stack, size_t len) {
	struct path_surface *path_surface;
	wl_list_for_each(path_surface, &ladder->surfaces, link) {
		if (path_surface->output != output->wlr_output ||
				path_surface->seen_frame == ladder->frame) {
			continue;
		}
		bool visible = false, covered = false;
		for (size_t i = 0; i < len; i++) {
			if (get_path_surface(ladder, &stack[i]) == path_surface) {
				visible = stack[i].scene_buffer->primary_output != NULL;
				covered = !visible;
			}
		}
		if (!visible) {
			path_surface_set(path_surface, SLUICE_PATH_NONE, covered ?
				SLUICE_REASON_COVERED : SLUICE_REASON_NO_OUTPUT, output->wlr_output);
			path_surface->output = NULL;
		}
	}
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

void ladder_surface_gone(struct ladder *ladder, struct path_surface *path_surface) {
	struct output *output;
	wl_list_for_each(output, &ladder->server->outputs, link) {
		if (output->direct.surface == path_surface) {
			direct_end(output);
		}
	}
}

void ladder_committed(struct ladder *ladder, struct output *output,
		const struct wlr_output_state *state) {
	direct_end(output);
	if (!is_anything_watched(ladder)) {
		return;
	}
	ladder->frame++;
	size_t len;
	const struct stack_entry *stack = stack_collect(ladder, output, &len);
	for (size_t i = 0; i < len; i++) {
		update_path(ladder, output, state, stack, len, i);
	}
	update_unseen(ladder, output, stack, len);
}

bool ladder_commit_failed(struct ladder *ladder, struct output *output,
		const struct wlr_output_state *state) {
	output->stats.failed++;
	struct wlr_session *session = ladder->server->session;
	// Another VT has the screen: nobody's fault. The seat takes it away before it tells us
	if (session != NULL && (!session->active ||
			!drmIsMaster(wlr_backend_get_drm_fd(ladder->server->backend)))) {
		return false;
	}
	if (!(state->committed & WLR_OUTPUT_STATE_BUFFER)) {
		return false;
	}
	size_t len;
	const struct stack_entry *stack = stack_collect(ladder, output, &len);
	for (size_t i = 0; i < len; i++) {
		if (stack_get_source(&stack[i]) != state->buffer) {
			continue;
		}
		struct path_surface *path_surface = get_path_surface(ladder, &stack[i]);
		if (path_surface != NULL) {
			path_surface->stats.failed++;
		}
		struct wlr_texture *texture = stack_get_texture(&stack[i]);
		if (texture != NULL && sluice_texture_is(texture) && !sluice_texture_check(texture)) {
			wlr_log(WLR_INFO, "%s: commit failed: what it was to show was revoked",
				output->wlr_output->name);
			vram_adopted_lost(ladder->server->vram, state->buffer);
		} else if (!demotion_add(&ladder->demotions, state->buffer, stack_get_texture(&stack[i]),
				output->wlr_output->backend, output->wlr_output->name,
				SLUICE_REASON_COMMIT_FAILED)) {
			return false;
		}
		set_composite_only(output, true);
		output->stats.retried++;
		return true;
	}
	return false;
}

/** Of a surface that shows an image of a client's, in VRAM; NULL if it does not, or is our own. */
static struct wlr_texture *get_surface_texture(const struct path_surface *path_surface) {
	struct wlr_texture *texture = path_surface->surface != NULL ?
		wlr_surface_get_texture(path_surface->surface) : NULL;
	return texture != NULL && sluice_texture_is(texture) ? texture : NULL;
}

/** The source of the image that a screen shows of a surface, if it can be watched; else NULL. */
static struct vram_source *get_watched_source(const struct path_surface *path_surface) {
	struct wlr_texture *texture = get_surface_texture(path_surface);
	if (path_surface->output == NULL || !path_surface->output->enabled ||
			path_surface->path == SLUICE_PATH_NONE || texture == NULL) {
		return NULL;
	}
	struct wlr_buffer *buffer = sluice_texture_get_buffer(texture);
	struct vram_source *source = buffer != NULL ?
		vram_find_source(path_surface->ladder->server->vram, buffer) : NULL;
	return source != NULL && vram_source_can_be_watched(source) ? source : NULL;
}

void ladder_presented(struct ladder *ladder, struct output *output) {
	struct vram_manager *vram = ladder->server->vram;
	struct path_surface *path_surface;
	wl_list_for_each(path_surface, &ladder->surfaces, link) {
		if (path_surface->retiring != NULL && (path_surface->output == NULL ||
				path_surface->output == output->wlr_output)) {
			path_surface_retire(path_surface);
		}
		if (!vram_manager_is_watching(vram) && path_surface->shadow != NULL &&
				get_watched_source(path_surface) != NULL) {
			vram_manager_watch(vram);
		}
	}
}

void ladder_output_gone(struct ladder *ladder, struct output *output) {
	struct path_surface *path_surface;
	wl_list_for_each(path_surface, &ladder->surfaces, link) {
		if (path_surface->output == output->wlr_output) {
			path_surface_set(path_surface, SLUICE_PATH_NONE, SLUICE_REASON_NO_OUTPUT, NULL);
		}
	}
}

static bool is_of_source(struct vram_source *source, struct wlr_buffer *buffer) {
	return buffer != NULL && vram_find_source(source->manager, buffer) == source;
}

void ladder_dress_source(struct ladder *ladder, struct vram_source *source) {
	struct path_surface *path_surface;
	wl_list_for_each(path_surface, &ladder->surfaces, link) {
		struct wlr_texture *texture = get_surface_texture(path_surface);
		if (path_surface->shadow == NULL || texture == NULL) {
			continue;
		}
		if (is_of_source(source, path_surface->shown) ||
				is_of_source(source, path_surface->retiring)) {
			path_surface_unlock(path_surface);
		}
		struct wlr_buffer *buffer = sluice_texture_get_buffer(texture);
		if (is_of_source(source, buffer)) {
			path_surface->source = source;
		}
		if (path_surface->source == source) {
			vram_source_dress_texture(source, texture);
		}
	}
}

bool ladder_shows_source(struct ladder *ladder, const struct vram_source *source,
		uint64_t *frames) {
	bool shows = false;
	struct path_surface *path_surface;
	wl_list_for_each(path_surface, &ladder->surfaces, link) {
		if (get_watched_source(path_surface) == source) {
			*frames += path_surface->frames;
			shows = true;
		}
	}
	return shows;
}

void ladder_forget_source(struct ladder *ladder, struct vram_source *source) {
	struct path_surface *path_surface;
	wl_list_for_each(path_surface, &ladder->surfaces, link) {
		if (path_surface->source == source) {
			path_surface->source = NULL;
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
	wl_array_init(&ladder->stack);
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
	wl_array_release(&ladder->stack);
	free(ladder);
}
