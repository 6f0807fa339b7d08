#include <stdlib.h>
#include "desktop/layout.h"

static int max(int a, int b) {
	return a > b ? a : b;
}

static int min(int a, int b) {
	return a < b ? a : b;
}

void layout_change_ratio(struct layout *layout, double by) {
	double ratio = layout->ratio + by;
	// A NaN compares as false, and ends as the least
	if (!(ratio >= LAYOUT_RATIO_MIN)) {
		ratio = LAYOUT_RATIO_MIN;
	}
	layout->ratio = ratio > LAYOUT_RATIO_MAX ? LAYOUT_RATIO_MAX : ratio;
}

void layout_change_masters(struct layout *layout, int by) {
	by = max(-LAYOUT_MASTERS_MAX, min(by, LAYOUT_MASTERS_MAX));
	layout->masters = max(1, min(layout->masters + by, LAYOUT_MASTERS_MAX));
}

/** Cut a length into parts with gaps between; what does not divide goes to the first ones. */
static void cut(int start, int length, int parts, int gap, int part, int *at, int *size) {
	long long free = (long long)length - (long long)gap * (parts - 1);
	if (free < parts) {
		// No place for gaps, and perhaps not for all
		gap = 0;
		free = length;
	}
	long long share = free / parts, rest = free % parts;
	*at = start + (int)(share * part + (part < rest ? part : rest)) + gap * part;
	*size = max((int)(share + (part < rest ? 1 : 0)), 1);
}

static void tile_column(const struct wlr_box *column, int gap, size_t count,
		struct wlr_box boxes[]) {
	for (size_t i = 0; i < count; i++) {
		boxes[i].x = column->x;
		boxes[i].width = max(column->width, 1);
		cut(column->y, column->height, (int)count, gap, (int)i, &boxes[i].y, &boxes[i].height);
	}
}

void layout_tile(const struct layout *layout, const struct wlr_box *area, size_t count,
		struct wlr_box boxes[]) {
	if (count == 0) {
		return;
	}
	int gap = count > 1 ? layout->gap : 0;
	struct insets around = { gap, gap, gap, gap };
	struct wlr_box inner = layout_shrink(area, &around);
	size_t masters = (size_t)max(layout->masters, 1);
	if (count <= masters) {
		tile_column(&inner, gap, count, boxes);
		return;
	}
	int free = max(inner.width - gap, 2);
	struct wlr_box left = inner, right = inner;
	left.width = max(1, min((int)(free * layout->ratio + 0.5), free - 1));
	right.width = free - left.width;
	right.x = left.x + left.width + gap;
	tile_column(&left, gap, masters, boxes);
	tile_column(&right, gap, count - masters, boxes + masters);
}

/** How far one is from the other, along the direction and across; negative along: behind. */
static void measure(const struct wlr_box *from, const struct wlr_box *to,
		enum direction direction, int *along, int *across, bool *beside) {
	// Twice the distance of the centres, so that halves count
	int dx = (2 * to->x + to->width) - (2 * from->x + from->width);
	int dy = (2 * to->y + to->height) - (2 * from->y + from->height);
	bool horizontal = direction == DIRECTION_LEFT || direction == DIRECTION_RIGHT;
	bool backwards = direction == DIRECTION_LEFT || direction == DIRECTION_UP;
	*along = (horizontal ? dx : dy) * (backwards ? -1 : 1);
	*across = abs(horizontal ? dy : dx);
	*beside = horizontal ?
		to->y < from->y + from->height && from->y < to->y + to->height :
		to->x < from->x + from->width && from->x < to->x + to->width;
}

size_t layout_find_neighbour(const struct wlr_box boxes[], size_t count, size_t from,
		enum direction direction) {
	size_t best = count;
	int best_far = 0, best_across = 0;
	bool best_beside = false;
	for (size_t i = 0; i < count; i++) {
		int along, across;
		bool beside;
		measure(&boxes[from], &boxes[i], direction, &along, &across, &beside);
		if (i == from || along <= 0) {
			continue;
		}
		int far = along + (beside ? 0 : 2 * across);
		bool better = best == count || beside > best_beside ||
			(beside == best_beside && (far < best_far ||
			(far == best_far && across < best_across)));
		if (better) {
			best = i;
			best_far = far;
			best_across = across;
			best_beside = beside;
		}
	}
	return best;
}

static int bring_inside(int at, int size, int start, int length) {
	return max(start, min(at, start + length - size));
}

struct wlr_box layout_bring_inside(const struct wlr_box *box, const struct wlr_box *area) {
	struct wlr_box result = *box;
	result.x = bring_inside(box->x, box->width, area->x, area->width);
	result.y = bring_inside(box->y, box->height, area->y, area->height);
	return result;
}

bool layout_is_reachable(const struct wlr_box *box, const struct wlr_box *area, int enough) {
	struct wlr_box overlap;
	return wlr_box_intersection(&overlap, box, area) &&
		overlap.width >= min(enough, box->width) && overlap.height >= min(enough, box->height);
}

struct wlr_box layout_center(int width, int height, const struct wlr_box *area) {
	return (struct wlr_box){
		.x = area->x + max((area->width - width) / 2, 0),
		.y = area->y + max((area->height - height) / 2, 0),
		.width = width,
		.height = height,
	};
}

struct wlr_box layout_shrink(const struct wlr_box *box, const struct insets *insets) {
	return (struct wlr_box){
		.x = box->x + insets->left,
		.y = box->y + insets->top,
		.width = max(box->width - insets->left - insets->right, 1),
		.height = max(box->height - insets->top - insets->bottom, 1),
	};
}

struct wlr_box layout_grow(const struct wlr_box *box, const struct insets *insets) {
	return (struct wlr_box){
		.x = box->x - insets->left,
		.y = box->y - insets->top,
		.width = box->width + insets->left + insets->right,
		.height = box->height + insets->top + insets->bottom,
	};
}
