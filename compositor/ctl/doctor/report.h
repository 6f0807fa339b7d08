#ifndef CTL_DOCTOR_REPORT_H
#define CTL_DOCTOR_REPORT_H

#include <json-c/json_object.h>
#include <stdbool.h>
#include "doctor/doctor.h"

/** Tell people what was found. */
void doctor_print_machine(const struct doctor *doctor, bool colours);
void doctor_print_pair(const struct doctor_pair *pair, bool colours);

/** All of it for machines. The caller owns it. */
struct json_object *doctor_describe(const struct doctor *doctor);

/**
 * Write what was found, and what the machine is, to a file that may be given to others: serial
 * numbers, hardware addresses, UUIDs and the host's name are removed. Returns false with errno.
 */
bool doctor_write_report(const struct doctor *doctor, const char *path);

/**
 * A copy of text without what identifies the machine, which is found in its files. The caller frees
 * it; NULL if memory ran out.
 */
char *doctor_redact(const struct files *files, const char *text);

#endif
