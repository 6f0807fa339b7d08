#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sluice/probe.h>
#include <wlr/util/log.h>
#include "probe/child.h"
#include "probe/config.h"
#include "probe/start.h"

#define DEFAULT_TIMEOUT_MS 10000
// Far more than a probe has, so that a program that babbles is found out
#define STEPS_MAX 64
#define LINE_MAX_SIZE 1024

struct sluice_probe {
	sluice_probe_done_func_t done;
	void *data;
	int timeout_ms;

	struct probe_child *child;
	struct wl_event_source *timer;

	char line[LINE_MAX_SIZE];
	size_t line_len;

	// Names and sentences are owned; the last step is under way while in_step
	struct sluice_probe_step steps[STEPS_MAX + 1];
	size_t steps_len;
	bool in_step;
	bool garbled;
	bool ended; // the program said that it is through

	struct sluice_probe_result result;
};

static const char no_memory[] = "out of memory";

static void free_text(const char *text) {
	if (text != no_memory) {
		free((char *)text);
	}
}

static void set_text(const char **text, const char *value) {
	free_text(*text);
	*text = strdup(value);
	if (*text == NULL) {
		*text = no_memory;
	}
}

static struct sluice_probe_step *add_step(struct sluice_probe *probe, const char *name) {
	// One place is kept for the verdict on the program itself
	struct sluice_probe_step *step = &probe->steps[probe->steps_len++];
	*step = (struct sluice_probe_step){ 0 };
	set_text(&step->name, name);
	set_text(&step->sentence, "");
	set_text(&step->advice, "");
	return step;
}

/** The program came to its end, good or bad, in the step it was in or outside of any. */
static void break_off(struct sluice_probe *probe, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void break_off(struct sluice_probe *probe, int error, const char *format, ...) {
	char sentence[256];
	va_list args;
	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);

	struct sluice_probe_step *step = probe->in_step ?
		&probe->steps[probe->steps_len - 1] : add_step(probe, "probe");
	probe->in_step = false;
	step->status = SLUICE_PROBE_FAIL;
	step->error = error;
	set_text(&step->sentence, sentence);
}

static void finish(struct sluice_probe *probe) {
	probe_child_destroy(probe->child);
	probe->child = NULL;
	wl_event_source_remove(probe->timer);
	probe->timer = NULL;

	probe->result = (struct sluice_probe_result){
		.steps = probe->steps,
		.steps_len = probe->steps_len,
		.ok = true,
	};
	for (size_t i = 0; i < probe->steps_len; i++) {
		const struct sluice_probe_step *step = &probe->steps[i];
		if (step->status == SLUICE_PROBE_FAIL) {
			probe->result.ok = false;
			wlr_log(WLR_INFO, "probe: %s failed: %s%s%s", step->name, step->sentence,
				step->advice[0] != '\0' ? "; " : "", step->advice);
		}
	}
	// The last thing done here: it may destroy the probe
	probe->done(&probe->result, probe->data);
}

static bool parse_status(const char *word, enum sluice_probe_status *status) {
	static const struct {
		const char *word;
		enum sluice_probe_status status;
	} words[] = {
		{ "pass", SLUICE_PROBE_PASS },
		{ "fail", SLUICE_PROBE_FAIL },
		{ "skipped", SLUICE_PROBE_SKIPPED },
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i].word) == 0) {
			*status = words[i].status;
			return true;
		}
	}
	return false;
}

/** Sentences end up on terminals. */
static void clean(char *text) {
	for (char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f) {
			*c = '?';
		}
	}
}

/** A line is "step <tab> word <tab> errno <tab> sentence [<tab> advice]". See program/report.h. */
static bool read_line(struct sluice_probe *probe, char *line) {
	char no_advice[1] = "";
	char *fields[5] = { line };
	size_t fields_len = 1;
	while (fields_len < 5 && (line = strchr(line, '\t')) != NULL) {
		*line++ = '\0';
		fields[fields_len++] = line;
	}
	if (fields_len < 4) {
		return false;
	}
	if (fields_len == 4) {
		fields[4] = no_advice;
	}
	clean(fields[3]);
	clean(fields[4]);

	if (probe->ended || fields[0][0] == '\0') {
		return false;
	}
	if (strcmp(fields[0], "end") == 0) {
		probe->ended = true;
		return !probe->in_step;
	}
	if (strcmp(fields[1], "begin") == 0) {
		if (probe->in_step || probe->steps_len == STEPS_MAX) {
			return false;
		}
		add_step(probe, fields[0]);
		probe->in_step = true;
		return true;
	}

	char *number_end;
	long error = strtol(fields[2], &number_end, 10);
	enum sluice_probe_status status;
	if (!probe->in_step || !parse_status(fields[1], &status) || number_end == fields[2] ||
			*number_end != '\0' || error < 0 || error > 4095) {
		return false;
	}
	struct sluice_probe_step *step = &probe->steps[probe->steps_len - 1];
	if (strcmp(step->name, fields[0]) != 0) {
		return false;
	}
	step->status = status;
	step->error = (int)error;
	set_text(&step->sentence, fields[3]);
	set_text(&step->advice, fields[4]);
	probe->in_step = false;
	return true;
}

static void handle_output(const char *bytes, size_t len, void *data) {
	struct sluice_probe *probe = data;
	for (size_t i = 0; i < len && !probe->garbled; i++) {
		if (bytes[i] == '\n') {
			probe->line[probe->line_len] = '\0';
			probe->line_len = 0;
			probe->garbled = !read_line(probe, probe->line);
		} else if (bytes[i] == '\0' || probe->line_len == sizeof(probe->line) - 1) {
			probe->garbled = true;
		} else {
			probe->line[probe->line_len++] = bytes[i];
		}
	}
}

static const char *signal_name(int signal) {
	switch (signal) {
	case SIGSEGV:
		return "SIGSEGV";
	case SIGBUS:
		return "SIGBUS";
	case SIGABRT:
		return "SIGABRT";
	case SIGILL:
		return "SIGILL";
	case SIGFPE:
		return "SIGFPE";
	case SIGKILL:
		return "SIGKILL";
	case SIGSYS:
		return "SIGSYS";
	}
	return NULL;
}

static void handle_ended(int signal, int status, void *data) {
	struct sluice_probe *probe = data;
	if (signal != 0) {
		const char *name = signal_name(signal);
		char number[16];
		snprintf(number, sizeof(number), "signal %d", signal);
		break_off(probe, EFAULT, "%s crashed (%s)", probe->in_step ? "the driver" :
			"the probing program", name != NULL ? name : number);
	} else if (probe->garbled) {
		break_off(probe, EPROTO, "the probing program said what makes no sense; is it the one "
			"that belongs to this library?");
	} else if (!probe->ended || probe->line_len != 0) {
		break_off(probe, EPROTO, "the probing program ended early (exit status %d)", status);
	}
	finish(probe);
}

static const struct probe_child_handlers child_handlers = {
	.output = handle_output,
	.ended = handle_ended,
};

static int handle_deadline(void *data) {
	struct sluice_probe *probe = data;
	break_off(probe, ETIMEDOUT, "no result within %d ms; the driver hangs, or is very slow",
		probe->timeout_ms);
	finish(probe);
	return 0;
}

struct sluice_probe *probe_start(struct wl_event_loop *loop, char *const argv[], const int *fds,
		size_t fds_len, int timeout_ms, sluice_probe_done_func_t done, void *data) {
	const char *dir = getenv("SLUICE_LIBEXECDIR");
	if (dir == NULL || dir[0] == '\0') {
		dir = SLUICE_LIBEXECDIR;
	}
	char path[4096];
	int len = snprintf(path, sizeof(path), "%s/sluice-probe", dir);
	if (len < 0 || (size_t)len >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}

	struct sluice_probe *probe = calloc(1, sizeof(*probe));
	if (probe == NULL) {
		return NULL;
	}
	probe->done = done;
	probe->data = data;
	probe->timeout_ms = timeout_ms > 0 ? timeout_ms : DEFAULT_TIMEOUT_MS;
	probe->timer = wl_event_loop_add_timer(loop, handle_deadline, probe);
	if (probe->timer == NULL) {
		free(probe);
		return NULL;
	}
	wl_event_source_timer_update(probe->timer, probe->timeout_ms);

	probe->child = probe_child_spawn(loop, path, argv, fds, fds_len, &child_handlers, probe);
	if (probe->child == NULL) {
		int saved_errno = errno;
		wlr_log(WLR_ERROR, "cannot run %s: %s; set SLUICE_LIBEXECDIR to where it is", path,
			strerror(errno));
		sluice_probe_destroy(probe);
		errno = saved_errno;
		return NULL;
	}
	return probe;
}

struct sluice_probe *sluice_probe_pair(struct wl_event_loop *loop, const char *address,
		const char *drm_node_path, uint32_t flags, int timeout_ms,
		sluice_probe_done_func_t done, void *data) {
	const char *argv[8];
	size_t argc = 0;
	argv[argc++] = "sluice-probe";
	argv[argc++] = "--porcelain";
	if (wlr_log_get_verbosity() >= WLR_DEBUG) {
		argv[argc++] = "--verbose";
	}
	if ((flags & SLUICE_PROBE_COMMIT) != 0) {
		argv[argc++] = "--commit";
	}
	if ((flags & SLUICE_PROBE_GPU_READ) != 0) {
		argv[argc++] = "--gpu-read";
	}
	argv[argc++] = address;
	argv[argc++] = drm_node_path;
	// An argument may not become an option
	if (address[0] == '-' || drm_node_path[0] == '-') {
		errno = EINVAL;
		return NULL;
	}
	argv[argc] = NULL;
	return probe_start(loop, (char *const *)argv, NULL, 0, timeout_ms, done, data);
}

struct sluice_probe *sluice_probe_gpu_read(struct wl_event_loop *loop, int drm_fd,
		const struct wlr_dmabuf_attributes *attribs, int timeout_ms,
		sluice_probe_done_func_t done, void *data) {
	if (attribs->n_planes < 1 || attribs->n_planes > WLR_DMABUF_MAX_PLANES) {
		errno = EINVAL;
		return NULL;
	}

	char size[32], format[16], modifier[32], planes[WLR_DMABUF_MAX_PLANES][48];
	snprintf(size, sizeof(size), "%" PRIi32 "x%" PRIi32, attribs->width, attribs->height);
	snprintf(format, sizeof(format), "0x%08" PRIx32, attribs->format);
	snprintf(modifier, sizeof(modifier), "0x%" PRIx64, attribs->modifier);

	const char *argv[11 + 2 * WLR_DMABUF_MAX_PLANES] = {
		"sluice-probe", "--porcelain", "--fds", "--size", size, "--format", format,
		"--modifier", modifier,
	};
	size_t argc = 9;
	int fds[1 + WLR_DMABUF_MAX_PLANES];
	size_t fds_len = 0;
	if (drm_fd >= 0) {
		fds[fds_len++] = drm_fd;
	} else {
		argv[argc++] = "--no-drm";
	}
	for (int i = 0; i < attribs->n_planes; i++) {
		snprintf(planes[i], sizeof(planes[i]), "%d:%" PRIu32 ":%" PRIu32,
			PROBE_CHILD_FIRST_FD + (int)fds_len, attribs->offset[i], attribs->stride[i]);
		fds[fds_len++] = attribs->fd[i];
		argv[argc++] = "--plane";
		argv[argc++] = planes[i];
	}
	argv[argc] = NULL;
	return probe_start(loop, (char *const *)argv, fds, fds_len, timeout_ms, done, data);
}

void sluice_probe_destroy(struct sluice_probe *probe) {
	if (probe == NULL) {
		return;
	}
	probe_child_destroy(probe->child);
	if (probe->timer != NULL) {
		wl_event_source_remove(probe->timer);
	}
	for (size_t i = 0; i < probe->steps_len; i++) {
		free_text(probe->steps[i].name);
		free_text(probe->steps[i].sentence);
		free_text(probe->steps[i].advice);
	}
	free(probe);
}
