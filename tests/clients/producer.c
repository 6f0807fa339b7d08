#include "producer.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "presentation-time-client-protocol.h"
#include "say.h"
#include "sluice-vram-v1-client-protocol.h"
#include "viewporter-client-protocol.h"

// How long the compositor may take for an answer, ms. Software rendering in an emulated machine
// is slow; a test that wants less uses --timeout.
#define PATIENCE 60000

struct feedback {
	struct wl_list link; // producer.feedbacks
	struct producer *producer;
	struct wp_presentation_feedback *wp_feedback;
	uint32_t frame;
};

static void vanish(struct producer *producer) {
	// What was sent has to arrive: it is the compositor that is put to the test.
	wl_display_flush(producer->globals.display);
	kill(getpid(), SIGKILL);
}

void producer_vanish_at(struct producer *producer, enum point point) {
	if (producer->options.vanish_at == point) {
		vanish(producer);
	}
}

static void update_answered(struct producer *producer) {
	producer->answered = producer->callback == NULL &&
		wl_list_empty(&producer->feedbacks);
}

static void callback_handle_done(void *data, struct wl_callback *callback, uint32_t time) {
	struct producer *producer = data;
	wl_callback_destroy(callback);
	producer->callback = NULL;
	if (!producer->options.quiet) {
		say("frame %u callback %u", producer->frame, time);
	}
	update_answered(producer);
}

static const struct wl_callback_listener callback_listener = {
	.done = callback_handle_done,
};

static void feedback_destroy(struct feedback *feedback) {
	wl_list_remove(&feedback->link);
	wp_presentation_feedback_destroy(feedback->wp_feedback);
	free(feedback);
}

static void feedback_handle_sync_output(void *data, struct wp_presentation_feedback *wp_feedback,
		struct wl_output *output) {
}

static void feedback_handle_presented(void *data, struct wp_presentation_feedback *wp_feedback,
		uint32_t tv_sec_hi, uint32_t tv_sec_lo, uint32_t tv_nsec, uint32_t refresh,
		uint32_t seq_hi, uint32_t seq_lo, uint32_t flags) {
	struct feedback *feedback = data;
	struct producer *producer = feedback->producer;
	if (!producer->options.quiet) {
		say("frame %u presented flags=0x%x refresh=%u time=%" PRIu64 ".%09u seq=%" PRIu64,
			feedback->frame, flags, refresh, (uint64_t)tv_sec_hi << 32 | tv_sec_lo,
			tv_nsec, (uint64_t)seq_hi << 32 | seq_lo);
	}
	feedback_destroy(feedback);
	update_answered(producer);
}

static void feedback_handle_discarded(void *data, struct wp_presentation_feedback *wp_feedback) {
	struct feedback *feedback = data;
	struct producer *producer = feedback->producer;
	if (!producer->options.quiet) {
		say("frame %u discarded", feedback->frame);
	}
	feedback_destroy(feedback);
	update_answered(producer);
}

static const struct wp_presentation_feedback_listener feedback_listener = {
	.sync_output = feedback_handle_sync_output,
	.presented = feedback_handle_presented,
	.discarded = feedback_handle_discarded,
};

static void ask_feedback(struct producer *producer) {
	struct feedback *feedback = calloc(1, sizeof(*feedback));
	if (feedback == NULL) {
		return;
	}
	feedback->producer = producer;
	feedback->frame = producer->frame;
	feedback->wp_feedback = wp_presentation_feedback(producer->globals.presentation,
		producer->window.surface);
	wp_presentation_feedback_add_listener(feedback->wp_feedback, &feedback_listener,
		feedback);
	wl_list_insert(producer->feedbacks.prev, &feedback->link);
}

// Nobody answers for frames that a quiesce took off the screen.
static void forget_callbacks(struct producer *producer) {
	if (producer->callback != NULL) {
		wl_callback_destroy(producer->callback);
		producer->callback = NULL;
	}
	struct feedback *feedback, *tmp;
	wl_list_for_each_safe(feedback, tmp, &producer->feedbacks, link) {
		feedback_destroy(feedback);
	}
	update_answered(producer);
}

struct rect producer_all(const struct producer *producer) {
	return (struct rect){ .width = producer->set.width, .height = producer->set.height };
}

static void commit(struct producer *producer, struct vram_buffer *buffer, struct rect damage) {
	struct wl_surface *surface = producer->window.surface;
	producer->answered = false;
	producer->callback = wl_surface_frame(surface);
	wl_callback_add_listener(producer->callback, &callback_listener, producer);
	if (producer->options.presentation) {
		ask_feedback(producer);
	}
	wl_surface_attach(surface, buffer->wl_buffer, 0, 0);
	wl_surface_damage_buffer(surface, damage.x, damage.y, damage.width, damage.height);
	wl_surface_commit(surface);
	buffer->busy = true;
	if (!producer->options.quiet && !producer->options.presentation) {
		say("frame %u committed buffer=%zu damage=%d,%d,%d,%d", producer->frame,
			buffer->index, damage.x, damage.y, damage.width, damage.height);
	} else if (!producer->options.quiet) {
		struct timespec now;
		clock_gettime(CLOCK_MONOTONIC, &now);
		say("frame %u committed buffer=%zu damage=%d,%d,%d,%d time=%lld.%09ld",
			producer->frame, buffer->index, damage.x, damage.y, damage.width,
			damage.height, (long long)now.tv_sec, now.tv_nsec);
	}
	if (producer->options.vanish_at == POINT_COMMIT ||
			producer->frame == (uint32_t)producer->options.vanish_after) {
		vanish(producer);
	}
}

const char *producer_present(struct producer *producer, const struct pattern *pattern,
		struct rect damage) {
	struct options *options = &producer->options;
	if (producer->source.revoked || producer->set.buffers == NULL) {
		return "no buffers";
	}
	struct vram_buffer *buffer = buffer_set_next(&producer->set);
	if (buffer == NULL) {
		return "no free buffer";
	}
	// Drawing makes every buffer stale: without redraw it happens once for all of them
	bool draws = options->redraw || producer->full;
	bool writes = draws || options->has_poison || !rect_is_empty(buffer->stale);
	if (writes && !memory_is_on(&producer->memory)) {
		return "memory is off";
	}
	producer->frame++;
	if (draws) {
		buffer_set_draw(&producer->set, pattern, producer->frame, damage);
	}
	if (!rect_is_empty(buffer->stale)) {
		vram_buffer_upload(buffer);
	}
	if (options->has_poison && producer->frame > (uint32_t)options->poison_after) {
		vram_buffer_poison(buffer, options->poison, options->poison_colour);
	}
	commit(producer, buffer, damage);
	producer->full = false;
	return NULL;
}

const char *producer_flip(struct producer *producer) {
	struct vram_buffer *buffer = producer->set.buffers != NULL ?
		buffer_set_next(&producer->set) : NULL;
	if (buffer == NULL) {
		return "no free buffer";
	}
	producer->frame++;
	commit(producer, buffer, producer_all(producer));
	return NULL;
}

const char *producer_quiesce(struct producer *producer, bool keep) {
	struct source *source = &producer->source;
	if (source->wl_source == NULL) {
		return "no source";
	}
	source->quiesced = false;
	sluice_vram_source_v1_quiesce(source->wl_source, ++producer->serial);
	producer_vanish_at(producer, POINT_QUIESCE);
	if (producer->options.adopt) {
		// linux-dmabuf's imports last as long as these, and quiesced waits for them.
		buffer_set_finish(&producer->set);
	}
	if (!loop_wait(&producer->loop, &source->quiesced, PATIENCE)) {
		return "quiesce was not answered";
	}
	forget_callbacks(producer);
	if (!keep) {
		buffer_set_finish(&producer->set);
	}
	producer->quiesced_after = producer->frame;
	return NULL;
}

const char *producer_resume(struct producer *producer) {
	struct source *source = &producer->source;
	if (source->wl_source == NULL) {
		return "no source";
	}
	source->settled = false;
	sluice_vram_source_v1_resume(source->wl_source);
	if (!loop_wait(&producer->loop, &source->settled, PATIENCE)) {
		return "resume was not answered";
	}
	if (source->revoked) {
		return "revoked";
	}
	return producer_make_buffers(producer) ? NULL : "no buffers";
}

static void choose_size(const struct producer *producer, int *width, int *height) {
	const struct options *options = &producer->options;
	const struct window *window = &producer->window;
	*width = options->width;
	*height = options->height;
	if (*width == 0) {
		bool configured = window->width > 0 && window->height > 0;
		*width = configured ? window->width : 640;
		*height = configured ? window->height : 480;
	}
}

static void set_geometry(struct producer *producer) {
	const struct options *options = &producer->options;
	struct wl_surface *surface = producer->window.surface;
	if (producer->viewport != NULL && options->viewport_width > 0) {
		wp_viewport_set_destination(producer->viewport, options->viewport_width,
			options->viewport_height);
	}
	if (producer->viewport != NULL && options->has_crop) {
		wp_viewport_set_source(producer->viewport, wl_fixed_from_int(options->crop.x),
			wl_fixed_from_int(options->crop.y),
			wl_fixed_from_int(options->crop.width),
			wl_fixed_from_int(options->crop.height));
	}
	if (options->transform != 0) {
		wl_surface_set_buffer_transform(surface, options->transform);
	}
	if (options->opaque) {
		struct wl_region *region =
			wl_compositor_create_region(producer->globals.compositor);
		wl_region_add(region, 0, 0, INT32_MAX, INT32_MAX);
		wl_surface_set_opaque_region(surface, region);
		wl_region_destroy(region);
	}
}

bool producer_make_buffers(struct producer *producer) {
	struct loop *loop = &producer->loop;
	struct buffer_set *set = &producer->set;
	int width, height;
	choose_size(producer, &width, &height);
	buffer_set_finish(set);
	producer->full = true;
	if (!buffer_set_init(set, &producer->options, &producer->memory, width, height) ||
			!buffer_set_create(set, &producer->globals, &producer->source)) {
		loop->stop = true;
		loop->status = STATUS_SETUP;
		return false;
	}
	producer_vanish_at(producer, POINT_PARAMS);
	if (!loop_wait(loop, &set->settled, PATIENCE) || set->failed) {
		if (!loop->stop) {
			loop->status = set->failed ? STATUS_REFUSED : STATUS_TIMEOUT;
		}
		loop->stop = true;
		return false;
	}
	for (size_t i = 0; producer->options.adopt && i < set->len; i++) {
		sluice_vram_source_v1_adopt(producer->source.wl_source,
			set->buffers[i].wl_buffer);
	}
	producer_vanish_at(producer, POINT_BUFFER);
	return true;
}

static void path_handle_path(void *data, struct sluice_surface_path_v1 *path, uint32_t kind,
		uint32_t reason, struct wl_output *output) {
	say("path %s %s %s", path_kind_name(kind), path_reason_name(reason), output_name(output));
}

static const struct sluice_surface_path_v1_listener path_listener = {
	.path = path_handle_path,
};

static bool init_memory(struct producer *producer) {
	const struct options *options = &producer->options;
	if (options->transport == TRANSPORT_UDMABUF) {
		return memory_init_memfd(&producer->memory, UINT64_C(64) << 20);
	}
	return memory_init_vfio(&producer->memory, options->device, options->device_fd,
		options->region);
}

static void handle_device_event(void *data) {
	memory_dispatch(data);
}

static bool check_globals(const struct producer *producer) {
	const struct options *options = &producer->options;
	const struct globals *globals = &producer->globals;
	const char *missing = NULL;
	if ((options->transport == TRANSPORT_SLUICE || options->adopt) &&
			globals->vram_manager == NULL) {
		missing = "sluice_vram_manager_v1";
	} else if (options->transport != TRANSPORT_SLUICE && globals->linux_dmabuf == NULL) {
		missing = "zwp_linux_dmabuf_v1";
	} else if (options->presentation && globals->presentation == NULL) {
		missing = "wp_presentation";
	} else if ((options->viewport_width > 0 || options->has_crop) &&
			globals->viewporter == NULL) {
		missing = "wp_viewporter";
	}
	if (missing != NULL) {
		complain("the compositor has no %s", missing);
	}
	return missing == NULL;
}

static bool init_source(struct producer *producer) {
	struct source *source = &producer->source;
	source_init(source, producer->globals.vram_manager, producer->options.source_name, true);
	producer_vanish_at(producer, POINT_SOURCE);
	if (producer->options.transport != TRANSPORT_SLUICE && !producer->options.hand_over) {
		return true;
	}
	sluice_vram_source_v1_set_device(source->wl_source,
		sluice_vfio_device_get_fd(producer->memory.device));
	producer_vanish_at(producer, POINT_DEVICE);
	if (!loop_wait(&producer->loop, &source->answered, PATIENCE)) {
		if (!producer->loop.stop) {
			complain("the compositor did not answer set_device");
			producer->loop.status = STATUS_TIMEOUT;
		}
		return false;
	}
	if (source->failed) {
		producer->loop.status = STATUS_REFUSED;
	}
	return source->ready;
}

static bool set_up(struct producer *producer) {
	struct options *options = &producer->options;
	struct globals *globals = &producer->globals;
	if (!init_memory(producer) || !globals_init(globals)) {
		return false;
	}
	producer->loop.display = globals->display;
	if (options->device_fd < 0) {
		producer->loop.other_fd = memory_listen(&producer->memory);
		producer->loop.other_func = handle_device_event;
		producer->loop.other_data = &producer->memory;
	}
	producer_vanish_at(producer, POINT_CONNECT);
	if (!check_globals(producer) ||
			!window_init(&producer->window, globals, &options->window)) {
		return false;
	}
	if (globals->vram_manager != NULL) {
		producer->path = sluice_vram_manager_v1_get_surface_path(globals->vram_manager,
			producer->window.surface);
		sluice_surface_path_v1_add_listener(producer->path, &path_listener, producer);
	}
	if (globals->viewporter != NULL) {
		producer->viewport = wp_viewporter_get_viewport(globals->viewporter,
			producer->window.surface);
	}
	bool has_source = options->transport == TRANSPORT_SLUICE || options->adopt;
	if (has_source && !init_source(producer)) {
		return false;
	}
	if (!loop_wait(&producer->loop, &producer->window.configured, PATIENCE)) {
		return false;
	}
	producer->window.changed = false;
	set_geometry(producer);
	return producer_make_buffers(producer);
}

bool producer_init(struct producer *producer) {
	wl_list_init(&producer->feedbacks);
	producer->memory.memfd = -1;
	if (!loop_init(&producer->loop, producer->options.step, producer->options.timeout)) {
		return false;
	}
	if (!set_up(producer)) {
		if (producer->loop.status == STATUS_OK && !producer->loop.stop) {
			producer->loop.status = STATUS_SETUP;
		}
		return false;
	}
	say("ready");
	return true;
}

void producer_finish(struct producer *producer) {
	if (producer->globals.display != NULL) {
		forget_callbacks(producer);
		if (producer->viewport != NULL) {
			wp_viewport_destroy(producer->viewport);
		}
		if (producer->path != NULL) {
			sluice_surface_path_v1_destroy(producer->path);
		}
		window_finish(&producer->window);
		buffer_set_finish(&producer->set);
		source_finish(&producer->source);
	}
	globals_finish(&producer->globals);
	memory_finish(&producer->memory);
	loop_finish(&producer->loop);
}

static bool is_done(const struct producer *producer) {
	long frames = producer->options.frames;
	return frames > 0 && producer->frame >= (uint32_t)frames && producer->answered;
}

static bool is_frame_due(const struct producer *producer) {
	if (producer->loop.paused || producer->source.revoked || producer->closed || producer->callback != NULL) {
		return false;
	}
	long frames = producer->options.frames;
	if (frames == -1) {
		return producer->frame == 0 || producer->full;
	}
	return frames == 0 || producer->frame < (uint32_t)frames || producer->full;
}

static const char *quiesce_and_reset(struct producer *producer) {
	const char *error = producer_quiesce(producer, false);
	if (error == NULL && !memory_reset(&producer->memory)) {
		error = "the device could not be reset";
	}
	return error != NULL ? error : producer_resume(producer);
}

static const char *recover(struct producer *producer) {
	// What the compositor still held was taken from it; nothing to quiesce.
	forget_callbacks(producer);
	if (producer->memory.device != NULL) {
		sluice_vfio_device_set_memory(producer->memory.device, true);
	}
	return producer_resume(producer);
}

static bool is_quiesce_due(const struct producer *producer) {
	uint32_t every = (uint32_t)producer->options.quiesce_every;
	return every != 0 && !producer->closed && producer->frame % every == 0 && producer->answered &&
		producer->frame != producer->quiesced_after;
}

// The window was configured anew: follow its size, and make the acknowledgement count.
static void reconfigure(struct producer *producer) {
	int width, height;
	choose_size(producer, &width, &height);
	producer->window.changed = false;
	if (producer->source.revoked || producer->closed) {
		return;
	}
	if (width != producer->set.width || height != producer->set.height) {
		producer_make_buffers(producer);
	} else if (producer->frame > 0) {
		wl_surface_commit(producer->window.surface);
	}
}

static bool is_recovery_due(const struct producer *producer) {
	return producer->options.resume_on_revoke && !producer->closed && producer->source.revoked &&
		!producer->source.final;
}

void producer_answer_request(struct producer *producer) {
	if (!producer->memory.requested) {
		return;
	}
	producer->memory.requested = false;
	say("request");
	if (producer->options.ignore_request) {
		return;
	}
	struct source *source = &producer->source;
	const char *error = source->wl_source != NULL && !source->quiesced ?
		producer_quiesce(producer, false) : NULL;
	if (error != NULL) {
		complain("%s", error); // The kernel wants the device all the same
	}
	forget_callbacks(producer);
	buffer_set_finish(&producer->set);
	source_finish(source);
	// What was sent must arrive: the compositor closes its duplicate of the device then.
	wl_display_flush(producer->globals.display);
	producer->loop.other_fd = -1;
	memory_finish(&producer->memory);
	producer->closed = true;
	say("device closed");
}

// Do what is due. Returns false if nothing is, until something happens.
static bool act(struct producer *producer, const char **error) {
	producer_answer_request(producer);
	if (producer->window.changed) {
		reconfigure(producer);
	} else if (is_recovery_due(producer)) {
		*error = recover(producer);
	} else if (is_quiesce_due(producer)) {
		*error = quiesce_and_reset(producer);
	} else if (is_frame_due(producer) && buffer_set_has_free(&producer->set)) {
		bool part = producer->options.has_damage && !producer->full;
		*error = producer_present(producer, &producer->options.pattern,
			part ? producer->options.damage : producer_all(producer));
	} else {
		return false;
	}
	return true;
}

void producer_run(struct producer *producer) {
	struct loop *loop = &producer->loop;
	while (!loop->stop && !producer->window.closed && !is_done(producer)) {
		const char *error = NULL;
		// Signals and errors are to be noticed however much is due.
		int timeout = act(producer, &error) ? 0 : -1;
		if (error != NULL && !loop->stop && !is_recovery_due(producer)) {
			say("error %s", error);
			loop->status = STATUS_REFUSED;
			break;
		}
		if (is_done(producer)) {
			break;
		}
		loop_turn(loop, timeout);
	}
	say("done frames=%u", producer->frame);
}
