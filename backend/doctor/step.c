#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "doctor/doctor.h"

static const struct {
	int number;
	const char *name;
} errors[] = {
#define ERROR(name) { name, #name }
	ERROR(EACCES), ERROR(EAGAIN), ERROR(EBADF), ERROR(EBUSY), ERROR(EEXIST), ERROR(EFAULT),
	ERROR(EINVAL), ERROR(EIO), ERROR(EMFILE), ERROR(ENODEV), ERROR(ENOENT), ERROR(ENOMEM),
	ERROR(ENOSPC), ERROR(ENOSYS), ERROR(ENOTSUP), ERROR(ENOTTY), ERROR(ENXIO),
	ERROR(EOVERFLOW), ERROR(EPERM), ERROR(EPROTO), ERROR(ERANGE), ERROR(ETIMEDOUT),
	{ EOPNOTSUPP, "EOPNOTSUPP" },
#undef ERROR
};

const char *doctor_error_name(int error) {
	// The kernel says EOPNOTSUPP, which has the number of ENOTSUP
	for (size_t i = sizeof(errors) / sizeof(errors[0]); i > 0; i--) {
		if (errors[i - 1].number == error) {
			return errors[i - 1].name;
		}
	}
	return NULL;
}

int doctor_error_number(const char *name) {
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (strcmp(errors[i].name, name) == 0) {
			return errors[i].number;
		}
	}
	return 0;
}

const struct doctor_step *doctor_find_step(const struct doctor_pair *pair, const char *name) {
	for (size_t i = 0; i < pair->steps_len; i++) {
		if (strcmp(pair->steps[i].name, name) == 0) {
			return &pair->steps[i];
		}
	}
	return NULL;
}

struct doctor_step *doctor_add_step(struct doctor_pair *pair, const char *name) {
	// More are never taken; but if they were, the last one would be the one to lose
	size_t i = pair->steps_len < DOCTOR_STEPS_MAX ? pair->steps_len++ : DOCTOR_STEPS_MAX - 1;
	struct doctor_step *step = &pair->steps[i];
	free(step->why);
	free(step->advice);
	*step = (struct doctor_step){ .name = name, .status = SLUICE_PROBE_PASS };
	return step;
}

static void set_text(char **text, const char *format, va_list args) {
	free(*text);
	char buffer[1024];
	vsnprintf(buffer, sizeof(buffer), format, args);
	*text = strdup(buffer);
}

void doctor_pass(struct doctor_step *step, const char *format, ...) {
	va_list args;
	va_start(args, format);
	step->status = SLUICE_PROBE_PASS;
	set_text(&step->why, format, args);
	va_end(args);
}

void doctor_fail(struct doctor_step *step, int error, const char *format, ...) {
	va_list args;
	va_start(args, format);
	step->status = SLUICE_PROBE_FAIL;
	step->error = error;
	set_text(&step->why, format, args);
	va_end(args);
}

void doctor_skip_step(struct doctor_step *step, const char *format, ...) {
	va_list args;
	va_start(args, format);
	step->status = SLUICE_PROBE_SKIPPED;
	set_text(&step->why, format, args);
	va_end(args);
}

void doctor_advise(struct doctor_step *step, const char *format, ...) {
	va_list args;
	va_start(args, format);
	set_text(&step->advice, format, args);
	va_end(args);
}
