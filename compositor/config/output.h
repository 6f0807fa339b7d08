#ifndef CONFIG_OUTPUT_H
#define CONFIG_OUTPUT_H

#include <stdint.h>
#include <wlr/types/wlr_output.h>
#include "config/config.h"

struct config_parser;
struct scfg_directive;

/** What an output's scale may be. */
#define OUTPUT_CONFIG_SCALE_MIN 0.1
#define OUTPUT_CONFIG_SCALE_MAX 10

/** Which of the fields a block has said something about. */
enum output_config_field {
	OUTPUT_CONFIG_ENABLED = 1 << 0,
	OUTPUT_CONFIG_MODE = 1 << 1,
	OUTPUT_CONFIG_POSITION = 1 << 2,
	OUTPUT_CONFIG_SCALE = 1 << 3,
	OUTPUT_CONFIG_TRANSFORM = 1 << 4,
	OUTPUT_CONFIG_ADAPTIVE_SYNC = 1 << 5,
};

/** An "output" block. */
struct output_config {
	struct wl_list link; // config.outputs, in the order of the file
	/** Connector, or "make model serial" as EDID has them; * and ? stand for others. */
	char *name;
	int line;

	uint32_t fields; // enum output_config_field
	bool enabled;
	int width, height; // 0: the preferred mode
	int refresh_mhz; // 0: the highest
	bool custom; // the mode is not one that the screen offers
	int x, y; // layout coordinates
	double scale;
	enum wl_output_transform transform;
	bool adaptive_sync;

	char *show; // the command or source that it shows, NULL: none
	int show_line;
};

void output_config_parse(struct config_parser *parser, const struct scfg_directive *directive,
	void *target);
void output_config_destroy(struct output_config *output);

/** Whether the name in a block, or in an assignment, means an output. */
bool output_name_matches(const char *name, const struct wlr_output *wlr_output);
/** Whether a block is about an output. */
bool output_config_matches(const struct output_config *output, const struct wlr_output *wlr_output);
/**
 * What all blocks that are about an output say together: of what is said twice, the later one
 * counts. The result's name is not set.
 */
struct output_config output_config_merge(const struct config *config,
	const struct wlr_output *wlr_output);

bool output_config_equals(const struct output_config *a, const struct output_config *b);

/** "normal", "90", …: the names that wlr-randr and sway have, too. */
extern const char *const output_config_transforms[];

#endif
