#ifndef CONFIG_KIOSK_H
#define CONFIG_KIOSK_H

#include <stdint.h>
#include "config/parser.h"
#include "kiosk/command.h"

/*
 * What can be shown on a screen by its name ("show" in an "output" block): commands, which the
 * compositor runs, and fixed framebuffer sources. A name is used once.
 */

/** A "source" block: a framebuffer lying at a known place of an exporter that Sluice itself owns. */
struct source_config {
	struct wl_list link; // config.sources
	int line;
	char *name;
	char *device; // PCI address, as the kernel writes it
	int region;
	uint64_t offset; // bytes, a multiple of a page
	int width, height; // pixels
	uint32_t stride; // bytes
	uint32_t format; // DRM_FORMAT_*
};

/** How long the image is, in whole pages. Fits into 64 bits, with the offset added, too. */
uint64_t source_config_get_length(const struct source_config *source);
bool source_config_equal(const struct source_config *a, const struct source_config *b);

void source_config_parse(struct config_parser *parser, const struct scfg_directive *directive,
	void *target);
void source_config_destroy(struct source_config *source);

/** A "command" block. */
void command_config_parse(struct config_parser *parser, const struct scfg_directive *directive,
	void *target);
void command_config_destroy(struct command_config *command);

/** A "kiosk" block. */
void kiosk_config_parse(struct config_parser *parser, const struct scfg_directive *directive,
	void *target);

/** For "source" and "command": the name, which no other has. */
bool kiosk_config_get_name(struct config_parser *parser, const struct scfg_directive *directive,
	char **name_ptr);
/** Whether there is anything for a kiosk to show. */
bool kiosk_config_has_items(const struct config *config);
/** Whether there is a command or a source of this name. */
bool kiosk_config_has_item(const struct config *config, const char *name);
/** After all was parsed: every name that is to be shown exists, and is shown once. */
void kiosk_config_check(struct config_parser *parser);

#endif
