/*
 * What the probing program says of its steps, a line each, to stdout:
 *
 *     step <tab> "begin", "pass", "fail" or "skipped" <tab> errno <tab> sentence [<tab> advice]
 *
 * and a newline.
 *
 * Every step says "begin" first, so that a reader knows which one a crash was in. The last line is
 * that of the step "end". probe/probe.c reads them.
 */
#ifndef SLUICE_PROBE_REPORT_H
#define SLUICE_PROBE_REPORT_H

#include <stdbool.h>

/**
 * Take stdout away from everything but the report: drivers print too, and what they print goes to
 * stderr from now on. Returns false with errno on failure.
 */
bool report_init(void);

void report_begin(const char *step);
void report_pass(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** error is a positive errno, or 0. */
void report_fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** And what to try: a sentence, or "". */
void report_fail_try(int error, const char *advice, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void report_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** A whole step that is not taken. */
void report_skipped_step(const char *step, const char *reason);

/** Say that this is the end. Returns the program's exit status: 0 if no step failed, else 1. */
int report_end(void);

#endif
