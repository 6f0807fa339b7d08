#include <assert.h>
#include <errno.h>
#include <libudev.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/backend/interface.h>
#include <wlr/util/log.h>
#include <sluice/backend.h>

struct exporter_backend {
	struct sluice_backend backend;
	struct wl_event_loop *loop;
	struct udev *udev;
	struct udev_monitor *monitor;
	struct wl_event_source *source;
	struct wl_listener loop_destroy;
};

static const struct wlr_backend_impl backend_impl;

/** What users see, and what follows the interrupts of an open device. */
struct exporter {
	struct sluice_exporter base;
	struct wl_event_loop *loop;
	struct wl_listener request, error;
};

static struct exporter_backend *exporter_backend_from(struct wlr_backend *wlr_backend) {
	assert(wlr_backend->impl == &backend_impl);
	struct exporter_backend *backend = wl_container_of(wlr_backend, backend, backend.base);
	return backend;
}

struct sluice_backend *sluice_backend_try_from_backend(struct wlr_backend *wlr_backend) {
	if (wlr_backend->impl != &backend_impl) {
		return NULL;
	}
	return &exporter_backend_from(wlr_backend)->backend;
}

struct sluice_exporter *sluice_backend_find(struct sluice_backend *backend,
		const char *address) {
	struct sluice_exporter *exporter;
	wl_list_for_each(exporter, &backend->exporters, link) {
		if (strcmp(exporter->address, address) == 0) {
			return exporter;
		}
	}
	return NULL;
}

static void handle_request(struct wl_listener *listener, void *data) {
	struct exporter *exporter = wl_container_of(listener, exporter, request);
	wlr_log(WLR_INFO, "%s: the kernel asks for the device back", exporter->base.address);
	wl_signal_emit_mutable(&exporter->base.events.quiesce, &exporter->base);
}

static void handle_error(struct wl_listener *listener, void *data) {
	struct exporter *exporter = wl_container_of(listener, exporter, error);
	wlr_log(WLR_ERROR, "%s: the device reported an error", exporter->base.address);
	wl_signal_emit_mutable(&exporter->base.events.revoked, &exporter->base);
}

int sluice_exporter_open(struct sluice_exporter *base) {
	struct exporter *exporter = wl_container_of(base, exporter, base);
	if (base->device != NULL) {
		return 0;
	}
	struct sluice_vfio_device *device;
	int ret = sluice_vfio_device_open(base->address, &device);
	if (ret < 0) {
		return ret;
	}
	ret = sluice_vfio_device_set_memory(device, true);
	if (ret == 0) {
		ret = sluice_vfio_device_listen(device, exporter->loop);
	}
	if (ret < 0) {
		sluice_vfio_device_destroy(device);
		return ret;
	}
	base->device = device;
	exporter->request.notify = handle_request;
	wl_signal_add(&device->events.request, &exporter->request);
	exporter->error.notify = handle_error;
	wl_signal_add(&device->events.error, &exporter->error);
	return 0;
}

void sluice_exporter_close(struct sluice_exporter *base) {
	struct exporter *exporter = wl_container_of(base, exporter, base);
	if (base->device != NULL) {
		wl_list_remove(&exporter->request.link);
		wl_list_remove(&exporter->error.link);
		sluice_vfio_device_destroy(base->device);
		base->device = NULL;
	}
}

int sluice_exporter_reset(struct sluice_exporter *exporter) {
	if (exporter->device == NULL) {
		return -EBADF;
	}
	wl_signal_emit_mutable(&exporter->events.quiesce, exporter);
	int ret = sluice_vfio_device_reset(exporter->device);
	if (ret == 0) {
		ret = sluice_vfio_device_set_memory(exporter->device, true);
	}
	if (ret == 0) {
		wl_signal_emit_mutable(&exporter->events.resume, exporter);
	}
	return ret;
}

static void exporter_destroy(struct sluice_exporter *base) {
	struct exporter *exporter = wl_container_of(base, exporter, base);
	wl_signal_emit_mutable(&base->events.gone, base);
	sluice_exporter_close(base);
	wl_list_remove(&base->link);
	free(base->address);
	free(base->driver);
	free(exporter);
}

static void exporter_create(struct sluice_backend *backend, const char *address,
		const char *driver) {
	struct exporter_backend *owner = wl_container_of(backend, owner, backend);
	struct exporter *opened = calloc(1, sizeof(*opened));
	if (opened == NULL) {
		return;
	}
	opened->loop = owner->loop;
	struct sluice_exporter *exporter = &opened->base;
	exporter->address = strdup(address);
	exporter->driver = strdup(driver);
	if (exporter->address == NULL || exporter->driver == NULL) {
		free(exporter->address);
		free(exporter->driver);
		free(opened);
		return;
	}
	wl_signal_init(&exporter->events.quiesce);
	wl_signal_init(&exporter->events.resume);
	wl_signal_init(&exporter->events.revoked);
	wl_signal_init(&exporter->events.gone);
	wl_list_insert(backend->exporters.prev, &exporter->link);
	wlr_log(WLR_INFO, "%s: exporter, bound to %s", address, driver);
	wl_signal_emit_mutable(&backend->events.new_exporter, exporter);
}

/** Variant drivers (mlx5-vfio-pci, vfio-pci-dmabuf) carry vfio in their names, all of them. */
static bool is_vfio_driver(const char *driver) {
	return driver != NULL && strstr(driver, "vfio") != NULL;
}

/** Make the list say what udev says of one PCI device. */
static void update_exporter(struct sluice_backend *backend, struct udev_device *device,
		bool present) {
	const char *address = udev_device_get_sysname(device);
	const char *driver = present ? udev_device_get_driver(device) : NULL;
	struct sluice_exporter *exporter = sluice_backend_find(backend, address);

	if (exporter != NULL && (!is_vfio_driver(driver) || strcmp(driver, exporter->driver) != 0)) {
		wlr_log(WLR_INFO, "%s: exporter gone, no longer bound to %s", address,
			exporter->driver);
		exporter_destroy(exporter);
		exporter = NULL;
	}
	if (exporter == NULL && is_vfio_driver(driver)) {
		exporter_create(backend, address, driver);
	}
}

static int handle_udev(int fd, uint32_t mask, void *data) {
	struct exporter_backend *backend = data;
	struct udev_device *device;
	while ((device = udev_monitor_receive_device(backend->monitor)) != NULL) {
		const char *action = udev_device_get_action(device);
		if (action != NULL) {
			// A device is told to be removed while its driver may still be named
			update_exporter(&backend->backend, device,
				strcmp(action, "remove") != 0 && strcmp(action, "unbind") != 0);
		}
		udev_device_unref(device);
	}
	return 0;
}

static bool backend_start(struct wlr_backend *wlr_backend) {
	struct exporter_backend *backend = exporter_backend_from(wlr_backend);

	// Listen first, then look: what happens in between is seen twice, and not missed
	backend->source = wl_event_loop_add_fd(backend->loop,
		udev_monitor_get_fd(backend->monitor), WL_EVENT_READABLE, handle_udev, backend);
	if (backend->source == NULL) {
		return false;
	}

	struct udev_enumerate *enumerate = udev_enumerate_new(backend->udev);
	if (enumerate == NULL) {
		return false;
	}
	udev_enumerate_add_match_subsystem(enumerate, "pci");
	udev_enumerate_scan_devices(enumerate);
	struct udev_list_entry *entry;
	udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(enumerate)) {
		struct udev_device *device = udev_device_new_from_syspath(backend->udev,
			udev_list_entry_get_name(entry));
		if (device != NULL) {
			update_exporter(&backend->backend, device, true);
			udev_device_unref(device);
		}
	}
	udev_enumerate_unref(enumerate);
	return true;
}

static void backend_destroy(struct wlr_backend *wlr_backend) {
	struct exporter_backend *backend = exporter_backend_from(wlr_backend);

	struct sluice_exporter *exporter, *tmp;
	wl_list_for_each_safe(exporter, tmp, &backend->backend.exporters, link) {
		exporter_destroy(exporter);
	}
	wlr_backend_finish(wlr_backend);
	wl_list_remove(&backend->loop_destroy.link);
	if (backend->source != NULL) {
		wl_event_source_remove(backend->source);
	}
	udev_monitor_unref(backend->monitor);
	udev_unref(backend->udev);
	free(backend);
}

static const struct wlr_backend_impl backend_impl = {
	.start = backend_start,
	.destroy = backend_destroy,
};

static void handle_loop_destroy(struct wl_listener *listener, void *data) {
	struct exporter_backend *backend = wl_container_of(listener, backend, loop_destroy);
	wlr_backend_destroy(&backend->backend.base);
}

struct wlr_backend *sluice_backend_create(struct wl_event_loop *loop) {
	struct exporter_backend *backend = calloc(1, sizeof(*backend));
	if (backend == NULL) {
		return NULL;
	}
	backend->udev = udev_new();
	backend->monitor = backend->udev != NULL ?
		udev_monitor_new_from_netlink(backend->udev, "udev") : NULL;
	if (backend->monitor == NULL || udev_monitor_filter_add_match_subsystem_devtype(
			backend->monitor, "pci", NULL) < 0 ||
			udev_monitor_enable_receiving(backend->monitor) < 0) {
		wlr_log(WLR_ERROR, "Cannot listen to udev: exporters will not be found");
		udev_monitor_unref(backend->monitor);
		udev_unref(backend->udev);
		free(backend);
		return NULL;
	}

	wlr_backend_init(&backend->backend.base, &backend_impl);
	// No outputs: without capabilities, the multi-backend leaves this child out of its sums
	backend->backend.base.buffer_caps = 0;
	backend->loop = loop;
	wl_list_init(&backend->backend.exporters);
	wl_signal_init(&backend->backend.events.new_exporter);
	backend->loop_destroy.notify = handle_loop_destroy;
	wl_event_loop_add_destroy_listener(loop, &backend->loop_destroy);
	return &backend->backend.base;
}
