#define _GNU_SOURCE
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/types/wlr_output.h>
#include "desktop/window.h"
#include "headless/headless.h"
#include "headless/verb.h"
#include "util/suggest.h"

#define NSEC_PER_SEC UINT64_C(1000000000)
#define MAX_COUNT 1e9
#define MAX_SECONDS 1e7

bool verb_fail(struct verb_call *call, const char *format, ...) {
	va_list args;
	va_start(args, format);
	free(call->error);
	if (vasprintf(&call->error, format, args) < 0) {
		call->error = strdup("out of memory");
	}
	va_end(args);
	return false;
}

bool verb_get_number(struct verb_call *call, size_t index, double min, double max,
		double *number) {
	const char *text = call->argv[index];
	char *end;
	double value = strtod(text, &end);
	if (end == text || *end != '\0' || !(value >= min && value <= max)) {
		return verb_fail(call, "\"%s\" is no number from %g to %g", text, min, max);
	}
	*number = value;
	return true;
}

static bool get_count(struct verb_call *call, uint64_t *count) {
	double number;
	if (!verb_get_number(call, 0, 1, MAX_COUNT, &number)) {
		return false;
	}
	*count = (uint64_t)number;
	return (double)*count == number ||
		verb_fail(call, "\"%s\" is no whole number", call->argv[0]);
}

static uint64_t count_frames(const struct verb_call *call) {
	return capture_count_committed(call->headless->server.capture);
}

static bool run_wait(struct verb_call *call) {
	call->wait = WAIT_FRAMES;
	bool ok = get_count(call, &call->count);
	call->target = count_frames(call) + call->count;
	return ok;
}

static bool run_refresh(struct verb_call *call) {
	call->wait = WAIT_REFRESHES;
	bool ok = get_count(call, &call->count);
	call->target = call->headless->refreshes + call->count;
	return ok;
}

static bool run_still(struct verb_call *call) {
	call->wait = WAIT_STILL;
	call->target = call->headless->refreshes;
	return get_count(call, &call->count);
}

static bool run_sleep(struct verb_call *call) {
	double seconds;
	if (!verb_get_number(call, 0, 0, MAX_SECONDS, &seconds)) {
		return false;
	}
	call->wait = WAIT_TIME;
	call->target = headless_now(call->headless) + (uint64_t)(seconds * (double)NSEC_PER_SEC);
	return true;
}

static bool run_window(struct verb_call *call) {
	call->wait = WAIT_WINDOW;
	call->window = call->argv[0];
	return true;
}

static bool has_window(struct headless *headless, const char *name) {
	struct window *window;
	wl_list_for_each(window, &headless->server.windows, link) {
		const char *title = window->impl->get_title(window);
		const char *app_id = window->impl->get_app_id(window);
		if (window->mapped && ((title != NULL && strcmp(title, name) == 0) ||
				(app_id != NULL && strcmp(app_id, name) == 0))) {
			return true;
		}
	}
	return false;
}

static bool get_mode(struct verb_call *call, int *width, int *height, int *refresh) {
	return headless_parse_mode(call->argv[2], width, height, refresh) ||
		verb_fail(call, "\"%s\" is no size: WIDTHxHEIGHT[@HZ], up to %dx%d", call->argv[2],
			HEADLESS_MAX_EXTENT, HEADLESS_MAX_EXTENT);
}

static bool run_output(struct verb_call *call) {
	struct headless *headless = call->headless;
	const char *action = call->argv[0], *name = call->argv[1];
	struct headless_output *output = headless_backend_find_output(headless->backend, name);
	bool add = strcmp(action, "add") == 0, resize = strcmp(action, "resize") == 0;
	bool remove = strcmp(action, "remove") == 0;
	if (!add && !resize && !remove) {
		return verb_fail(call, "\"%s\" is none of add, remove, resize", action);
	}
	if ((add || resize) != (call->argc == 3)) {
		return verb_fail(call, add || resize ? "%s needs a size, too" : "%s takes only a name",
			action);
	}
	if (add && output != NULL) {
		return verb_fail(call, "there is an output %s already", name);
	} else if (!add && output == NULL) {
		return verb_fail(call, "there is no output %s", name);
	}
	int width, height, refresh;
	if (!remove && !get_mode(call, &width, &height, &refresh)) {
		return false;
	}
	if (remove) {
		wlr_output_destroy(&output->base);
	} else if (resize) {
		headless_output_request_mode(output, width, height, refresh);
	} else if (!headless_is_name(name)) {
		return verb_fail(call, "\"%s\" is no name: letters, digits, \"-\", \"_\" and \".\" are",
			name);
	} else if (wl_list_length(&headless->backend->outputs) >= HEADLESS_MAX_OUTPUTS) {
		return verb_fail(call, "there are %d outputs already", HEADLESS_MAX_OUTPUTS);
	} else if (headless_backend_add_output(headless->backend, name, width, height, refresh,
			headless_now(headless)) == NULL) {
		return verb_fail(call, "out of memory");
	}
	return true;
}

static bool run_time(struct verb_call *call) {
	call->data = json_object_new_object();
	json_object_object_add(call->data, "time",
		json_object_new_uint64(headless_now(call->headless)));
	json_object_object_add(call->data, "frames", json_object_new_uint64(count_frames(call)));
	json_object_object_add(call->data, "refreshes",
		json_object_new_uint64(call->headless->refreshes));
	return true;
}

static bool run_end(struct verb_call *call) {
	return true; // see finish(): who asked is to be told before
}

const struct verb verbs[] = {
	{ "wait", "N", "wait for N frames", 1, 1, run_wait },
	{ "refresh", "N", "let N refreshes go by, whether they show something new or not", 1, 1,
		run_refresh },
	{ "still", "K", "wait until nothing has changed for K refreshes", 1, 1, run_still },
	{ "sleep", "SECONDS", "let so much virtual time go by", 1, 1, run_sleep },
	{ "window", "NAME", "wait until there is a window with this title or app_id", 1, 1,
		run_window },
	{ "type", "TEXT", "type a text", 1, 1, verb_type },
	{ "key", "KEYS...", "press and release keys together, such as ctrl+shift+t", 1, 16,
		verb_key },
	{ "press", "KEY", "press a key and hold it", 1, 1, verb_press },
	{ "release", "KEY", "release a key", 1, 1, verb_release },
	{ "move", "X Y", "move the pointer", 2, 2, verb_move },
	{ "click", "[left|middle|right] [X Y]", "click, there if that is given", 0, 3, verb_click },
	{ "button", "left|middle|right down|up", "press or release a button of the pointer", 2, 2,
		verb_button },
	{ "scroll", "DX DY", "turn the wheel: steps to the right, and down", 2, 2, verb_scroll },
	{ "touch", "down|move|up ID [X Y]", "a finger on the touch screen", 2, 4, verb_touch },
	{ "tap", "X Y", "touch and let go", 2, 2, verb_tap },
	{ "output", "add|resize|remove NAME [SIZE]", "add an output, change its size, or unplug it",
		2, 3, run_output },
	{ "capture", "NAME [OUTPUT]", "write what is shown as NAME.png", 1, 2, verb_capture },
	{ "expect", "NAME [OUTPUT] [tolerance N] [ssim F] [mask X,Y,W,H]...",
		"compare what is shown with the golden image NAME.png", 1, 64, verb_expect },
	{ "fault", "revoke|restore|unplug|stride|short|late N",
		"let the simulated exporter, or the next commit, go wrong", 1, 2, verb_fault },
	{ "time", "", "tell the virtual time, and how many frames there were", 0, 0, run_time },
	{ "end", "", "end the session", 0, 0, run_end },
	{ 0 },
};

static const struct verb *find_verb(const char *name) {
	for (const struct verb *verb = verbs; verb->name != NULL; verb++) {
		if (strcmp(verb->name, name) == 0) {
			return verb;
		}
	}
	return NULL;
}

static char *complain_of_verb(const char *name) {
	struct suggestion suggestion = { 0 };
	for (const struct verb *verb = verbs; verb->name != NULL; verb++) {
		suggest(&suggestion, name, verb->name);
	}
	char *error = NULL;
	int ret = suggestion.word != NULL ?
		asprintf(&error, "no verb \"%s\"; is \"%s\" meant?", name, suggestion.word) :
		asprintf(&error, "no verb \"%s\"", name);
	return ret >= 0 ? error : NULL;
}

char *verb_check(const char *name, size_t argc) {
	const struct verb *verb = find_verb(name);
	if (verb == NULL) {
		return complain_of_verb(name);
	}
	char *error = NULL;
	if (argc >= verb->min && argc <= verb->max) {
		return NULL;
	}
	int ret = verb->arguments[0] == '\0' ? asprintf(&error, "%s takes no arguments", name) :
		asprintf(&error, "%s takes: %s", name, verb->arguments);
	return ret >= 0 ? error : NULL;
}

void verb_call_destroy(struct verb_call *call) {
	wl_list_remove(&call->link);
	for (size_t i = 0; i < call->argc; i++) {
		free(call->argv[i]);
	}
	free(call->argv);
	free(call->error);
	json_object_put(call->data);
	free(call);
}

static struct verb_call *create_call(struct headless *headless, char *const *argv,
		size_t argc) {
	struct verb_call *call = calloc(1, sizeof(*call));
	char **copy = calloc(argc + 1, sizeof(*copy));
	if (call == NULL || copy == NULL) {
		free(call);
		free(copy);
		return NULL;
	}
	call->headless = headless;
	call->argv = copy;
	wl_list_init(&call->link);
	for (; call->argc < argc; call->argc++) {
		copy[call->argc] = strdup(argv[call->argc]);
		if (copy[call->argc] == NULL) {
			verb_call_destroy(call);
			return NULL;
		}
	}
	return call;
}

struct verb_call *verb_begin(struct headless *headless, const char *name, char *const *argv,
		size_t argc, void (*done)(struct verb_call *call, void *data), void *done_data,
		char **error) {
	*error = verb_check(name, argc);
	if (*error != NULL) {
		return NULL;
	}
	const struct verb *verb = find_verb(name);
	struct verb_call *call = create_call(headless, argv, argc);
	if (verb == NULL || call == NULL) {
		return NULL;
	}
	call->verb = verb;
	call->done = done;
	call->done_data = done_data;
	call->give_up = headless_now(headless) + headless->options->limit * NSEC_PER_SEC;
	if (!verb->run(call) && !call->disagrees) {
		if (asprintf(error, "%s: %s", name,
				call->error != NULL ? call->error : "out of memory") < 0) {
			*error = NULL;
		}
		verb_call_destroy(call);
		return NULL;
	}
	wl_list_insert(headless->calls.prev, &call->link);
	return call;
}

static bool waits_for_refreshes(const struct verb_call *call) {
	return call->wait == WAIT_REFRESHES || call->wait == WAIT_STILL;
}

/** Whether what it waits for is something that others have to do. */
static bool waits_for_others(const struct verb_call *call) {
	return call->wait == WAIT_FRAMES || call->wait == WAIT_WINDOW ||
		// Time refreshes outputs, but somebody has to add one
		(waits_for_refreshes(call) && wl_list_empty(&call->headless->backend->outputs));
}

static void complain_of_wait(struct verb_call *call, const char *why) {
	if (call->wait == WAIT_WINDOW) {
		verb_fail(call, "there is no window \"%s\" %s", call->window, why);
	} else if (waits_for_refreshes(call)) {
		uint64_t start = call->wait == WAIT_STILL ? call->target : call->target - call->count;
		verb_fail(call, "there is no output: %" PRIu64 " of %" PRIu64 " refreshes came %s",
			call->headless->refreshes - start, call->count, why);
	} else {
		uint64_t missing = call->target - count_frames(call);
		verb_fail(call, "%" PRIu64 " of %" PRIu64 " frames came %s", call->count - missing,
			call->count, why);
	}
}

static bool is_over(struct verb_call *call) {
	struct headless *headless = call->headless;
	switch (call->wait) {
	case WAIT_QUIET:
		return true;
	case WAIT_FRAMES:
		return count_frames(call) >= call->target;
	case WAIT_REFRESHES:
		return headless->refreshes >= call->target;
	case WAIT_STILL:
		if (headless->last_frame > call->target) {
			call->target = headless->last_frame;
		}
		return headless->refreshes >= call->target + call->count;
	case WAIT_TIME:
		return headless_now(headless) >= call->target;
	case WAIT_WINDOW:
		return has_window(headless, call->window);
	}
	return true;
}

static void finish(struct verb_call *call) {
	wl_list_remove(&call->link);
	wl_list_init(&call->link);
	struct server *server = call->verb->run == run_end ? &call->headless->server : NULL;
	call->done(call, call->done_data);
	if (server != NULL) {
		server_quit(server, EXIT_SUCCESS);
	}
}

bool verb_check_calls(struct headless *headless) {
	// Calls that are begun meanwhile take effect first
	struct wl_list before;
	wl_list_init(&before);
	wl_list_insert_list(&before, &headless->calls);
	wl_list_init(&headless->calls);
	bool any = false;
	while (!wl_list_empty(&before)) {
		struct verb_call *call = wl_container_of(before.next, call, link);
		bool over = call->error != NULL || is_over(call);
		if (!over && (waits_for_others(call) || call->wait == WAIT_STILL) &&
				headless_now(headless) >= call->give_up) {
			if (!waits_for_others(call)) {
				verb_fail(call, "there was something new every %" PRIu64 " refreshes for %u s of "
					"virtual time (--limit)", call->count, headless->options->limit);
			} else {
				char why[64];
				snprintf(why, sizeof(why), "in %u s of virtual time (--limit)",
					headless->options->limit);
				complain_of_wait(call, why);
			}
			over = true;
		}
		if (over) {
			any = true;
			finish(call);
		} else {
			wl_list_remove(&call->link);
			wl_list_insert(headless->calls.prev, &call->link);
		}
	}
	return any;
}

uint64_t verb_next_time(const struct headless *headless) {
	uint64_t next = VCLOCK_NEVER;
	const struct verb_call *call;
	wl_list_for_each(call, &headless->calls, link) {
		if (call->wait == WAIT_TIME && call->target < next) {
			next = call->target;
		}
	}
	return next;
}

void verb_fail_stalled(struct headless *headless) {
	struct verb_call *call, *tmp;
	wl_list_for_each_safe(call, tmp, &headless->calls, link) {
		if (waits_for_others(call)) {
			complain_of_wait(call, "and no more will: every process sleeps, and none waits for a "
				"time");
			finish(call);
			return; // what follows may be others
		}
	}
}
