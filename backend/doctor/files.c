#define _GNU_SOURCE // versionsort()
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "doctor/files.h"

int files_init(struct files *files, const char *root) {
	files->root = root == NULL || strcmp(root, "/") == 0 ? "" : root;
	files->dir_fd = open(files->root[0] != '\0' ? files->root : "/",
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return files->dir_fd < 0 ? -errno : 0;
}

void files_finish(struct files *files) {
	close(files->dir_fd);
}

int files_read(const struct files *files, const char *path, char *text, size_t size) {
	text[0] = '\0';
	int fd = openat(files->dir_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	size_t len = 0;
	int error = 0;
	while (len < size - 1) {
		ssize_t n = read(fd, text + len, size - 1 - len);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			error = n < 0 ? -errno : 0;
			break;
		}
		len += (size_t)n;
	}
	close(fd);
	if (error != 0) {
		text[0] = '\0';
		return error;
	}
	if (len > 0 && text[len - 1] == '\n') {
		len--;
	}
	text[len] = '\0';
	return len > INT_MAX ? -EFBIG : (int)len;
}

int files_link(const struct files *files, const char *path, char *target, size_t size) {
	ssize_t len = readlinkat(files->dir_fd, path, target, size - 1);
	if (len < 0) {
		target[0] = '\0';
		return -errno;
	}
	target[len] = '\0';
	return (size_t)len == size - 1 ? -ENAMETOOLONG : 0;
}

void files_link_name(const struct files *files, const char *path, char *name, size_t size) {
	char target[PATH_MAX];
	name[0] = '\0';
	if (files_link(files, path, target, sizeof(target)) < 0) {
		return;
	}
	const char *slash = strrchr(target, '/');
	const char *last = slash != NULL ? slash + 1 : target;
	if (strlen(last) < size) {
		strcpy(name, last);
	}
}

int files_access(const struct files *files, const char *path, int mode) {
	return faccessat(files->dir_fd, path, mode, AT_EACCESS) == 0 ? 0 : -errno;
}

static int is_no_dot(const struct dirent *entry) {
	return entry->d_name[0] != '.';
}

int files_list(const struct files *files, const char *path,
		int (*entry)(const char *name, void *data), void *data) {
	struct dirent **entries;
	int len = scandirat(files->dir_fd, path, &entries, is_no_dot, versionsort);
	if (len < 0) {
		return -errno;
	}
	int ret = 0;
	for (int i = 0; i < len; i++) {
		if (ret == 0) {
			ret = entry(entries[i]->d_name, data);
		}
		free(entries[i]);
	}
	free(entries);
	return ret;
}
