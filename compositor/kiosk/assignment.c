#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include "kiosk/assignment.h"

bool assignment_add(struct wl_list *assignments, const char *output, const char *item) {
	struct assignment *assignment = calloc(1, sizeof(*assignment));
	if (assignment == NULL) {
		return false;
	}
	assignment->output = strdup(output);
	assignment->item = item != NULL ? strdup(item) : NULL;
	wl_list_insert(assignments->prev, &assignment->link);
	if (assignment->output == NULL || (item != NULL && assignment->item == NULL)) {
		assignment_destroy(assignment);
		return false;
	}
	return true;
}

void assignment_destroy(struct assignment *assignment) {
	wl_list_remove(&assignment->link);
	free(assignment->output);
	free(assignment->item);
	free(assignment);
}

struct assignment *assignment_find_item(struct wl_list *assignments, const char *item) {
	struct assignment *assignment;
	wl_list_for_each(assignment, assignments, link) {
		if (assignment->item != NULL && strcmp(assignment->item, item) == 0) {
			return assignment;
		}
	}
	return NULL;
}

bool assignment_set(struct assignment *assignment, struct wl_list *assignments,
		const char *item) {
	struct assignment *other = item != NULL ? assignment_find_item(assignments, item) : NULL;
	if (other != NULL) {
		char *former = assignment->item;
		assignment->item = other->item;
		other->item = former;
		return true;
	}
	char *copy = item != NULL ? strdup(item) : NULL;
	if (item != NULL && copy == NULL) {
		return false;
	}
	free(assignment->item);
	assignment->item = copy;
	return true;
}
