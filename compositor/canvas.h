#ifndef CANVAS_H
#define CANVAS_H

#include <cairo/cairo.h>
#include <pango/pango.h>
#include <wlr/types/wlr_buffer.h>

/** A buffer that cairo draws on, in memory of our own. */
struct canvas {
	struct wlr_buffer base;
	cairo_surface_t *surface;
};

/** Transparent, in pixels. NULL, logged, if there is no memory for it. Dropped by wlr_buffer_drop(). */
struct canvas *canvas_create(int width, int height);
/** Begin to draw. */
cairo_t *canvas_begin(struct canvas *canvas);
/** End it. false, logged, if something could not be drawn. */
bool canvas_end(struct canvas *canvas, cairo_t *cairo);

/** One line of text in a font as Pango names it; g_object_unref() it. */
PangoLayout *canvas_lay_out(cairo_t *cairo, const char *font, const char *text);
/** How large it would be drawn at this scale, in pixels. */
void canvas_measure(const char *font, const char *text, double scale, int *width, int *height);

#endif
