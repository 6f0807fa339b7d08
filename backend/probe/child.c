#define _GNU_SOURCE // syscall()
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "probe/child.h"

extern char **environ;

struct probe_child {
	struct wl_event_loop *loop;
	const struct probe_child_handlers *handlers;
	void *data;

	pid_t pid;
	int pid_fd;
	struct wl_event_source *pid_source;
	struct wl_listener loop_destroy; // once abandoned

	int output_fd;
	struct wl_event_source *output_source;
};

/** Close what is still open. The process is dead, or no longer ours to wait for. */
static void child_free(struct probe_child *child) {
	wl_list_remove(&child->loop_destroy.link);
	if (child->pid_source != NULL) {
		wl_event_source_remove(child->pid_source);
	}
	if (child->output_source != NULL) {
		wl_event_source_remove(child->output_source);
	}
	if (child->pid_fd >= 0) {
		close(child->pid_fd);
	}
	if (child->output_fd >= 0) {
		close(child->output_fd);
	}
	free(child);
}

static void stop_output(struct probe_child *child) {
	if (child->output_source != NULL) {
		wl_event_source_remove(child->output_source);
		child->output_source = NULL;
	}
	if (child->output_fd >= 0) {
		close(child->output_fd);
		child->output_fd = -1;
	}
}

/** Read what there is, up to a bound: a child that never stops talking must not stop the loop. */
static void read_output(struct probe_child *child) {
	for (int i = 0; i < 16 && child->output_fd >= 0; i++) {
		char bytes[4096];
		ssize_t n = read(child->output_fd, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0 && errno == EAGAIN) {
			return;
		}
		if (n <= 0) {
			stop_output(child);
			return;
		}
		child->handlers->output(bytes, (size_t)n, child->data);
	}
}

static int handle_output(int fd, uint32_t mask, void *data) {
	struct probe_child *child = data;
	read_output(child);
	if (child->output_fd < 0 && child->pid < 0) {
		child->handlers->ended(0, -1, child->data);
	}
	return 0;
}

static int handle_exit(int fd, uint32_t mask, void *data) {
	struct probe_child *child = data;

	siginfo_t info = { 0 };
	int signal = 0, status = -1;
	if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG) == 0) {
		if (info.si_pid == 0) {
			return 0; // not yet
		}
		if (info.si_code == CLD_EXITED) {
			status = info.si_status;
		} else {
			signal = info.si_status;
		}
	}
	child->pid = -1;
	wl_event_source_remove(child->pid_source);
	child->pid_source = NULL;

	if (child->handlers == NULL) {
		child_free(child); // it was abandoned
		return 0;
	}
	read_output(child);
	stop_output(child);
	child->handlers->ended(signal, status, child->data);
	return 0;
}

static void handle_loop_destroy(struct wl_listener *listener, void *data) {
	struct probe_child *child = wl_container_of(listener, child, loop_destroy);
	child_free(child);
}

static pid_t spawn(const char *path, char *const argv[], int output_fd, const int *fds,
		size_t fds_len) {
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int ret = posix_spawn_file_actions_init(&actions);
	if (ret != 0) {
		errno = ret;
		return -1;
	}
	ret = posix_spawnattr_init(&attributes);
	if (ret != 0) {
		posix_spawn_file_actions_destroy(&actions);
		errno = ret;
		return -1;
	}

	// wl_event_loop_add_signal() blocks signals, and a child would inherit that
	sigset_t none, defaults;
	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	sigaddset(&defaults, SIGSEGV);
	sigaddset(&defaults, SIGBUS);
	sigaddset(&defaults, SIGABRT);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

	ret = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (ret == 0) {
		ret = posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
	}
	for (size_t i = 0; i < fds_len && ret == 0; i++) {
		ret = posix_spawn_file_actions_adddup2(&actions, fds[i],
			PROBE_CHILD_FIRST_FD + (int)i);
	}
	pid_t pid = -1;
	if (ret == 0) {
		ret = posix_spawn(&pid, path, &actions, &attributes, argv, environ);
	}
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	if (ret != 0) {
		errno = ret;
		return -1;
	}
	return pid;
}

/**
 * Spawn with fds that are all above the numbers they get, so that giving one its number cannot
 * overwrite another.
 */
static pid_t spawn_high(const char *path, char *const argv[], int output_fd, const int *fds,
		size_t fds_len) {
	int floor = PROBE_CHILD_FIRST_FD + (int)fds_len;
	int *high = calloc(fds_len + 1, sizeof(*high));
	if (high == NULL) {
		return -1;
	}

	pid_t pid = -1;
	size_t high_len = 0;
	for (; high_len < fds_len + 1; high_len++) {
		int fd = high_len < fds_len ? fds[high_len] : output_fd;
		high[high_len] = fcntl(fd, F_DUPFD_CLOEXEC, floor);
		if (high[high_len] < 0) {
			break;
		}
	}
	if (high_len == fds_len + 1) {
		pid = spawn(path, argv, high[fds_len], high, fds_len);
	}

	int saved_errno = errno;
	for (size_t i = 0; i < high_len; i++) {
		close(high[i]);
	}
	free(high);
	errno = saved_errno;
	return pid;
}

static bool child_start(struct probe_child *child, const char *path, char *const argv[],
		const int *fds, size_t fds_len) {
	int output[2];
	if (pipe2(output, O_CLOEXEC) < 0) {
		return false;
	}
	child->output_fd = output[0];
	if (fcntl(output[0], F_SETFL, O_NONBLOCK) < 0) {
		close(output[1]);
		return false;
	}

	child->pid = spawn_high(path, argv, output[1], fds, fds_len);
	close(output[1]);
	if (child->pid < 0) {
		return false;
	}

	child->output_source = wl_event_loop_add_fd(child->loop, child->output_fd,
		WL_EVENT_READABLE, handle_output, child);
	if (child->output_source == NULL) {
		return false;
	}
	child->pid_fd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	if (child->pid_fd < 0 && errno == ESRCH) {
		// It has ended, and a program that ignores SIGCHLD has no zombies. What it said is still
		// to be read: the end of that is the end of the child
		child->pid = -1;
		return true;
	} else if (child->pid_fd < 0) {
		return false;
	}
	child->pid_source = wl_event_loop_add_fd(child->loop, child->pid_fd, WL_EVENT_READABLE,
		handle_exit, child);
	return child->pid_source != NULL;
}

struct probe_child *probe_child_spawn(struct wl_event_loop *loop, const char *path,
		char *const argv[], const int *fds, size_t fds_len,
		const struct probe_child_handlers *handlers, void *data) {
	struct probe_child *child = calloc(1, sizeof(*child));
	if (child == NULL) {
		return NULL;
	}
	child->loop = loop;
	child->handlers = handlers;
	child->data = data;
	child->pid = -1;
	child->pid_fd = child->output_fd = -1;
	wl_list_init(&child->loop_destroy.link);

	if (!child_start(child, path, argv, fds, fds_len)) {
		int saved_errno = errno;
		if (child->pid > 0) {
			kill(child->pid, SIGKILL);
			waitpid(child->pid, NULL, 0);
		}
		child_free(child);
		errno = saved_errno;
		return NULL;
	}
	return child;
}

void probe_child_destroy(struct probe_child *child) {
	if (child == NULL) {
		return;
	}
	if (child->pid < 0) {
		child_free(child);
		return;
	}

	// A process that waits in the kernel for a device dies only when the wait is over, if ever:
	// the event loop reaps it then, nobody waits for it here. Not kill(): whoever reaps every child
	// may have freed the number for another process
	syscall(SYS_pidfd_send_signal, child->pid_fd, SIGKILL, NULL, 0);
	stop_output(child);
	child->handlers = NULL;
	child->loop_destroy.notify = handle_loop_destroy;
	wl_event_loop_add_destroy_listener(child->loop, &child->loop_destroy);
}
