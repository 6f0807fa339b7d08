#include <pango/pangocairo.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/util/edges.h>
#include "canvas.h"
#include "config/config.h"
#include "desktop/decoration.h"
#include "desktop/desktop.h"
#include "desktop/window.h"
#include "output.h"
#include "seat/seat.h"

#define FONT "sans 10"
/** Left and right of the text, in layout pixels. */
#define PADDING 6
/** From a corner, so far along a border both edges are dragged. */
#define CORNER 16

enum { TOP, LEFT, RIGHT, BOTTOM, SIDES };

/** What text was drawn for. */
struct drawn_text {
	char *title;
	int room; // layout pixels, 0 if it did not need all of it
	int height;
	double scale;
	float color[4];
	char *font;
};

struct decoration {
	struct wlr_scene_tree *tree; // in that of the window
	struct wlr_scene_rect *sides[SIDES];
	struct wlr_scene_buffer *text, *button;
	struct drawn_text drawn;
	// Locked as long as they are shown: the scene forgets a buffer that is released, and could
	// not draw it again after the loss of a renderer
	struct wlr_buffer *text_buffer, *button_buffer;
};

static const struct windows_config *get_config(const struct window *window) {
	return &window->server->config->windows;
}

struct insets window_get_insets(struct window *window) {
	const struct windows_config *config = get_config(window);
	bool alone = window_is_tiled(window) && window->workspace != NULL &&
		workspace_count_tiles(window->workspace) == (window->mapped ? 1 : 0);
	if (window->decoration == NULL || window->fullscreen || (alone && !window->maximized)) {
		return (struct insets){0};
	}
	int border = window->maximized ? 0 : config->border;
	return (struct insets){
		.left = border,
		.right = border,
		.top = config->title + border,
		.bottom = border,
	};
}

static double get_scale(struct window *window) {
	const struct output *output = window_get_output(window);
	return output != NULL ? output->wlr_output->scale : 1;
}

/** Takes the canvas over. */
static void show(struct wlr_scene_buffer *scene_buffer, struct wlr_buffer **buffer_ptr,
		struct canvas *canvas, double scale) {
	wlr_scene_buffer_set_buffer(scene_buffer, &canvas->base);
	wlr_scene_buffer_set_dest_size(scene_buffer, (int)(canvas->base.width / scale + 0.5),
		(int)(canvas->base.height / scale + 0.5));
	wlr_buffer_unlock(*buffer_ptr);
	*buffer_ptr = wlr_buffer_lock(&canvas->base);
	wlr_buffer_drop(&canvas->base);
}

static void set_color(cairo_t *cairo, const float color[4]) {
	cairo_set_source_rgba(cairo, (double)color[0], (double)color[1], (double)color[2],
		(double)color[3]);
}

static void draw_text(struct decoration *decoration, const struct drawn_text *wanted) {
	int width, height;
	canvas_measure(wanted->font, wanted->title, wanted->scale, &width, &height);
	int room = (int)(wanted->room * wanted->scale);
	decoration->drawn.room = width > room ? wanted->room : 0;
	int line = (int)(wanted->height * wanted->scale + 0.5);
	width = width < room ? width : room;
	if (width < 1 || line < 1) {
		wlr_scene_buffer_set_buffer(decoration->text, NULL);
		return;
	}
	struct canvas *canvas = canvas_create(width, line);
	if (canvas == NULL) {
		return;
	}
	cairo_t *cairo = canvas_begin(canvas);
	cairo_scale(cairo, wanted->scale, wanted->scale);
	PangoLayout *layout = canvas_lay_out(cairo, wanted->font, wanted->title);
	pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
	pango_layout_set_width(layout, (int)((width + 1) / wanted->scale * PANGO_SCALE));
	set_color(cairo, wanted->color);
	cairo_move_to(cairo, 0, (line - height) / 2.0 / wanted->scale);
	pango_cairo_show_layout(cairo, layout);
	g_object_unref(layout);
	canvas_end(canvas, cairo);
	show(decoration->text, &decoration->text_buffer, canvas, wanted->scale);
}

/** A cross in a square as high as the title. */
static void draw_button(struct decoration *decoration, const struct drawn_text *wanted) {
	int size = (int)(wanted->height * wanted->scale + 0.5);
	struct canvas *canvas = size > 0 ? canvas_create(size, size) : NULL;
	if (canvas == NULL) {
		return;
	}
	cairo_t *cairo = canvas_begin(canvas);
	set_color(cairo, wanted->color);
	cairo_set_line_width(cairo, size / 12.0);
	cairo_move_to(cairo, size * 0.35, size * 0.35);
	cairo_line_to(cairo, size * 0.65, size * 0.65);
	cairo_move_to(cairo, size * 0.65, size * 0.35);
	cairo_line_to(cairo, size * 0.35, size * 0.65);
	cairo_stroke(cairo);
	canvas_end(canvas, cairo);
	show(decoration->button, &decoration->button_buffer, canvas, wanted->scale);
}

/** Draw what is to be drawn, if it is not what was drawn. */
static void update_text(struct window *window, int room) {
	struct decoration *decoration = window->decoration;
	const struct windows_config *config = get_config(window);
	struct drawn_text *drawn = &decoration->drawn;
	const char *title = window_get_title(window);
	struct drawn_text wanted = {
		.title = (char *)(title != NULL ? title : ""),
		.room = room,
		.height = config->title,
		.scale = get_scale(window),
		.font = config->font != NULL ? config->font : (char *)FONT,
	};
	memcpy(wanted.color, config->text, sizeof(wanted.color));
	bool same_style = drawn->font != NULL && strcmp(wanted.font, drawn->font) == 0 &&
		wanted.height == drawn->height && wanted.scale == drawn->scale &&
		memcmp(wanted.color, drawn->color, sizeof(wanted.color)) == 0;
	int drawn_width = decoration->text->buffer != NULL ? decoration->text->dst_width : 0;
	bool same_room = drawn->room != 0 ? room == drawn->room : room >= drawn_width;
	if (same_style && same_room && strcmp(wanted.title, drawn->title) == 0) {
		return;
	}
	char *copy = strdup(wanted.title), *font = strdup(wanted.font);
	if (copy == NULL || font == NULL) {
		free(copy);
		free(font);
		return;
	}
	free(drawn->title);
	free(drawn->font);
	*drawn = wanted;
	drawn->title = copy;
	drawn->font = font;
	draw_text(decoration, &wanted);
	if (!same_style) {
		draw_button(decoration, &wanted);
	}
}

static void set_side(struct wlr_scene_rect *rect, int x, int y, int width, int height) {
	wlr_scene_node_set_position(&rect->node, x, y);
	wlr_scene_rect_set_size(rect, width > 0 ? width : 0, height > 0 ? height : 0);
}

/** What is decorated: the tile, or what the client has drawn. Relative to the window's tree. */
static struct wlr_box get_inner(struct window *window) {
	struct wlr_box inner = { .width = window->drawn.width, .height = window->drawn.height };
	if (window_is_tiled(window) && !window->maximized && !window->held) {
		inner.width = window->target.width;
		inner.height = window->target.height;
	}
	return inner;
}

void window_decorate(struct window *window) {
	struct decoration *decoration = window->decoration;
	if (decoration == NULL) {
		return;
	}
	struct insets insets = window_get_insets(window);
	wlr_scene_node_set_enabled(&decoration->tree->node, insets.top > 0 || insets.left > 0);
	if (!decoration->tree->node.enabled) {
		return;
	}
	struct wlr_box inner = get_inner(window), outer = layout_grow(&inner, &insets);
	set_side(decoration->sides[TOP], outer.x, outer.y, outer.width, insets.top);
	set_side(decoration->sides[LEFT], outer.x, 0, insets.left, inner.height);
	set_side(decoration->sides[RIGHT], inner.width, 0, insets.right, inner.height);
	set_side(decoration->sides[BOTTOM], outer.x, inner.height, outer.width, insets.bottom);
	const struct windows_config *config = get_config(window);
	bool active = window->server->desktop->active == window;
	for (int i = 0; i < SIDES; i++) {
		wlr_scene_rect_set_color(decoration->sides[i],
			active ? config->active : config->inactive);
	}
	update_text(window, inner.width - config->title - 2 * PADDING);
	wlr_scene_node_set_position(&decoration->text->node, PADDING, -config->title);
	wlr_scene_node_set_position(&decoration->button->node, inner.width - config->title,
		-config->title);
	wlr_scene_node_set_enabled(&decoration->button->node, inner.width >= config->title);
}

static struct decoration *decoration_create(struct window *window) {
	struct decoration *decoration = calloc(1, sizeof(*decoration));
	if (decoration == NULL) {
		return NULL;
	}
	decoration->tree = wlr_scene_tree_create(window->tree);
	bool ok = decoration->tree != NULL;
	for (int i = 0; ok && i < SIDES; i++) {
		decoration->sides[i] =
			wlr_scene_rect_create(decoration->tree, 0, 0, (float[]){ 0, 0, 0, 1 });
		ok = decoration->sides[i] != NULL;
	}
	decoration->text = ok ? wlr_scene_buffer_create(decoration->tree, NULL) : NULL;
	decoration->button = ok ? wlr_scene_buffer_create(decoration->tree, NULL) : NULL;
	if (decoration->text == NULL || decoration->button == NULL) {
		decoration_destroy(decoration);
		return NULL;
	}
	wlr_scene_node_place_below(&decoration->tree->node, &window->content->node);
	return decoration;
}

void decoration_destroy(struct decoration *decoration) {
	if (decoration == NULL) {
		return;
	}
	if (decoration->tree != NULL) {
		wlr_scene_node_destroy(&decoration->tree->node);
	}
	wlr_buffer_unlock(decoration->text_buffer);
	wlr_buffer_unlock(decoration->button_buffer);
	free(decoration->drawn.title);
	free(decoration->drawn.font);
	free(decoration);
}

void window_set_decorated(struct window *window, bool decorated) {
	if (decorated == (window->decoration != NULL)) {
		return;
	}
	if (decorated) {
		window->decoration = decoration_create(window);
	} else {
		decoration_destroy(window->decoration);
		window->decoration = NULL;
	}
	if (window->mapped) {
		desktop_arrange(window->server);
	}
}

enum window_part window_part_at(struct window *window, double lx, double ly, uint32_t *edges) {
	*edges = WLR_EDGE_NONE;
	if (window->decoration == NULL || !window->decoration->tree->node.enabled) {
		return WINDOW_PART_NONE;
	}
	struct wlr_box inner = get_inner(window);
	struct insets insets = window_get_insets(window);
	const struct windows_config *config = get_config(window);
	double x = lx - window->tree->node.x, y = ly - window->tree->node.y;
	if (x >= 0 && x < inner.width && y < 0 && y >= -config->title) {
		return x >= inner.width - config->title ? WINDOW_PART_CLOSE : WINDOW_PART_TITLE;
	}
	struct wlr_box outer = layout_grow(&inner, &insets);
	if (!wlr_box_contains_point(&outer, x, y) || wlr_box_contains_point(&inner, x, y)) {
		return WINDOW_PART_NONE;
	}
	*edges |= x < CORNER ? WLR_EDGE_LEFT : x >= inner.width - CORNER ? WLR_EDGE_RIGHT : 0;
	*edges |= y < -insets.top + CORNER ? WLR_EDGE_TOP :
		y >= inner.height - CORNER ? WLR_EDGE_BOTTOM : 0;
	return WINDOW_PART_BORDER;
}

void window_press_decoration(struct window *window, double lx, double ly) {
	uint32_t edges;
	enum window_part part = window_part_at(window, lx, ly, &edges);
	if (part == WINDOW_PART_CLOSE) {
		window_close(window);
	} else if (part != WINDOW_PART_NONE && !window_is_tiled(window)) {
		// A tile is only focused: it would leave its column at the first touch
		seat_begin_grab(window->server->seat, window,
			part == WINDOW_PART_TITLE ? GRAB_MOVE : GRAB_RESIZE, edges);
	}
}
