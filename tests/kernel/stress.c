/*
 * Random operations on the DMA-BUFs of one exporter, from several threads: export, map, fault,
 * attach, revoke and close in any order. Says at the end how often each was done.
 *
 * usage: dmabuf-stress EXPORTER GROUP IMPORTER OPERATIONS THREADS SEED [unmappable]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "importer/importer.h"

#define BAR 2
#define SLOTS 12
#define MAX_RANGES 8
#define MAX_PAGES 4
#define PAGE 4096u

enum op {
	OP_EXPORT, OP_MMAP, OP_FAULT, OP_MUNMAP, OP_ATTACH, OP_MAP, OP_UNMAP, OP_DETACH, OP_CLOSE,
	OP_SYNC, OP_MEMORY, OP_POWER, OP_RESET, OP_REOPEN, OP_COUNT,
};

// How often, of 10000; what takes the memory away is slower than all else, resets by far.
static const struct {
	const char *name;
	unsigned int weight;
} ops[OP_COUNT] = {
	[OP_EXPORT] = { "export", 1700 }, [OP_MMAP] = { "mmap", 1300 }, [OP_FAULT] = { "fault", 1900 },
	[OP_MUNMAP] = { "munmap", 603 }, [OP_ATTACH] = { "attach", 1000 }, [OP_MAP] = { "map", 1300 },
	[OP_UNMAP] = { "unmap", 700 }, [OP_DETACH] = { "detach", 500 }, [OP_CLOSE] = { "close", 600 },
	[OP_SYNC] = { "sync", 200 }, [OP_MEMORY] = { "memory", 150 }, [OP_POWER] = { "power", 44 },
	[OP_RESET] = { "reset", 2 }, [OP_REOPEN] = { "reopen", 1 },
};

struct slot {
	int fd, importer;
	uint64_t size;
	volatile uint8_t *map;
	bool attached;
};

static const char *exporter, *group_name;
static unsigned int importer_bus, importer_devfn;
static unsigned long operations;
static bool mappable; // mainline's buffers have no mmap
static uint64_t bar_size, config_offset;
static int container = -1, group = -1;

// Held for writing while the device is closed and opened again.
static pthread_rwlock_t device_lock = PTHREAD_RWLOCK_INITIALIZER;
static int device = -1;
static atomic_ulong done[OP_COUNT], refused[OP_COUNT], faults_refused, unexpected;

static _Thread_local sigjmp_buf bus_error;
static _Thread_local volatile sig_atomic_t expecting;

static void handle_bus(int number) {
	if (!expecting) {
		abort();
	}
	siglongjmp(bus_error, 1);
}

static void die(const char *what) {
	fprintf(stderr, "dmabuf-stress: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint16_t command_get(void) {
	uint16_t value = 0;
	if (pread(device, &value, sizeof(value), (off_t)config_offset + 4) != sizeof(value)) {
		die("read PCI_COMMAND");
	}
	return value;
}

static void command_set(bool memory) {
	uint16_t value = command_get();
	value = (uint16_t)(memory ? value | 2 : value & ~2);
	if (pwrite(device, &value, sizeof(value), (off_t)config_offset + 4) != sizeof(value)) {
		die("write PCI_COMMAND");
	}
}

static void device_open(void) {
	char path[64];
	container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	snprintf(path, sizeof(path), "/dev/vfio/%s", group_name);
	group = open(path, O_RDWR | O_CLOEXEC);
	if (container < 0 || group < 0 || ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) < 0 ||
			ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0) {
		die(path);
	}
	device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, exporter);
	if (device < 0) {
		die(exporter);
	}
	struct vfio_region_info bar = { .argsz = sizeof(bar), .index = BAR };
	struct vfio_region_info config = {
		.argsz = sizeof(config), .index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &bar) < 0 ||
			ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &config) < 0) {
		die("regions");
	}
	bar_size = bar.size;
	config_offset = config.offset;
	command_set(true);
}

static void device_close(void) {
	close(device);
	close(group);
	close(container);
}

static void count(enum op op, int ret, const int *allowed) {
	atomic_fetch_add(&done[op], 1);
	if (ret >= 0) {
		return;
	}
	int error = errno;
	atomic_fetch_add(&refused[op], 1);
	for (; *allowed != 0; allowed++) {
		if (error == *allowed) {
			// A reset takes a second: not all operations shall fall into it.
			usleep(5000);
			return;
		}
	}
	atomic_fetch_add(&unexpected, 1);
	fprintf(stderr, "dmabuf-stress: %s: %s\n", ops[op].name, strerror(error));
}

static const int none[] = { 0 }, gone[] = { ENODEV, 0 }, busy[] = { ENODEV, EINVAL, EAGAIN, 0 };
static const int not_mapped[] = { ENOENT, 0 };

static int do_export(struct slot *slot, unsigned int *seed) {
	uint8_t data[sizeof(struct vfio_device_feature) + sizeof(struct vfio_device_feature_dma_buf) +
		MAX_RANGES * sizeof(struct vfio_region_dma_range)] = { 0 };
	struct vfio_device_feature *feature = (void *)data;
	struct vfio_device_feature_dma_buf *want = (void *)feature->data;
	feature->argsz = sizeof(data);
	feature->flags = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_BUF;
	want->region_index = BAR;
	want->open_flags = O_RDWR | O_CLOEXEC;
	want->nr_ranges = 1 + (unsigned int)rand_r(seed) % MAX_RANGES;
	slot->size = 0;
	for (unsigned int i = 0; i < want->nr_ranges; i++) {
		uint64_t pages = 1 + (unsigned int)rand_r(seed) % MAX_PAGES;
		want->dma_ranges[i].offset =
			(unsigned int)rand_r(seed) % (bar_size / PAGE - pages) * PAGE;
		want->dma_ranges[i].length = pages * PAGE;
		slot->size += pages * PAGE;
	}
	return ioctl(device, VFIO_DEVICE_FEATURE, feature);
}

static void close_slot(struct slot *slot) {
	if (slot->map != NULL) {
		munmap((void *)slot->map, slot->size);
	}
	if (slot->importer >= 0) {
		close(slot->importer);
	}
	if (slot->fd >= 0) {
		close(slot->fd);
	}
	*slot = (struct slot){ .fd = -1, .importer = -1 };
}

static void do_fault(struct slot *slot, unsigned int *seed) {
	uint64_t at = (unsigned int)rand_r(seed) % slot->size;
	expecting = 1;
	if (sigsetjmp(bus_error, 1) == 0) {
		uint8_t value = slot->map[at];
		slot->map[at] = value;
	} else {
		atomic_fetch_add(&faults_refused, 1);
		usleep(5000);
	}
	expecting = 0;
	atomic_fetch_add(&done[OP_FAULT], 1);
}

static void set_low_power(bool on) {
	struct vfio_device_feature feature = {
		.argsz = sizeof(feature),
		.flags = VFIO_DEVICE_FEATURE_SET |
			(on ? VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY : VFIO_DEVICE_FEATURE_LOW_POWER_EXIT),
	};
	// Another thread may have been there before
	count(OP_POWER, ioctl(device, VFIO_DEVICE_FEATURE, &feature), busy);
}

static void do_device(enum op op, unsigned int *seed) {
	if (op == OP_REOPEN) {
		pthread_rwlock_wrlock(&device_lock);
		device_close();
		device_open();
		pthread_rwlock_unlock(&device_lock);
		count(op, 0, none);
		return;
	}
	pthread_rwlock_rdlock(&device_lock);
	if (op == OP_MEMORY) {
		command_set(false);
		usleep((unsigned int)rand_r(seed) % 500);
		command_set(true);
		count(op, 0, none);
	} else if (op == OP_POWER) {
		set_low_power(true);
		usleep((unsigned int)rand_r(seed) % 500);
		set_low_power(false);
	} else {
		count(op, ioctl(device, VFIO_DEVICE_RESET), busy);
	}
	pthread_rwlock_unlock(&device_lock);
}

static void do_slot(enum op op, struct slot *slot, unsigned int *seed) {
	if (op == OP_EXPORT || slot->fd < 0) {
		close_slot(slot);
		pthread_rwlock_rdlock(&device_lock);
		slot->fd = do_export(slot, seed);
		count(OP_EXPORT, slot->fd, none);
		pthread_rwlock_unlock(&device_lock);
	} else if (op == OP_MMAP && slot->map == NULL && mappable) {
		void *map = mmap(NULL, slot->size, PROT_READ | PROT_WRITE, MAP_SHARED, slot->fd, 0);
		count(op, map == MAP_FAILED ? -1 : 0, gone);
		slot->map = map == MAP_FAILED ? NULL : map;
	} else if (op == OP_MUNMAP && slot->map != NULL) {
		count(op, munmap((void *)slot->map, slot->size), none);
		slot->map = NULL;
	} else if (op == OP_CLOSE) {
		// What is mapped and attached outlives the file descriptor
		close(slot->fd);
		if ((unsigned int)rand_r(seed) % 2 == 0) {
			slot->fd = -1;
			close_slot(slot);
		} else {
			slot->fd = -1;
		}
		count(op, 0, none);
	} else if (op == OP_SYNC) {
		uint64_t flags = 1;
		count(op, ioctl(slot->fd, _IOW('b', 0, uint64_t), &flags), gone);
	} else if (op == OP_ATTACH && !slot->attached) {
		if (slot->importer < 0) {
			slot->importer = open("/dev/dmabuf-importer", O_RDWR | O_CLOEXEC);
		}
		struct importer_attach attach = {
			.fd = slot->fd, .flags = IMPORTER_DYNAMIC | IMPORTER_PEER2PEER,
			.bus = importer_bus, .devfn = importer_devfn,
		};
		int ret = ioctl(slot->importer, IMPORTER_ATTACH, &attach);
		count(op, ret, gone);
		slot->attached = ret == 0;
	} else if (op == OP_MAP && slot->attached) {
		static const int allowed[] = { ENODEV, EBUSY, 0 };
		count(op, ioctl(slot->importer, IMPORTER_MAP), allowed);
	} else if (op == OP_UNMAP && slot->attached) {
		count(op, ioctl(slot->importer, IMPORTER_UNMAP), not_mapped);
	} else if (op == OP_DETACH && slot->attached) {
		count(op, ioctl(slot->importer, IMPORTER_DETACH), none);
		slot->attached = false;
	} else if (slot->map != NULL) {
		do_fault(slot, seed);
	}
}

static void *work(void *data) {
	unsigned int seed = (unsigned int)(uintptr_t)data;
	struct slot slots[SLOTS];
	for (int i = 0; i < SLOTS; i++) {
		slots[i] = (struct slot){ .fd = -1, .importer = -1 };
	}
	for (unsigned long i = 0; i < operations; i++) {
		unsigned int dice = (unsigned int)rand_r(&seed) % 10000;
		enum op op = 0;
		while (dice >= ops[op].weight) {
			dice -= ops[op].weight;
			op++;
		}
		if (op >= OP_MEMORY) {
			do_device(op, &seed);
		} else {
			do_slot(op, &slots[(unsigned int)rand_r(&seed) % SLOTS], &seed);
		}
	}
	for (int i = 0; i < SLOTS; i++) {
		close_slot(&slots[i]);
	}
	return NULL;
}

int main(int argc, char **argv) {
	unsigned int threads, seed, slot, function;
	if (argc < 7 || argc > 8 ||
			sscanf(argv[3], "%*x:%x:%x.%x", &importer_bus, &slot, &function) != 3 ||
			sscanf(argv[5], "%u", &threads) != 1 || threads == 0 || threads > 64 ||
			sscanf(argv[6], "%u", &seed) != 1) {
		fprintf(stderr, "usage: dmabuf-stress EXPORTER GROUP IMPORTER OPERATIONS THREADS SEED "
			"[unmappable]\n");
		return 2;
	}
	mappable = argc < 8;
	exporter = argv[1];
	group_name = argv[2];
	importer_devfn = slot << 3 | function;
	operations = strtoul(argv[4], NULL, 10) / threads;
	sigaction(SIGBUS, &(struct sigaction){ .sa_handler = handle_bus }, NULL);
	device_open();

	pthread_t ids[64];
	for (unsigned int i = 0; i < threads; i++) {
		pthread_create(&ids[i], NULL, work, (void *)(uintptr_t)(seed + i));
	}
	for (unsigned int i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
	}
	device_close();

	for (enum op op = 0; op < OP_COUNT; op++) {
		printf("%s=%lu/%lu ", ops[op].name, atomic_load(&done[op]), atomic_load(&refused[op]));
	}
	printf("sigbus=%lu unexpected=%lu\n", atomic_load(&faults_refused), atomic_load(&unexpected));
	return atomic_load(&unexpected) == 0 ? 0 : 1;
}
