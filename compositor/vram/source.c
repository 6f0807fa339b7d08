#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wlr/types/wlr_linux_dmabuf_v1.h>
#include <wlr/util/log.h>
#include <sluice/renderer.h>
#include <sluice/simulated.h>
#include <sluice/watch.h>
#include "headless/headless.h"
#include "ipc/events.h"
#include "output.h"
#include "path/ladder.h"
#include "placeholder.h"
#include "sluice-vram-v1-protocol.h"
#include "stats/stats.h"
#include "vram/vram.h"

/** A quiesce that takes longer than some page flips is worth a line in the log. */
#define DEADLINE_MS 1000
#define DEADLINE_MAX_MS 60000

const char *vram_source_get_label(const struct vram_source *source) {
	return source->device != NULL && source->device->address[0] != '\0' ?
		source->device->address : source->name;
}

/** What a person in front of the screen is told. */
static void describe(const struct vram_source *source, char *text, size_t size) {
	const char *label = vram_source_get_label(source);
	const char *what = "shows nothing";
	switch (source->life.state) {
	case LIFE_QUIESCING:
	case LIFE_QUIESCED:
		what = "is being reset";
		break;
	case LIFE_GONE:
		what = "was unplugged";
		break;
	case LIFE_REVOKED:
		what = source->revoke_reason == SLUICE_VRAM_SOURCE_V1_REVOKE_REASON_RESET ?
			"was reset" :
			source->revoke_reason == SLUICE_VRAM_SOURCE_V1_REVOKE_REASON_MEMORY_DISABLED ?
			"has its memory switched off" : "has lost its memory";
		break;
	default:
		break;
	}
	snprintf(text, size, "GPU %s %s", label, what);
}

static void update_placeholder(struct vram_source *source) {
	char text[128];
	describe(source, text, sizeof(text));
	if (source->placeholder != NULL) {
		wlr_buffer_drop(source->placeholder);
	}
	source->placeholder = placeholder_create(text);
	ladder_dress_source(source->manager->server->ladder, source);
}

void vram_source_dress_texture(struct vram_source *source, struct wlr_texture *texture) {
	if (source->placeholder != NULL) {
		sluice_texture_set_placeholder(texture, source->placeholder);
	}
}

static bool has_images(const struct vram_source *source) {
	const struct vram_buffer *buffer;
	wl_list_for_each(buffer, &source->buffers, link) {
		if (buffer->device != NULL) {
			return true;
		}
	}
	return !wl_list_empty(&source->adopted);
}

/** 1: it is on, as far as that is known; 0: it is off; or a negative errno. */
static int get_memory(const struct vram_source *source) {
	return source->device != NULL ? sluice_vfio_device_get_memory(source->device->device) : 1;
}

bool vram_source_has_memory(const struct vram_source *source) {
	return get_memory(source) == 1;
}

/** Whether the memory is there, or which way it is not. */
static bool check_memory(struct vram_source *source) {
	int memory = get_memory(source);
	if (memory < 0) {
		source->revoke_reason = SLUICE_VRAM_SOURCE_V1_REVOKE_REASON_LOST;
	} else if (memory == 0) {
		source->revoke_reason = SLUICE_VRAM_SOURCE_V1_REVOKE_REASON_MEMORY_DISABLED;
	}
	return memory == 1;
}

static int64_t since_quiesce_ms(const struct vram_source *source) {
	const struct timespec now = server_now(source->manager->server);
	const struct timespec *start = &source->quiesce_start;
	return (now.tv_sec - start->tv_sec) * INT64_C(1000) +
		(now.tv_nsec - start->tv_nsec) / 1000000;
}

static void handle_deadline(void *data) {
	struct vram_source *source = data;
	int images = 0;
	int64_t elapsed_ms = since_quiesce_ms(source);
	const struct vram_buffer *buffer;
	wl_list_for_each(buffer, &source->buffers, link) {
		images += buffer->device != NULL;
	}
	wlr_log(WLR_ERROR, "%s: quiescing for %lld ms: waiting for %d framebuffers or captures to be "
		"replaced, and for the client to destroy %d adopted buffers",
		vram_source_get_label(source), (long long)elapsed_ms, images,
		wl_list_length(&source->adopted));
	// A screen that is asleep gets no page flip: have it drawn once more
	output_damage_all(source->manager->server);
	// Said again, but more and more seldom
	timer_set(&source->deadline,
		elapsed_ms < DEADLINE_MAX_MS ? (int)elapsed_ms : DEADLINE_MAX_MS);
}

static void set_deadline(struct vram_source *source, int ms) {
	struct timer *deadline = &source->deadline;
	if (deadline->server != NULL || (ms > 0 &&
			timer_init(deadline, source->manager->server, handle_deadline, source))) {
		timer_set(deadline, ms);
	}
}

static void step(struct vram_source *source, enum life_event event);

static void stop_watch(struct vram_source *source) {
	sluice_watch_destroy(source->watch);
	source->watch = NULL;
}

/** Nothing has become of its images yet; new, it may have adopted ones. */
static bool is_live(const struct vram_source *source) {
	return source->life.state == LIFE_READY || source->life.state == LIFE_NEW;
}

bool vram_source_can_be_watched(const struct vram_source *source) {
	return source->watch != NULL ||
		(source->device != NULL && !wl_list_empty(&source->adopted) && is_live(source));
}

void vram_source_image_made(struct vram_source *source, uint32_t region) {
	source->exports++;
	source->manager->server->stats->exports++;
	if (source->watch == NULL) {
		// The image's region is VRAM; reading another might be an order to the device
		source->watch = sluice_watch_create(source->device->device, region);
	}
}

static void drop_images(struct vram_source *source) {
	struct vram_buffer *buffer, *tmp;
	wl_list_for_each_safe(buffer, tmp, &source->buffers, link) {
		struct sluice_buffer *image = sluice_buffer_try_from_buffer(buffer->buffer);
		if (image != NULL) {
			sluice_buffer_revoke(image);
		}
	}
	vram_adopted_detach(source);
	// What shows them must be drawn anew, and the next page flip lets go of the framebuffers
	output_damage_all(source->manager->server);
}

static void post_error(struct vram_source *source, unsigned actions) {
	if (actions & LIFE_ERROR_DEVICE_SET) {
		wl_resource_post_error(source->resource, SLUICE_VRAM_SOURCE_V1_ERROR_DEVICE_SET,
			"the source has a device already");
	} else if (actions & LIFE_ERROR_QUIESCED) {
		wl_resource_post_error(source->resource, SLUICE_VRAM_SOURCE_V1_ERROR_QUIESCED,
			"the source is quiesced: resume it first");
	} else if (actions & LIFE_ERROR_NOT_QUIESCED) {
		wl_resource_post_error(source->resource, SLUICE_VRAM_SOURCE_V1_ERROR_NOT_QUIESCED,
			"the source is neither quiesced nor revoked");
	}
}

/** Something happened: do what follows from it. */
static void step(struct vram_source *source, enum life_event event) {
	enum life_state before = source->life.state;
	unsigned actions = life_step(&source->life, event);
	enum life_state after = source->life.state;
	if (before != after) {
		wlr_log(WLR_INFO, "%s: %s, was %s", vram_source_get_label(source),
			life_state_name(after), life_state_name(before));
		if (after != LIFE_READY && after != LIFE_NEW) {
			update_placeholder(source);
		}
		bool revoked = after == LIFE_REVOKED || after == LIFE_GONE;
		source->revocations += revoked;
		source->manager->server->stats->revocations += revoked;
		ipc_tell_source(source, "state");
	}
	post_error(source, actions);
	if (actions & LIFE_DROP_IMAGES) {
		drop_images(source);
	}
	if (after != LIFE_READY) {
		stop_watch(source);
	}
	if (actions & LIFE_CLOSE_DEVICE) {
		vram_device_unref(source->device);
		source->device = NULL;
	}
	if (actions & LIFE_SEND_REVOKED) {
		sluice_vram_source_v1_send_revoked(source->resource, source->revoke_reason);
	}
	if (actions & LIFE_SEND_RESUMED) {
		sluice_vram_source_v1_send_resumed(source->resource);
	}
	if (actions & LIFE_SEND_QUIESCED) {
		set_deadline(source, 0);
		wlr_log(WLR_INFO, "%s: every import is gone, after %lld ms",
			vram_source_get_label(source), (long long)since_quiesce_ms(source));
		sluice_vram_source_v1_send_quiesced(source->resource, source->quiesce_serial);
	}
	if ((actions & LIFE_DROP_IMAGES) && !has_images(source)) {
		step(source, LIFE_IMPORTS_GONE);
	}
}

void vram_source_image_gone(struct vram_source *source) {
	if (!has_images(source)) {
		stop_watch(source); // What happens to the device now is no loss to the next image
		step(source, LIFE_IMPORTS_GONE);
	}
}

void vram_source_lost(struct vram_source *source) {
	if (!is_live(source)) {
		return; // Its images are on their way out already, for a reason that is known
	}
	if (check_memory(source)) {
		// It is back already: only a reset switches it off and lets its owner switch it on
		source->revoke_reason = SLUICE_VRAM_SOURCE_V1_REVOKE_REASON_RESET;
	}
	step(source, LIFE_LOST);
}

static void handle_exporter_gone(struct wl_listener *listener, void *data) {
	struct vram_source *source = wl_container_of(listener, source, exporter_gone);
	wl_list_remove(&source->exporter_gone.link);
	wl_list_init(&source->exporter_gone.link);
	source->revoke_reason = SLUICE_VRAM_SOURCE_V1_REVOKE_REASON_UNPLUGGED;
	step(source, LIFE_UNPLUGGED);
}

static void handle_destroy(struct wl_client *client, struct wl_resource *resource) {
	wl_resource_destroy(resource);
}

static int adopt_device(struct vram_source *source, int fd, struct sluice_vfio_device **device) {
	const struct headless *headless = source->manager->server->options.headless;
	return headless != NULL && faults_is_exporter(&headless->faults, fd) ?
		sluice_simulated_adopt(fd, device) : sluice_vfio_device_adopt(fd, device);
}

/** Returns the reason not to take it, or NULL. */
static const char *accept_device(struct vram_source *source, int fd, uint32_t *failure) {
	struct sluice_vfio_device *device;
	if (adopt_device(source, fd, &device) < 0) {
		close(fd);
		*failure = SLUICE_VRAM_SOURCE_V1_FAILURE_NOT_VFIO;
		return "the file descriptor is not that of a vfio PCI device";
	}
	int ret = sluice_vfio_device_probe_dmabuf(device);
	if (ret < 0) {
		sluice_vfio_device_destroy(device);
		*failure = SLUICE_VRAM_SOURCE_V1_FAILURE_NO_FEATURE;
		return ret == -ENOTTY ? "the kernel does not export vfio memory as DMA-BUF (Linux 6.19 "
			"with CONFIG_VFIO_PCI_DMABUF does, or the module vfio-pci-dmabuf)" :
			"the vfio driver of this device does not export DMA-BUFs";
	}
	source->device = vram_device_create(device);
	if (source->device == NULL) {
		sluice_vfio_device_destroy(device);
		*failure = SLUICE_VRAM_SOURCE_V1_FAILURE_NO_MEMORY;
		return "out of memory";
	}
	return NULL;
}

static void follow_exporter(struct vram_source *source) {
	struct sluice_backend *exporters = source->manager->server->exporters;
	struct sluice_exporter *exporter = exporters != NULL ?
		sluice_backend_find(exporters, source->device->address) : NULL;
	if (exporter != NULL) {
		source->exporter_gone.notify = handle_exporter_gone;
		wl_signal_add(&exporter->events.gone, &source->exporter_gone);
	}
}

static void handle_set_device(struct wl_client *client, struct wl_resource *resource,
		int32_t fd) {
	struct vram_source *source = wl_resource_get_user_data(resource);
	if (source->device_set) {
		close(fd);
		post_error(source, LIFE_ERROR_DEVICE_SET);
		return;
	}
	source->device_set = true;

	uint32_t failure;
	const char *message = accept_device(source, fd, &failure);
	if (message != NULL) {
		wlr_log(WLR_INFO, "source \"%s\": device refused: %s", source->name, message);
		step(source, LIFE_DEVICE_REFUSED);
		sluice_vram_source_v1_send_device_failed(resource, failure, message);
		return;
	}
	follow_exporter(source);
	step(source, LIFE_DEVICE_ACCEPTED);
	const char *address = source->device->address;
	wlr_log(WLR_INFO, "source \"%s\": exporter %s", source->name,
		address[0] != '\0' ? address : "of unknown address");
	sluice_vram_source_v1_send_device(resource, address);
	source->exportable = vram_device_send_regions(source->device, resource);
	sluice_vram_source_v1_send_device_ready(resource);
}

/** Posts the error and returns false if the source takes no images now. */
static bool check_takes_images(struct vram_source *source) {
	if (!life_takes_images(&source->life)) {
		post_error(source, LIFE_ERROR_QUIESCED);
		return false;
	}
	return true;
}

static void handle_create_params(struct wl_client *client, struct wl_resource *resource,
		uint32_t id, uint32_t region) {
	struct vram_source *source = wl_resource_get_user_data(resource);
	if (!check_takes_images(source)) {
		return;
	}
	if (source->device == NULL && source->life.state != LIFE_GONE) {
		wl_resource_post_error(resource, SLUICE_VRAM_SOURCE_V1_ERROR_NO_DEVICE,
			"the source has no device: set_device, and wait for device_ready");
		return;
	}
	if (region > VFIO_PCI_BAR5_REGION_INDEX ||
			!(source->exportable & UINT32_C(1) << region)) {
		wl_resource_post_error(resource, SLUICE_VRAM_SOURCE_V1_ERROR_INVALID_REGION,
			"region %u is none that can be exported", region);
		return;
	}
	vram_params_create(source, (uint32_t)wl_resource_get_version(resource), id, region);
}

static void handle_adopt(struct wl_client *client, struct wl_resource *resource,
		struct wl_resource *buffer_resource) {
	struct vram_source *source = wl_resource_get_user_data(resource);
	if (!check_takes_images(source)) {
		return;
	}
	struct wlr_dmabuf_v1_buffer *dmabuf =
		wlr_dmabuf_v1_buffer_try_from_buffer_resource(buffer_resource);
	if (dmabuf == NULL) {
		wl_resource_post_error(resource, SLUICE_VRAM_SOURCE_V1_ERROR_NOT_DMABUF,
			"the buffer was not made by linux-dmabuf");
		return;
	}
	if (!vram_adopt(source, &dmabuf->base)) {
		wl_resource_post_no_memory(resource);
		return;
	}
	if (source->life.state == LIFE_REVOKED || source->life.state == LIFE_GONE) {
		vram_adopted_detach(source);
	}
}

static void handle_quiesce(struct wl_client *client, struct wl_resource *resource,
		uint32_t serial) {
	struct vram_source *source = wl_resource_get_user_data(resource);
	if (!check_takes_images(source) || source->life.quiesce_pending) {
		post_error(source, LIFE_ERROR_QUIESCED);
		return;
	}
	source->quiesce_serial = serial;
	source->quiesce_start = server_now(source->manager->server);
	set_deadline(source, DEADLINE_MS);
	step(source, LIFE_QUIESCE);
}

static void handle_resume(struct wl_client *client, struct wl_resource *resource) {
	struct vram_source *source = wl_resource_get_user_data(resource);
	bool memory = source->life.state == LIFE_GONE || check_memory(source);
	step(source, memory ? LIFE_RESUME : LIFE_RESUME_FAILED);
}

static const struct sluice_vram_source_v1_interface source_impl = {
	.destroy = handle_destroy,
	.set_device = handle_set_device,
	.create_params = handle_create_params,
	.adopt = handle_adopt,
	.quiesce = handle_quiesce,
	.resume = handle_resume,
};

static void handle_resource_destroy(struct wl_resource *resource) {
	struct vram_source *source = wl_resource_get_user_data(resource);
	ipc_tell_source(source, "removed");
	ladder_forget_source(source->manager->server->ladder, source);
	struct vram_buffer *buffer, *tmp;
	wl_list_for_each_safe(buffer, tmp, &source->buffers, link) {
		buffer->source = NULL;
		wl_list_remove(&buffer->link);
		wl_list_init(&buffer->link);
	}
	vram_adopted_finish(source);
	wl_list_remove(&source->exporter_gone.link);
	wl_list_remove(&source->link);
	timer_finish(&source->deadline);
	stop_watch(source);
	if (source->placeholder != NULL) {
		wlr_buffer_drop(source->placeholder);
	}
	vram_device_unref(source->device);
	free(source->name);
	free(source);
}

void vram_source_create(struct vram_manager *manager, struct wl_client *client, uint32_t version,
		uint32_t id, const char *name) {
	struct vram_source *source = calloc(1, sizeof(*source));
	char *copy = strdup(name);
	struct wl_resource *resource = wl_resource_create(client,
		&sluice_vram_source_v1_interface, (int)version, id);
	if (source == NULL || copy == NULL || resource == NULL) {
		free(source);
		free(copy);
		wl_client_post_no_memory(client);
		return;
	}
	source->manager = manager;
	source->resource = resource;
	for (char *c = copy; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f) {
			*c = '?'; // it goes into logs and onto screens
		}
	}
	source->name = copy;
	wl_list_init(&source->buffers);
	wl_list_init(&source->adopted);
	wl_list_init(&source->exporter_gone.link);
	wl_list_insert(&manager->sources, &source->link);
	wl_resource_set_implementation(resource, &source_impl, source, handle_resource_destroy);
	ipc_tell_source(source, "added");
}
