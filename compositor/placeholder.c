#include <pango/pangocairo.h>
#include "canvas.h"
#include "placeholder.h"

#define FONT "sans 16"
#define PADDING 16

struct wlr_buffer *placeholder_create(const char *text) {
	int width, height;
	canvas_measure(FONT, text, 1, &width, &height);
	struct canvas *canvas = canvas_create(width + 2 * PADDING, height + 2 * PADDING);
	if (canvas == NULL) {
		return NULL;
	}
	cairo_t *cairo = canvas_begin(canvas);
	PangoLayout *layout = canvas_lay_out(cairo, FONT, text);
	cairo_set_source_rgb(cairo, 0.85, 0.85, 0.88);
	cairo_move_to(cairo, PADDING, PADDING);
	pango_cairo_show_layout(cairo, layout);
	g_object_unref(layout);
	if (!canvas_end(canvas, cairo)) {
		wlr_buffer_drop(&canvas->base);
		return NULL;
	}
	return &canvas->base;
}
