#include <string.h>
#include "util/suggest.h"

/** Longer words are not compared. */
#define MAX_LENGTH 48

static size_t min(size_t a, size_t b) {
	return a < b ? a : b;
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from one to the other. */
static size_t get_distance(const char *a, size_t a_len, const char *b, size_t b_len) {
	size_t rows[3][MAX_LENGTH + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];
	for (size_t j = 0; j <= b_len; j++) {
		above[j] = j;
	}
	for (size_t i = 1; i <= a_len; i++) {
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = min(min(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
				row[j] = min(row[j], before[j - 2] + 1);
			}
		}
		size_t *oldest = before;
		before = above;
		above = row;
		row = oldest;
	}
	return above[b_len];
}

void suggest(struct suggestion *suggestion, const char *typed, const char *known) {
	size_t typed_len = strlen(typed), known_len = strlen(known);
	if (typed_len > MAX_LENGTH || known_len > MAX_LENGTH) {
		return;
	}
	size_t distance = get_distance(typed, typed_len, known, known_len);
	// A third of it mistyped is still a typing error; more is another word
	if (distance <= 1 + known_len / 4 && distance < known_len &&
			(suggestion->word == NULL || distance < suggestion->distance)) {
		suggestion->word = known;
		suggestion->distance = distance;
	}
}
