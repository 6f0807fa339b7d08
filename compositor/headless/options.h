#ifndef HEADLESS_OPTIONS_H
#define HEADLESS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wlr/util/log.h>
#include "capture/capture.h"
#include "server.h"

#define HEADLESS_MAX_OUTPUTS 16

struct headless_output_options {
	const char *name; // NULL: HEADLESS-n
	int width, height;
	int refresh; // mHz, 0: the default
};

/** The command line of "sluice headless". */
struct headless_options {
	struct server_options server;
	struct capture_options capture;
	enum wlr_log_importance verbosity;
	struct headless_output_options outputs[HEADLESS_MAX_OUTPUTS];
	size_t outputs_len;
	bool free_run;
	const char *script; // NULL if there is none
	const char *golden; // directory of the images to compare with, or NULL
	bool every; // --every was given
	bool bless; // make what is seen the golden images
	bool cursor; // the pointer is drawn
	bool machine_clock; // processes keep the machine's clocks
	uint64_t simulated_size; // bytes of VRAM of a simulated exporter, 0: there is none
	int64_t date; // at the start, ns since 1970
	unsigned patience; // s of the machine's time that processes get to fall asleep
	unsigned limit; // s of virtual time without a frame that is waited for
	char **command; // ended by NULL
};

/** Exits on --help, --version and on what cannot be understood. argv[0] is "headless". */
void headless_parse_options(struct headless_options *options, int argc, char *argv[]);
/** WIDTHxHEIGHT[@HZ], with sizes that an output can have. refresh is in mHz, 0 if not given. */
bool headless_parse_mode(const char *text, int *width, int *height, int *refresh);
/** What may name an output or a capture, and so a file. */
bool headless_is_name(const char *text);

#endif
