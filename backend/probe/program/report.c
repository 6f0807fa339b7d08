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

static void say_field(const char *text) {
	fputc('\t', out);
	// A tab or a newline in a driver's message may not end the field
	for (const char *c = text; *c != '\0'; c++) {
		fputc((unsigned char)*c < ' ' ? ' ' : *c, out);
	}
}

static void say_try(const char *result, int error, const char *sentence, const char *advice) {
	fprintf(out, "%s\t%s\t%d", current, result, error);
	say_field(sentence);
	if (advice[0] != '\0') {
		say_field(advice);
	}
	fputc('\n', out);
	fflush(out); // the next thing may be a crash
}

static void say(const char *result, int error, const char *sentence) {
	say_try(result, error, sentence, "");
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

void report_fail_try(int error, const char *advice, const char *format, ...) {
	char sentence[512];
	va_list args;
	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	failed = true;
	say_try("fail", error, sentence, advice);
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
