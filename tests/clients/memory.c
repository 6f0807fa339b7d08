#define _GNU_SOURCE // memfd_create
#include "memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <sluice/simulated.h>

#include "say.h"

// Devices of vfio-pci and of its variants, with a link to the PCI device in each.
#define VFIO_DIR "/sys/class/vfio-dev"

// For how long a device may be busy: this often, for this many ns.
#define BUSY_TRIES 20
#define BUSY_WAIT 250000000

static int is_device(const struct dirent *entry) {
	return entry->d_name[0] != '.';
}

static char *find_device(void) {
	struct dirent **entries = NULL;
	int len = scandir(VFIO_DIR, &entries, is_device, alphasort);
	char *address = NULL;
	if (len == 1) {
		char link[PATH_MAX], path[PATH_MAX];
		snprintf(link, sizeof(link), VFIO_DIR "/%s/device", entries[0]->d_name);
		if (realpath(link, path) != NULL) {
			address = strdup(strrchr(path, '/') + 1);
		} else {
			complain("%s: %s", link, strerror(errno));
		}
	} else {
		complain("%d devices are bound to vfio drivers; say which with --device",
			len < 0 ? 0 : len);
	}
	for (int i = 0; i < len; i++) {
		free(entries[i]);
	}
	free(entries);
	return address;
}

static bool open_device(struct memory *memory, const char *address, int device_fd) {
	if (device_fd >= 0) {
		int ret = sluice_vfio_device_adopt(device_fd, &memory->device);
		if (ret < 0) {
			complain("fd %d: %s", device_fd, strerror(-ret));
		}
		return ret == 0;
	}
	const char *simulated = getenv("SLUICE_EXPORTER");
	if (address == NULL && simulated != NULL) {
		int fd = open(simulated, O_RDWR | O_CLOEXEC);
		int ret = fd >= 0 ? sluice_simulated_adopt(fd, &memory->device) : -errno;
		if (ret < 0) {
			complain("%s: %s", simulated, strerror(-ret));
		}
		return ret == 0;
	}
	char *found = address != NULL ? strdup(address) : find_device();
	if (found == NULL) {
		return false;
	}
	// A compositor lets go of a device only some time after its producer has died.
	int ret;
	for (int tries = 0; ; tries++) {
		ret = sluice_vfio_device_open(found, &memory->device);
		if (ret != -EBUSY || tries == BUSY_TRIES) {
			break;
		}
		nanosleep(&(struct timespec){ .tv_nsec = BUSY_WAIT }, NULL);
	}
	if (ret < 0) {
		complain("%s: cannot open: %s", found, strerror(-ret));
	}
	free(found);
	return ret == 0;
}

bool memory_init_vfio(struct memory *memory, const char *address, int device_fd,
		uint32_t region) {
	*memory = (struct memory){
		.memfd = -1,
		.region = region,
		.page = (uint64_t)sysconf(_SC_PAGESIZE),
	};
	if (!open_device(memory, address, device_fd)) {
		return false;
	}
	int ret = sluice_vfio_device_set_memory(memory->device, true);
	if (ret < 0) {
		complain("cannot switch memory on: %s", strerror(-ret));
		goto error;
	}
	struct sluice_vfio_region info;
	ret = sluice_vfio_device_get_region(memory->device, region, &info);
	if (ret < 0 || info.size == 0) {
		complain("region %u: %s", region, ret < 0 ? strerror(-ret) : "has no size");
		goto error;
	}
	void *data;
	ret = sluice_vfio_device_map(memory->device, region, 0, info.size,
		PROT_READ | PROT_WRITE, &data);
	if (ret < 0) {
		complain("region %u: cannot map: %s", region, strerror(-ret));
		goto error;
	}
	memory->size = info.size;
	memory->data = data;
	return true;

error:
	sluice_vfio_device_destroy(memory->device);
	memory->device = NULL;
	return false;
}

bool memory_init_memfd(struct memory *memory, uint64_t size) {
	*memory = (struct memory){
		.memfd = memfd_create("sluice-vram-client", MFD_ALLOW_SEALING | MFD_CLOEXEC),
		.size = size,
		.page = (uint64_t)sysconf(_SC_PAGESIZE),
	};
	// udmabuf takes only memory that cannot shrink below it.
	if (memory->memfd < 0 || ftruncate(memory->memfd, (off_t)size) != 0 ||
			fcntl(memory->memfd, F_ADD_SEALS, F_SEAL_SHRINK) != 0) {
		complain("memfd: %s", strerror(errno));
		return false;
	}
	void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory->memfd, 0);
	if (data == MAP_FAILED) {
		complain("memfd: cannot map: %s", strerror(errno));
		return false;
	}
	memory->data = data;
	return true;
}

static void handle_request(struct wl_listener *listener, void *data) {
	struct memory *memory = wl_container_of(listener, memory, request);
	memory->requested = true;
}

int memory_listen(struct memory *memory) {
	if (memory->device == NULL) {
		return -1;
	}
	memory->events = wl_event_loop_create();
	int ret = memory->events != NULL ?
		sluice_vfio_device_listen(memory->device, memory->events) : -ENOMEM;
	if (ret < 0) {
		complain("cannot listen to the device: %s", strerror(-ret));
		return -1;
	}
	memory->request.notify = handle_request;
	wl_signal_add(&memory->device->events.request, &memory->request);
	return wl_event_loop_get_fd(memory->events);
}

void memory_dispatch(struct memory *memory) {
	wl_event_loop_dispatch(memory->events, 0);
}

void memory_finish(struct memory *memory) {
	if (memory->data != NULL) {
		munmap(memory->data, memory->size);
	}
	if (memory->request.notify != NULL) {
		wl_list_remove(&memory->request.link);
	}
	sluice_vfio_device_destroy(memory->device);
	if (memory->events != NULL) {
		wl_event_loop_destroy(memory->events);
	}
	if (memory->device == NULL && memory->memfd >= 0) {
		close(memory->memfd);
	}
	*memory = (struct memory){ .memfd = -1 };
}

static int export_memfd(struct memory *memory, const struct sluice_range *ranges,
		size_t ranges_len) {
	int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	if (device < 0) {
		return -errno;
	}
	struct udmabuf_create_list *list = calloc(1,
		sizeof(*list) + ranges_len * sizeof(list->list[0]));
	if (list == NULL) {
		close(device);
		return -ENOMEM;
	}
	list->flags = UDMABUF_FLAGS_CLOEXEC;
	list->count = (uint32_t)ranges_len;
	for (size_t i = 0; i < ranges_len; i++) {
		list->list[i].memfd = (uint32_t)memory->memfd;
		list->list[i].offset = ranges[i].offset;
		list->list[i].size = ranges[i].length;
	}
	int fd = ioctl(device, UDMABUF_CREATE_LIST, list);
	int ret = fd < 0 ? -errno : fd;
	free(list);
	close(device);
	return ret;
}

int memory_export(struct memory *memory, const struct sluice_range *ranges, size_t ranges_len) {
	if (memory->device == NULL) {
		return export_memfd(memory, ranges, ranges_len);
	}
	return sluice_vfio_device_export(memory->device, memory->region, ranges, ranges_len);
}

bool memory_is_on(struct memory *memory) {
	return memory->device == NULL || sluice_vfio_device_get_memory(memory->device) == 1;
}

bool memory_reset(struct memory *memory) {
	if (memory->device == NULL) {
		return true;
	}
	int ret = sluice_vfio_device_reset(memory->device);
	if (ret < 0) {
		say("reset failed %s", strerror(-ret));
		return false;
	}
	ret = sluice_vfio_device_set_memory(memory->device, true);
	if (ret < 0) {
		say("memory failed %s", strerror(-ret));
		return false;
	}
	say("reset");
	return true;
}
