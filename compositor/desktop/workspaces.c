#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "desktop/workspaces.h"

#define DEFAULT_RATIO 0.55

bool workspace_is_shown(const struct workspace *workspace) {
	return workspace->screen != NULL && workspace->screen->shown == workspace;
}

/** Names of digits alone are numbers. */
static bool is_number(const char *name) {
	return name[0] != '\0' && name[strspn(name, "0123456789")] == '\0';
}

static int compare(const char *a, const char *b) {
	if (!is_number(a) || !is_number(b)) {
		return is_number(a) != is_number(b) ? (is_number(a) ? -1 : 1) : strcmp(a, b);
	}
	// Of any length: by what is left without leading zeros
	const char *digits_a = a + strspn(a, "0"), *digits_b = b + strspn(b, "0");
	size_t len_a = strlen(digits_a), len_b = strlen(digits_b);
	if (len_a != len_b) {
		return len_a < len_b ? -1 : 1;
	}
	int order = strcmp(digits_a, digits_b);
	return order != 0 ? order : strcmp(a, b);
}

static struct workspace *create(struct workspaces *workspaces, const char *name,
		struct screen *screen) {
	struct workspace *workspace = calloc(1, sizeof(*workspace));
	if (workspace == NULL) {
		return NULL;
	}
	workspace->name = strdup(name);
	workspace->home = screen != NULL ? strdup(screen->name) : NULL;
	if (workspace->name == NULL || (screen != NULL && workspace->home == NULL)) {
		free(workspace->name);
		free(workspace->home);
		free(workspace);
		return NULL;
	}
	workspace->screen = screen;
	workspace->layout = workspaces->layout;
	workspace->tiles = workspaces->tiles;
	wl_list_init(&workspace->windows);
	struct workspace *next;
	wl_list_for_each(next, &workspaces->all, link) {
		if (compare(name, next->name) < 0) {
			break;
		}
	}
	// At the end, next is the list's head
	wl_list_insert(next->link.prev, &workspace->link);
	return workspace;
}

/** The lowest number that is no workspace's name yet. */
static struct workspace *create_numbered(struct workspaces *workspaces, struct screen *screen) {
	char name[16];
	for (unsigned number = 1;; number++) {
		snprintf(name, sizeof(name), "%u", number);
		if (workspaces_find(workspaces, name) == NULL) {
			return create(workspaces, name, screen);
		}
	}
}

void workspace_destroy(struct workspace *workspace) {
	wl_list_remove(&workspace->link);
	free(workspace->name);
	free(workspace->home);
	free(workspace);
}

static struct workspace *find_on(struct workspaces *workspaces, const struct screen *screen,
		const struct workspace *except) {
	struct workspace *workspace;
	wl_list_for_each(workspace, &workspaces->all, link) {
		if (workspace->screen == screen && workspace != except) {
			return workspace;
		}
	}
	return NULL;
}

void workspaces_init(struct workspaces *workspaces) {
	*workspaces = (struct workspaces){
		.layout = { .ratio = DEFAULT_RATIO, .masters = 1 },
	};
	wl_list_init(&workspaces->all);
	wl_list_init(&workspaces->screens);
}

static void destroy_screen(struct screen *screen) {
	wl_list_remove(&screen->link);
	free(screen->name);
	free(screen);
}

void workspaces_finish(struct workspaces *workspaces) {
	struct screen *screen, *next_screen;
	wl_list_for_each_safe(screen, next_screen, &workspaces->screens, link) {
		destroy_screen(screen);
	}
	struct workspace *workspace, *next_workspace;
	wl_list_for_each_safe(workspace, next_workspace, &workspaces->all, link) {
		workspace_destroy(workspace);
	}
	workspaces->focused = NULL;
}

static bool is_at_home(const struct workspace *workspace, const struct screen *screen) {
	return workspace->home != NULL && strcmp(workspace->home, screen->name) == 0;
}

/** Whether it goes to a screen that has come. */
static bool moves_to(const struct workspace *workspace, const struct screen *screen) {
	return !workspace->bound && (workspace->screen == NULL || is_at_home(workspace, screen));
}

/** Of those that go to a screen: the focused one, else the one that it showed before. */
static struct workspace *choose_shown(struct workspaces *workspaces,
		const struct screen *screen) {
	if (workspaces->focused != NULL && moves_to(workspaces->focused, screen)) {
		return workspaces->focused;
	}
	struct workspace *shown = NULL, *workspace;
	wl_list_for_each(workspace, &workspaces->all, link) {
		if (moves_to(workspace, screen) && (shown == NULL ||
				(is_at_home(workspace, screen) && workspace->shown_at_home))) {
			shown = workspace;
		}
	}
	return shown;
}

/** Whether a screen would be left with nothing to show if those at home elsewhere went. */
static bool keeps_one(struct workspaces *workspaces, const struct screen *screen,
		const struct screen *leaving_for) {
	struct workspace *workspace;
	wl_list_for_each(workspace, &workspaces->all, link) {
		if (workspace->screen == screen &&
				(workspace->bound || !is_at_home(workspace, leaving_for))) {
			return true;
		}
	}
	return false;
}

struct screen *workspaces_add_screen(struct workspaces *workspaces, const char *name) {
	struct screen *screen = calloc(1, sizeof(*screen));
	char *copy = strdup(name);
	if (screen == NULL || copy == NULL) {
		free(screen);
		free(copy);
		return NULL;
	}
	screen->name = copy;
	wl_list_insert(workspaces->screens.prev, &screen->link);

	// What may fail comes first: those who lose all they have need another one to show
	struct screen *other;
	wl_list_for_each(other, &workspaces->screens, link) {
		if (other != screen && !keeps_one(workspaces, other, screen) &&
				create_numbered(workspaces, other) == NULL) {
			destroy_screen(screen);
			return NULL;
		}
	}
	struct workspace *shown = choose_shown(workspaces, screen);
	if (shown == NULL && (shown = create_numbered(workspaces, screen)) == NULL) {
		destroy_screen(screen);
		return NULL;
	}

	struct workspace *workspace;
	wl_list_for_each(workspace, &workspaces->all, link) {
		if (!moves_to(workspace, screen)) {
			continue;
		}
		struct screen *before = workspace->screen;
		workspace->screen = screen;
		if (before != NULL && before->shown == workspace) {
			before->shown = NULL; // another one below
		}
		if (workspace->home == NULL) {
			workspace->home = strdup(screen->name); // without it, it stays where it is
		}
		if (is_at_home(workspace, screen)) {
			workspace->shown_at_home = false;
		}
	}
	screen->shown = shown;
	wl_list_for_each(other, &workspaces->screens, link) {
		if (other->shown == NULL) {
			other->shown = find_on(workspaces, other, NULL);
		}
	}
	if (workspaces->focused == NULL) {
		workspaces->focused = shown;
	}
	return screen;
}

void workspaces_remove_screen(struct workspaces *workspaces, struct screen *screen) {
	struct screen *heir = NULL, *other;
	wl_list_for_each(other, &workspaces->screens, link) {
		if (other != screen && (heir == NULL || other->shown == workspaces->focused)) {
			heir = other;
		}
	}
	struct workspace *focused = workspaces->focused;
	struct workspace *workspace;
	wl_list_for_each(workspace, &workspaces->all, link) {
		if (workspace->screen == screen) {
			if (is_at_home(workspace, screen)) {
				workspace->shown_at_home = screen->shown == workspace;
			}
			workspace->screen = workspace->bound ? NULL : heir;
		}
	}
	if (heir != NULL && focused == screen->shown && !focused->bound &&
			!wl_list_empty(&focused->windows)) {
		// What somebody was working with stays in sight
		heir->shown = focused;
	} else if (heir != NULL && focused == screen->shown) {
		workspaces->focused = heir->shown;
	}
	destroy_screen(screen);
}

struct workspace *workspaces_find(struct workspaces *workspaces, const char *name) {
	struct workspace *workspace;
	wl_list_for_each(workspace, &workspaces->all, link) {
		if (strcmp(workspace->name, name) == 0) {
			return workspace;
		}
	}
	return NULL;
}

struct workspace *workspaces_get(struct workspaces *workspaces, const char *name) {
	struct workspace *workspace = workspaces_find(workspaces, name);
	if (workspace == NULL) {
		struct screen *screen =
			workspaces->focused != NULL ? workspaces->focused->screen : NULL;
		workspace = create(workspaces, name, screen);
	}
	return workspace;
}

void workspaces_show(struct workspaces *workspaces, struct workspace *workspace) {
	if (workspace->screen != NULL) {
		workspace->screen->shown = workspace;
	}
	workspaces->focused = workspace;
}

bool workspaces_move(struct workspaces *workspaces, struct workspace *workspace,
		struct screen *screen) {
	char *home = strdup(screen->name);
	struct screen *before = workspace->screen;
	struct workspace *instead = NULL;
	bool leaves = before != NULL && before != screen && before->shown == workspace;
	if (home != NULL && leaves) {
		instead = find_on(workspaces, before, workspace);
		if (instead == NULL) {
			instead = create_numbered(workspaces, before);
		}
	}
	if (home == NULL || (leaves && instead == NULL)) {
		free(home);
		return false;
	}
	if (instead != NULL) {
		before->shown = instead;
	}
	free(workspace->home);
	workspace->home = home;
	workspace->shown_at_home = false;
	workspace->screen = screen;
	bool focused = workspaces->focused == screen->shown || workspaces->focused == workspace;
	screen->shown = workspace;
	if (focused) {
		workspaces->focused = workspace;
	}
	return true;
}

bool workspaces_hide(struct workspaces *workspaces, struct workspace *workspace) {
	struct screen *screen = workspace->screen;
	if (screen != NULL && screen->shown == workspace) {
		struct workspace *instead = find_on(workspaces, screen, workspace);
		if (instead == NULL && (instead = create_numbered(workspaces, screen)) == NULL) {
			return false;
		}
		screen->shown = instead;
		if (workspaces->focused == workspace) {
			workspaces->focused = instead;
		}
	}
	workspace->screen = NULL;
	return true;
}

void workspaces_release(struct workspaces *workspaces, struct workspace *workspace) {
	workspace->bound = false;
	if (workspace->screen == NULL && !wl_list_empty(&workspaces->screens)) {
		workspace->screen = wl_container_of(workspaces->screens.next, workspace->screen, link);
	}
}

struct workspace *workspaces_get_next(struct workspaces *workspaces,
		struct workspace *workspace, int step) {
	struct wl_list *link = &workspace->link;
	do {
		link = step > 0 ? link->next : link->prev;
		if (link == &workspaces->all) {
			continue;
		}
		struct workspace *candidate = wl_container_of(link, candidate, link);
		if (candidate->screen == workspace->screen) {
			return candidate; // itself at last
		}
	} while (true);
}

struct workspace *workspaces_find_unused(struct workspaces *workspaces) {
	struct workspace *workspace;
	wl_list_for_each(workspace, &workspaces->all, link) {
		if (wl_list_empty(&workspace->windows) && !workspace_is_shown(workspace) &&
				workspace != workspaces->focused) {
			return workspace;
		}
	}
	return NULL;
}
