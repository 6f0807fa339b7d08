#include <stdarg.h>
#include <string.h>
#include "ctl/ctl.h"

void ctl_print_json(struct json_object *value) {
	puts(json_object_to_json_string_ext(value,
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

void ctl_print_text(const char *text) {
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		bool c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0; // as UTF-8
		if (*c < ' ' || *c == 0x7f || c1) {
			putchar('?');
			c += c1;
		} else {
			putchar(*c);
		}
	}
}

void ctl_bold(const struct ctl *ctl, bool on) {
	if (ctl->colours) {
		fputs(on ? "\033[1m" : "\033[0m", stdout);
	}
}

struct json_object *ctl_get(struct json_object *object, const char *key) {
	struct json_object *value;
	return json_object_object_get_ex(object, key, &value) ? value : NULL;
}

const char *ctl_get_text(struct json_object *object, const char *key) {
	struct json_object *value = ctl_get(object, key);
	return value != NULL ? json_object_get_string(value) : "";
}

int64_t ctl_get_number(struct json_object *object, const char *key) {
	return json_object_get_int64(ctl_get(object, key));
}

double ctl_get_fraction(struct json_object *object, const char *key) {
	return json_object_get_double(ctl_get(object, key));
}

bool ctl_get_truth(struct json_object *object, const char *key) {
	return json_object_get_boolean(ctl_get(object, key));
}

int ctl_usage_error(const char *command, const char *format, ...) {
	fprintf(stderr, "sluicectl%s%s: ", command != NULL ? " " : "",
		command != NULL ? command : "");
	va_list args;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nTry \"sluicectl%s%s --help\".\n", command != NULL ? " " : "",
		command != NULL ? command : "");
	return EXIT_USAGE;
}
