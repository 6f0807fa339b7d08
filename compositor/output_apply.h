#ifndef OUTPUT_APPLY_H
#define OUTPUT_APPLY_H

#include "output.h"

struct config_report;

/** What is to become of an output. */
struct output_target {
	struct output *output;
	struct wlr_output_state state;
	bool placed; // in the layout: if not, the state switches it off
	bool automatic; // right of the others, else at x, y
	int x, y;
};

/**
 * Have several outputs changed together, at once where the driver can: all, or none and false. It is
 * asked before anything changes, because two modes that work alone may be too much together.
 */
bool outputs_commit(struct server *server, struct output_target *targets, size_t len);
/** Whether the driver would take it. */
bool outputs_test(struct server *server, const struct output_target *targets, size_t len);

/** A new output gets what the configuration says of it, or, if that does not work, what does. */
void output_apply_config(struct output *output);
/**
 * After a reload: outputs of which the configuration now says something else get it. If the driver
 * refuses, all stay as they were; that, and modes that do not exist, is told in the report.
 */
void outputs_apply_config(struct server *server, struct config_report *report);

#endif
