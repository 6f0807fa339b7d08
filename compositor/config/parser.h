#ifndef CONFIG_PARSER_H
#define CONFIG_PARSER_H

#include <scfg.h>
#include "config/config.h"

/*
 * How the directives of scfg become a struct config. Each part of the compositor has a table of
 * the words it understands, and functions that check and take them; parser.c walks over the file.
 *
 * To add a directive: a row in the table of the block it stands in (config/directives.c for the top
 * level), a function that takes it, a field in struct config or a struct of your own in it, and a line in
 * config.example.
 */

/** One reading of one file. */
struct config_parser {
	const char *path;
	struct config *config; // being filled
	struct config_report *report;
};

enum config_flags {
	CONFIG_BLOCK = 1 << 0, // it may be followed by directives in braces
	CONFIG_MANY = 1 << 1, // it may stand more than once in its block
};

/** A word that a file may use. A table of them ends with one without a name. */
struct config_directive {
	const char *name;
	const char *params; // what follows it, for messages: "X Y", "" if nothing does
	size_t min_params, max_params;
	unsigned flags; // enum config_flags
	/**
	 * Take a directive, whose number of parameters was checked, into target: what its block is
	 * about, a struct config at the top level. Errors are told by config_error().
	 */
	void (*parse)(struct config_parser *parser, const struct scfg_directive *directive,
		void *target);
};

/** As many parameters as one likes. */
#define CONFIG_ANY SIZE_MAX

/** The words of the top level. */
extern const struct config_directive config_directives[];

/** Read a file as scfg, whatever its words are. false, after it has told of an error, if it is none. */
bool config_read_block(struct config_parser *parser, struct scfg_block *block);

/** Take every directive of a block that is in a table, and complain about the others. */
void config_parse_block(struct config_parser *parser, const struct scfg_block *block,
	const struct config_directive *table, void *target);

/** Tell of an error: a sentence that says what is wrong, and what would be right. */
void config_error(struct config_parser *parser, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Parameters. Each returns false after it has told of an error, and leaves the result alone then.
 */

bool config_get_int(struct config_parser *parser, const struct scfg_directive *directive,
	size_t index, int min, int max, int *result);
bool config_get_number(struct config_parser *parser, const struct scfg_directive *directive,
	size_t index, double min, double max, double *result);
/** One of a NULL-terminated list of words; the result is its index. */
bool config_get_choice(struct config_parser *parser, const struct scfg_directive *directive,
	size_t index, const char *const choices[], int *result);
/** "on" or "off", or another pair that people write for it. */
bool config_get_switch(struct config_parser *parser, const struct scfg_directive *directive,
	size_t index, bool *result);
/** A copy; replaces and frees what was there. Must not be empty. */
bool config_get_text(struct config_parser *parser, const struct scfg_directive *directive,
	size_t index, char **result);

#endif
