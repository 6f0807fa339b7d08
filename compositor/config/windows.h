#ifndef CONFIG_WINDOWS_H
#define CONFIG_WINDOWS_H

#include <stdbool.h>

struct config_parser;
struct scfg_directive;

/** The block "windows": how they are laid out, focused and decorated. */
struct windows_config {
	bool tile; // windows of new workspaces
	int gap; // between tiles, in layout pixels
	bool focus_follows_pointer;

	int border, title; // width and height of what is drawn around windows, in layout pixels
	float active[4], inactive[4]; // colours of that, premultiplied
	float text[4];
	char *font; // as Pango names it, NULL: a built-in one
};

/** What is built in. */
void windows_config_init(struct windows_config *windows);
void windows_config_finish(struct windows_config *windows);
void windows_config_parse(struct config_parser *parser, const struct scfg_directive *directive,
	void *target);

#endif
