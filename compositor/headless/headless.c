#define _GNU_SOURCE
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wlr/backend/multi.h>
#include <wlr/types/wlr_output.h>
#include <wlr/util/log.h>
#include <sluice/renderer.h>
#include "headless/clock_page.h"
#include "headless/headless.h"
#include "headless/keeper.h"
#include "kiosk/kiosk.h"
#include "headless/script.h"
#include "headless/tasks.h"
#include "headless/verb.h"

#define NSEC_PER_SEC UINT64_C(1000000000)
/** Between looks at processes that are awake. */
#define MIN_PAUSE_NS 20000
#define MAX_PAUSE_NS 2000000
/** Between looks at a session in which nothing happens. */
#define IDLE_NS UINT64_C(16000000)
/** Between looks at a session that ends. */
#define END_PAUSE_NS 5000000
#define MAX_ROOTS 64
#define CLOCK_LIBRARY "libsluice-clock.so"

uint64_t headless_now(const struct headless *headless) {
	return vclock_now(headless->clock);
}

void headless_fail(struct headless *headless, const char *format, ...) {
	va_list args;
	va_start(args, format);
	char *message = NULL;
	if (vasprintf(&message, format, args) < 0) {
		message = NULL;
	}
	va_end(args);
	wlr_log(WLR_ERROR, "%s", message != NULL ? message : "out of memory");
	free(message);
	headless->failed = true;
	server_quit(&headless->server, EXIT_FAILURE);
}

static uint64_t machine_now(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

/** Wait until the event loop has something to do, or for a while. */
static bool wait_for_messages(struct headless *headless, uint64_t ns) {
	struct pollfd pollfd = {
		.fd = wl_event_loop_get_fd(headless->server.loop),
		.events = POLLIN,
	};
	const struct timespec timeout = {
		.tv_sec = (time_t)(ns / NSEC_PER_SEC),
		.tv_nsec = (long)(ns % NSEC_PER_SEC),
	};
	return ppoll(&pollfd, 1, &timeout, NULL) > 0;
}

static size_t get_roots(struct headless *headless, pid_t roots[static MAX_ROOTS]) {
	size_t len = 0;
	roots[len++] = keeper_get_pid(headless->keeper);
	len += kiosk_get_pids(headless->server.kiosk, &roots[len], MAX_ROOTS - len);
	// Clients that came from elsewhere belong to the session as well
	struct wl_client *client;
	wl_client_for_each(client, wl_display_get_client_list(headless->server.display)) {
		pid_t pid;
		wl_client_get_credentials(client, &pid, NULL, NULL);
		if (pid > 0 && pid != getpid() && len < MAX_ROOTS) {
			roots[len++] = pid;
		}
	}
	return len;
}

static bool is_asleep(struct headless *headless) {
	pid_t roots[MAX_ROOTS];
	size_t len = get_roots(headless, roots);
	return tasks_are_asleep(headless->tasks, roots, len) &&
		!kiosk_is_ending_commands(headless->server.kiosk);
}

/** How long the session has kept others waiting, by what it used of the machine. */
struct patience {
	uint64_t start, checked; // machine's time, ns
	uint64_t used; // processors' time, ns
};

static struct patience begin_patience(void) {
	uint64_t now = machine_now();
	return (struct patience){ .start = now, .checked = now };
}

static uint64_t get_processor_time(struct headless *headless) {
	pid_t roots[MAX_ROOTS];
	size_t len = get_roots(headless, roots);
	return tasks_get_processor_time(headless->tasks, roots, len);
}

/**
 * A busy machine gives the session little of its time, and then it may take long. Only what it
 * was given counts, and ten times as much for waiting in the kernel.
 */
static bool is_out_of_patience(struct headless *headless, struct patience *patience) {
	uint64_t now = machine_now();
	if (now - patience->checked < NSEC_PER_SEC) {
		return false;
	}
	if (patience->checked == patience->start) {
		patience->used = get_processor_time(headless);
	}
	patience->checked = now;
	uint64_t limit = headless->options->patience * NSEC_PER_SEC;
	uint64_t used = get_processor_time(headless);
	return (used > patience->used && used - patience->used > limit) ||
		now - patience->start > 10 * limit;
}

/** Let the session do all that it can do at this point of virtual time. */
static void settle(struct headless *headless) {
	struct server *server = &headless->server;
	uint64_t pause = 0;
	struct patience patience = begin_patience();
	while (!server->quitting) {
		wl_event_loop_dispatch_idle(server->loop); // what was put off makes no fd readable
		wl_display_flush_clients(server->display);
		if (wait_for_messages(headless, pause)) {
			wl_event_loop_dispatch(server->loop, 0);
			headless->active = true;
			pause = 0;
		} else if (sluice_renderer_is_probing(server->renderer)) {
			// Which frame is the first on the gpu path is not to be chance. A probe has a timeout
			wait_for_messages(headless, IDLE_NS);
			patience = begin_patience();
		} else if (is_asleep(headless)) {
			// What they sent before they fell asleep is here
			if (!wait_for_messages(headless, 0)) {
				return;
			}
		} else {
			pause = pause == 0 ? MIN_PAUSE_NS :
				pause * 2 < MAX_PAUSE_NS ? pause * 2 : MAX_PAUSE_NS;
		}
		if (is_out_of_patience(headless, &patience)) {
			headless_fail(headless, "%s has run for %u s without going to sleep. Does it draw "
				"without waiting for frame callbacks, or poll a clock? Virtual time stands still "
				"as long as a process of the session runs; --patience=S gives it more of the "
				"machine's", tasks_describe_awake(headless->tasks), headless->options->patience);
		}
	}
}

/**
 * Without a screen, no refresh brings time to where a script wants it, and nothing gives it the
 * pace of the machine's clock, if that is what processes go by.
 */
static uint64_t without_outputs(const struct headless *headless, uint64_t timer) {
	uint64_t verb = verb_next_time(headless), next = verb < timer ? verb : timer;
	uint64_t tick = headless_now(headless) + IDLE_NS;
	return headless->options->machine_clock && tick < next ? tick : next;
}

/** The next event in virtual time: what a process waits for, or a refresh. */
static void step(struct headless *headless) {
	uint64_t timer = vclock_next_timer(headless->clock), now = timer;
	struct headless_output *output, *tmp;
	size_t outputs = (size_t)wl_list_length(&headless->backend->outputs);
	if (timer != VCLOCK_NEVER && headless->idle > outputs && wl_list_empty(&headless->calls)) {
		// Everybody waits for a time: refreshes until then would show nothing new
		wl_list_for_each(output, &headless->backend->outputs, link) {
			headless_output_skip(output, timer);
		}
	}
	wl_list_for_each(output, &headless->backend->outputs, link) {
		uint64_t refresh = headless_output_next_refresh(output);
		now = refresh < now ? refresh : now;
	}
	headless->active = false;
	uint64_t before = headless_now(headless);
	if (outputs == 0) {
		now = without_outputs(headless, now);
	}
	if (now == VCLOCK_NEVER) {
		headless->idle++;
		return;
	}
	vclock_advance(headless->clock, now > before ? now : before);
	if (timer <= now) {
		// They come first: what they draw in time for a refresh is shown by it
		headless->active = true;
		return;
	}
	headless->refreshing = true;
	wl_list_for_each_safe(output, tmp, &headless->backend->outputs, link) {
		if (headless_output_next_refresh(output) <= now) {
			headless->refreshes++;
			headless_output_refresh(output, now);
		}
	}
	headless->refreshing = false;
	faults_refreshed(&headless->faults, headless->refreshes);

	uint64_t committed = capture_count_committed(headless->server.capture);
	if (committed > headless->committed) {
		headless->committed = committed;
		headless->last_frame = headless->refreshes;
		headless->give_up = now + headless->options->limit * NSEC_PER_SEC;
		headless->active = true;
	}
}

static bool has_all_frames(struct headless *headless) {
	uint64_t limit = headless->options->capture.limit;
	return limit > 0 && capture_count_captured(headless->server.capture) >= limit;
}

/** Frames that were asked for on the command line, and do not come. */
static void give_up(struct headless *headless, const char *why) {
	headless_fail(headless, "%" PRIu64 " of %" PRIu64 " frames came %s",
		capture_count_captured(headless->server.capture), headless->options->capture.limit, why);
}

/**
 * Nothing has happened in refresh after refresh, and nobody waits for a time: unless something
 * comes from outside, or by the machine's clock, nothing ever will.
 */
static void handle_stall(struct headless *headless) {
	const struct headless_options *options = headless->options;
	if (!options->machine_clock && verb_next_time(headless) == VCLOCK_NEVER) {
		verb_fail_stalled(headless);
		if (wl_list_empty(&headless->calls) && options->capture.limit > 0) {
			give_up(headless, "and no more will: every process sleeps, and none waits for a time");
			return;
		}
	}
	// Do not keep the machine busy with nothing
	if (wl_list_empty(&headless->calls) || options->machine_clock) {
		wait_for_messages(headless, IDLE_NS);
	}
}

static void run(struct headless *headless) {
	struct server *server = &headless->server;
	const struct headless_options *options = headless->options;
	headless->give_up = headless_now(headless) + options->limit * NSEC_PER_SEC;
	for (;;) {
		settle(headless);
		if (server->quitting) {
			return;
		}
		headless->active |= tasks_have_run(headless->tasks);
		headless->idle = headless->active ? 0 : headless->idle + 1;
		if (verb_check_calls(headless)) {
			continue;
		}
		if (has_all_frames(headless)) {
			server_quit(server, EXIT_SUCCESS);
			return;
		}
		if (!options->free_run && wl_list_empty(&headless->calls)) {
			wl_event_loop_dispatch(server->loop, -1);
			continue;
		}
		if (options->capture.limit > 0 && headless_now(headless) >= headless->give_up) {
			char why[64];
			snprintf(why, sizeof(why), "in %u s of virtual time (--limit)", options->limit);
			give_up(headless, why);
			return;
		}
		size_t outputs = (size_t)wl_list_length(&headless->backend->outputs);
		if (headless->idle > outputs && vclock_next_timer(headless->clock) == VCLOCK_NEVER) {
			handle_stall(headless);
		}
		step(headless);
	}
}

static int handle_keeper(int fd, uint32_t mask, void *data) {
	struct headless *headless = data;
	int status = keeper_get_status(headless->keeper);
	if (status >= 0) {
		wl_event_source_remove(headless->keeper_source);
		headless->keeper_source = NULL;
		int line = headless->script != NULL ? script_get_line(headless->script) : 0;
		if (status > 128 && status - 128 < NSIG) {
			wlr_log(WLR_ERROR, "The command was killed: %s", strsignal(status - 128));
		} else if (status == 0 && line != 0) {
			headless_fail(headless, "The command ended before line %d of the script", line);
			return 0;
		}
		server_quit(&headless->server, status);
	}
	return 0;
}

static int handle_capture_error(int fd, uint32_t mask, void *data) {
	struct headless *headless = data;
	headless->failed = true;
	server_quit(&headless->server, EXIT_FAILURE);
	return 0;
}

struct wlr_backend *headless_create_backend(struct headless *headless,
		struct wl_event_loop *loop) {
	const struct headless_options *options = headless->options;
	headless->clock = vclock_create(loop, options->machine_clock ? NULL : headless->directory,
		options->date);
	struct wlr_backend *multi = wlr_multi_backend_create(loop);
	headless->backend = headless_backend_create(loop);
	if (headless->clock == NULL || multi == NULL || headless->backend == NULL ||
			!wlr_multi_backend_add(multi, &headless->backend->base)) {
		wlr_log(WLR_ERROR, "Cannot make the headless backend");
		return NULL;
	}
	for (size_t i = 0; i < options->outputs_len; i++) {
		const struct headless_output_options *output = &options->outputs[i];
		if (headless_backend_add_output(headless->backend, output->name, output->width,
				output->height, output->refresh, headless_now(headless)) == NULL) {
			return NULL;
		}
	}
	return multi;
}

/** What of the environment would make a session depend on where it is started. */
static bool set_environment(struct headless *headless) {
	static const char *const foreign[] = {
		"DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "DBUS_SESSION_BUS_ADDRESS",
		"XKB_DEFAULT_RULES", "XKB_DEFAULT_MODEL", "XKB_DEFAULT_LAYOUT", "XKB_DEFAULT_VARIANT",
		"XKB_DEFAULT_OPTIONS",
	};
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		unsetenv(foreign[i]);
	}
	setenv("XDG_RUNTIME_DIR", headless->directory, true);
	setenv("XDG_SESSION_TYPE", "wayland", true);
	// The same pixels on every machine
	setenv("WLR_RENDERER", "pixman", false);
	return true;
}

/** Have the command, and what it starts, take the session's time for the time. */
static bool preload_clock(struct headless *headless) {
	if (headless->options->machine_clock) {
		return true;
	}
	const char *directory = getenv("SLUICE_LIBDIR");
	char path[4096];
	snprintf(path, sizeof(path), "%s/" CLOCK_LIBRARY,
		directory != NULL ? directory : SLUICE_LIBDIR);
	if (access(path, R_OK) < 0) {
		wlr_log_errno(WLR_ERROR, "%s: set SLUICE_LIBDIR to where it is, or use --machine-clock",
			path);
		return false;
	}
	const char *others = getenv("LD_PRELOAD");
	char *preload = NULL;
	if (asprintf(&preload, "%s%s%s", path, others != NULL ? ":" : "",
			others != NULL ? others : "") < 0) {
		return false;
	}
	setenv("LD_PRELOAD", preload, true);
	setenv(CLOCK_ENV, headless->directory, true);
	free(preload);
	return true;
}

static char *make_directory(void) {
	const char *base = getenv("XDG_RUNTIME_DIR");
	if (base == NULL || access(base, W_OK) < 0) {
		base = getenv("TMPDIR");
	}
	char *path = NULL;
	if (asprintf(&path, "%s/sluice-XXXXXX", base != NULL ? base : "/tmp") < 0) {
		return NULL;
	}
	if (mkdtemp(path) == NULL) {
		wlr_log_errno(WLR_ERROR, "%s: cannot make the session's runtime directory", path);
		free(path);
		return NULL;
	}
	return path;
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw) {
	remove(path);
	return 0;
}

static bool start(struct headless *headless) {
	struct server *server = &headless->server;
	if (!headless_register_commands(headless) || !server_start(server)) {
		return false;
	}
	headless->tasks = tasks_create();
	if (headless->tasks == NULL || !preload_clock(headless)) {
		return false;
	}
	headless->keeper = keeper_start(headless->options->command);
	if (headless->keeper == NULL) {
		return false;
	}
	headless->keeper_source = wl_event_loop_add_fd(server->loop,
		keeper_get_fd(headless->keeper), WL_EVENT_READABLE, handle_keeper, headless);
	// After the fork: from here on there are threads
	server->capture = capture_create(server, &headless->options->capture,
		headless->faults.exporter);
	if (server->capture == NULL) {
		return false;
	}
	headless->error_source = wl_event_loop_add_fd(server->loop,
		capture_get_error_fd(server->capture), WL_EVENT_READABLE, handle_capture_error, headless);
	if (!kiosk_start(server->kiosk, NULL)) {
		return false;
	}
	if (headless->script != NULL) {
		script_start(headless->script, headless);
	}
	return true;
}

/** Programs may want an answer before they end, and some wait for a time. */
static void end_processes(struct headless *headless) {
	struct server *server = &headless->server;
	if (headless->keeper == NULL) {
		return;
	}
	keeper_end(headless->keeper);
	while (!keeper_has_ended(headless->keeper)) {
		wl_display_flush_clients(server->display);
		if (wait_for_messages(headless, END_PAUSE_NS)) {
			wl_event_loop_dispatch(server->loop, 0);
			continue;
		}
		uint64_t timer = vclock_next_timer(headless->clock);
		if (timer != VCLOCK_NEVER) {
			vclock_advance(headless->clock, timer);
		}
	}
	keeper_destroy(headless->keeper);
}

/** The exit status. */
static int end(struct headless *headless) {
	struct server *server = &headless->server;
	if (server->capture != NULL) {
		headless->failed |= !capture_drain(server->capture);
	}
	if (headless->keeper_source != NULL) {
		wl_event_source_remove(headless->keeper_source);
	}
	if (headless->error_source != NULL) {
		wl_event_source_remove(headless->error_source);
	}
	end_processes(headless);
	struct verb_call *call, *tmp;
	wl_list_for_each_safe(call, tmp, &headless->calls, link) {
		if (call->done_data == headless->script) {
			verb_call_destroy(call);
		}
	}
	tasks_destroy(headless->tasks);
	capture_destroy(server->capture);
	server->capture = NULL;
	server_finish(server);
	return headless->failed && server->exit_status == 0 ? EXIT_FAILURE : server->exit_status;
}

/** Errors are for whoever runs a test: without a time, and without a place in the source. */
static void log_message(enum wlr_log_importance importance, const char *format, va_list args) {
	static const char place[] = "[%s:%d] ";
	if (importance > WLR_ERROR) {
		return;
	}
	if (strncmp(format, place, strlen(place)) == 0) {
		(void)va_arg(args, const char *);
		(void)va_arg(args, int);
		format += strlen(place);
	}
	fputs("sluice headless: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

int headless_main(int argc, char *argv[]) {
	struct headless_options options;
	headless_parse_options(&options, argc, argv);
	wlr_log_init(options.verbosity, options.verbosity > WLR_ERROR ? NULL : log_message);

	struct headless headless = { .options = &options };
	options.server.headless = &headless;
	headless.faults.exporter = -1;
	wl_list_init(&headless.faults.late);
	wl_list_init(&headless.calls);
	if (options.script != NULL) {
		headless.script = script_load(options.script);
		if (headless.script == NULL) {
			return EXIT_FAILURE;
		}
	}
	headless.directory = make_directory();
	if (headless.directory == NULL) {
		script_destroy(headless.script);
		return EXIT_FAILURE;
	}
	int status = EXIT_FAILURE;
	if (set_environment(&headless) &&
			faults_init(&headless.faults, options.simulated_size) && server_init(&headless.server, &options.server)) {
		headless.server.exit_status = EXIT_FAILURE;
		if (start(&headless)) {
			run(&headless);
		}
		status = end(&headless);
	}
	faults_finish(&headless.faults);
	vclock_destroy(headless.clock);
	nftw(headless.directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(headless.directory);
	script_destroy(headless.script);
	return status;
}
