/*
 * LD_PRELOAD for QEMU on machines whose kernel has no /dev/udmabuf.
 *
 * virtio-gpu's blob resources are lists of pieces of guest memory. QEMU hands them to
 * UDMABUF_CREATE_LIST and maps the dma-buf that comes back. This does the same in userspace: the
 * "dma-buf" is an empty memfd that stands for a list of ranges, and mmap() of it lays out those
 * ranges of the guest's (memfd-backed) memory one after the other.
 *
 * Only what QEMU needs is here: open, ioctl, mmap and close, no sync and no sharing with another
 * process. See linux/udmabuf.h for the interface.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/udmabuf.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

struct range {
	int file;
	off_t offset;
	size_t size;
};

/* A file descriptor that this shim gave out: the device, or a buffer made by it. */
struct handle {
	struct handle *next;
	int fd;
	/* tells whether fd still is what it was: close_range() and dup2() pass us by */
	dev_t dev;
	ino_t ino;
	bool is_device;

	size_t size;
	struct range *ranges;
	size_t nr_ranges;
	/* The guest's memory may go before the buffer does: duplicates keep it. */
	struct file {
		int theirs, ours;
	} *files;
	size_t nr_files;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct handle *handles;

static struct {
	int (*open)(const char *, int, ...);
	int (*open64)(const char *, int, ...);
	int (*ioctl)(int, unsigned long, ...);
	void *(*mmap)(void *, size_t, int, int, int, off_t);
	int (*close)(int);
} real;

static void find_real(void) {
	/* POSIX's way around ISO C, which has no conversion from object to function pointers */
	*(void **)&real.open = dlsym(RTLD_NEXT, "open");
	*(void **)&real.open64 = dlsym(RTLD_NEXT, "open64");
	*(void **)&real.ioctl = dlsym(RTLD_NEXT, "ioctl");
	*(void **)&real.mmap = dlsym(RTLD_NEXT, "mmap64");
	*(void **)&real.close = dlsym(RTLD_NEXT, "close");
}

static void init(void) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, find_real);
}

static void handle_destroy(struct handle *handle) {
	if (handle == NULL) {
		return;
	}
	for (size_t i = 0; i < handle->nr_files; i++) {
		real.close(handle->files[i].ours);
	}
	free(handle->files);
	free(handle->ranges);
	free(handle);
}

/* Removes and returns the handle of fd. Call with the lock held. */
static struct handle *handle_take(int fd) {
	for (struct handle **link = &handles; *link != NULL; link = &(*link)->next) {
		if ((*link)->fd == fd) {
			struct handle *handle = *link;
			*link = handle->next;
			return handle;
		}
	}
	return NULL;
}

/* Call with the lock held. */
static struct handle *handle_find(int fd) {
	struct handle *handle = handles;
	while (handle != NULL && handle->fd != fd) {
		handle = handle->next;
	}
	if (handle == NULL) {
		return NULL;
	}
	struct stat st;
	if (fstat(fd, &st) != 0 || st.st_dev != handle->dev || st.st_ino != handle->ino) {
		handle_destroy(handle_take(fd));
		return NULL;
	}
	return handle;
}

/* Makes a file descriptor for the handle, which is then owned by the list; -1 on error. */
static int handle_publish(struct handle *handle, const char *name, int flags) {
	int fd = memfd_create(name, (flags & O_CLOEXEC) != 0 ? MFD_CLOEXEC : 0);
	if (fd < 0) {
		return -1;
	}
	struct stat st;
	if (ftruncate(fd, (off_t)handle->size) != 0 || fstat(fd, &st) != 0) {
		int saved = errno;
		real.close(fd);
		errno = saved;
		return -1;
	}
	handle->fd = fd;
	handle->dev = st.st_dev;
	handle->ino = st.st_ino;
	pthread_mutex_lock(&lock);
	struct handle *stale = handle_take(fd);
	handle->next = handles;
	handles = handle;
	pthread_mutex_unlock(&lock);
	handle_destroy(stale);
	return fd;
}

static int open_device(int flags) {
	struct handle *handle = calloc(1, sizeof(*handle));
	if (handle == NULL) {
		return -1;
	}
	handle->is_device = true;
	int fd = handle_publish(handle, "udmabuf-shim-device", flags);
	if (fd < 0) {
		free(handle);
	}
	return fd;
}

/* Our duplicate of the caller's memfd, or -1. */
static int handle_file(struct handle *handle, int theirs) {
	for (size_t i = 0; i < handle->nr_files; i++) {
		if (handle->files[i].theirs == theirs) {
			return handle->files[i].ours;
		}
	}
	struct file *files =
		realloc(handle->files, (handle->nr_files + 1) * sizeof(*handle->files));
	if (files == NULL) {
		return -1;
	}
	handle->files = files;
	int ours = fcntl(theirs, F_DUPFD_CLOEXEC, 0);
	if (ours < 0) {
		return -1;
	}
	handle->files[handle->nr_files++] = (struct file){ .theirs = theirs, .ours = ours };
	return ours;
}

static bool handle_add_range(struct handle *handle, const struct udmabuf_create_item *item) {
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t end;
	struct stat st;
	if (item->size == 0 || item->size % page != 0 || item->offset % page != 0 ||
			__builtin_add_overflow(item->offset, item->size, &end)) {
		errno = EINVAL;
		return false;
	}
	if (fstat((int)item->memfd, &st) != 0) {
		return false;
	}
	if (st.st_size < 0 || end > (uint64_t)st.st_size ||
			item->size > (uint64_t)SSIZE_MAX - handle->size) {
		errno = EINVAL;
		return false;
	}
	int file = handle_file(handle, (int)item->memfd);
	if (file < 0) {
		return false;
	}
	handle->size += item->size;
	/* A guest's buffer is often contiguous for long stretches: one mapping is enough then. */
	if (handle->nr_ranges > 0) {
		struct range *last = &handle->ranges[handle->nr_ranges - 1];
		if (last->file == file && (uint64_t)last->offset + last->size == item->offset) {
			last->size += item->size;
			return true;
		}
	}
	handle->ranges[handle->nr_ranges++] = (struct range){
		.file = file,
		.offset = (off_t)item->offset,
		.size = item->size,
	};
	return true;
}

static int create_list(const struct udmabuf_create_list *list) {
	if (list->count == 0 || (list->flags & ~(uint32_t)UDMABUF_FLAGS_CLOEXEC) != 0) {
		errno = EINVAL;
		return -1;
	}
	struct handle *handle = calloc(1, sizeof(*handle));
	if (handle == NULL) {
		return -1;
	}
	int fd = -1;
	handle->ranges = calloc(list->count, sizeof(*handle->ranges));
	if (handle->ranges == NULL) {
		goto fail;
	}
	for (uint32_t i = 0; i < list->count; i++) {
		if (!handle_add_range(handle, &list->list[i])) {
			goto fail;
		}
	}
	int flags = (list->flags & UDMABUF_FLAGS_CLOEXEC) != 0 ? O_CLOEXEC : 0;
	fd = handle_publish(handle, "udmabuf-shim-buffer", flags);
	if (fd >= 0) {
		return fd;
	}
fail:;
	int saved = errno;
	handle_destroy(handle);
	errno = saved;
	return -1;
}

/* Call with the lock held. */
static void *map_ranges(const struct handle *handle, size_t length, int prot, off_t offset) {
	uint64_t end;
	if (offset < 0 || length == 0 ||
			__builtin_add_overflow((uint64_t)offset, (uint64_t)length, &end) ||
			end > handle->size) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	/* reserves the addresses; every page of it is mapped over */
	char *base = real.mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED) {
		return MAP_FAILED;
	}
	size_t skip = (size_t)offset, done = 0;
	for (size_t i = 0; i < handle->nr_ranges && done < length; i++) {
		const struct range *range = &handle->ranges[i];
		if (skip >= range->size) {
			skip -= range->size;
			continue;
		}
		size_t size = range->size - skip;
		if (size > length - done) {
			size = length - done;
		}
		if (real.mmap(base + done, size, prot, MAP_SHARED | MAP_FIXED, range->file,
				range->offset + (off_t)skip) == MAP_FAILED) {
			int saved = errno;
			munmap(base, length);
			errno = saved;
			return MAP_FAILED;
		}
		done += size;
		skip = 0;
	}
	return base;
}

static bool is_device_path(const char *path) {
	return path != NULL && strcmp(path, "/dev/udmabuf") == 0;
}

static mode_t mode_argument(int flags, va_list args) {
	return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
}

EXPORT int open(const char *path, int flags, ...) {
	va_list args;
	va_start(args, flags);
	mode_t mode = mode_argument(flags, args);
	va_end(args);
	init();
	return is_device_path(path) ? open_device(flags) : real.open(path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...) {
	va_list args;
	va_start(args, flags);
	mode_t mode = mode_argument(flags, args);
	va_end(args);
	init();
	return is_device_path(path) ? open_device(flags) : real.open64(path, flags, mode);
}

EXPORT int ioctl(int fd, unsigned long request, ...) {
	va_list args;
	va_start(args, request);
	void *argument = va_arg(args, void *);
	va_end(args);
	init();
	if (request != UDMABUF_CREATE_LIST) {
		return real.ioctl(fd, request, argument);
	}
	pthread_mutex_lock(&lock);
	const struct handle *handle = handle_find(fd);
	bool ours = handle != NULL && handle->is_device;
	pthread_mutex_unlock(&lock);
	return ours ? create_list(argument) : real.ioctl(fd, request, argument);
}

EXPORT void *mmap64(void *addr, size_t length, int prot, int flags, int fd, off_t offset) {
	init();
	if (fd < 0 || (flags & MAP_ANONYMOUS) != 0) {
		return real.mmap(addr, length, prot, flags, fd, offset);
	}
	pthread_mutex_lock(&lock);
	const struct handle *handle = handle_find(fd);
	if (handle == NULL || handle->is_device) {
		pthread_mutex_unlock(&lock);
		return real.mmap(addr, length, prot, flags, fd, offset);
	}
	void *base = MAP_FAILED;
	if ((flags & MAP_FIXED) != 0 || (flags & MAP_SHARED) == 0) {
		errno = EINVAL;
	} else {
		base = map_ranges(handle, length, prot, offset);
	}
	pthread_mutex_unlock(&lock);
	return base;
}

EXPORT void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset) {
	return mmap64(addr, length, prot, flags, fd, offset);
}

EXPORT int close(int fd) {
	init();
	pthread_mutex_lock(&lock);
	struct handle *handle = handle_take(fd);
	pthread_mutex_unlock(&lock);
	handle_destroy(handle);
	return real.close(fd);
}
