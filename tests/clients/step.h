/*
 * Does what stdin says, one line at a time, for tests that want to know what is on the screen.
 */
#ifndef TESTS_CLIENTS_STEP_H
#define TESTS_CLIENTS_STEP_H

struct producer;

/** Read commands until "quit", the end of stdin, or the end of the loop. See README.md. */
void step_run(struct producer *producer);

#endif
