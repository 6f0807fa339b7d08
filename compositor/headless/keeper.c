#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wlr/util/log.h>
#include "headless/keeper.h"

/** For programs to end by themselves; a terminal asks its shell, and so on. */
#define GRACE_S 2
/** What is not gone after so long hangs in the kernel, and does not even hear SIGKILL. */
#define LIMIT_S 10

extern char **environ;

struct keeper {
	pid_t pid;
	int fd; // read end of the pipe
	int status; // -1 while the command runs
};

/** What the keeper writes into its pipe: first how the start went, then how it ended. */
struct report {
	int error; // errno
	int status;
};

static void report(int fd, int error, int status) {
	const struct report message = { .error = error, .status = status };
	// There is nobody else to tell
	ssize_t n = write(fd, &message, sizeof(message));
	(void)n;
}

static void signal_all(pid_t pid, int signal);

static void signal_children_of(pid_t pid, const char *tid, int signal) {
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/children", (int)pid, tid);
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		return;
	}
	int child;
	while (fscanf(file, "%d", &child) == 1) {
		signal_all((pid_t)child, signal);
		kill((pid_t)child, signal);
		kill((pid_t)child, SIGCONT);
	}
	fclose(file);
}

/** Send a signal to every descendant, those of its threads included. */
static void signal_all(pid_t pid, int signal) {
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *dir = opendir(path);
	if (dir == NULL) {
		return;
	}
	const struct dirent *entry;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.') {
			signal_children_of(pid, entry->d_name, signal);
		}
	}
	closedir(dir);
}

/** Take note of what has ended. Returns whether something is left. */
static bool reap(pid_t command, int fd, bool *command_ended) {
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == command) {
			*command_ended = true;
			report(fd, 0, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
		}
	}
	return pid == 0;
}

/** End everything that can be. */
static void end_all(pid_t command, int fd, bool *command_ended, const sigset_t *signals) {
	struct timespec start, now;
	clock_gettime(CLOCK_MONOTONIC, &start);
	signal_all(getpid(), SIGTERM);
	signal_all(getpid(), SIGHUP); // which shells that are talked to heed, and not the other
	while (reap(command, fd, command_ended)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec >= LIMIT_S) {
			return;
		} else if (now.tv_sec - start.tv_sec >= GRACE_S) {
			signal_all(getpid(), SIGKILL); // again and again: they may have had children
		}
		sigtimedwait(signals, NULL, &(struct timespec){ .tv_nsec = 20000000 });
	}
}

static _Noreturn void keep(char *const argv[], int fd) {
	prctl(PR_SET_NAME, "sluice-keeper");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigset_t signals, none, all;
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT); // of the terminal: the compositor gets it as well, and decides
	sigprocmask(SIG_SETMASK, &signals, NULL);
	for (int i = 1; i < NSIG; i++) {
		signal(i, SIG_DFL);
	}

	posix_spawnattr_t attr;
	posix_spawnattr_init(&attr);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	pid_t command;
	int ret = posix_spawnp(&command, argv[0], NULL, &attr, argv, environ);
	report(fd, ret, 0);
	if (ret != 0) {
		_exit(EXIT_FAILURE);
	}

	bool ended = false;
	for (;;) {
		int got = sigwaitinfo(&signals, NULL);
		if (got == SIGTERM) {
			end_all(command, fd, &ended, &signals);
			_exit(EXIT_SUCCESS);
		}
		reap(command, fd, &ended);
	}
}

struct keeper *keeper_start(char *const argv[]) {
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	int fds[2];
	if (keeper == NULL || pipe2(fds, O_CLOEXEC) < 0) {
		wlr_log_errno(WLR_ERROR, "Cannot start \"%s\"", argv[0]);
		free(keeper);
		return NULL;
	}
	pid_t parent = getpid();
	keeper->pid = fork();
	if (keeper->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent) {
			_exit(EXIT_FAILURE);
		}
		// Clients must see the compositor's end of their sockets close with the compositor
		int fd = fds[1] == 3 ? 3 : dup3(fds[1], 3, O_CLOEXEC);
		close_range(4, ~0U, 0);
		keep(argv, fd);
	}
	close(fds[1]);
	keeper->fd = fds[0];
	keeper->status = -1;

	struct report message = { .error = errno };
	if (keeper->pid < 0 || read(keeper->fd, &message, sizeof(message)) != sizeof(message) ||
			message.error != 0) {
		wlr_log(WLR_ERROR, "Cannot start \"%s\": %s", argv[0], strerror(message.error));
		keeper_destroy(keeper);
		return NULL;
	}
	return keeper;
}

pid_t keeper_get_pid(const struct keeper *keeper) {
	return keeper->pid;
}

int keeper_get_fd(const struct keeper *keeper) {
	return keeper->fd;
}

int keeper_get_status(struct keeper *keeper) {
	struct pollfd pollfd = { .fd = keeper->fd, .events = POLLIN };
	struct report message;
	if (keeper->status < 0 && poll(&pollfd, 1, 0) == 1) {
		// Nothing to read: somebody has killed the keeper
		bool told = read(keeper->fd, &message, sizeof(message)) == sizeof(message);
		keeper->status = told ? message.status : 128 + SIGKILL;
	}
	return keeper->status;
}

void keeper_end(struct keeper *keeper) {
	kill(keeper->pid, SIGTERM);
}

bool keeper_has_ended(struct keeper *keeper) {
	if (keeper->pid > 0 && waitpid(keeper->pid, NULL, WNOHANG) == keeper->pid) {
		keeper->pid = 0;
	}
	return keeper->pid <= 0;
}

void keeper_destroy(struct keeper *keeper) {
	if (keeper == NULL) {
		return;
	}
	if (keeper->pid > 0) {
		keeper_end(keeper);
		// It ends, whatever becomes of the others
		while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR) {
		}
	}
	close(keeper->fd);
	free(keeper);
}
