#ifndef HEADLESS_VERB_H
#define HEADLESS_VERB_H

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wayland-util.h>

struct headless;
struct verb_call;

/** What a call waits for before it is done. All of it, and that the session is quiet. */
enum verb_wait {
	WAIT_QUIET, // nothing more
	WAIT_FRAMES, // as many frames as target
	WAIT_REFRESHES, // as many refreshes as target
	WAIT_STILL, // count refreshes without a frame, target is that of the last frame
	WAIT_TIME, // virtual time: target
	WAIT_WINDOW, // one of this title or app_id
};

/** A thing that a script or sluicectl can ask for. */
struct verb {
	const char *name;
	const char *arguments; // for the usage; "" if there are none
	const char *summary; // a line
	size_t min, max; // of arguments
	/** Begin it. false: call->error says why not. */
	bool (*run)(struct verb_call *call);
};

/** One use of a verb. */
struct verb_call {
	struct wl_list link; // headless.calls
	struct headless *headless;
	const struct verb *verb;
	char **argv;
	size_t argc;

	enum verb_wait wait;
	uint64_t target, count;
	const char *window;
	uint64_t give_up; // virtual time

	char *error; // NULL if all is well
	bool disagrees; // the error is that what was seen is not what was expected
	struct json_object *data; // for who asked, or NULL

	/** It is done, or has failed. The call is off the list, and may be freed. */
	void (*done)(struct verb_call *call, void *data);
	void *done_data;
};

/** Ended by one without a name. */
extern const struct verb verbs[];

/**
 * Begin a call, whose argv is copied and whose done() is called later, from verb_check_calls(), if
 * it is returned; the error is for the caller to free otherwise.
 */
struct verb_call *verb_begin(struct headless *headless, const char *name, char *const *argv,
	size_t argc, void (*done)(struct verb_call *call, void *data), void *done_data,
	char **error);
/** What is wrong with a verb and its number of arguments, or NULL. To be freed. */
char *verb_check(const char *name, size_t argc);
/** Take it back without done(). */
void verb_call_destroy(struct verb_call *call);
/** The session is quiet: end calls whose wait is over. Whether there were any. */
bool verb_check_calls(struct headless *headless);
/** The next point of virtual time that a call waits for, or VCLOCK_NEVER. */
uint64_t verb_next_time(const struct headless *headless);
/** Nothing will happen any more: those that wait for something to happen fail. */
void verb_fail_stalled(struct headless *headless);

/** For the functions of verbs: set an error, return false. */
bool verb_fail(struct verb_call *call, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** An argument as a number between bounds. */
bool verb_get_number(struct verb_call *call, size_t index, double min, double max,
	double *number);

/** input.c */
bool verb_type(struct verb_call *call);
bool verb_key(struct verb_call *call);
bool verb_press(struct verb_call *call);
bool verb_release(struct verb_call *call);
bool verb_move(struct verb_call *call);
bool verb_click(struct verb_call *call);
bool verb_button(struct verb_call *call);
bool verb_scroll(struct verb_call *call);
bool verb_touch(struct verb_call *call);
bool verb_tap(struct verb_call *call);

/** expect.c */
bool verb_capture(struct verb_call *call);
bool verb_expect(struct verb_call *call);

#endif
