#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wayland-server-core.h>
#include <wlr/util/log.h>
#include "kiosk/process.h"

/** How often to look whether a group is empty: nothing tells of processes that are not ours. */
#define POLL_MS 20
/** What is not gone so long after SIGKILL hangs in the kernel. */
#define KILLED_MS 2000

struct process {
	pid_t pid; // and the number of its process group
	int pidfd;
	bool reaped; // the program has ended; others of its group may be there
	bool gone; // nothing is left, or it was given up: its number may be another's now
	int status;
	int grace_ms;
	enum { RUNNING, TERMINATED, KILLED } state; // the last signal that its group was sent
	struct timespec signalled;
	struct wl_event_source *ended_source, *timer;

	process_ended_func_t ended;
	void *data;
};

static long long since_ms(const struct timespec *start) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000LL + (now.tv_nsec - start->tv_nsec) / 1000000;
}

static void send_signal(struct process *process, int number) {
	kill(-process->pid, number);
	// One that was stopped must run to hear it
	kill(-process->pid, SIGCONT);
	clock_gettime(CLOCK_MONOTONIC, &process->signalled);
}

static bool is_group_empty(const struct process *process) {
	// As long as anybody is in the group, the kernel gives its number to no other
	return process->reaped && kill(-process->pid, 0) < 0 && errno == ESRCH;
}

static void advance(struct process *process) {
	long long elapsed_ms = since_ms(&process->signalled);
	bool hangs = process->state == KILLED && elapsed_ms >= KILLED_MS;
	if (is_group_empty(process) || hangs) {
		if (hangs) {
			wlr_log(WLR_ERROR, "Process %d, or what it started, does not die: it is left alone",
				(int)process->pid);
		}
		process->gone = true;
		process->ended(process->status, process->data);
		return; // it may be destroyed now
	}
	if (process->state == TERMINATED && elapsed_ms >= process->grace_ms) {
		wlr_log(WLR_INFO, "Process %d, or what it started, does not end: killing it",
			(int)process->pid);
		process->state = KILLED;
		if (!process->reaped) {
			process->status = 128 + SIGKILL; // and this is all that will be known if it hangs
		}
		send_signal(process, SIGKILL);
	}
	wl_event_source_timer_update(process->timer, POLL_MS);
}

static int handle_timer(void *data) {
	advance(data);
	return 0;
}

static int handle_ended(int fd, uint32_t mask, void *data) {
	struct process *process = data;
	int status;
	if (waitpid(process->pid, &status, WNOHANG) != process->pid) {
		return 0;
	}
	process->reaped = true;
	process->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	wl_event_source_remove(process->ended_source);
	process->ended_source = NULL;
	process_end(process); // what it left behind
	advance(process);
	return 0;
}

static int spawn(pid_t *pid, char *const argv[], char *const envp[]) {
	posix_spawnattr_t attr;
	int ret = posix_spawnattr_init(&attr);
	if (ret != 0) {
		return -ret;
	}
	// The event loop blocks the signals that it handles; the program shall have them all
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	// In a session of its own, Ctrl-C on a terminal is for the compositor, which ends it properly
	posix_spawnattr_setflags(&attr,
		POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
	ret = posix_spawnp(pid, argv[0], NULL, &attr, argv, envp);
	posix_spawnattr_destroy(&attr);
	return -ret;
}

int process_start(struct process **process_ptr, struct wl_event_loop *loop, char *const argv[],
		char *const envp[], int grace_ms, process_ended_func_t ended, void *data) {
	struct process *process = calloc(1, sizeof(*process));
	if (process == NULL) {
		return -ENOMEM;
	}
	process->pidfd = -1;
	process->grace_ms = grace_ms;
	process->ended = ended;
	process->data = data;

	int ret = spawn(&process->pid, argv, envp);
	if (ret < 0) {
		free(process);
		return ret;
	}
	process->pidfd = pidfd_open(process->pid, 0);
	if (process->pidfd >= 0) {
		process->ended_source = wl_event_loop_add_fd(loop, process->pidfd, WL_EVENT_READABLE,
			handle_ended, process);
		process->timer = wl_event_loop_add_timer(loop, handle_timer, process);
	}
	if (process->ended_source == NULL || process->timer == NULL) {
		ret = process->pidfd < 0 ? -errno : -ENOMEM;
		process_destroy(process);
		return ret;
	}
	*process_ptr = process;
	return 0;
}

void process_end(struct process *process) {
	if (process->state != RUNNING) {
		return;
	}
	process->state = TERMINATED;
	send_signal(process, SIGTERM);
	wl_event_source_timer_update(process->timer, POLL_MS);
}

void process_destroy(struct process *process) {
	if (process == NULL) {
		return;
	}
	if (!process->gone) {
		kill(-process->pid, SIGKILL);
	}
	if (!process->reaped && !process->gone) {
		// Not without limit: a process that hangs in a driver does not even hear SIGKILL
		struct pollfd pollfd = { .fd = process->pidfd, .events = POLLIN };
		poll(&pollfd, 1, process->pidfd >= 0 ? KILLED_MS : 0); // there may have been none left
		waitpid(process->pid, NULL, WNOHANG);
	}
	if (process->pidfd >= 0) {
		close(process->pidfd);
	}
	if (process->ended_source != NULL) {
		wl_event_source_remove(process->ended_source);
	}
	if (process->timer != NULL) {
		wl_event_source_remove(process->timer);
	}
	free(process);
}

bool process_is_ending(const struct process *process) {
	return process->reaped && !process->gone;
}

pid_t process_get_pid(const struct process *process) {
	return process->pid;
}
