#ifndef CTL_COMPARE_REPORT_H
#define CTL_COMPARE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <wayland-util.h>

/** A comparison that was made. */
struct compare_case {
	const char *name, *expected, *actual;
	const char *failure; // lines, or NULL
	bool blessed;
};

/** Tells how comparisons went, one by one, and all at the end. Starts as zeroes. */
struct compare_report {
	bool tap, json, quiet;
	size_t cases, failures, blessed;
	struct wl_array junit; // char: the test cases as XML
};

void compare_report_add(struct compare_report *report, const struct compare_case *compared);
void compare_report_end(struct compare_report *report);
/** false, told on stderr, if it cannot be written. */
bool compare_report_write_junit(struct compare_report *report, const char *path);
void compare_report_finish(struct compare_report *report);

#endif
