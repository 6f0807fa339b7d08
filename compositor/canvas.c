#include <drm_fourcc.h>
#include <pango/pangocairo.h>
#include <stdlib.h>
#include <wlr/interfaces/wlr_buffer.h>
#include <wlr/util/log.h>
#include "canvas.h"

static void handle_destroy(struct wlr_buffer *buffer) {
	struct canvas *canvas = wl_container_of(buffer, canvas, base);
	wlr_buffer_finish(buffer);
	cairo_surface_destroy(canvas->surface);
	free(canvas);
}

static bool handle_begin_access(struct wlr_buffer *buffer, uint32_t flags, void **data,
		uint32_t *format, size_t *stride) {
	struct canvas *canvas = wl_container_of(buffer, canvas, base);
	if (flags & WLR_BUFFER_DATA_PTR_ACCESS_WRITE) {
		return false;
	}
	*data = cairo_image_surface_get_data(canvas->surface);
	*format = DRM_FORMAT_ARGB8888; // what CAIRO_FORMAT_ARGB32 is on little-endian machines
	*stride = (size_t)cairo_image_surface_get_stride(canvas->surface);
	return true;
}

static void handle_end_access(struct wlr_buffer *buffer) {
	// Memory of our own
}

static const struct wlr_buffer_impl canvas_impl = {
	.destroy = handle_destroy,
	.begin_data_ptr_access = handle_begin_access,
	.end_data_ptr_access = handle_end_access,
};

struct canvas *canvas_create(int width, int height) {
	struct canvas *canvas = calloc(1, sizeof(*canvas));
	if (canvas == NULL) {
		return NULL;
	}
	canvas->surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width, height);
	cairo_status_t status = cairo_surface_status(canvas->surface);
	if (status != CAIRO_STATUS_SUCCESS) {
		wlr_log(WLR_ERROR, "Cannot draw %dx%d pixels: %s", width, height,
			cairo_status_to_string(status));
		cairo_surface_destroy(canvas->surface);
		free(canvas);
		return NULL;
	}
	wlr_buffer_init(&canvas->base, &canvas_impl, width, height);
	return canvas;
}

cairo_t *canvas_begin(struct canvas *canvas) {
	return cairo_create(canvas->surface);
}

bool canvas_end(struct canvas *canvas, cairo_t *cairo) {
	cairo_status_t status = cairo_status(cairo);
	cairo_destroy(cairo);
	cairo_surface_flush(canvas->surface);
	if (status != CAIRO_STATUS_SUCCESS) {
		wlr_log(WLR_ERROR, "Cannot draw: %s", cairo_status_to_string(status));
	}
	return status == CAIRO_STATUS_SUCCESS;
}

PangoLayout *canvas_lay_out(cairo_t *cairo, const char *font, const char *text) {
	PangoLayout *layout = pango_cairo_create_layout(cairo);
	PangoFontDescription *description = pango_font_description_from_string(font);
	pango_layout_set_font_description(layout, description);
	pango_font_description_free(description);
	pango_layout_set_single_paragraph_mode(layout, true);
	pango_layout_set_text(layout, text, -1);
	return layout;
}

void canvas_measure(const char *font, const char *text, double scale, int *width, int *height) {
	cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, 1, 1);
	cairo_t *cairo = cairo_create(surface);
	cairo_scale(cairo, scale, scale);
	PangoLayout *layout = canvas_lay_out(cairo, font, text);
	pango_layout_get_pixel_size(layout, width, height);
	*width = (int)(*width * scale + 0.99);
	*height = (int)(*height * scale + 0.99);
	g_object_unref(layout);
	cairo_destroy(cairo);
	cairo_surface_destroy(surface);
}
