#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "vfio/sys.h"

int vfio_sys_open(const char *path, int flags) {
	int fd;
	do {
		fd = open(path, flags | O_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

void vfio_sys_close(int fd) {
	if (fd >= 0) {
		// Linux has released the number even when close() was interrupted: never retry
		close(fd);
	}
}

int vfio_sys_ioctl(int fd, unsigned long request, void *arg) {
	int ret;
	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

int vfio_sys_check_fd(int fd) {
	return fcntl(fd, F_GETFD) < 0 ? -errno : 0;
}

int vfio_sys_eventfd(void) {
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int64_t vfio_sys_read(int fd, void *data, size_t size) {
	ssize_t n;
	do {
		n = read(fd, data, size);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (int64_t)n;
}

static bool offset_fits(uint64_t offset) {
	static_assert(sizeof(off_t) == sizeof(int64_t), "vfio regions start beyond 4 GiB");
	return offset <= INT64_MAX;
}

int64_t vfio_sys_pread(int fd, void *data, size_t size, uint64_t offset) {
	if (!offset_fits(offset)) {
		return -EOVERFLOW;
	}
	ssize_t n;
	do {
		n = pread(fd, data, size, (off_t)offset);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (int64_t)n;
}

int64_t vfio_sys_pwrite(int fd, const void *data, size_t size, uint64_t offset) {
	if (!offset_fits(offset)) {
		return -EOVERFLOW;
	}
	ssize_t n;
	do {
		n = pwrite(fd, data, size, (off_t)offset);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : (int64_t)n;
}

int vfio_sys_mmap(int fd, uint64_t offset, size_t length, int prot, void **data_ptr) {
	if (!offset_fits(offset)) {
		return -EOVERFLOW;
	}
	void *data = mmap(NULL, length, prot, MAP_SHARED, fd, (off_t)offset);
	if (data == MAP_FAILED) {
		return -errno;
	}
	*data_ptr = data;
	return 0;
}

static int copy_name(const char *from, char *name, size_t name_size) {
	size_t len = strlen(from);
	if (len >= name_size) {
		return -ENAMETOOLONG;
	}
	memcpy(name, from, len + 1);
	return 0;
}

int vfio_sys_link_name(const char *path, char *name, size_t name_size) {
	char target[PATH_MAX];
	ssize_t len = readlink(path, target, sizeof(target));
	if (len < 0) {
		return -errno;
	}
	if ((size_t)len >= sizeof(target)) {
		return -ENAMETOOLONG;
	}
	target[len] = '\0';
	const char *slash = strrchr(target, '/');
	return copy_name(slash != NULL ? slash + 1 : target, name, name_size);
}

int vfio_sys_find_entry(const char *path, const char *prefix, char *name, size_t name_size) {
	DIR *dir = opendir(path);
	if (dir == NULL) {
		return -errno;
	}
	int ret = -ENOENT;
	const struct dirent *entry;
	while ((entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0) {
			ret = copy_name(entry->d_name, name, name_size);
			break;
		}
	}
	closedir(dir);
	return ret;
}
