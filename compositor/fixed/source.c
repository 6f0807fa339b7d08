#include <drm_fourcc.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/types/wlr_output.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/util/log.h>
#include <sluice/renderer.h>
#include "config/config.h"
#include "fixed/fixed.h"
#include "kiosk/kiosk.h"
#include "output.h"
#include "path/ladder.h"
#include "path/surface.h"
#include "server.h"
#include "stats/stats.h"
#include "util/listener.h"
#include "vram/vram.h"

static void handle_image_closed(const struct sluice_range *ranges, size_t ranges_len,
		void *data) {
	vram_device_unref(data);
}

static void drop_image(struct fixed_source *source) {
	if (source->buffer == NULL) {
		return;
	}
	struct sluice_buffer *buffer = source->buffer;
	source->buffer = NULL;
	wl_list_remove(&source->revoked.link);
	wl_list_init(&source->revoked.link);
	wlr_scene_buffer_set_buffer(source->scene_buffer, NULL);
	path_surface_set(source->path, SLUICE_PATH_NONE, SLUICE_REASON_REVOKED, NULL);
	// Textures let go at once, framebuffers with the next page flip
	sluice_buffer_revoke(buffer);
	wlr_buffer_drop(&buffer->base);
	output_damage_all(source->kiosk->server);
}

static void handle_revoked(struct wl_listener *listener, void *data) {
	struct fixed_source *source = wl_container_of(listener, source, revoked);
	fixed_device_lost(source->device);
}

void fixed_source_lost(struct fixed_source *source) {
	snprintf(source->trouble, sizeof(source->trouble), "GPU %s has lost its memory",
		source->config.device);
	source->kiosk->server->stats->revocations += source->buffer != NULL;
	drop_image(source);
	kiosk_update(source->kiosk);
}

/** What a person can do about it: which source, written where, and what is wrong. */
static void complain(struct fixed_source *source, int error) {
	const struct source_config *config = &source->config;
	uint64_t length = source_config_get_length(config);
	struct sluice_vfio_region region = { 0 };
	sluice_vfio_device_get_region(source->device->device->device, (uint32_t)config->region,
		&region);
	char reason[128];
	if (error == -ERANGE || error == -EOVERFLOW) {
		snprintf(reason, sizeof(reason), "0x%" PRIx64 "+0x%" PRIx64 " is past the end of region "
			"%d, which has 0x%" PRIx64 " bytes", config->offset, length, config->region,
			region.size);
	} else if (region.size == 0) {
		snprintf(reason, sizeof(reason), "the device has no region %d", config->region);
	} else {
		snprintf(reason, sizeof(reason), "region %d cannot be exported: %s", config->region,
			strerror(-error));
	}
	const char *path = source->kiosk->server->config->path;
	wlr_log(WLR_ERROR, "%s:%d: source %s: %s", path != NULL ? path : "", config->line,
		config->name, reason);
	snprintf(source->trouble, sizeof(source->trouble), "Source %s: %s", config->name, reason);
}

static void make_image(struct fixed_source *source) {
	const struct source_config *config = &source->config;
	const struct sluice_range range = {
		.offset = config->offset,
		.length = source_config_get_length(config),
	};
	struct vram_device *device = source->device->device;
	int ret = sluice_buffer_create(&(struct sluice_buffer_params){
		.device = device->device, .region = (uint32_t)config->region,
		.ranges = &range, .ranges_len = 1, .width = config->width, .height = config->height,
		.stride = config->stride, .format = config->format, .modifier = DRM_FORMAT_MOD_LINEAR,
	}, &source->buffer);
	if (ret < 0) {
		source->buffer = NULL;
		complain(source, ret);
		return;
	}
	source->trouble[0] = '\0';
	source->kiosk->server->stats->exports++;
	sluice_buffer_set_release(source->buffer, handle_image_closed, vram_device_ref(device));
	listener_add(&source->buffer->events.revoked, &source->revoked, handle_revoked);
	wlr_scene_buffer_set_buffer(source->scene_buffer, &source->buffer->base);
}

void fixed_source_update(struct fixed_source *source) {
	if (source->device->device == NULL) {
		snprintf(source->trouble, sizeof(source->trouble), "%s", source->device->trouble);
		drop_image(source);
	} else if (source->buffer == NULL) {
		make_image(source);
	}
	kiosk_update(source->kiosk);
}

void fixed_source_renderer_replaced(struct fixed_source *source) {
	if (source->buffer != NULL) {
		// Makes the scene forget its texture
		wlr_scene_buffer_set_buffer(source->scene_buffer, &source->buffer->base);
	}
}

static void handle_output_sample(struct wl_listener *listener, void *data) {
	struct fixed_source *source = wl_container_of(listener, source, output_sample);
	const struct wlr_scene_output_sample_event *event = data;
	source->composited = !event->direct_scanout;
}

/**
 * A refresh has ended. What was composited is read again for the next one: this damage, and nothing
 * else, keeps the screen going. With scanout, the screen rests.
 */
static void handle_frame_done(struct wl_listener *listener, void *data) {
	struct fixed_source *source = wl_container_of(listener, source, frame_done);
	const struct wlr_scene_frame_done_event *event = data;
	struct wlr_output *wlr_output = event->output->output;
	// An output that takes no commits (another console has it) is not asked again and again
	if (!source->composited || source->buffer == NULL ||
			source->commit_seq == wlr_output->commit_seq || wlr_output->data == NULL) {
		return;
	}
	source->commit_seq = wlr_output->commit_seq;
	struct wlr_texture *texture = sluice_renderer_find_texture(
		source->kiosk->server->renderer, &source->buffer->base);
	if (texture != NULL) {
		sluice_shadow_push(source->shadow, texture, NULL);
	}
	output_damage(wlr_output->data);
}

void fixed_source_show(struct fixed_source *source, const struct wlr_box *box) {
	wlr_scene_node_set_enabled(&source->tree->node, box != NULL && source->buffer != NULL);
	if (box == NULL) {
		return;
	}
	if (source->buffer != NULL) {
		fixed_device_watch(source->device, (uint32_t)source->config.region);
	}
	const struct source_config *config = &source->config;
	int width = box->width, height = box->height;
	int64_t fit_height = (int64_t)width * config->height / config->width;
	int64_t fit_width = (int64_t)height * config->width / config->height;
	// Where layout pixels are none of the screen's, a rounded one must not cost the scanout
	if (fit_height < height - 1) {
		height = fit_height > 0 ? (int)fit_height : 1;
	} else if (fit_width < width - 1) {
		width = fit_width > 0 ? (int)fit_width : 1;
	}
	wlr_scene_node_set_position(&source->tree->node, box->x, box->y);
	wlr_scene_rect_set_size(source->backdrop, box->width, box->height);
	wlr_scene_node_set_position(&source->scene_buffer->node, (box->width - width) / 2,
		(box->height - height) / 2);
	wlr_scene_buffer_set_dest_size(source->scene_buffer, width, height);
}

static bool copy_config(struct source_config *copy, const struct source_config *config) {
	*copy = *config;
	copy->name = strdup(config->name);
	copy->device = strdup(config->device);
	return copy->name != NULL && copy->device != NULL;
}

struct fixed_source *fixed_source_create(struct kiosk *kiosk,
		const struct source_config *config) {
	struct server *server = kiosk->server;
	struct fixed_source *source = calloc(1, sizeof(*source));
	if (source == NULL) {
		return NULL;
	}
	source->kiosk = kiosk;
	wl_list_init(&source->revoked.link);
	wl_list_init(&source->output_sample.link);
	wl_list_init(&source->frame_done.link);
	wl_list_insert(kiosk->sources.prev, &source->link);

	source->tree = wlr_scene_tree_create(server->layers[LAYER_FULLSCREEN]);
	if (source->tree != NULL) {
		wlr_scene_node_set_enabled(&source->tree->node, false);
		source->backdrop =
			wlr_scene_rect_create(source->tree, 0, 0, (const float[]){ 0, 0, 0, 1 });
		source->scene_buffer = wlr_scene_buffer_create(source->tree, NULL);
	}
	source->shadow = sluice_shadow_create();
	if (!copy_config(&source->config, config) || source->backdrop == NULL ||
			source->scene_buffer == NULL || source->shadow == NULL) {
		goto error;
	}
	source->path =
		path_surface_create_own(server->ladder, source->scene_buffer, source->config.name);
	if (source->path == NULL) {
		goto error;
	}
	listener_add(&source->scene_buffer->events.output_sample, &source->output_sample,
		handle_output_sample);
	listener_add(&source->scene_buffer->events.frame_done, &source->frame_done,
		handle_frame_done);
	source->device = fixed_device_get(kiosk, config->device);
	if (source->device == NULL) {
		goto error;
	}
	fixed_source_update(source);
	return source;

error:
	wlr_log(WLR_ERROR, "No memory for source %s", config->name);
	fixed_source_destroy(source);
	return NULL;
}

void fixed_source_destroy(struct fixed_source *source) {
	drop_image(source);
	wl_list_remove(&source->output_sample.link);
	wl_list_remove(&source->frame_done.link);
	wl_list_remove(&source->link);
	if (source->path != NULL) {
		path_surface_destroy(source->path);
	}
	sluice_shadow_destroy(source->shadow);
	if (source->tree != NULL) {
		wlr_scene_node_destroy(&source->tree->node);
	}
	if (source->device != NULL) {
		fixed_device_put(source->device);
	}
	free(source->config.name);
	free(source->config.device);
	free(source);
}
