#include <cairo/cairo.h>
#include <drm_fourcc.h>
#include <pango/pangocairo.h>
#include <stdlib.h>
#include <wlr/interfaces/wlr_buffer.h>
#include <wlr/util/log.h>
#include "placeholder.h"

#define FONT "sans 16"
#define PADDING 16

/** The pixels of a cairo surface, as a wlr_buffer. */
struct placeholder {
	struct wlr_buffer base;
	cairo_surface_t *surface;
};

static void handle_destroy(struct wlr_buffer *buffer) {
	struct placeholder *placeholder = wl_container_of(buffer, placeholder, base);
	wlr_buffer_finish(buffer);
	cairo_surface_destroy(placeholder->surface);
	free(placeholder);
}

static bool handle_begin_access(struct wlr_buffer *buffer, uint32_t flags, void **data,
		uint32_t *format, size_t *stride) {
	struct placeholder *placeholder = wl_container_of(buffer, placeholder, base);
	if (flags & WLR_BUFFER_DATA_PTR_ACCESS_WRITE) {
		return false;
	}
	*data = cairo_image_surface_get_data(placeholder->surface);
	*format = DRM_FORMAT_ARGB8888; // what CAIRO_FORMAT_ARGB32 is on little-endian machines
	*stride = (size_t)cairo_image_surface_get_stride(placeholder->surface);
	return true;
}

static void handle_end_access(struct wlr_buffer *buffer) {
	// Memory of our own
}

static const struct wlr_buffer_impl placeholder_impl = {
	.destroy = handle_destroy,
	.begin_data_ptr_access = handle_begin_access,
	.end_data_ptr_access = handle_end_access,
};

static PangoLayout *lay_out(cairo_t *cairo, const char *text) {
	PangoLayout *layout = pango_cairo_create_layout(cairo);
	PangoFontDescription *font = pango_font_description_from_string(FONT);
	pango_layout_set_font_description(layout, font);
	pango_font_description_free(font);
	pango_layout_set_text(layout, text, -1);
	return layout;
}

static void measure(const char *text, int *width, int *height) {
	cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, 1, 1);
	cairo_t *cairo = cairo_create(surface);
	PangoLayout *layout = lay_out(cairo, text);
	pango_layout_get_pixel_size(layout, width, height);
	g_object_unref(layout);
	cairo_destroy(cairo);
	cairo_surface_destroy(surface);
}

struct wlr_buffer *placeholder_create(const char *text) {
	struct placeholder *placeholder = calloc(1, sizeof(*placeholder));
	if (placeholder == NULL) {
		return NULL;
	}
	int width, height;
	measure(text, &width, &height);
	width += 2 * PADDING;
	height += 2 * PADDING;
	placeholder->surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width, height);
	cairo_t *cairo = cairo_create(placeholder->surface);
	PangoLayout *layout = lay_out(cairo, text);
	cairo_set_source_rgb(cairo, 0.85, 0.85, 0.88);
	cairo_move_to(cairo, PADDING, PADDING);
	pango_cairo_show_layout(cairo, layout);
	g_object_unref(layout);
	cairo_status_t status = cairo_status(cairo);
	cairo_destroy(cairo);
	if (status != CAIRO_STATUS_SUCCESS) {
		wlr_log(WLR_ERROR, "Cannot draw \"%s\": %s", text, cairo_status_to_string(status));
		cairo_surface_destroy(placeholder->surface);
		free(placeholder);
		return NULL;
	}
	cairo_surface_flush(placeholder->surface);
	wlr_buffer_init(&placeholder->base, &placeholder_impl, width, height);
	return &placeholder->base;
}
