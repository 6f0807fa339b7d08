#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/util/log.h>
#include <sluice/backend.h>
#include <sluice/watch.h>
#include "fixed/fixed.h"
#include "kiosk/kiosk.h"
#include "server.h"
#include "util/listener.h"
#include "vram/vram.h"

/**
 * How often its memory is looked at, which nobody takes away without being asked but by writing to
 * /sys: as seldom as that of a producer's picture that stands still.
 */
#define WATCH_MS 2000
/** Not at once: the screens may be in the middle of their work. */
#define SOON_MS 1
/** How long the screens say that it was lost, before it is tried again. */
#define RECOVER_MS 1000

/** How long to wait before a device that could not be opened is tried again. */
static const struct backoff_config retry =
	{ .first_ms = 1000, .longest_ms = 60000, .healthy_ms = 60000 };

static void stop_listening(struct wl_listener *listener) {
	wl_list_remove(&listener->link);
	wl_list_init(&listener->link);
}

static void update_sources(struct fixed_device *device) {
	struct fixed_source *source;
	wl_list_for_each(source, &device->kiosk->sources, link) {
		if (source->device == device) {
			fixed_source_update(source);
		}
	}
}

static void unwatch(struct fixed_device *device) {
	sluice_watch_destroy(device->watch);
	device->watch = NULL;
	device->watching = false;
	timer_set(&device->watch_timer, 0);
}

static bool is_shown(const struct fixed_device *device) {
	const struct fixed_source *source;
	wl_list_for_each(source, &device->kiosk->sources, link) {
		if (source->device == device && source->buffer != NULL && source->tree->node.enabled) {
			return true;
		}
	}
	return false;
}

static void handle_watch_timer(void *data) {
	struct fixed_device *device = data;
	device->watching = false;
	if (device->watch == NULL || !is_shown(device)) {
		return;
	}
	if (sluice_watch_look(device->watch) != SLUICE_WATCH_INTACT) {
		fixed_device_lost(device);
		return;
	}
	device->watching = true;
	timer_set(&device->watch_timer, WATCH_MS);
}

void fixed_device_watch(struct fixed_device *device, uint32_t region) {
	if (device->device == NULL || device->watching) {
		return;
	}
	if (device->watch == NULL) {
		// All regions are taken away together
		device->watch = sluice_watch_create(device->device->device, region);
	}
	device->watching = device->watch != NULL;
	timer_set(&device->watch_timer, SOON_MS);
}

void fixed_device_lost(struct fixed_device *device) {
	if (device->device == NULL) {
		return;
	}
	wlr_log(WLR_ERROR, "%s: its memory was taken away, by a reset or with its power: trying again "
		"in %d ms", device->address, RECOVER_MS);
	unwatch(device);
	struct fixed_source *source;
	wl_list_for_each(source, &device->kiosk->sources, link) {
		if (source->device == device && source->buffer != NULL) {
			fixed_source_lost(source);
		}
	}
	timer_set(&device->retry_timer, RECOVER_MS);
}

/**
 * Give it back. It is closed when the last image in it is gone, and every framebuffer that was made
 * of one: the kernel waits for them without limit, and the screens need a page flip.
 */
static void give_back(struct fixed_device *device, const char *why) {
	snprintf(device->trouble, sizeof(device->trouble), "GPU %s %s", device->address, why);
	stop_listening(&device->request);
	stop_listening(&device->error);
	unwatch(device);
	timer_set(&device->retry_timer, 0);
	struct vram_device *open = device->device;
	device->device = NULL;
	update_sources(device);
	vram_device_unref(open);
}

static void handle_request(struct wl_listener *listener, void *data) {
	struct fixed_device *device = wl_container_of(listener, device, request);
	wlr_log(WLR_INFO, "%s: the kernel asks for it back", device->address);
	give_back(device, "is being taken away");
}

static void handle_error(struct wl_listener *listener, void *data) {
	struct fixed_device *device = wl_container_of(listener, device, error);
	give_back(device, "reported an error");
	timer_set(&device->retry_timer, retry.first_ms);
}

/** Returns 0 or a negative errno; logged. */
static int open_device(struct fixed_device *device) {
	struct sluice_vfio_device *vfio;
	int ret = sluice_vfio_device_open(device->address, &vfio);
	if (ret < 0) {
		return ret;
	}
	ret = sluice_vfio_device_set_memory(vfio, true);
	if (ret == 0) {
		ret = sluice_vfio_device_probe_dmabuf(vfio);
		if (ret < 0) {
			wlr_log(WLR_ERROR, "%s: its VRAM cannot be exported: %s", device->address,
				ret == -ENOTTY ? "this kernel has no VFIO_PCI_DMABUF" : strerror(-ret));
		}
	}
	if (ret == 0) {
		device->device = vram_device_create(vfio);
		ret = device->device != NULL ? 0 : -ENOMEM;
	}
	if (ret < 0) {
		sluice_vfio_device_destroy(vfio);
		return ret;
	}
	listener_add(&vfio->events.request, &device->request, handle_request);
	listener_add(&vfio->events.error, &device->error, handle_error);
	if (sluice_vfio_device_listen(vfio, device->kiosk->server->loop) < 0) {
		wlr_log(WLR_INFO, "%s: its interrupts cannot be listened to", device->address);
	}
	return 0;
}

static void try_open(struct fixed_device *device) {
	int ret = open_device(device);
	if (ret < 0) {
		snprintf(device->trouble, sizeof(device->trouble), "GPU %s cannot be opened: %s",
			device->address, strerror(-ret));
		int pause_ms = backoff_next(&device->backoff, &retry, 0);
		timer_set(&device->retry_timer, pause_ms);
	} else {
		device->backoff = (struct backoff){ 0 };
		device->trouble[0] = '\0';
		wlr_log(WLR_INFO, "%s: owned by sluice", device->address);
	}
	update_sources(device);
}

static void handle_retry(void *data) {
	struct fixed_device *device = data;
	if (device->device == NULL) {
		try_open(device);
		return;
	}
	// It is open, and had lost its memory
	int ret = sluice_vfio_device_set_memory(device->device->device, true);
	if (ret < 0) {
		wlr_log(WLR_ERROR, "%s: its memory does not come back: %s", device->address,
			strerror(-ret));
		timer_set(&device->retry_timer,
			backoff_next(&device->backoff, &retry, 0));
		return;
	}
	device->backoff = (struct backoff){ 0 };
	update_sources(device);
}

static void handle_exporter_gone(struct wl_listener *listener, void *data) {
	struct fixed_device *device = wl_container_of(listener, device, exporter_gone);
	stop_listening(&device->exporter_gone);
	timer_set(&device->retry_timer, 0);
	give_back(device, "was unplugged");
}

static void found(struct fixed_device *device, struct sluice_exporter *exporter) {
	stop_listening(&device->exporter_gone);
	listener_add(&exporter->events.gone, &device->exporter_gone, handle_exporter_gone);
	if (device->device == NULL) {
		try_open(device);
	}
}

static void handle_new_exporter(struct wl_listener *listener, void *data) {
	struct fixed_device *device = wl_container_of(listener, device, new_exporter);
	struct sluice_exporter *exporter = data;
	if (strcmp(exporter->address, device->address) == 0) {
		device->backoff = (struct backoff){ 0 };
		found(device, exporter);
	}
}

static struct fixed_device *device_create(struct kiosk *kiosk, const char *address) {
	struct fixed_device *device = calloc(1, sizeof(*device));
	if (device == NULL) {
		return NULL;
	}
	device->kiosk = kiosk;
	device->address = strdup(address);
	bool ok = timer_init(&device->retry_timer, kiosk->server, handle_retry, device) &&
		timer_init(&device->watch_timer, kiosk->server, handle_watch_timer, device);
	wl_list_init(&device->request.link);
	wl_list_init(&device->error.link);
	wl_list_init(&device->new_exporter.link);
	wl_list_init(&device->exporter_gone.link);
	wl_list_insert(&kiosk->devices, &device->link);
	if (device->address == NULL || !ok) {
		fixed_device_put(device);
		return NULL;
	}
	snprintf(device->trouble, sizeof(device->trouble),
		"GPU %s is not there, or not bound to vfio-pci", address);
	struct sluice_backend *exporters = kiosk->server->exporters;
	if (exporters == NULL) {
		try_open(device); // Nothing will tell when it comes: try, and try again
		return device;
	}
	listener_add(&exporters->events.new_exporter, &device->new_exporter, handle_new_exporter);
	struct sluice_exporter *exporter = sluice_backend_find(exporters, address);
	if (exporter != NULL) {
		found(device, exporter);
	}
	return device;
}

struct fixed_device *fixed_device_get(struct kiosk *kiosk, const char *address) {
	struct fixed_device *device;
	wl_list_for_each(device, &kiosk->devices, link) {
		if (strcmp(device->address, address) == 0) {
			return device;
		}
	}
	return device_create(kiosk, address);
}

void fixed_device_forget_exporters(struct fixed_device *device) {
	stop_listening(&device->new_exporter);
}

void fixed_device_put(struct fixed_device *device) {
	const struct fixed_source *source;
	wl_list_for_each(source, &device->kiosk->sources, link) {
		if (source->device == device) {
			return;
		}
	}
	wl_list_remove(&device->request.link);
	wl_list_remove(&device->error.link);
	wl_list_remove(&device->new_exporter.link);
	wl_list_remove(&device->exporter_gone.link);
	wl_list_remove(&device->link);
	timer_finish(&device->retry_timer);
	timer_finish(&device->watch_timer);
	sluice_watch_destroy(device->watch);
	vram_device_unref(device->device);
	free(device->address);
	free(device);
}
