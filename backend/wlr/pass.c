#include <math.h>
#include <stdlib.h>
#include <time.h>
#include <wlr/render/drm_syncobj.h>
#include <wlr/util/log.h>
#include <xf86drm.h>
#include "wlr/renderer.h"

/** Less than a frame: the whole session waits. */
#define FENCE_TIMEOUT_NS 10000000

struct sluice_pass {
	struct wlr_render_pass base;
	struct wlr_render_pass *inner;
	struct sluice_renderer *renderer;
};

static struct sluice_pass *pass_from(struct wlr_render_pass *wlr_pass) {
	struct sluice_pass *pass = wl_container_of(wlr_pass, pass, base);
	return pass;
}

static bool pass_submit(struct wlr_render_pass *wlr_pass) {
	struct sluice_pass *pass = pass_from(wlr_pass);
	bool ok = wlr_render_pass_submit(pass->inner);
	free(pass);
	return ok;
}

/**
 * The part of the image that will be seen, in buffer coordinates. Exact where a pixel of the
 * image is a pixel of the target; else the whole source box, because a filter reads neighbours.
 */
static void get_needed_region(const struct wlr_render_texture_options *options,
		pixman_region32_t *needed) {
	struct wlr_fbox src;
	struct wlr_box dst;
	wlr_render_texture_options_get_src_box(options, &src);
	wlr_render_texture_options_get_dst_box(options, &dst);

	int x1 = (int)floor(src.x), y1 = (int)floor(src.y);
	int x2 = (int)ceil(src.x + src.width), y2 = (int)ceil(src.y + src.height);
	bool exact = options->transform == WL_OUTPUT_TRANSFORM_NORMAL &&
		src.x == x1 && src.y == y1 && src.width == dst.width && src.height == dst.height;

	pixman_region32_init_rect(needed, x1, y1, (unsigned)(x2 - x1), (unsigned)(y2 - y1));
	if (exact && options->clip != NULL) {
		pixman_region32_translate(needed, dst.x - x1, dst.y - y1);
		pixman_region32_intersect(needed, needed, options->clip);
		pixman_region32_translate(needed, x1 - dst.x, y1 - dst.y);
	}
}

/**
 * The inner renderer has its GPU wait for the acquire point of linux-drm-syncobj; the CPU has to
 * wait by itself. A producer that does not signal in time gets what it has drawn so far.
 */
static void wait_for_producer(const struct wlr_render_texture_options *options) {
	struct wlr_drm_syncobj_timeline *timeline = options->wait_timeline;
	if (timeline == NULL || sluice_texture_get_path(options->texture, NULL) != SLUICE_PATH_CPU) {
		return;
	}
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	int64_t deadline = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec + FENCE_TIMEOUT_NS;
	uint64_t point = options->wait_point;
	if (drmSyncobjTimelineWait(timeline->drm_fd, &timeline->handle, &point, 1, deadline, 0,
			NULL) != 0) {
		wlr_log(WLR_DEBUG, "The producer's fence did not signal in time");
	}
}

/** A dark rectangle, and in the middle of it, smaller if it must be, what explains it. */
static void draw_placeholder(struct sluice_pass *pass,
		const struct wlr_render_texture_options *options) {
	struct wlr_render_rect_options rect = {
		.color = { .r = 0.08f, .g = 0.08f, .b = 0.1f, .a = 1 },
		.clip = options->clip,
	};
	wlr_render_texture_options_get_dst_box(options, &rect.box);
	wlr_render_pass_add_rect(pass->inner, &rect);

	struct wlr_texture *texture =
		sluice_texture_get_placeholder(sluice_texture_from(options->texture));
	if (texture == NULL) {
		return;
	}
	double scale = 1;
	scale = fmin(scale, (double)rect.box.width / texture->width);
	scale = fmin(scale, (double)rect.box.height / texture->height);
	int width = (int)(texture->width * scale), height = (int)(texture->height * scale);
	if (width < 1 || height < 1) {
		return;
	}
	wlr_render_pass_add_texture(pass->inner, &(struct wlr_render_texture_options){
		.texture = texture,
		.dst_box = {
			.x = rect.box.x + (rect.box.width - width) / 2,
			.y = rect.box.y + (rect.box.height - height) / 2,
			.width = width,
			.height = height,
		},
		.clip = options->clip,
		.filter_mode = options->filter_mode,
		.blend_mode = WLR_RENDER_BLEND_MODE_PREMULTIPLIED,
	});
}

static void pass_add_texture(struct wlr_render_pass *wlr_pass,
		const struct wlr_render_texture_options *options) {
	struct sluice_pass *pass = pass_from(wlr_pass);
	if (!sluice_texture_is(options->texture)) {
		wlr_render_pass_add_texture(pass->inner, options);
		return;
	}

	wait_for_producer(options);
	pixman_region32_t needed;
	get_needed_region(options, &needed);
	enum sluice_path path;
	struct wlr_render_texture_options resolved = *options;
	resolved.texture = sluice_texture_resolve(sluice_texture_from(options->texture),
		&needed, &path);
	pixman_region32_fini(&needed);
	if (resolved.texture != NULL) {
		wlr_render_pass_add_texture(pass->inner, &resolved);
		return;
	}

	draw_placeholder(pass, options);
}

static void pass_add_rect(struct wlr_render_pass *wlr_pass,
		const struct wlr_render_rect_options *options) {
	wlr_render_pass_add_rect(pass_from(wlr_pass)->inner, options);
}

static const struct wlr_render_pass_impl pass_impl = {
	.submit = pass_submit,
	.add_texture = pass_add_texture,
	.add_rect = pass_add_rect,
};

struct wlr_render_pass *sluice_pass_create(struct sluice_renderer *renderer,
		struct wlr_render_pass *inner) {
	struct sluice_pass *pass = calloc(1, sizeof(*pass));
	if (pass == NULL) {
		wlr_render_pass_submit(inner);
		return NULL;
	}
	wlr_render_pass_init(&pass->base, &pass_impl);
	pass->inner = inner;
	pass->renderer = renderer;
	return &pass->base;
}
