/* Which workspace is on which screen: by example, and whatever happens. */
#include "cmocka_all.h"
#include <stdio.h>
#include <string.h>
#include "desktop/workspaces.h"
#include "random.h"

#define STEPS 20000

/** Something that makes a workspace used. */
struct thing {
	struct wl_list link;
};

static struct workspaces workspaces;

static int set_up(void **state) {
	workspaces_init(&workspaces);
	return 0;
}

static int tear_down(void **state) {
	workspaces_finish(&workspaces);
	return 0;
}

static struct screen *find_screen(const char *name) {
	struct screen *screen;
	wl_list_for_each(screen, &workspaces.screens, link) {
		if (strcmp(screen->name, name) == 0) {
			return screen;
		}
	}
	return NULL;
}

static void prune(void) {
	struct workspace *unused;
	while ((unused = workspaces_find_unused(&workspaces)) != NULL) {
		workspace_destroy(unused);
	}
}

static struct workspace *use(const char *name, struct thing *thing) {
	struct workspace *workspace = workspaces_get(&workspaces, name);
	assert_non_null(workspace);
	wl_list_insert(&workspace->windows, &thing->link);
	return workspace;
}

static void test_the_first_screen_shows_the_first_workspace(void **state) {
	assert_null(workspaces.focused);
	struct screen *screen = workspaces_add_screen(&workspaces, "A");
	assert_string_equal(screen->shown->name, "1");
	assert_ptr_equal(workspaces.focused, screen->shown);
	struct screen *second = workspaces_add_screen(&workspaces, "B");
	assert_string_equal(second->shown->name, "2");
	assert_ptr_equal(workspaces.focused, screen->shown);
}

static void test_the_order_of_names(void **state) {
	const char *names[] = { "web", "10", "2", "mail", "007", "7", "99999999999999999999999" };
	const char *expected[] = { "1", "2", "007", "7", "10", "99999999999999999999999", "mail", "web" };
	workspaces_add_screen(&workspaces, "A");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_non_null(workspaces_get(&workspaces, names[i]));
	}
	size_t i = 0;
	struct workspace *workspace;
	wl_list_for_each(workspace, &workspaces.all, link) {
		assert_string_equal(workspace->name, expected[i++]);
	}
	assert_int_equal(i, ARRAY_LEN(expected));
	// Around, both ways
	struct workspace *first = workspaces_find(&workspaces, "1");
	assert_string_equal(workspaces_get_next(&workspaces, first, 1)->name, "2");
	assert_string_equal(workspaces_get_next(&workspaces, first, -1)->name, "web");
}

static void test_unused_ones_go(void **state) {
	struct thing thing;
	workspaces_add_screen(&workspaces, "A");
	use("3", &thing);
	workspaces_get(&workspaces, "4");
	prune();
	assert_non_null(workspaces_find(&workspaces, "1")); // shown
	assert_non_null(workspaces_find(&workspaces, "3")); // used
	assert_null(workspaces_find(&workspaces, "4"));
	workspaces_show(&workspaces, workspaces_find(&workspaces, "3"));
	prune();
	assert_null(workspaces_find(&workspaces, "1"));
}

static void test_they_come_back_with_their_screen(void **state) {
	struct thing things[4];
	workspaces_add_screen(&workspaces, "A");
	struct screen *b = workspaces_add_screen(&workspaces, "B");
	struct workspace *one = use("1", &things[0]), *two = use("2", &things[1]);
	workspaces_show(&workspaces, two);
	struct workspace *three = use("3", &things[2]), *four = use("4", &things[3]);
	assert_ptr_equal(three->screen, b);
	workspaces_show(&workspaces, three);
	workspaces_show(&workspaces, one);

	workspaces_remove_screen(&workspaces, b);
	prune();
	struct screen *a = find_screen("A");
	assert_ptr_equal(two->screen, a);
	assert_ptr_equal(three->screen, a);
	assert_ptr_equal(a->shown, one);

	b = workspaces_add_screen(&workspaces, "B");
	assert_ptr_equal(two->screen, b);
	assert_ptr_equal(three->screen, b);
	assert_ptr_equal(four->screen, b);
	assert_ptr_equal(b->shown, three); // what it showed
	assert_ptr_equal(a->shown, one);
	assert_ptr_equal(workspaces.focused, one);
}

static void test_the_focused_one_stays_in_sight(void **state) {
	struct thing things[2];
	struct screen *a = workspaces_add_screen(&workspaces, "A");
	struct screen *b = workspaces_add_screen(&workspaces, "B");
	struct workspace *one = use("1", &things[0]), *two = use("2", &things[1]);
	workspaces_show(&workspaces, two);
	workspaces_remove_screen(&workspaces, b);
	assert_ptr_equal(a->shown, two);
	assert_ptr_equal(workspaces.focused, two);
	b = workspaces_add_screen(&workspaces, "B");
	assert_ptr_equal(b->shown, two);
	assert_ptr_equal(a->shown, one);
}

static void test_without_any_screen(void **state) {
	struct thing things[2];
	struct screen *a = workspaces_add_screen(&workspaces, "A");
	struct workspace *one = use("1", &things[0]), *two = use("2", &things[1]);
	workspaces_show(&workspaces, two);
	workspaces_remove_screen(&workspaces, a);
	prune();
	assert_null(two->screen);
	assert_ptr_equal(workspaces.focused, two);
	// Another screen serves as well, until theirs is back
	struct screen *b = workspaces_add_screen(&workspaces, "B");
	assert_ptr_equal(one->screen, b);
	assert_ptr_equal(b->shown, two);
	a = workspaces_add_screen(&workspaces, "A");
	assert_ptr_equal(one->screen, a);
	assert_ptr_equal(two->screen, a);
	assert_ptr_equal(a->shown, two);
	assert_true(wl_list_empty(&b->shown->windows));
}

static void test_one_that_was_moved_has_a_new_home(void **state) {
	struct thing things[2];
	struct screen *a = workspaces_add_screen(&workspaces, "A");
	struct screen *b = workspaces_add_screen(&workspaces, "B");
	struct workspace *one = use("1", &things[0]), *two = use("2", &things[1]);
	assert_true(workspaces_move(&workspaces, one, b));
	assert_ptr_equal(b->shown, one);
	assert_ptr_equal(workspaces.focused, one);
	assert_ptr_equal(two->screen, b);
	assert_ptr_not_equal(a->shown, one);
	workspaces_remove_screen(&workspaces, a);
	a = workspaces_add_screen(&workspaces, "A");
	assert_ptr_equal(one->screen, b);
}

static void check(void) {
	struct screen *screen;
	wl_list_for_each(screen, &workspaces.screens, link) {
		assert_non_null(screen->shown);
		assert_ptr_equal(screen->shown->screen, screen);
	}
	bool screens = !wl_list_empty(&workspaces.screens), focused = false;
	struct workspace *workspace, *before = NULL;
	wl_list_for_each(workspace, &workspaces.all, link) {
		assert_int_equal(workspace->screen != NULL, screens);
		focused = focused || workspace == workspaces.focused;
		if (before != NULL) {
			assert_string_not_equal(before->name, workspace->name);
		}
		before = workspace;
	}
	if (screens) {
		assert_true(focused);
		assert_true(workspace_is_shown(workspaces.focused));
	}
}

static void test_whatever_happens(void **state) {
	static const char *const screen_names[] = { "A", "B", "C" };
	static struct thing things[6];
	uint64_t random = random_seed();
	for (size_t i = 0; i < 6; i++) {
		wl_list_init(&things[i].link);
	}
	for (int step = 0; step < STEPS; step++) {
		const char *name = screen_names[random_below(&random, 3)];
		struct screen *screen = find_screen(name);
		char number[4];
		snprintf(number, sizeof(number), "%d", (int)random_below(&random, 6) + 1);
		struct workspace *workspace = workspaces_find(&workspaces, number);
		switch (random_below(&random, 6)) {
		case 0:
			if (screen == NULL) {
				assert_non_null(workspaces_add_screen(&workspaces, name));
			}
			break;
		case 1:
			if (screen != NULL) {
				workspaces_remove_screen(&workspaces, screen);
			}
			break;
		case 2:
			workspace = workspaces.focused != NULL ? workspaces_get(&workspaces, number) : NULL;
			if (workspace != NULL) {
				workspaces_show(&workspaces, workspace);
			}
			break;
		case 3:
			if (screen != NULL && workspace != NULL) {
				assert_true(workspaces_move(&workspaces, workspace, screen));
			}
			break;
		case 4:
			if (workspace != NULL) {
				struct thing *thing = &things[random_below(&random, 6)];
				wl_list_remove(&thing->link);
				wl_list_insert(&workspace->windows, &thing->link);
			}
			break;
		default:
			prune();
			break;
		}
		check();
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		TEST(test_the_first_screen_shows_the_first_workspace),
		TEST(test_the_order_of_names),
		TEST(test_unused_ones_go),
		TEST(test_they_come_back_with_their_screen),
		TEST(test_the_focused_one_stays_in_sight),
		TEST(test_without_any_screen),
		TEST(test_one_that_was_moved_has_a_new_home),
		TEST(test_whatever_happens),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
