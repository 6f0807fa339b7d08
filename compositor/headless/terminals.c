#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/major.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "headless/terminals.h"

int terminals_number(int device) {
	int major = device >> 8 & 0xfff;
	return major == UNIX98_PTY_SLAVE_MAJOR ? (device & 0xff) | (device >> 12 & 0xfff00) : -1;
}

static bool is_in_use(int number, const int *numbers, size_t len) {
	for (size_t i = 0; i < len; i++) {
		if (numbers[i] == number) {
			return true;
		}
	}
	return false;
}

/**
 * poll() waits for the kernel's thread. The other side is only opened if somebody has it open, whom
 * the last close of it would make a difference to.
 */
static void flush(int master, const int *numbers, size_t len) {
	struct pollfd pollfds[2] = {
		{ .fd = master, .events = POLLIN },
		{ .fd = -1, .events = POLLIN },
	};
	int number;
	if (ioctl(master, TIOCGPTN, &number) == 0 && is_in_use(number, numbers, len)) {
		pollfds[1].fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	}
	poll(pollfds, 2, 0);
	if (pollfds[1].fd >= 0) {
		close(pollfds[1].fd);
	}
}

static bool flush_those_of(pid_t pid, const int *numbers, size_t len) {
	char path[64], target[32];
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);
	if (dir == NULL) {
		return errno == ENOENT;
	}
	bool ok = true;
	int pidfd = -1, error = 0;
	const struct dirent *entry;
	while ((entry = readdir(dir)) != NULL) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		if (strcmp(target, "/dev/ptmx") != 0 && strcmp(target, "/dev/pts/ptmx") != 0) {
			continue;
		}
		if (pidfd < 0) {
			pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		}
		int master = (int)syscall(SYS_pidfd_getfd, pidfd, atoi(entry->d_name), 0);
		if (master < 0) {
			ok = false;
			error = errno;
			continue;
		}
		flush(master, numbers, len);
		close(master);
	}
	closedir(dir);
	if (pidfd >= 0) {
		close(pidfd);
	}
	errno = error;
	return ok;
}

bool terminals_flush(const pid_t *pids, size_t pids_len, const int *numbers,
		size_t numbers_len) {
	bool ok = true;
	int error = 0;
	for (size_t i = 0; i < pids_len; i++) {
		if (!flush_those_of(pids[i], numbers, numbers_len)) {
			ok = false;
			error = errno;
		}
	}
	errno = error;
	return ok;
}
