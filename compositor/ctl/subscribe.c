#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "ctl/ctl.h"

static const char *const events[] = { "window", "output", "path", "source", "config", NULL };

/** An event as a person reads it, in a line. */
static void print_event(const struct ctl *ctl, struct json_object *event) {
	const char *name = ctl_get_text(event, "event");
	struct json_object *data = ctl_get(event, "data"), *thing = ctl_get(data, name);
	ctl_bold(ctl, true);
	ctl_print_text(name);
	ctl_bold(ctl, false);
	printf(" %s", ctl_get_text(data, "change"));
	if (strcmp(name, "window") == 0) {
		printf(": %" PRId64 " \"", ctl_get_number(thing, "id"));
		ctl_print_text(ctl_get_text(thing, "title"));
		putchar('"');
	} else if (strcmp(name, "path") == 0) {
		fputs(": \"", stdout);
		ctl_print_text(ctl_get_text(thing, "title"));
		printf("\" %s (%s)", ctl_get_text(thing, "path"),
			ctl_get_text(ctl_get(thing, "reason"), "name"));
	} else if (strcmp(name, "source") == 0) {
		fputs(": ", stdout);
		ctl_print_text(ctl_get_text(thing, "name"));
		printf(" %s", ctl_get_text(thing, "state"));
	} else if (strcmp(name, "output") == 0) {
		fputs(": ", stdout);
		ctl_print_text(ctl_get_text(thing, "name"));
	} else if (thing != NULL) {
		fputs(":\n", stdout);
		fputs(json_object_get_string(thing), stdout);
	}
	putchar('\n');
}

static int run_subscribe(struct ctl *ctl, int argc, char *argv[]) {
	struct json_object *request = ctl_request("subscribe");
	if (argc > 1) {
		struct json_object *names = json_object_new_array();
		for (int i = 1; i < argc; i++) {
			json_object_array_add(names, json_object_new_string(argv[i]));
		}
		json_object_object_add(request, "events", names);
	}
	if (!ctl_ask(ctl, request, NULL)) {
		return EXIT_FAILURE;
	}
	struct json_object *event;
	while (!ferror(stdout) && (event = ctl_read(ctl)) != NULL) {
		if (ctl->json) {
			ctl_print_json(event);
		} else {
			print_event(ctl, event);
		}
		fflush(stdout);
		json_object_put(event);
	}
	return EXIT_FAILURE; // the compositor ended, or nobody reads
}

const struct ctl_command ctl_subscribe_commands[] = {
	{ "subscribe", "[EVENT...]", "print what happens, until the compositor ends",
		"Events are window, output, path, source and config; without any, all are\n"
		"printed.\n", run_subscribe, events },
	{ 0 },
};
