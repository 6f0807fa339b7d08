#include <pango/pangocairo.h>
#include <stdio.h>
#include <stdlib.h>
#include <wlr/types/wlr_output.h>
#include <wlr/types/wlr_scene.h>
#include "canvas.h"
#include "output.h"
#include "path/surface.h"
#include "stats/overlay.h"
#include "stats/stats.h"
#include "timer.h"

#define WIDTH 320
#define HEIGHT 120
#define MARGIN 16
#define PADDING 8
#define GRAPH_HEIGHT 48
#define LINE_HEIGHT 18
#define PERIOD_MS 500
#define FONT "monospace 10"

/** The overlay of one output. */
struct pane {
	struct wl_list link; // overlay.panes
	struct wlr_output *output; // compared
	struct wlr_scene_buffer *scene_buffer;
	uint64_t frames; // of the output, when it was drawn last
	int64_t when;
	bool seen;
};

struct overlay {
	struct stats *stats;
	struct wl_list panes; // pane.link
	struct timer timer;
};

static uint64_t count_frames(const struct output *output) {
	uint64_t frames = 0;
	for (size_t i = 0; i < STATS_PATHS; i++) {
		frames += output->stats.frames[i];
	}
	return frames;
}

static void draw_line(cairo_t *cairo, int line, const char *text) {
	PangoLayout *layout = canvas_lay_out(cairo, FONT, text);
	cairo_move_to(cairo, PADDING, PADDING + line * LINE_HEIGHT);
	pango_cairo_show_layout(cairo, layout);
	g_object_unref(layout);
}

static void draw_text(cairo_t *cairo, const struct output *output, double fps) {
	const struct path_surface *path_surface = stats_find_surface(output);
	char text[128];
	cairo_set_source_rgb(cairo, 1, 1, 1);
	snprintf(text, sizeof(text), "%s  %.1f frames/s", output->wlr_output->name, fps);
	draw_line(cairo, 0, text);
	snprintf(text, sizeof(text), "%s: %s",
		sluice_path_name(path_surface != NULL ? path_surface->path : output->stats.path),
		path_surface != NULL ? sluice_reason_name(path_surface->reason) :
		"no frame in VRAM");
	draw_line(cairo, 1, text);
	snprintf(text, sizeof(text), "commit to flip: half within %.1f ms",
		(double)histogram_quantile(&output->stats.commit_to_flip, 0.5) / 1e6);
	draw_line(cairo, 2, text);
}

/** The newest latencies from left to right; the full height is two refreshes. */
static void draw_graph(cairo_t *cairo, const struct output *output) {
	const int32_t refresh = output->wlr_output->refresh > 0 ? output->wlr_output->refresh : 60000;
	const double full = 2e12 / refresh; // nanoseconds; refresh is in mHz
	const uint64_t count = output->stats.recent_count;
	const uint64_t shown = count < STATS_RECENT ? count : STATS_RECENT;
	const double step = (double)(WIDTH - 2 * PADDING) / STATS_RECENT;
	const double bottom = HEIGHT - PADDING;
	cairo_set_source_rgba(cairo, 1, 1, 1, 0.15);
	cairo_rectangle(cairo, PADDING, bottom - GRAPH_HEIGHT, WIDTH - 2 * PADDING, GRAPH_HEIGHT);
	cairo_fill(cairo);
	cairo_set_source_rgb(cairo, 0.4, 0.8, 1);
	for (uint64_t i = 0; i < shown; i++) {
		double part = (double)output->stats.recent[(count - shown + i) % STATS_RECENT] / full;
		double height = (part < 1 ? part : 1) * GRAPH_HEIGHT;
		cairo_rectangle(cairo, PADDING + (double)i * step, bottom - height, step, height);
	}
	cairo_fill(cairo);
}

static struct wlr_buffer *draw(const struct output *output, double fps) {
	struct canvas *canvas = canvas_create(WIDTH, HEIGHT);
	if (canvas == NULL) {
		return NULL;
	}
	cairo_t *cairo = canvas_begin(canvas);
	cairo_set_source_rgba(cairo, 0, 0, 0, 0.75);
	cairo_paint(cairo);
	draw_text(cairo, output, fps);
	draw_graph(cairo, output);
	if (!canvas_end(canvas, cairo)) {
		wlr_buffer_drop(&canvas->base);
		return NULL;
	}
	return &canvas->base;
}

static void pane_destroy(struct pane *pane) {
	wl_list_remove(&pane->link);
	wlr_scene_node_destroy(&pane->scene_buffer->node);
	free(pane);
}

static bool accept_no_input(struct wlr_scene_buffer *scene_buffer, double *x, double *y) {
	return false; // the pointer is over what lies below
}

static struct pane *get_pane(struct overlay *overlay, struct output *output) {
	struct pane *pane;
	wl_list_for_each(pane, &overlay->panes, link) {
		if (pane->output == output->wlr_output) {
			return pane;
		}
	}
	pane = calloc(1, sizeof(*pane));
	if (pane == NULL) {
		return NULL;
	}
	pane->scene_buffer = wlr_scene_buffer_create(output->server->layers[LAYER_OVERLAY], NULL);
	if (pane->scene_buffer == NULL) {
		free(pane);
		return NULL;
	}
	pane->scene_buffer->point_accepts_input = accept_no_input;
	pane->output = output->wlr_output;
	pane->frames = count_frames(output);
	wl_list_insert(&overlay->panes, &pane->link);
	return pane;
}

static void update_pane(struct pane *pane, struct output *output) {
	const int64_t when = stats_now(output->server->stats);
	const uint64_t frames = count_frames(output);
	const double fps = pane->when != 0 && when > pane->when ?
		(double)(frames - pane->frames) * 1e9 / (double)(when - pane->when) : 0;
	pane->frames = frames;
	pane->when = when;
	pane->seen = true;

	struct wlr_buffer *buffer = draw(output, fps);
	wlr_scene_buffer_set_buffer(pane->scene_buffer, buffer);
	wlr_buffer_drop(buffer);
	struct wlr_box box = output_get_box(output);
	wlr_scene_node_set_position(&pane->scene_buffer->node, box.x + MARGIN, box.y + MARGIN);
	wlr_scene_node_raise_to_top(&pane->scene_buffer->node);
}

static void update(void *data) {
	struct overlay *overlay = data;
	struct pane *pane, *tmp;
	wl_list_for_each(pane, &overlay->panes, link) {
		pane->seen = false;
	}
	struct output *output;
	wl_list_for_each(output, &overlay->stats->server->outputs, link) {
		pane = get_pane(overlay, output);
		if (pane != NULL) {
			update_pane(pane, output);
		}
	}
	wl_list_for_each_safe(pane, tmp, &overlay->panes, link) {
		if (!pane->seen) {
			pane_destroy(pane); // its output is gone
		}
	}
	timer_set(&overlay->timer, PERIOD_MS);
}

struct overlay *overlay_create(struct stats *stats) {
	struct overlay *overlay = calloc(1, sizeof(*overlay));
	if (overlay == NULL) {
		return NULL;
	}
	overlay->stats = stats;
	wl_list_init(&overlay->panes);
	if (!timer_init(&overlay->timer, stats->server, update, overlay)) {
		free(overlay);
		return NULL;
	}
	update(overlay);
	return overlay;
}

void overlay_destroy(struct overlay *overlay) {
	if (overlay == NULL) {
		return;
	}
	struct pane *pane, *tmp;
	wl_list_for_each_safe(pane, tmp, &overlay->panes, link) {
		pane_destroy(pane);
	}
	timer_finish(&overlay->timer);
	free(overlay);
}
