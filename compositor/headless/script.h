#ifndef HEADLESS_SCRIPT_H
#define HEADLESS_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

struct headless;

/** A file of verbs, one a line, done one after the other; sluice-headless(7) describes it. */
struct script;

/** Read it whole. NULL, told on stderr with line numbers, if it is no script. */
struct script *script_load(const char *path);
/** NULL is allowed. */
void script_destroy(struct script *script);
/** Begin its first verb. From then on it goes on by itself, and ends the session at its end. */
void script_start(struct script *script, struct headless *headless);

/** The line that it has come to, or 0 if nothing is left to do: the command has ended. */
int script_get_line(const struct script *script);

#endif
