#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wlr/types/wlr_linux_dmabuf_v1.h>
#include <wlr/util/log.h>
#include <sluice/renderer.h>
#include "output.h"
#include "sluice-vram-v1-protocol.h"
#include "vram/vram.h"

/** A linux-dmabuf buffer that a client tied to a source. */
struct vram_adopted {
	struct wl_list link; // vram_source.adopted
	struct vram_source *source;
	struct wlr_buffer *buffer; // not locked
	struct wl_listener destroy;
};

const char *vram_source_get_label(const struct vram_source *source) {
	return source->device != NULL && source->device->address[0] != '\0' ?
		source->device->address : source->name;
}

struct vram_device *vram_device_create(struct sluice_vfio_device *vfio_device) {
	const char *address = sluice_vfio_device_get_address(vfio_device);
	struct vram_device *device = calloc(1, sizeof(*device));
	char *copy = strdup(address != NULL ? address : "");
	if (device == NULL || copy == NULL) {
		free(device);
		free(copy);
		return NULL;
	}
	*device = (struct vram_device){ .device = vfio_device, .address = copy, .refs = 1 };
	return device;
}

struct vram_device *vram_device_ref(struct vram_device *device) {
	device->refs++;
	return device;
}

void vram_device_unref(struct vram_device *device) {
	if (device == NULL || --device->refs > 0) {
		return;
	}
	sluice_vfio_device_destroy(device->device);
	free(device->address);
	free(device);
}

static void handle_destroy(struct wl_client *client, struct wl_resource *resource) {
	wl_resource_destroy(resource);
}

static void adopted_destroy(struct vram_adopted *adopted) {
	wl_list_remove(&adopted->link);
	wl_list_remove(&adopted->destroy.link);
	free(adopted);
}

static void maybe_quiesced(struct vram_source *source) {
	if (source->state == SOURCE_QUIESCING && wl_list_empty(&source->buffers) &&
			wl_list_empty(&source->adopted)) {
		source->state = SOURCE_QUIESCED;
		wlr_log(WLR_INFO, "%s: quiesced", vram_source_get_label(source));
		sluice_vram_source_v1_send_quiesced(source->resource, source->quiesce_serial);
	}
}

void vram_source_image_gone(struct vram_source *source) {
	maybe_quiesced(source);
}

void vram_source_drop_images(struct vram_source *source, enum source_state state) {
	source->state = state;
	struct vram_buffer *buffer, *tmp;
	wl_list_for_each_safe(buffer, tmp, &source->buffers, link) {
		struct sluice_buffer *image = sluice_buffer_try_from_buffer(buffer->buffer);
		if (image != NULL) {
			sluice_buffer_revoke(image);
		}
	}
	struct vram_adopted *adopted;
	wl_list_for_each(adopted, &source->adopted, link) {
		sluice_renderer_detach_buffer(source->manager->server->renderer, adopted->buffer);
	}
	// What shows them must be drawn anew, and the next page flip lets go of the framebuffers
	output_damage_all(source->manager->server);
	maybe_quiesced(source);
}

void vram_source_lost(struct vram_source *source) {
	if (source->state != SOURCE_LIVE) {
		return;
	}
	int memory = source->device != NULL ?
		sluice_vfio_device_get_memory(source->device->device) : -ENODEV;
	wlr_log(WLR_INFO, "%s: revoked: %s", vram_source_get_label(source), memory == 0 ?
		"its memory was switched off" : "its memory was lost");
	vram_source_drop_images(source, SOURCE_REVOKED);
	sluice_vram_source_v1_send_revoked(source->resource, memory == 0 ?
		SLUICE_VRAM_SOURCE_V1_REVOKE_REASON_MEMORY_DISABLED :
		SLUICE_VRAM_SOURCE_V1_REVOKE_REASON_LOST);
}

static void handle_exporter_gone(struct wl_listener *listener, void *data) {
	struct vram_source *source = wl_container_of(listener, source, exporter_gone);
	wl_list_remove(&source->exporter_gone.link);
	wl_list_init(&source->exporter_gone.link);
	source->gone = true;
	vram_source_drop_images(source, SOURCE_REVOKED);
	vram_device_unref(source->device);
	source->device = NULL;
	sluice_vram_source_v1_send_revoked(source->resource,
		SLUICE_VRAM_SOURCE_V1_REVOKE_REASON_UNPLUGGED);
}

static void send_regions(struct vram_source *source) {
	const uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	for (uint32_t i = VFIO_PCI_BAR0_REGION_INDEX; i <= VFIO_PCI_BAR5_REGION_INDEX; i++) {
		struct sluice_vfio_region region;
		if (sluice_vfio_device_get_region(source->device->device, i, &region) < 0 ||
				region.size == 0) {
			continue;
		}
		uint32_t flags = 0;
		// What can be mapped is memory, and memory can be exported, by whole pages
		if ((region.flags & VFIO_REGION_INFO_FLAG_MMAP) && region.size >= page_size) {
			source->exportable |= UINT32_C(1) << i;
			flags = SLUICE_VRAM_SOURCE_V1_REGION_FLAGS_EXPORT |
				SLUICE_VRAM_SOURCE_V1_REGION_FLAGS_CPU_MAP;
		}
		sluice_vram_source_v1_send_region(source->resource, i, (uint32_t)(region.size >> 32),
			(uint32_t)region.size, flags);
	}
}

static void fail_device(struct vram_source *source, uint32_t reason, const char *message) {
	source->state = SOURCE_FAILED;
	wlr_log(WLR_INFO, "source \"%s\": device refused: %s", source->name, message);
	sluice_vram_source_v1_send_device_failed(source->resource, reason, message);
}

static void handle_set_device(struct wl_client *client, struct wl_resource *resource,
		int32_t fd) {
	struct vram_source *source = wl_resource_get_user_data(resource);
	if (source->device_set) {
		close(fd);
		wl_resource_post_error(resource, SLUICE_VRAM_SOURCE_V1_ERROR_DEVICE_SET,
			"the source has a device already");
		return;
	}
	source->device_set = true;

	struct sluice_vfio_device *device;
	int ret = sluice_vfio_device_adopt(fd, &device);
	if (ret < 0) {
		close(fd);
		fail_device(source, SLUICE_VRAM_SOURCE_V1_FAILURE_NOT_VFIO,
			"the file descriptor is not that of a vfio PCI device");
		return;
	}
	ret = sluice_vfio_device_probe_dmabuf(device);
	if (ret < 0) {
		sluice_vfio_device_destroy(device);
		fail_device(source, SLUICE_VRAM_SOURCE_V1_FAILURE_NO_FEATURE, ret == -ENOTTY ?
			"the kernel does not export vfio memory as DMA-BUF (Linux 6.19 with "
			"CONFIG_VFIO_PCI_DMABUF does, or the module vfio-pci-dmabuf)" :
			"the vfio driver of this device does not export DMA-BUFs");
		return;
	}

	source->device = vram_device_create(device);
	if (source->device == NULL) {
		sluice_vfio_device_destroy(device);
		fail_device(source, SLUICE_VRAM_SOURCE_V1_FAILURE_NO_MEMORY, "out of memory");
		return;
	}
	source->state = SOURCE_LIVE;
	const char *address = source->device->address;
	struct sluice_backend *exporters = source->manager->server->exporters;
	struct sluice_exporter *exporter = exporters != NULL ?
		sluice_backend_find(exporters, address) : NULL;
	if (exporter != NULL) {
		source->exporter_gone.notify = handle_exporter_gone;
		wl_signal_add(&exporter->events.gone, &source->exporter_gone);
	}
	wlr_log(WLR_INFO, "source \"%s\": exporter %s", source->name,
		address[0] != '\0' ? address : "of unknown address");
	sluice_vram_source_v1_send_device(resource, address);
	send_regions(source);
	sluice_vram_source_v1_send_device_ready(resource);
}

/** Posts the error and returns false if the source takes no new images now. */
static bool check_live(struct vram_source *source) {
	if (source->state == SOURCE_QUIESCING || source->state == SOURCE_QUIESCED) {
		wl_resource_post_error(source->resource, SLUICE_VRAM_SOURCE_V1_ERROR_QUIESCED,
			"the source is quiesced: resume it first");
		return false;
	}
	return true;
}

static void handle_create_params(struct wl_client *client, struct wl_resource *resource,
		uint32_t id, uint32_t region) {
	struct vram_source *source = wl_resource_get_user_data(resource);
	if (!check_live(source)) {
		return;
	}
	if (source->device == NULL && !source->gone) {
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

static void handle_adopted_destroy(struct wl_listener *listener, void *data) {
	struct vram_adopted *adopted = wl_container_of(listener, adopted, destroy);
	struct vram_source *source = adopted->source;
	adopted_destroy(adopted);
	maybe_quiesced(source);
}

/** A buffer belongs to one source at most. */
static void forget_adopted(struct vram_manager *manager, struct wlr_buffer *buffer) {
	struct vram_source *source;
	wl_list_for_each(source, &manager->sources, link) {
		struct vram_adopted *adopted, *tmp;
		wl_list_for_each_safe(adopted, tmp, &source->adopted, link) {
			if (adopted->buffer == buffer) {
				adopted_destroy(adopted);
			}
		}
	}
}

static void handle_adopt(struct wl_client *client, struct wl_resource *resource,
		struct wl_resource *buffer_resource) {
	struct vram_source *source = wl_resource_get_user_data(resource);
	if (!check_live(source)) {
		return;
	}
	struct wlr_dmabuf_v1_buffer *dmabuf =
		wlr_dmabuf_v1_buffer_try_from_buffer_resource(buffer_resource);
	if (dmabuf == NULL) {
		wl_resource_post_error(resource, SLUICE_VRAM_SOURCE_V1_ERROR_NOT_DMABUF,
			"the buffer was not made by linux-dmabuf");
		return;
	}
	forget_adopted(source->manager, &dmabuf->base);
	if (source->state == SOURCE_REVOKED) {
		sluice_renderer_detach_buffer(source->manager->server->renderer, &dmabuf->base);
	}
	struct vram_adopted *adopted = calloc(1, sizeof(*adopted));
	if (adopted == NULL) {
		wl_resource_post_no_memory(resource);
		return;
	}
	adopted->source = source;
	adopted->buffer = &dmabuf->base;
	adopted->destroy.notify = handle_adopted_destroy;
	wl_signal_add(&dmabuf->base.events.destroy, &adopted->destroy);
	wl_list_insert(&source->adopted, &adopted->link);
}

static void handle_quiesce(struct wl_client *client, struct wl_resource *resource,
		uint32_t serial) {
	struct vram_source *source = wl_resource_get_user_data(resource);
	if (!check_live(source)) {
		return;
	}
	source->quiesce_serial = serial;
	wlr_log(WLR_INFO, "%s: quiescing", vram_source_get_label(source));
	vram_source_drop_images(source, SOURCE_QUIESCING);
}

static void handle_resume(struct wl_client *client, struct wl_resource *resource) {
	struct vram_source *source = wl_resource_get_user_data(resource);
	if (source->state != SOURCE_QUIESCED && source->state != SOURCE_REVOKED) {
		wl_resource_post_error(resource, SLUICE_VRAM_SOURCE_V1_ERROR_NOT_QUIESCED,
			"the source is neither quiesced nor revoked");
		return;
	}
	if (source->gone) {
		sluice_vram_source_v1_send_revoked(resource,
			SLUICE_VRAM_SOURCE_V1_REVOKE_REASON_UNPLUGGED);
		return;
	}
	if (source->device != NULL) {
		int memory = sluice_vfio_device_get_memory(source->device->device);
		if (memory != 1) {
			wlr_log(WLR_INFO, "%s: cannot resume: its memory is %s",
				vram_source_get_label(source), memory == 0 ? "switched off" : "out of reach");
			source->state = SOURCE_REVOKED;
			sluice_vram_source_v1_send_revoked(resource, memory == 0 ?
				SLUICE_VRAM_SOURCE_V1_REVOKE_REASON_MEMORY_DISABLED :
				SLUICE_VRAM_SOURCE_V1_REVOKE_REASON_LOST);
			return;
		}
	}
	source->state = source->device != NULL ? SOURCE_LIVE : SOURCE_NEW;
	wlr_log(WLR_INFO, "%s: resumed", vram_source_get_label(source));
	sluice_vram_source_v1_send_resumed(resource);
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
	struct vram_buffer *buffer, *buffer_tmp;
	wl_list_for_each_safe(buffer, buffer_tmp, &source->buffers, link) {
		buffer->source = NULL;
		wl_list_remove(&buffer->link);
		wl_list_init(&buffer->link);
	}
	struct vram_adopted *adopted, *adopted_tmp;
	wl_list_for_each_safe(adopted, adopted_tmp, &source->adopted, link) {
		adopted_destroy(adopted);
	}
	wl_list_remove(&source->exporter_gone.link);
	wl_list_remove(&source->link);
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
	source->name = copy;
	wl_list_init(&source->buffers);
	wl_list_init(&source->adopted);
	wl_list_init(&source->exporter_gone.link);
	wl_list_insert(&manager->sources, &source->link);
	wl_resource_set_implementation(resource, &source_impl, source, handle_resource_destroy);
}
