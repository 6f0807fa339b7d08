/*
 * Requests that a compositor has to refuse.
 */
#ifndef TESTS_CLIENTS_BAD_H
#define TESTS_CLIENTS_BAD_H

struct options;

/** Print every kind of bad request, and what is to come of it. */
void bad_list(void);

/**
 * Make the bad request that options->bad names, or all of them, each on a connection of its own,
 * and print what came of it. Returns an exit status.
 */
int bad_run(const struct options *options);

#endif
