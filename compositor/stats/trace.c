#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_output.h>
#include <wlr/util/log.h>
#include "path/ladder.h"
#include "path/surface.h"
#include "server.h"
#include "stats/stats.h"
#include "stats/trace.h"
#include "util/listener.h"

struct trace {
	struct stats *stats;
	FILE *file;
	bool failed;
	uint64_t frames, last_id;
	struct wl_list living; // trace_frame.link
};

struct trace_frame {
	struct wl_list link; // trace.living
	struct trace *trace;
	uint64_t id;
	uint32_t surface;
	struct frame_times times;
	int64_t flipped; // 0: not yet
	int64_t released; // 0: not yet
	enum sluice_path path;
	struct wl_listener release, buffer_destroy;
};

/**
 * Asynchronous events of one id and category nest: a frame is a slice, its stages are slices within.
 * See "Trace Event Format", which Perfetto documents as its legacy JSON format.
 */
static struct json_object *make_event(const struct trace_frame *frame, const char *phase,
		const char *name, int64_t when) {
	struct json_object *event = json_object_new_object();
	char id[24];
	snprintf(id, sizeof(id), "0x%llx", (unsigned long long)frame->id);
	json_object_object_add(event, "ph", json_object_new_string(phase));
	json_object_object_add(event, "cat", json_object_new_string("frame"));
	json_object_object_add(event, "name", json_object_new_string(name));
	json_object_object_add(event, "id", json_object_new_string(id));
	json_object_object_add(event, "pid", json_object_new_int64(getpid()));
	json_object_object_add(event, "tid", json_object_new_int64(frame->surface));
	// Microseconds, and the nanoseconds as their fraction
	char text[32];
	snprintf(text, sizeof(text), "%lld.%03d", (long long)(when / 1000), (int)(when % 1000));
	json_object_object_add(event, "ts",
		json_object_new_double_s((double)when / 1000, text));
	return event;
}

static void write_event(struct trace *trace, struct json_object *event) {
	const char *text = json_object_to_json_string_ext(event, JSON_C_TO_STRING_PLAIN);
	if (!trace->failed && fprintf(trace->file, ",\n%s", text) < 0) {
		trace->failed = true;
		wlr_log(WLR_ERROR, "The trace cannot be written: %s; is the disk full?",
			strerror(errno));
	}
	json_object_put(event);
}

static void write_stage(struct trace *trace, const struct trace_frame *frame, const char *name,
		int64_t from, int64_t to) {
	write_event(trace, make_event(frame, "b", name, from));
	write_event(trace, make_event(frame, "e", name, to));
}

static void write_frame(struct trace *trace, const struct trace_frame *frame) {
	const struct frame_times *times = &frame->times;
	char name[48];
	snprintf(name, sizeof(name), "frame %llu", (unsigned long long)frame->id);
	struct json_object *begin = make_event(frame, "b", name, times->received);
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "surface", json_object_new_int64(frame->surface));
	json_object_object_add(args, "path", json_object_new_string(sluice_path_name(frame->path)));
	json_object_object_add(begin, "args", args);
	write_event(trace, begin);
	// Named by what ends each of them
	write_stage(trace, frame, "acquired", times->received, times->acquired);
	write_stage(trace, frame, "committed", times->acquired, times->committed);
	write_stage(trace, frame, "flipped", times->committed, frame->flipped);
	if (frame->released != 0) {
		int64_t end = frame->released > frame->flipped ? frame->released : frame->flipped;
		write_stage(trace, frame, "released", frame->flipped, end);
		write_event(trace, make_event(frame, "e", name, end));
	} else {
		write_event(trace, make_event(frame, "e", name, frame->flipped));
	}
	trace->frames++;
}

static void frame_destroy(struct trace_frame *frame) {
	wl_list_remove(&frame->link);
	wl_list_remove(&frame->release.link);
	wl_list_remove(&frame->buffer_destroy.link);
	free(frame);
}

static void end_frame(struct trace_frame *frame) {
	frame->released = stats_now(frame->trace->stats);
	wl_list_remove(&frame->release.link);
	wl_list_init(&frame->release.link);
	wl_list_remove(&frame->buffer_destroy.link);
	wl_list_init(&frame->buffer_destroy.link);
	// Copied, a buffer is released before its frame is shown
	if (frame->flipped != 0) {
		write_frame(frame->trace, frame);
		frame_destroy(frame);
	}
}

static void handle_release(struct wl_listener *listener, void *data) {
	struct trace_frame *frame = wl_container_of(listener, frame, release);
	end_frame(frame);
}

static void handle_buffer_destroy(struct wl_listener *listener, void *data) {
	struct trace_frame *frame = wl_container_of(listener, frame, buffer_destroy);
	end_frame(frame);
}

struct trace_frame *trace_frame_begin(struct trace *trace, struct path_surface *path_surface,
		const struct frame_times *times) {
	struct wlr_client_buffer *client_buffer = path_surface->surface->buffer;
	struct trace_frame *frame = calloc(1, sizeof(*frame));
	if (frame == NULL || client_buffer == NULL) {
		free(frame);
		return NULL;
	}
	frame->trace = trace;
	frame->id = ++trace->last_id;
	frame->surface = path_surface->id;
	frame->times = *times;
	wl_list_insert(&trace->living, &frame->link);
	wl_list_init(&frame->release.link);
	wl_list_init(&frame->buffer_destroy.link);
	struct wlr_buffer *buffer = client_buffer->source;
	if (buffer != NULL) {
		listener_add(&buffer->events.release, &frame->release, handle_release);
		listener_add(&buffer->events.destroy, &frame->buffer_destroy, handle_buffer_destroy);
	} else {
		frame->released = times->acquired; // it was copied
	}
	return frame;
}

void trace_frame_flipped(struct trace_frame *frame, const struct frame_times *times,
		int64_t flipped, enum sluice_path path) {
	frame->times = *times;
	frame->flipped = flipped;
	frame->path = path;
	if (frame->released != 0) {
		write_frame(frame->trace, frame);
		frame_destroy(frame);
	}
}

void trace_frame_drop(struct trace_frame *frame) {
	frame_destroy(frame);
}

struct trace *trace_create(struct stats *stats, const char *path) {
	struct trace *trace = calloc(1, sizeof(*trace));
	if (trace == NULL) {
		return NULL;
	}
	// Not waiting for a reader, if it is a pipe
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
	trace->file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (trace->file == NULL) {
		int saved_errno = errno;
		if (fd >= 0) {
			close(fd);
		}
		free(trace);
		errno = saved_errno;
		return NULL;
	}
	trace->stats = stats;
	wl_list_init(&trace->living);
	fprintf(trace->file, "[{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":%ld,"
		"\"args\":{\"name\":\"sluice\"}}", (long)getpid());
	return trace;
}

bool trace_destroy(struct trace *trace, uint64_t *frames) {
	if (trace == NULL) {
		return true;
	}
	// Surfaces must not refer to frames that are gone
	struct path_surface *path_surface;
	wl_list_for_each(path_surface, &trace->stats->server->ladder->surfaces, link) {
		path_surface->stats.pending.trace = path_surface->stats.flying.trace = NULL;
	}
	struct trace_frame *frame, *tmp;
	wl_list_for_each_safe(frame, tmp, &trace->living, link) {
		if (frame->flipped != 0) {
			write_frame(trace, frame);
		}
		frame_destroy(frame);
	}
	if (frames != NULL) {
		*frames = trace->frames;
	}
	bool ok = !trace->failed && fputs("]\n", trace->file) >= 0;
	ok = fclose(trace->file) == 0 && ok;
	free(trace);
	return ok;
}
