#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wayland-util.h>
#include <wlr/util/log.h>
#include "capture/capture.h"
#include "capture/encode.h"
#include "capture/frame.h"
#include "capture/hash.h"
#include "capture/writer.h"

#define MANIFEST "manifest.jsonl"
/** Frames that wait beside those which threads work on: this bounds memory. */
#define MAX_WAITING 4
#define MAX_THREADS 16

struct stream {
	struct wl_list link; // writer.streams
	char *name;
	int refresh_mhz;
	struct hasher hasher;
	FILE *video; // NULL before its first frame
	char video_name[128];
	int video_width, video_height;
	unsigned videos; // how many files
};

struct job {
	struct wl_list link; // writer.waiting
	struct writer_frame frame;
	uint64_t number; // its turn
	uint16_t *planes; // of a video frame
	struct json_object *files;
	struct hash *hash; // NULL without memory
};

struct writer {
	int directory; // -1: nothing is written
	char *directory_name;
	FILE *manifest; // NULL likewise
	struct wl_list streams; // stream.link
	int error_fd;

	pthread_mutex_t lock; // for all below
	pthread_cond_t changed;
	struct wl_list waiting; // job.link
	size_t waiting_len;
	uint64_t submitted, turn; // numbers of the next job to come, and to be finished
	bool ending;
	char *error; // NULL as long as all is well

	size_t threads_len;
	pthread_t threads[MAX_THREADS];
};

void writer_fail(struct writer *writer, char *message) {
	pthread_mutex_lock(&writer->lock);
	bool first = writer->error == NULL;
	if (first) {
		writer->error = message != NULL ? message : strdup("out of memory");
	} else {
		free(message);
	}
	pthread_mutex_unlock(&writer->lock);
	if (first) {
		uint64_t one = 1;
		ssize_t n = write(writer->error_fd, &one, sizeof(one));
		(void)n;
	}
}

static void __attribute__((format(printf, 2, 3))) fail(struct writer *writer,
		const char *format, ...) {
	char *message = NULL;
	va_list args;
	va_start(args, format);
	int len = vasprintf(&message, format, args);
	va_end(args);
	writer_fail(writer, len >= 0 ? message : NULL);
}

static bool has_failed(struct writer *writer) {
	pthread_mutex_lock(&writer->lock);
	bool failed = writer->error != NULL;
	pthread_mutex_unlock(&writer->lock);
	return failed;
}

static FILE *open_file(struct writer *writer, const char *name) {
	int fd = openat(writer->directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (file == NULL) {
		fail(writer, "%s/%s: cannot be created: %s", writer->directory_name, name,
			strerror(errno));
		if (fd >= 0) {
			close(fd);
		}
	}
	return file;
}

/** A file that is not complete is none. */
static void give_up_file(struct writer *writer, const char *name, int error) {
	fail(writer, "%s/%s: cannot be written: %s", writer->directory_name, name, strerror(error));
	unlinkat(writer->directory, name, 0);
}

static void write_picture(struct writer *writer, struct job *job, const char *extension,
		bool (*encode)(const struct frame *frame, FILE *file)) {
	char name[256];
	snprintf(name, sizeof(name), "%s.%s", job->frame.base, extension);
	FILE *file = open_file(writer, name);
	if (file == NULL) {
		return;
	}
	errno = 0;
	bool ok = encode(job->frame.frame, file);
	int error = errno;
	if (fclose(file) != 0 && ok) {
		ok = false;
		error = errno;
	}
	if (!ok) {
		give_up_file(writer, name, error);
		return;
	}
	json_object_array_add(job->files, json_object_new_string(name));
}

/** What needs no other frame. */
static void encode_job(struct writer *writer, struct job *job) {
	job->files = json_object_new_array();
	job->hash = hasher_hash(&job->frame.stream->hasher, job->frame.frame);
	if (writer->directory < 0 || has_failed(writer)) {
		return;
	}
	if (job->frame.base != NULL && (job->frame.formats & CAPTURE_PNG)) {
		write_picture(writer, job, "png", encode_png);
	}
	if (job->frame.base != NULL && (job->frame.formats & CAPTURE_RAW)) {
		write_picture(writer, job, "rgb", encode_raw);
	}
	if (job->frame.formats & CAPTURE_Y4M) {
		job->planes = encode_y4m_convert(job->frame.frame);
		if (job->planes == NULL) {
			fail(writer, "out of memory");
		}
	}
}

static void close_video(struct writer *writer, struct stream *stream) {
	if (stream->video != NULL && fclose(stream->video) != 0) {
		fail(writer, "%s/%s: cannot be written: %s", writer->directory_name, stream->video_name,
			strerror(errno));
	}
	stream->video = NULL;
}

/** A video has one size: another one begins when the output's changes. */
static bool open_video(struct writer *writer, struct stream *stream, int width, int height) {
	if (stream->video != NULL && stream->video_width == width &&
			stream->video_height == height) {
		return true;
	}
	close_video(writer, stream);
	stream->videos++;
	if (stream->videos == 1) {
		snprintf(stream->video_name, sizeof(stream->video_name), "%s.y4m", stream->name);
	} else {
		snprintf(stream->video_name, sizeof(stream->video_name), "%s-%u.y4m", stream->name,
			stream->videos);
	}
	stream->video = open_file(writer, stream->video_name);
	stream->video_width = width;
	stream->video_height = height;
	return stream->video != NULL &&
		encode_y4m_header(width, height, stream->refresh_mhz, stream->video);
}

static void write_video(struct writer *writer, struct job *job) {
	struct stream *stream = job->frame.stream;
	const struct frame *frame = job->frame.frame;
	errno = 0;
	if (!open_video(writer, stream, frame->width, frame->height) ||
			!encode_y4m_frame(job->planes, frame->width, frame->height, stream->video)) {
		fail(writer, "%s/%s: cannot be written: %s", writer->directory_name, stream->video_name,
			strerror(errno));
		return;
	}
	json_object_array_add(job->files, json_object_new_string(stream->video_name));
}

/** What follows the order of the frames. */
static void finish_job(struct writer *writer, struct job *job) {
	if (job->hash == NULL) {
		fail(writer, "out of memory");
		return;
	}
	const char *hash = hash_get_hex(job->hash);
	if (writer->manifest == NULL || has_failed(writer)) {
		return;
	}
	if (job->planes != NULL) {
		write_video(writer, job);
	}
	json_object_object_add(job->frame.line, "sha256", json_object_new_string(hash));
	if (json_object_array_length(job->files) > 0) {
		json_object_object_add(job->frame.line, "files", json_object_get(job->files));
	}
	const char *line = json_object_to_json_string_ext(job->frame.line,
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!has_failed(writer) &&
			(fprintf(writer->manifest, "%s\n", line) < 0 || fflush(writer->manifest) != 0)) {
		fail(writer, "%s/" MANIFEST ": cannot be written: %s", writer->directory_name,
			strerror(errno));
	}
}

static void job_destroy(struct job *job) {
	frame_destroy(job->frame.frame);
	json_object_put(job->frame.line);
	json_object_put(job->files);
	free(job->frame.base);
	free(job->planes);
	free(job);
}

static void *work(void *data) {
	struct writer *writer = data;
	pthread_mutex_lock(&writer->lock);
	for (;;) {
		while (wl_list_empty(&writer->waiting) && !writer->ending) {
			pthread_cond_wait(&writer->changed, &writer->lock);
		}
		if (wl_list_empty(&writer->waiting)) {
			break;
		}
		struct job *job = wl_container_of(writer->waiting.next, job, link);
		wl_list_remove(&job->link);
		writer->waiting_len--;
		pthread_cond_broadcast(&writer->changed);
		pthread_mutex_unlock(&writer->lock);

		encode_job(writer, job);

		pthread_mutex_lock(&writer->lock);
		while (writer->turn != job->number) {
			pthread_cond_wait(&writer->changed, &writer->lock);
		}
		pthread_mutex_unlock(&writer->lock);

		finish_job(writer, job);
		hasher_keep(&job->frame.stream->hasher, job->hash);
		job_destroy(job);

		pthread_mutex_lock(&writer->lock);
		writer->turn++;
		pthread_cond_broadcast(&writer->changed);
	}
	pthread_mutex_unlock(&writer->lock);
	return NULL;
}

static bool open_directory(struct writer *writer, const char *name) {
	if (mkdir(name, 0777) < 0 && errno != EEXIST) {
		wlr_log_errno(WLR_ERROR, "%s: cannot be made", name);
		return false;
	}
	writer->directory = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	writer->directory_name = strdup(name);
	if (writer->directory < 0 || writer->directory_name == NULL) {
		wlr_log_errno(WLR_ERROR, "%s: cannot be opened", name);
		return false;
	}
	int fd = openat(writer->directory, MANIFEST, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	writer->manifest = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (writer->manifest == NULL) {
		if (fd < 0 && errno == EEXIST) {
			wlr_log(WLR_ERROR, "%s holds a capture already (" MANIFEST "): remove it, or choose "
				"another directory", name);
		} else {
			wlr_log_errno(WLR_ERROR, "%s/" MANIFEST ": cannot be created", name);
		}
		return false;
	}
	return true;
}

static bool start_threads(struct writer *writer, unsigned threads) {
	if (threads == 0) {
		long processors = sysconf(_SC_NPROCESSORS_ONLN);
		threads = processors > 0 ? (unsigned)processors : 1;
	}
	// Signals are for the event loop
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (unsigned i = 0; i < threads && i < MAX_THREADS; i++) {
		if (pthread_create(&writer->threads[writer->threads_len], NULL, work, writer) != 0) {
			break;
		}
		writer->threads_len++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return writer->threads_len > 0;
}

struct writer *writer_create(const char *directory, unsigned threads) {
	struct writer *writer = calloc(1, sizeof(*writer));
	if (writer == NULL) {
		return NULL;
	}
	writer->directory = -1;
	wl_list_init(&writer->streams);
	wl_list_init(&writer->waiting);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->changed, NULL);
	writer->error_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (writer->error_fd < 0 || (directory != NULL && !open_directory(writer, directory))) {
		writer_destroy(writer);
		return NULL;
	}
	if (!start_threads(writer, threads)) {
		wlr_log(WLR_ERROR, "Cannot start a thread to encode frames");
		writer_destroy(writer);
		return NULL;
	}
	return writer;
}

static void stream_destroy(struct writer *writer, struct stream *stream) {
	close_video(writer, stream);
	hasher_finish(&stream->hasher);
	wl_list_remove(&stream->link);
	free(stream->name);
	free(stream);
}

void writer_drain(struct writer *writer) {
	pthread_mutex_lock(&writer->lock);
	while (writer->turn != writer->submitted) {
		pthread_cond_wait(&writer->changed, &writer->lock);
	}
	pthread_mutex_unlock(&writer->lock);
	struct stream *stream;
	wl_list_for_each(stream, &writer->streams, link) {
		if (stream->video != NULL && fflush(stream->video) != 0) {
			fail(writer, "%s/%s: cannot be written: %s", writer->directory_name,
				stream->video_name, strerror(errno));
		}
	}
}

void writer_destroy(struct writer *writer) {
	if (writer == NULL) {
		return;
	}
	pthread_mutex_lock(&writer->lock);
	writer->ending = true;
	pthread_cond_broadcast(&writer->changed);
	pthread_mutex_unlock(&writer->lock);
	for (size_t i = 0; i < writer->threads_len; i++) {
		pthread_join(writer->threads[i], NULL);
	}
	struct stream *stream, *tmp;
	wl_list_for_each_safe(stream, tmp, &writer->streams, link) {
		stream_destroy(writer, stream);
	}
	if (writer->manifest != NULL) {
		fclose(writer->manifest);
	}
	if (writer->directory >= 0) {
		close(writer->directory);
	}
	if (writer->error_fd >= 0) {
		close(writer->error_fd);
	}
	pthread_cond_destroy(&writer->changed);
	pthread_mutex_destroy(&writer->lock);
	free(writer->directory_name);
	free(writer->error);
	free(writer);
}

struct stream *writer_add_stream(struct writer *writer, const char *name, int refresh_mhz) {
	struct stream *stream;
	wl_list_for_each(stream, &writer->streams, link) {
		if (strcmp(stream->name, name) == 0) {
			return stream; // of an output that went and came back: its files go on
		}
	}
	stream = calloc(1, sizeof(*stream));
	char *copy = strdup(name);
	if (stream == NULL || copy == NULL) {
		free(stream);
		free(copy);
		return NULL;
	}
	stream->name = copy;
	stream->refresh_mhz = refresh_mhz;
	hasher_init(&stream->hasher);
	wl_list_insert(&writer->streams, &stream->link);
	return stream;
}

void writer_submit(struct writer *writer, const struct writer_frame *frame) {
	struct job *job = calloc(1, sizeof(*job));
	if (job == NULL) {
		fail(writer, "out of memory");
		frame_destroy(frame->frame);
		json_object_put(frame->line);
		free(frame->base);
		return;
	}
	job->frame = *frame;
	pthread_mutex_lock(&writer->lock);
	while (writer->waiting_len >= MAX_WAITING) {
		pthread_cond_wait(&writer->changed, &writer->lock);
	}
	job->number = writer->submitted++;
	wl_list_insert(writer->waiting.prev, &job->link);
	writer->waiting_len++;
	pthread_cond_broadcast(&writer->changed);
	pthread_mutex_unlock(&writer->lock);
}

const char *writer_get_error(struct writer *writer) {
	pthread_mutex_lock(&writer->lock);
	const char *error = writer->error; // set once
	pthread_mutex_unlock(&writer->lock);
	return error;
}

int writer_get_error_fd(const struct writer *writer) {
	return writer->error_fd;
}
