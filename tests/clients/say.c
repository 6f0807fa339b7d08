#define _GNU_SOURCE // program_invocation_short_name
#include "say.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

void say(const char *format, ...) {
	va_list args;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	// A test reads through a pipe, where stdout would be buffered.
	fflush(stdout);
}

void complain(const char *format, ...) {
	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_list args;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static const char *name_of(const char *const names[], size_t names_len, uint32_t value) {
	return value < names_len ? names[value] : "unknown";
}

#define NAME_OF(names, value) name_of(names, sizeof(names) / sizeof((names)[0]), value)

const char *failure_name(uint32_t value) {
	static const char *const names[] = {
		"not_vfio", "no_feature", "no_region", "out_of_range", "overlap", "misaligned",
		"too_small", "format", "modifier", "export", "import", "revoked", "no_memory",
		"other",
	};
	return NAME_OF(names, value);
}

const char *revoke_reason_name(uint32_t value) {
	static const char *const names[] = {
		"lost", "memory_disabled", "reset", "device_error", "unplugged", "owner_gone",
	};
	return NAME_OF(names, value);
}

const char *path_kind_name(uint32_t value) {
	static const char *const names[] = { "none", "scanout", "plane", "gpu", "cpu" };
	return NAME_OF(names, value);
}

const char *path_reason_name(uint32_t value) {
	static const char *const names[] = {
		"ok", "not_mapped", "covered", "not_fullscreen", "size_mismatch", "transform",
		"software_cursor", "capture", "format", "import_failed", "test_failed",
		"commit_failed", "no_gpu_import", "gpu_import_crashed", "probe_pending",
		"no_cpu_map", "revoked", "quiesced", "no_output", "other", "disabled",
	};
	return NAME_OF(names, value);
}
