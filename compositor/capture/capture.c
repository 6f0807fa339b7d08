#include <inttypes.h>
#include <json-c/json_object.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/render/pixman.h>
#include <wlr/types/wlr_buffer.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_output.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/types/wlr_xdg_shell.h>
#include <wlr/util/log.h>
#include <sluice/renderer.h>
#include "capture/capture.h"
#include "capture/frame.h"
#include "capture/vram.h"
#include "capture/writer.h"
#include "output.h"
#include "path/ladder.h"
#include "path/stack.h"
#include "path/surface.h"

struct capture {
	struct server *server;
	struct capture_options options;
	struct writer *writer;
	struct capture_vram *vram; // NULL unless frames are written into VRAM
	struct wl_list outputs; // capture_output.link
	bool started; // a window was seen
	uint64_t committed, captured;
	uint64_t sequence; // of the last line
};

/** An output that is watched. */
struct capture_output {
	struct wl_list link; // capture.outputs
	struct capture *capture;
	struct output *output;
	struct stream *stream;
	struct wlr_buffer *shown; // locked, NULL before the first commit
	bool changed; // committed since the last frame event
	bool damaged_whole;
	pixman_region32_t frame_damage; // of the last commits, for the manifest
	struct frame *frame; // NULL before it is looked at
	pixman_region32_t damage; // since then

	struct wl_listener commit, destroy;
};

static void forget_damage(struct capture_output *co) {
	pixman_region32_clear(&co->damage);
	co->damaged_whole = false;
}

static void handle_commit(struct wl_listener *listener, void *data) {
	struct capture_output *co = wl_container_of(listener, co, commit);
	const struct wlr_output_event_commit *event = data;
	const struct wlr_output_state *state = event->state;
	if (!(state->committed & WLR_OUTPUT_STATE_BUFFER) || state->buffer == NULL) {
		return;
	}
	wlr_buffer_unlock(co->shown);
	co->shown = wlr_buffer_lock(state->buffer);
	co->changed = true;
	bool whole = !(state->committed & WLR_OUTPUT_STATE_DAMAGE) ||
		(state->committed & (WLR_OUTPUT_STATE_MODE | WLR_OUTPUT_STATE_ENABLED));
	if (whole) {
		co->damaged_whole = true;
		pixman_region32_union_rect(&co->frame_damage, &co->frame_damage, 0, 0,
			(unsigned)state->buffer->width, (unsigned)state->buffer->height);
	} else {
		pixman_region32_union(&co->damage, &co->damage, &state->damage);
		pixman_region32_union(&co->frame_damage, &co->frame_damage, &state->damage);
	}
}

static struct capture_output *find_output(struct capture *capture, struct output *output) {
	struct capture_output *co;
	wl_list_for_each(co, &capture->outputs, link) {
		if (co->output == output) {
			return co;
		}
	}
	return NULL;
}

static void capture_output_destroy(struct capture_output *co) {
	wlr_buffer_unlock(co->shown);
	frame_destroy(co->frame);
	pixman_region32_fini(&co->damage);
	pixman_region32_fini(&co->frame_damage);
	wl_list_remove(&co->commit.link);
	wl_list_remove(&co->destroy.link);
	wl_list_remove(&co->link);
	free(co);
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct capture_output *co = wl_container_of(listener, co, destroy);
	capture_output_destroy(co);
}

void capture_add_output(struct capture *capture, struct output *output) {
	if (capture == NULL) {
		return;
	}
	struct wlr_output *wlr_output = output->wlr_output;
	struct capture_output *co = calloc(1, sizeof(*co));
	if (co == NULL) {
		return;
	}
	co->stream = writer_add_stream(capture->writer, wlr_output->name,
		wlr_output->refresh > 0 ? wlr_output->refresh : 60000);
	if (co->stream == NULL) {
		free(co);
		return;
	}
	co->capture = capture;
	co->output = output;
	co->damaged_whole = true;
	pixman_region32_init(&co->damage);
	pixman_region32_init(&co->frame_damage);
	wl_list_insert(capture->outputs.prev, &co->link);
	co->commit.notify = handle_commit;
	wl_signal_add(&wlr_output->events.commit, &co->commit);
	co->destroy.notify = handle_destroy;
	wl_signal_add(&wlr_output->events.destroy, &co->destroy);
}

/** Bring co->frame up to date. */
static bool look(struct capture_output *co) {
	if (co->shown == NULL) {
		wlr_log(WLR_ERROR, "%s shows nothing yet", co->output->wlr_output->name);
		return false;
	}
	bool whole = co->frame == NULL || co->damaged_whole;
	if (!whole && !pixman_region32_not_empty(&co->damage)) {
		return true;
	}
	struct frame *frame = frame_create(co->shown, co->capture->server->renderer,
		whole ? NULL : &co->damage, co->frame);
	if (frame == NULL) {
		return false;
	}
	frame_destroy(co->frame);
	co->frame = frame;
	forget_damage(co);
	return true;
}

static struct json_object *describe_damage(const pixman_region32_t *damage) {
	struct json_object *array = json_object_new_array();
	int len;
	const pixman_box32_t *boxes = pixman_region32_rectangles(damage, &len);
	for (int i = 0; i < len; i++) {
		struct json_object *box = json_object_new_array_ext(4);
		json_object_array_add(box, json_object_new_int(boxes[i].x1));
		json_object_array_add(box, json_object_new_int(boxes[i].y1));
		json_object_array_add(box, json_object_new_int(boxes[i].x2 - boxes[i].x1));
		json_object_array_add(box, json_object_new_int(boxes[i].y2 - boxes[i].y1));
		json_object_array_add(array, box);
	}
	return array;
}

static void add_string(struct json_object *object, const char *key, const char *value) {
	if (value != NULL) {
		json_object_object_add(object, key, json_object_new_string(value));
	}
}

/** A surface and how it got onto the screen. */
static struct json_object *describe_surface(struct ladder *ladder,
		struct wlr_surface *surface) {
	struct json_object *object = json_object_new_object();
	struct wlr_xdg_toplevel *toplevel = wlr_xdg_toplevel_try_from_wlr_surface(surface);
	if (toplevel != NULL) {
		add_string(object, "app_id", toplevel->app_id);
		add_string(object, "title", toplevel->title);
	}
	const struct path_surface *path_surface = path_surface_find(ladder, surface);
	if (path_surface != NULL && path_surface_is_watched(path_surface)) {
		add_string(object, "path", sluice_path_name(path_surface->path));
		add_string(object, "reason", sluice_reason_name(path_surface->reason));
		if (path_surface_is_simulated(path_surface)) {
			json_object_object_add(object, "simulated", json_object_new_boolean(true));
		}
	} else {
		// Ordinary memory: drawn by whatever the renderer draws with
		bool pixman = wlr_renderer_is_pixman(sluice_renderer_get_inner(ladder->server->renderer));
		add_string(object, "path", sluice_path_name(pixman ? SLUICE_PATH_CPU : SLUICE_PATH_GPU));
	}
	return object;
}

/** NULL for what is no client's. */
static struct wlr_surface *get_surface(const struct stack_entry *entry) {
	struct wlr_scene_surface *scene_surface = entry->scene_buffer != NULL ?
		wlr_scene_surface_try_from_buffer(entry->scene_buffer) : NULL;
	return scene_surface != NULL ? scene_surface->surface : NULL;
}

static struct json_object *describe_surfaces(struct capture *capture, struct output *output) {
	struct json_object *array = json_object_new_array();
	struct ladder *ladder = capture->server->ladder;
	size_t len;
	const struct stack_entry *stack = stack_collect(ladder, output, &len);
	for (size_t i = 0; i < len; i++) {
		struct wlr_surface *surface = get_surface(&stack[i]);
		if (surface != NULL) {
			json_object_array_add(array, describe_surface(ladder, surface));
		}
	}
	return array;
}

static struct json_object *describe(struct capture_output *co, const char *name) {
	struct capture *capture = co->capture;
	struct wlr_output *wlr_output = co->output->wlr_output;
	struct json_object *line = json_object_new_object();
	json_object_object_add(line, "seq", json_object_new_uint64(++capture->sequence));
	add_string(line, "name", name);
	json_object_object_add(line, "frame", json_object_new_uint64(capture->committed));
	struct timespec now = server_now(capture->server);
	json_object_object_add(line, "time",
		json_object_new_int64((int64_t)now.tv_sec * 1000000000 + now.tv_nsec));
	add_string(line, "output", wlr_output->name);
	json_object_object_add(line, "width", json_object_new_int(co->frame->width));
	json_object_object_add(line, "height", json_object_new_int(co->frame->height));
	if (capture->options.simulated) {
		json_object_object_add(line, "simulated", json_object_new_boolean(true));
	}
	if (name == NULL) {
		json_object_object_add(line, "damage", describe_damage(&co->frame_damage));
	}
	json_object_object_add(line, "surfaces", describe_surfaces(capture, co->output));
	return line;
}

/** name NULL: one of the frames. */
static bool submit(struct capture_output *co, const char *name) {
	struct capture *capture = co->capture;
	struct writer_frame job = {
		.frame = frame_copy(co->frame),
		.line = describe(co, name),
		.stream = co->stream,
		.formats = name != NULL ? CAPTURE_PNG : capture->options.formats,
	};
	char base[32];
	snprintf(base, sizeof(base), "frame-%06" PRIu64, capture->captured);
	job.base = strdup(name != NULL ? name : base);
	if (job.frame == NULL || job.base == NULL) {
		writer_fail(capture->writer, NULL);
		frame_destroy(job.frame);
		json_object_put(job.line);
		free(job.base);
		return false;
	}
	if (capture->vram != NULL) {
		char *error = capture_vram_write(capture->vram, job.frame, job.line);
		if (error != NULL) {
			writer_fail(capture->writer, error);
		}
	}
	writer_submit(capture->writer, &job);
	return true;
}

static bool shows_a_surface(struct capture *capture, struct output *output) {
	size_t len;
	const struct stack_entry *stack = stack_collect(capture->server->ladder, output, &len);
	for (size_t i = 0; i < len; i++) {
		if (get_surface(&stack[i]) != NULL) {
			return true;
		}
	}
	return false;
}

void capture_frame_done(struct capture *capture, struct output *output) {
	struct capture_output *co = capture != NULL ? find_output(capture, output) : NULL;
	if (co == NULL || !co->changed) {
		return;
	}
	co->changed = false;
	const struct capture_options *options = &capture->options;
	bool empty = !pixman_region32_not_empty(&co->frame_damage);
	// Before there is a window, there is nothing to see; a screenshot commits without damage
	if ((capture->started || (capture->started = shows_a_surface(capture, output))) && !empty) {
		capture->committed++;
		if (options->every_frame && capture->committed % options->nth == 0 &&
				(options->limit == 0 || capture->captured < options->limit) && look(co)) {
			capture->captured++;
			submit(co, NULL);
		}
	}
	pixman_region32_clear(&co->frame_damage);
}

uint64_t capture_count_committed(const struct capture *capture) {
	return capture->committed;
}

uint64_t capture_count_captured(const struct capture *capture) {
	return capture->captured;
}

const struct frame *capture_look(struct capture *capture, struct output *output) {
	struct capture_output *co = find_output(capture, output);
	return co != NULL && look(co) ? co->frame : NULL;
}

bool capture_save(struct capture *capture, struct output *output, const char *name) {
	struct capture_output *co = find_output(capture, output);
	return co != NULL && look(co) && submit(co, name);
}

bool capture_drain(struct capture *capture) {
	writer_drain(capture->writer);
	const char *error = writer_get_error(capture->writer);
	if (error != NULL) {
		wlr_log(WLR_ERROR, "%s", error);
	}
	return error == NULL;
}

int capture_get_error_fd(const struct capture *capture) {
	return writer_get_error_fd(capture->writer);
}

struct capture *capture_create(struct server *server, const struct capture_options *options,
		int simulated) {
	struct capture *capture = calloc(1, sizeof(*capture));
	if (capture == NULL) {
		return NULL;
	}
	capture->server = server;
	capture->options = *options;
	if (capture->options.nth == 0) {
		capture->options.nth = 1;
	}
	wl_list_init(&capture->outputs);
	capture->writer = writer_create(options->directory, options->threads);
	if (capture->writer != NULL && options->into != NULL) {
		capture->vram = capture_vram_create(options->into, options->into_region, simulated);
	}
	if (capture->writer == NULL || (options->into != NULL && capture->vram == NULL)) {
		writer_destroy(capture->writer);
		free(capture);
		return NULL;
	}
	struct output *output;
	wl_list_for_each(output, &server->outputs, link) {
		capture_add_output(capture, output);
	}
	return capture;
}

void capture_destroy(struct capture *capture) {
	if (capture == NULL) {
		return;
	}
	struct capture_output *co, *tmp;
	wl_list_for_each_safe(co, tmp, &capture->outputs, link) {
		capture_output_destroy(co);
	}
	writer_destroy(capture->writer);
	capture_vram_destroy(capture->vram);
	free(capture);
}
