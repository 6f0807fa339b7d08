/*
 * What the test clients say: lines on stdout for programs, complaints on stderr for people.
 */
#ifndef TESTS_CLIENTS_SAY_H
#define TESTS_CLIENTS_SAY_H

#include <stdint.h>

/** Print a line to stdout, at once. The newline is added. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Print a line to stderr, after the program's name. The newline is added. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Names of protocol values, as in the XML; "unknown" for one that it does not have. */
const char *failure_name(uint32_t value);
const char *revoke_reason_name(uint32_t value);
const char *path_kind_name(uint32_t value);
const char *path_reason_name(uint32_t value);

#endif
