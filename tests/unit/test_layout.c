/* Where windows are: tiles cover their area exactly, and what is to be seen is seen. */
#include "cmocka_all.h"
#include <string.h>
#include "desktop/layout.h"

#define WIDTH 97
#define HEIGHT 61
#define MOST 12

static void assert_box(const struct wlr_box *box, int x, int y, int width, int height) {
	if (box->x != x || box->y != y || box->width != width || box->height != height) {
		fail_msg("%d,%d %dx%d instead of %d,%d %dx%d", box->x, box->y, box->width, box->height,
			x, y, width, height);
	}
}

static void test_master_and_stack(void **state) {
	const struct layout layout = { .ratio = 0.6, .masters = 1 };
	const struct wlr_box area = { 100, 50, 1000, 601 };
	struct wlr_box boxes[3];
	layout_tile(&layout, &area, 1, boxes);
	assert_box(&boxes[0], 100, 50, 1000, 601);
	layout_tile(&layout, &area, 3, boxes);
	assert_box(&boxes[0], 100, 50, 600, 601);
	assert_box(&boxes[1], 700, 50, 400, 301);
	assert_box(&boxes[2], 700, 351, 400, 300);
}

static void test_gaps(void **state) {
	const struct layout layout = { .ratio = 0.5, .masters = 1, .gap = 10 };
	const struct wlr_box area = { 0, 0, 430, 230 };
	struct wlr_box boxes[3];
	layout_tile(&layout, &area, 1, boxes);
	assert_box(&boxes[0], 0, 0, 430, 230);
	layout_tile(&layout, &area, 3, boxes);
	assert_box(&boxes[0], 10, 10, 200, 210);
	assert_box(&boxes[1], 220, 10, 200, 100);
	assert_box(&boxes[2], 220, 120, 200, 100);
}

/** Without gaps each pixel belongs to one box, with gaps to at most one. */
static void test_every_pixel_once(void **state) {
	static unsigned char seen[HEIGHT][WIDTH];
	for (int masters = 1; masters <= 5; masters++) {
		for (int gap = 0; gap <= 3; gap++) {
			for (size_t count = 1; count <= MOST; count++) {
				const struct layout layout = { .ratio = 0.37, .masters = masters, .gap = gap };
				const struct wlr_box area = { -7, 11, WIDTH, HEIGHT };
				struct wlr_box boxes[MOST];
				layout_tile(&layout, &area, count, boxes);
				memset(seen, 0, sizeof(seen));
				int covered = 0;
				for (size_t i = 0; i < count; i++) {
					assert_true(boxes[i].width > 0 && boxes[i].height > 0);
					for (int y = boxes[i].y; y < boxes[i].y + boxes[i].height; y++) {
						for (int x = boxes[i].x; x < boxes[i].x + boxes[i].width; x++) {
							assert_true(x >= -7 && x < WIDTH - 7 && y >= 11 && y < HEIGHT + 11);
							assert_int_equal(seen[y - 11][x + 7]++, 0);
							covered++;
						}
					}
				}
				if (gap == 0 || count == 1) {
					assert_int_equal(covered, WIDTH * HEIGHT);
				}
			}
		}
	}
}

static void test_an_area_that_is_too_small(void **state) {
	const struct layout layout = { .ratio = 0.5, .masters = 2, .gap = 50 };
	struct wlr_box boxes[40];
	for (int width = 0; width < 5; width++) {
		const struct wlr_box area = { 0, 0, width, 4 - width };
		layout_tile(&layout, &area, 40, boxes);
		for (size_t i = 0; i < 40; i++) {
			assert_true(boxes[i].width >= 1 && boxes[i].height >= 1);
		}
	}
	const struct wlr_box huge = { -(1 << 24), -(1 << 24), 1 << 25, 1 << 25 };
	layout_tile(&layout, &huge, 3, boxes);
	assert_true(boxes[2].x + boxes[2].width <= 1 << 24);
}

static void test_ratio_and_masters_stay_in_their_limits(void **state) {
	struct layout layout = { .ratio = 0.5, .masters = 1 };
	layout_change_ratio(&layout, 10);
	assert_true(layout.ratio == LAYOUT_RATIO_MAX);
	layout_change_ratio(&layout, -10);
	assert_true(layout.ratio == LAYOUT_RATIO_MIN);
	layout_change_ratio(&layout, 0.25);
	assert_true(layout.ratio > 0.34 && layout.ratio < 0.36);
	layout_change_ratio(&layout, 0.0 / 0.0);
	assert_true(layout.ratio == LAYOUT_RATIO_MIN);
	layout_change_masters(&layout, -1);
	assert_int_equal(layout.masters, 1);
	layout_change_masters(&layout, 2);
	assert_int_equal(layout.masters, 3);
	layout_change_masters(&layout, 2147483647);
	assert_int_equal(layout.masters, LAYOUT_MASTERS_MAX);
	layout_change_masters(&layout, -2147483647 - 1);
	assert_int_equal(layout.masters, 1);
}

static void test_neighbours(void **state) {
	const struct layout layout = { .ratio = 0.5, .masters = 1 };
	const struct wlr_box area = { 0, 0, 900, 900 };
	struct wlr_box boxes[4];
	layout_tile(&layout, &area, 4, boxes); // one on the left, three on the right
	assert_int_equal(layout_find_neighbour(boxes, 4, 0, DIRECTION_RIGHT), 2);
	assert_int_equal(layout_find_neighbour(boxes, 4, 0, DIRECTION_LEFT), 4);
	assert_int_equal(layout_find_neighbour(boxes, 4, 1, DIRECTION_LEFT), 0);
	assert_int_equal(layout_find_neighbour(boxes, 4, 1, DIRECTION_DOWN), 2);
	assert_int_equal(layout_find_neighbour(boxes, 4, 1, DIRECTION_UP), 4);
	assert_int_equal(layout_find_neighbour(boxes, 4, 3, DIRECTION_UP), 2);
	// One that is beside comes before one that is nearer, but not
	const struct wlr_box scattered[] = {
		{ 0, 0, 100, 100 }, { 110, 500, 100, 100 }, { 600, 50, 100, 100 },
	};
	assert_int_equal(layout_find_neighbour(scattered, 3, 0, DIRECTION_RIGHT), 2);
	assert_int_equal(layout_find_neighbour(scattered, 3, 2, DIRECTION_LEFT), 0);
	assert_int_equal(layout_find_neighbour(scattered, 3, 0, DIRECTION_DOWN), 1);
}

static void test_inside(void **state) {
	const struct wlr_box area = { 100, 100, 800, 600 };
	struct wlr_box box = { 850, 90, 200, 100 };
	struct wlr_box inside = layout_bring_inside(&box, &area);
	assert_box(&inside, 700, 100, 200, 100);
	box = (struct wlr_box){ -5000, 5000, 1000, 700 };
	inside = layout_bring_inside(&box, &area);
	assert_box(&inside, 100, 100, 1000, 700);
	box = (struct wlr_box){ 300, 300, 50, 50 };
	inside = layout_bring_inside(&box, &area);
	assert_box(&inside, 300, 300, 50, 50);
	inside = layout_center(100, 51, &area);
	assert_box(&inside, 450, 374, 100, 51);
	inside = layout_center(2000, 51, &area);
	assert_box(&inside, 100, 374, 2000, 51);
}

static void test_reachable(void **state) {
	const struct wlr_box area = { 0, 0, 800, 600 };
	assert_true(layout_is_reachable(&(struct wlr_box){ 0, 0, 10, 10 }, &area, 32));
	assert_true(layout_is_reachable(&(struct wlr_box){ 768, 568, 100, 100 }, &area, 32));
	assert_false(layout_is_reachable(&(struct wlr_box){ 769, 568, 100, 100 }, &area, 32));
	assert_false(layout_is_reachable(&(struct wlr_box){ 768, 569, 100, 100 }, &area, 32));
	assert_false(layout_is_reachable(&(struct wlr_box){ 795, 0, 10, 10 }, &area, 32));
	assert_false(layout_is_reachable(&(struct wlr_box){ 900, 0, 10, 10 }, &area, 32));
}

static void test_insets(void **state) {
	const struct insets insets = { .left = 1, .right = 2, .top = 20, .bottom = 3 };
	const struct wlr_box box = { 10, 10, 100, 100 };
	struct wlr_box inner = layout_shrink(&box, &insets);
	assert_box(&inner, 11, 30, 97, 77);
	struct wlr_box outer = layout_grow(&inner, &insets);
	assert_box(&outer, 10, 10, 100, 100);
	inner = layout_shrink(&(struct wlr_box){ 0, 0, 2, 2 }, &insets);
	assert_int_equal(inner.width, 1);
	assert_int_equal(inner.height, 1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_master_and_stack),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_every_pixel_once),
		cmocka_unit_test(test_an_area_that_is_too_small),
		cmocka_unit_test(test_ratio_and_masters_stay_in_their_limits),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_inside),
		cmocka_unit_test(test_reachable),
		cmocka_unit_test(test_insets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
