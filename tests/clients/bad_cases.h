/*
 * The kinds of bad requests, and how to make each.
 */
#ifndef TESTS_CLIENTS_BAD_CASES_H
#define TESTS_CLIENTS_BAD_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"
#include "memory.h"
#include "source.h"
#include "window.h"

/** A connection to make bad requests on, and what came of them. */
struct bad {
	struct loop *loop;
	struct globals globals;
	struct memory *memory; // NULL: there is none
	uint32_t region;
	struct source source;

	bool created; // a buffer
	bool failed; // a buffer
	bool done; // either
	uint32_t failure;
	char *message; // of the failure
};

struct bad_case {
	const char *name;
	/**
	 * What is to come of it: the start of an outcome line, or two of them; NULL is anything
	 * that the compositor survives.
	 */
	const char *expect;
	const char *or_expect;
	enum bad_setup {
		BAD_BARE, // make the request on the manager
		BAD_SOURCE, // on a source
		BAD_DEVICE, // on a source, where there is a device to make something of
		BAD_READY, // on a source that accepted the device
	} setup;
	void (*run)(struct bad *bad);
	const struct bad_params *params; // instead of run
};

/** The cases, one by one; NULL after the last. */
const struct bad_case *bad_case_at(size_t index);

/** Make the bad request of a case. */
void bad_case_run(const struct bad_case *bad_case, struct bad *bad);

#endif
