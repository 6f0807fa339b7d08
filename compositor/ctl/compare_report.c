#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "ctl/compare_report.h"
#include "ctl/ctl.h"

static void append(struct compare_report *report, const char *text, size_t len) {
	char *to = wl_array_add(&report->junit, len);
	if (to != NULL) {
		memcpy(to, text, len);
	}
}

static void append_text(struct compare_report *report, const char *text) {
	append(report, text, strlen(text));
}

/** What XML may contain in attributes and text. */
static void append_escaped(struct compare_report *report, const char *text) {
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			append_text(report, "&amp;");
			break;
		case '<':
			append_text(report, "&lt;");
			break;
		case '>':
			append_text(report, "&gt;");
			break;
		case '"':
			append_text(report, "&quot;");
			break;
		default:
			// Control characters may not be there at all
			append(report, (unsigned char)*text < ' ' && *text != '\n' ? "?" : text, 1);
		}
	}
}

static void add_junit(struct compare_report *report, const struct compare_case *compared) {
	append_text(report, "  <testcase classname=\"compare\" name=\"");
	append_escaped(report, compared->name);
	if (compared->failure == NULL) {
		append_text(report, "\"/>\n");
		return;
	}
	append_text(report, "\">\n    <failure message=\"");
	append_escaped(report, compared->failure);
	append_text(report, "\">expected: ");
	append_escaped(report, compared->expected);
	append_text(report, "\nseen: ");
	append_escaped(report, compared->actual);
	append_text(report, "</failure>\n  </testcase>\n");
}

/** TAP's YAML block is two spaces in, and so is each of its lines. */
static void print_tap(const struct compare_report *report, const struct compare_case *compared) {
	printf("%s %zu - ", compared->failure != NULL ? "not ok" : "ok", report->cases);
	for (const char *at = compared->name; *at != '\0'; at++) {
		putchar(*at == '#' || (unsigned char)*at < ' ' ? '_' : *at);
	}
	puts(compared->blessed ? " # blessed" : "");
	if (compared->failure == NULL) {
		return;
	}
	printf("  ---\n  message: |\n    ");
	for (const char *at = compared->failure; *at != '\0'; at++) {
		putchar(*at);
		if (*at == '\n') {
			printf("    ");
		}
	}
	printf("\n  expected: %s\n  seen: %s\n  ...\n", compared->expected, compared->actual);
}

static void print_json(const struct compare_case *compared) {
	struct json_object *object = json_object_new_object();
	json_object_object_add(object, "name", json_object_new_string(compared->name));
	json_object_object_add(object, "equal", json_object_new_boolean(compared->failure == NULL));
	if (compared->blessed) {
		json_object_object_add(object, "blessed", json_object_new_boolean(true));
	}
	if (compared->failure != NULL) {
		json_object_object_add(object, "failure", json_object_new_string(compared->failure));
	}
	ctl_print_json(object);
	json_object_put(object);
}

void compare_report_add(struct compare_report *report, const struct compare_case *compared) {
	report->cases++;
	report->failures += compared->failure != NULL;
	report->blessed += compared->blessed;
	add_junit(report, compared);
	if (report->quiet) {
		return;
	}
	if (report->tap) {
		print_tap(report, compared);
	} else if (report->json) {
		print_json(compared);
	} else if (compared->failure != NULL) {
		printf("%s: %s\n  expected: %s\n  seen: %s\n", compared->name, compared->failure,
			compared->expected, compared->actual);
	} else if (compared->blessed) {
		printf("%s: blessed\n", compared->expected);
	}
}

void compare_report_end(struct compare_report *report) {
	if (report->quiet || report->json) {
		return;
	}
	if (report->tap) {
		printf("1..%zu\n", report->cases);
	} else {
		printf("%zu equal, %zu different", report->cases - report->failures - report->blessed,
			report->failures);
		if (report->blessed > 0) {
			printf(", %zu blessed", report->blessed);
		}
		putchar('\n');
	}
}

bool compare_report_write_junit(struct compare_report *report, const char *path) {
	FILE *file = fopen(path, "we");
	bool ok = file != NULL &&
		fprintf(file, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			"<testsuite name=\"sluicectl compare\" tests=\"%zu\" failures=\"%zu\">\n",
			report->cases, report->failures) > 0 &&
		fwrite(report->junit.data, 1, report->junit.size, file) == report->junit.size &&
		fputs("</testsuite>\n", file) >= 0;
	if (file != NULL && fclose(file) != 0) {
		ok = false;
	}
	if (!ok) {
		fprintf(stderr, "sluicectl: %s: %s\n", path, strerror(errno));
	}
	return ok;
}

void compare_report_finish(struct compare_report *report) {
	wl_array_release(&report->junit);
}
