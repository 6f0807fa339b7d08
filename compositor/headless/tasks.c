#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wayland-util.h>
#include <wlr/util/log.h>
#include "headless/tasks.h"
#include "headless/terminals.h"

/** One thread, as seen in a round. */
struct task {
	pid_t tid;
	uint64_t time; // that it ran, ns
	uint64_t runs; // how often it was given a processor
};

enum round_kind {
	ROUND_FIRST,
	ROUND_SECOND,
	ROUND_SUM, // whoever is awake or gone is as good
};

/** A look at all threads in turn. */
struct round {
	enum round_kind kind;
	struct wl_array tasks; // struct task
	struct wl_array pids; // pid_t, of the processes to look at
};

struct tasks {
	struct round first, second, sum;
	struct wl_array quiet; // struct task, when all were last asleep
	bool have_run;

	pid_t awake_pid, awake_tid; // 0 if there is none to try first
	struct wl_array terminals; // int, N of /dev/pts/N that processes belong to
	int own_terminal; // of this process; -1 if it is none of these
	bool no_syscalls; // the kernel does not tell them
	bool warned;

	char description[64];
};

/** What the kernel says about a thread. */
struct task_stat {
	char name[17];
	char state;
	int terminal;
};

/** The length, and text ends with a NUL byte; -1 with errno. */
static ssize_t read_file(pid_t pid, pid_t tid, const char *name, char *text, size_t size) {
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)pid, (int)tid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return -1;
	}
	ssize_t n = read(fd, text, size - 1);
	int saved = errno;
	close(fd);
	errno = saved;
	if (n >= 0) {
		text[n] = '\0';
	}
	return n;
}

/** false if it is gone. */
static bool read_stat(pid_t pid, pid_t tid, struct task_stat *stat) {
	char text[512];
	if (read_file(pid, tid, "stat", text, sizeof(text)) <= 0) {
		return false;
	}
	// The name is in brackets, and may contain some itself
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	if (open == NULL || close == NULL ||
			sscanf(close + 1, " %c %*d %*d %*d %d", &stat->state, &stat->terminal) != 2) {
		return false;
	}
	snprintf(stat->name, sizeof(stat->name), "%.*s", (int)(close - open - 1), open + 1);
	return true;
}

/**
 * How long it ran, and how often it was given a processor (CONFIG_SCHED_INFO, which all
 * distributions have). false if it is gone.
 */
static bool read_runs(pid_t pid, pid_t tid, struct task *task) {
	char text[128];
	return read_file(pid, tid, "schedstat", text, sizeof(text)) > 0 &&
		sscanf(text, "%" SCNu64 " %*u %" SCNu64, &task->time, &task->runs) == 2;
}

static void warn_of_access(struct tasks *tasks, const char *what) {
	if (!tasks->warned) {
		wlr_log_errno(WLR_ERROR, "%s of the session's processes cannot be seen, and what they do "
			"may be shown a frame late. Containers need the capability SYS_PTRACE for it", what);
	}
	tasks->warned = true;
}

static bool is_asleep(char state) {
	// Interruptible sleep, stopped, dead. Not D, which ends by itself, nor t: a debugger has it
	return strchr("STZXx", state) != NULL;
}

/**
 * Whether a thread is off its processor. Its state does not tell: who is about to sleep calls itself
 * asleep, and then looks once more at what it waits for; wait4() even buries children meanwhile.
 * But before the kernel tells in which system call a thread sleeps, it waits for it to be off its
 * processor, or else says that it runs.
 */
static bool is_off_processor(struct tasks *tasks, pid_t pid, pid_t tid) {
	char text[256];
	if (tasks->no_syscalls) {
		return true;
	} else if (read_file(pid, tid, "syscall", text, sizeof(text)) > 0) {
		return strncmp(text, "running", strlen("running")) != 0;
	}
	if (errno != EACCES && errno != EPERM) {
		return false; // Gone
	}
	warn_of_access(tasks, "The system calls");
	return true;
}

static bool add_pid(struct round *round, pid_t pid) {
	pid_t *slot = wl_array_add(&round->pids, sizeof(*slot));
	if (slot != NULL) {
		*slot = pid;
	}
	return slot != NULL;
}

/** false if it is gone. */
static bool add_children(struct round *round, pid_t pid, pid_t tid) {
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)tid);
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		return false;
	}
	bool ok = true;
	int child;
	while (ok && fscanf(file, "%d", &child) == 1) {
		ok = add_pid(round, child);
	}
	ok = ok && !ferror(file);
	fclose(file);
	return ok;
}

/** A process belongs to a terminal, as its stat tells: note its number. */
static void add_terminal(struct tasks *tasks, int device) {
	int number = terminals_number(device);
	if (number < 0 || number == tasks->own_terminal) {
		return;
	}
	int *terminal;
	wl_array_for_each(terminal, &tasks->terminals) {
		if (*terminal == number) {
			return;
		}
	}
	terminal = wl_array_add(&tasks->terminals, sizeof(*terminal));
	if (terminal != NULL) {
		*terminal = number;
	}
}

/** false if the thread is awake, or gone. The order matters, see tasks.h. */
static bool look_at(struct tasks *tasks, struct round *round, pid_t pid, pid_t tid) {
	struct task task = { .tid = tid };
	struct task_stat stat;
	if (!read_runs(pid, tid, &task)) {
		return false;
	}
	bool off = round->kind != ROUND_FIRST || is_off_processor(tasks, pid, tid);
	struct task *slot = wl_array_add(&round->tasks, sizeof(*slot));
	if (slot == NULL) {
		return false;
	}
	*slot = task;
	if (!read_stat(pid, tid, &stat)) {
		return false;
	}
	if (round->kind != ROUND_SUM && (!off || !is_asleep(stat.state))) {
		tasks->awake_pid = pid;
		tasks->awake_tid = tid;
		return false;
	}
	add_terminal(tasks, stat.terminal);
	return add_children(round, pid, tid);
}

static bool look_at_process(struct tasks *tasks, struct round *round, pid_t pid, bool *exists) {
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *dir = opendir(path);
	*exists = dir != NULL;
	if (dir == NULL) {
		return true;
	}
	bool ok = true;
	const struct dirent *entry;
	while (ok && (entry = readdir(dir)) != NULL) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
		ok = tid == 0 || look_at(tasks, round, pid, tid) || round->kind == ROUND_SUM;
	}
	closedir(dir);
	return ok;
}

static bool contains(const struct wl_array *pids, pid_t pid) {
	const pid_t *other;
	wl_array_for_each(other, pids) {
		if (*other == pid) {
			return true;
		}
	}
	return false;
}

/** false as soon as somebody is awake, or is found to have ended. */
static bool look_round(struct tasks *tasks, struct round *round, enum round_kind kind,
		const pid_t *roots, size_t roots_len) {
	round->kind = kind;
	round->tasks.size = 0;
	round->pids.size = 0;
	tasks->terminals.size = 0;
	size_t at = 0;
	for (size_t i = 0; i < roots_len; i++) {
		if (!contains(&round->pids, roots[i]) && !add_pid(round, roots[i])) {
			return false;
		}
		// Grows while it is walked
		for (; at < round->pids.size / sizeof(pid_t); at++) {
			pid_t pid = ((pid_t *)round->pids.data)[at];
			bool exists;
			if (!look_at_process(tasks, round, pid, &exists) ||
					(!exists && pid != roots[i] && kind != ROUND_SUM)) {
				return false;
			}
		}
	}
	return true;
}

static bool tasks_equal(const struct wl_array *a, const struct wl_array *b) {
	size_t len = a->size / sizeof(struct task);
	if (b->size != a->size) {
		return false;
	}
	const struct task *x = a->data, *y = b->data;
	for (size_t i = 0; i < len; i++) {
		if (x[i].tid != y[i].tid || x[i].runs != y[i].runs) {
			return false;
		}
	}
	return true;
}

static void flush_terminals(struct tasks *tasks) {
	const struct wl_array *pids = &tasks->first.pids;
	if (tasks->terminals.size > 0 && !terminals_flush(pids->data, pids->size / sizeof(pid_t),
			tasks->terminals.data, tasks->terminals.size / sizeof(int))) {
		warn_of_access(tasks, "The terminals");
	}
}

bool tasks_are_asleep(struct tasks *tasks, const pid_t *roots, size_t roots_len) {
	// Who was awake a moment ago probably still is: that costs one file to see
	struct task_stat stat;
	if (tasks->awake_tid != 0 && read_stat(tasks->awake_pid, tasks->awake_tid, &stat) &&
			!is_asleep(stat.state)) {
		return false;
	}
	if (!look_round(tasks, &tasks->first, ROUND_FIRST, roots, roots_len)) {
		return false;
	}
	flush_terminals(tasks);
	if (!look_round(tasks, &tasks->second, ROUND_SECOND, roots, roots_len) ||
			!tasks_equal(&tasks->first.tasks, &tasks->second.tasks)) {
		return false;
	}
	tasks->awake_tid = 0;
	tasks->have_run = !tasks_equal(&tasks->quiet, &tasks->second.tasks);
	struct wl_array tmp = tasks->quiet;
	tasks->quiet = tasks->second.tasks;
	tasks->second.tasks = tmp;
	return true;
}

uint64_t tasks_get_processor_time(struct tasks *tasks, const pid_t *roots, size_t roots_len) {
	look_round(tasks, &tasks->sum, ROUND_SUM, roots, roots_len);
	uint64_t sum = 0;
	const struct task *task;
	wl_array_for_each(task, &tasks->sum.tasks) {
		sum += task->time;
	}
	return sum;
}

bool tasks_have_run(const struct tasks *tasks) {
	return tasks->have_run;
}

const char *tasks_describe_awake(struct tasks *tasks) {
	struct task_stat stat;
	if (tasks->awake_tid != 0 && read_stat(tasks->awake_pid, tasks->awake_tid, &stat)) {
		snprintf(tasks->description, sizeof(tasks->description), "%s (pid %d)", stat.name,
			(int)tasks->awake_pid);
	} else {
		snprintf(tasks->description, sizeof(tasks->description), "a process");
	}
	return tasks->description;
}

static void init_round(struct round *round) {
	wl_array_init(&round->tasks);
	wl_array_init(&round->pids);
}

struct tasks *tasks_create(void) {
	struct tasks *tasks = calloc(1, sizeof(*tasks));
	if (tasks == NULL) {
		return NULL;
	}
	init_round(&tasks->first);
	init_round(&tasks->second);
	init_round(&tasks->sum);
	wl_array_init(&tasks->quiet);
	wl_array_init(&tasks->terminals);
	if (access("/proc/self/syscall", R_OK) < 0) {
		tasks->no_syscalls = true;
		warn_of_access(tasks, "The system calls");
	}
	struct task_stat stat;
	tasks->own_terminal =
		read_stat(getpid(), getpid(), &stat) ? terminals_number(stat.terminal) : -1;
	return tasks;
}

static void finish_round(struct round *round) {
	wl_array_release(&round->tasks);
	wl_array_release(&round->pids);
}

void tasks_destroy(struct tasks *tasks) {
	if (tasks == NULL) {
		return;
	}
	finish_round(&tasks->first);
	finish_round(&tasks->second);
	finish_round(&tasks->sum);
	wl_array_release(&tasks->quiet);
	wl_array_release(&tasks->terminals);
	free(tasks);
}
