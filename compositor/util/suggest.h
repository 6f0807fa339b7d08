#ifndef UTIL_SUGGEST_H
#define UTIL_SUGGEST_H

#include <stddef.h>

/** The known word that is nearest to one that was mistyped. Starts as all zeroes. */
struct suggestion {
	const char *word; // NULL if none is near
	size_t distance;
};

/** Look whether a known word, which must outlive the suggestion, is nearer than the one before. */
void suggest(struct suggestion *suggestion, const char *typed, const char *known);

#endif
