#include "bad.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bad_cases.h"
#include "options.h"
#include "say.h"
#include "sluice-vram-v1-client-protocol.h"

// How long the compositor may take to accept the device, or to answer the request, ms.
#define SETUP_PATIENCE 60000
#define PATIENCE 5000

void bad_list(void) {
	const struct bad_case *bad_case;
	for (size_t i = 0; (bad_case = bad_case_at(i)) != NULL; i++) {
		say("%s: %s%s%s", bad_case->name,
			bad_case->expect != NULL ? bad_case->expect : "anything",
			bad_case->or_expect != NULL ? " | " : "",
			bad_case->or_expect != NULL ? bad_case->or_expect : "");
	}
}

static bool starts_with(const char *text, const char *start) {
	size_t len = strlen(start);
	return strncmp(text, start, len) == 0 && (text[len] == '\0' || text[len] == ' ');
}

static bool is_expected(const struct bad_case *bad_case, const char *outcome) {
	if (bad_case->expect == NULL) {
		return !starts_with(outcome, "disconnected");
	}
	return starts_with(outcome, bad_case->expect) || (bad_case->or_expect != NULL &&
		starts_with(outcome, bad_case->or_expect));
}

static void describe(struct bad *bad, char *text, size_t size) {
	const struct wl_interface *interface = NULL;
	uint32_t id;
	int error = wl_display_get_error(bad->globals.display);
	if (error == EPROTO) {
		uint32_t code = wl_display_get_protocol_error(bad->globals.display, &interface,
			&id);
		snprintf(text, size, "protocol error %s %u",
			interface != NULL ? interface->name : "unknown", code);
	} else if (error != 0) {
		snprintf(text, size, "disconnected %s", strerror(error));
	} else if (bad->failed) {
		snprintf(text, size, "failed %s %s", failure_name(bad->failure), bad->message);
	} else if (bad->source.failed) {
		snprintf(text, size, "failed %s %s", failure_name(bad->source.failure),
			bad->source.message);
	} else if (bad->created) {
		snprintf(text, size, "accepted");
	} else {
		snprintf(text, size, "no answer");
	}
}

static bool set_up(struct bad *bad, const struct bad_case *bad_case) {
	if (!globals_init(&bad->globals)) {
		return false;
	}
	bad->loop->display = bad->globals.display;
	if (bad->globals.vram_manager == NULL) {
		complain("the compositor has no sluice_vram_manager_v1");
		bad->loop->stop = true;
		return false;
	}
	if (bad_case->setup == BAD_BARE) {
		return true;
	}
	source_init(&bad->source, bad->globals.vram_manager, bad_case->name, false);
	if (bad_case->setup != BAD_READY) {
		return true;
	}
	sluice_vram_source_v1_set_device(bad->source.wl_source,
		sluice_vfio_device_get_fd(bad->memory->device));
	return loop_wait(bad->loop, &bad->source.answered, SETUP_PATIENCE) && bad->source.ready;
}

static void wait_for_outcome(struct bad *bad) {
	// An error of the requests, and what is answered at once, comes before the end of this.
	if (!loop_roundtrip(bad->loop)) {
		return;
	}
	if (bad->source.failed || bad->done) {
		return;
	}
	loop_wait(bad->loop, &bad->done, PATIENCE);
}

// Returns whether the outcome was the expected one.
static bool run_case(const struct bad_case *bad_case, const struct options *options,
		struct loop *loop, struct memory *memory) {
	bool needs_device = bad_case->setup == BAD_DEVICE || bad_case->setup == BAD_READY;
	if (needs_device && memory == NULL) {
		say("bad %s: skipped no device", bad_case->name);
		return true;
	}
	struct bad bad = { .loop = loop, .memory = memory, .region = options->region };
	bool ok = false;
	loop->status = STATUS_OK;
	if (set_up(&bad, bad_case)) {
		bad_case_run(bad_case, &bad);
		wait_for_outcome(&bad);
		char outcome[1024];
		describe(&bad, outcome, sizeof(outcome));
		ok = is_expected(bad_case, outcome);
		say("bad %s: %s%s", bad_case->name, outcome, ok ? "" : " (unexpected)");
		// A protocol error has ended the connection, not the test.
		loop->stop = loop->stop && wl_display_get_error(loop->display) == 0;
	} else {
		say("bad %s: setup failed", bad_case->name);
	}
	if (bad.globals.display != NULL) {
		source_finish(&bad.source);
	}
	globals_finish(&bad.globals);
	free(bad.message);
	return ok;
}

int bad_run(const struct options *options) {
	bool all = strcmp(options->bad, "all") == 0;
	size_t kinds = 0, unexpected = 0;
	const struct bad_case *bad_case;
	for (size_t i = 0; (bad_case = bad_case_at(i)) != NULL; i++) {
		kinds += all || strcmp(options->bad, bad_case->name) == 0;
	}
	if (kinds == 0) {
		complain("there is no bad request %s; see --list-bad", options->bad);
		return STATUS_SETUP;
	}
	struct loop loop;
	if (!loop_init(&loop, false, options->timeout)) {
		return STATUS_SETUP;
	}
	loop.silent = true;
	struct memory memory;
	bool has_memory = memory_init_vfio(&memory, options->device, options->device_fd,
		options->region);
	for (size_t i = 0; (bad_case = bad_case_at(i)) != NULL && !loop.stop; i++) {
		if (all || strcmp(options->bad, bad_case->name) == 0) {
			unexpected += !run_case(bad_case, options, &loop,
				has_memory ? &memory : NULL);
		}
	}
	say("done kinds=%zu unexpected=%zu", kinds, unexpected);
	if (has_memory) {
		memory_finish(&memory);
	}
	loop_finish(&loop);
	return unexpected > 0 ? STATUS_REFUSED : STATUS_OK;
}
