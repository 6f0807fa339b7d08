#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include "probe/program/report.h"

static FILE *out;
static const char *current;
static bool failed;

bool report_init(void) {
	int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (fd < 0) {
		return false;
	}
	out = fdopen(fd, "w");
	return out != NULL && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0;
}

static void say(const char *result, int error, const char *sentence) {
	fprintf(out, "%s\t%s\t%d\t", current, result, error);
	// A tab or a newline in a driver's message may not end the field
	for (const char *c = sentence; *c != '\0'; c++) {
		fputc((unsigned char)*c < ' ' ? ' ' : *c, out);
	}
	fputc('\n', out);
	fflush(out); // the next thing may be a crash
}

void report_begin(const char *step) {
	current = step;
	say("begin", 0, "");
}

void report_pass(const char *format, ...) {
	char sentence[512];
	va_list args;
	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	say("pass", 0, sentence);
}

void report_fail(int error, const char *format, ...) {
	char sentence[512];
	va_list args;
	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	failed = true;
	say("fail", error, sentence);
}

void report_skip(const char *format, ...) {
	char sentence[512];
	va_list args;
	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	say("skipped", 0, sentence);
}

void report_skipped_step(const char *step, const char *reason) {
	report_begin(step);
	report_skip("%s", reason);
}

int report_end(void) {
	current = "end";
	say(failed ? "fail" : "pass", 0, "");
	return failed ? 1 : 0;
}
