#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "headless/clock_page.h"
#include "preload.h"

/** Beyond what programs number themselves: those that close "all" begin at 3. */
#define FIRST_FD 700

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const struct clock_page *page; // NULL: no session
static char socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)];

static pid_t owner; // of this memory

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // for all below
static int connection = -1;
static ino_t connection_inode;
static uint32_t last_number;
static _Atomic unsigned generation = 1;

/** A thread's own timer. */
static _Thread_local struct {
	unsigned generation;
	int fd;
	uint32_t number;
} thread_timer;
static pthread_key_t thread_key; // to give it back with the thread

uintptr_t preload_real(const char *name) {
	void *function = dlsym(RTLD_NEXT, name);
	if (function == NULL) {
		fprintf(stderr, "libsluice-clock: no function %s\n", name);
		abort();
	}
	return (uintptr_t)function;
}

/** Call by the number: some of these are replaced in this library. */
static void really_close(int fd) {
	REAL(close)(fd);
}

static void lock_for_fork(void) {
	pthread_mutex_lock(&lock);
}

static void unlock_after_fork(void) {
	pthread_mutex_unlock(&lock);
}

/** The parent's timers are the parent's. */
static void forget_after_fork(void) {
	if (connection >= 0) {
		really_close(connection);
	}
	connection = -1;
	generation++;
	owner = getpid();
	pthread_mutex_init(&lock, NULL);
}

static void end_thread(void *data) {
	if (thread_timer.generation == generation) {
		preload_remove_timer(thread_timer.number);
		really_close(thread_timer.fd);
		thread_timer.generation = 0;
	}
}

static void init(void) {
	const char *directory = getenv(CLOCK_ENV);
	char path[sizeof(socket_path)];
	if (directory == NULL || (size_t)snprintf(socket_path, sizeof(socket_path),
			"%s/" CLOCK_SOCKET_NAME, directory) >= sizeof(socket_path)) {
		return;
	}
	snprintf(path, sizeof(path), "%s/" CLOCK_PAGE_NAME, directory);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return; // The session has ended
	}
	void *data = mmap(NULL, sizeof(struct clock_page), PROT_READ, MAP_SHARED, fd, 0);
	really_close(fd);
	if (data == MAP_FAILED || ((const struct clock_page *)data)->magic != CLOCK_MAGIC) {
		return;
	}
	pthread_key_create(&thread_key, end_thread);
	pthread_atfork(lock_for_fork, unlock_after_fork, forget_after_fork);
	owner = getpid();
	page = data;
}

bool preload_is_active(void) {
	pthread_once(&once, init);
	return page != NULL;
}

int64_t preload_offset(clockid_t clock) {
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		return page->realtime;
	default:
		return 0;
	}
}

bool preload_has_clock(clockid_t clock) {
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		return preload_is_active();
	default:
		return false;
	}
}

int64_t preload_now(clockid_t clock) {
	return (int64_t)atomic_load(&page->now) + preload_offset(clock);
}

int64_t preload_from_timespec(const struct timespec *timespec) {
	if (timespec->tv_sec < 0 || timespec->tv_nsec < 0 || timespec->tv_nsec >= NSEC_PER_SEC) {
		return -1;
	}
	int64_t ns;
	return __builtin_mul_overflow((int64_t)timespec->tv_sec, NSEC_PER_SEC, &ns) ||
		__builtin_add_overflow(ns, timespec->tv_nsec, &ns) ? INT64_MAX : ns;
}

struct timespec preload_to_timespec(int64_t ns) {
	return (struct timespec){
		.tv_sec = (time_t)(ns / NSEC_PER_SEC),
		.tv_nsec = (long)(ns % NSEC_PER_SEC),
	};
}

static int move_up(int fd) {
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);
	if (moved < 0) {
		return fd; // No such number is allowed here
	}
	really_close(fd);
	return moved;
}

/** Under the lock. Some programs close every fd: what has the number now is not ours then. */
static bool is_connected(void) {
	struct stat stat;
	return connection >= 0 && fstat(connection, &stat) == 0 && S_ISSOCK(stat.st_mode) &&
		stat.st_ino == connection_inode;
}

static bool connect_to_session(void) {
	if (is_connected()) {
		return true;
	}
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	memcpy(address.sun_path, socket_path, sizeof(address.sun_path));
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return false;
	}
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		really_close(fd);
		return false;
	}
	if (connection >= 0) {
		generation++; // Every fd was closed: the threads' timers, too
	}
	connection = move_up(fd);
	struct stat stat;
	connection_inode = fstat(connection, &stat) == 0 ? stat.st_ino : 0;
	return true;
}

/** fd is passed, if it is not negative. */
static bool send_message(const struct clock_message *message, int fd) {
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iovec = {
		.iov_base = (void *)(uintptr_t)message,
		.iov_len = sizeof(*message),
	};
	struct msghdr msghdr = { .msg_iov = &iovec, .msg_iovlen = 1 };
	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		msghdr.msg_control = &control;
		msghdr.msg_controllen = sizeof(control);
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msghdr);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	}
	ssize_t n;
	do {
		n = sendmsg(connection, &msghdr, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*message);
}

int preload_add_timer(int flags, uint32_t *number) {
	int fd = eventfd(0, flags);
	if (fd < 0) {
		return -1;
	}
	int saved = errno;
	pthread_mutex_lock(&lock);
	bool ok = connect_to_session();
	if (ok) {
		*number = ++last_number;
		ok = send_message(&(struct clock_message){
			.op = CLOCK_TIMER_ADD, .timer = *number }, fd);
	}
	pthread_mutex_unlock(&lock);
	if (!ok) {
		really_close(fd);
		errno = ENOMEM;
		return -1;
	}
	errno = saved;
	return fd;
}

static void tell(const struct clock_message *message) {
	int saved = errno;
	pthread_mutex_lock(&lock);
	if (is_connected()) {
		send_message(message, -1);
	}
	pthread_mutex_unlock(&lock);
	errno = saved;
}

void preload_set_timer(uint32_t number, int64_t deadline, int64_t interval) {
	tell(&(struct clock_message){
		.op = CLOCK_TIMER_SET,
		.timer = number,
		.deadline = (uint64_t)deadline,
		.interval = (uint64_t)interval,
	});
}

void preload_remove_timer(uint32_t number) {
	tell(&(struct clock_message){ .op = CLOCK_TIMER_REMOVE, .timer = number });
}

int preload_thread_timer(int64_t deadline) {
	int saved = errno;
	if (thread_timer.generation != generation) {
		int fd = preload_add_timer(EFD_CLOEXEC | EFD_NONBLOCK, &thread_timer.number);
		if (fd < 0) {
			errno = saved;
			return -1;
		}
		thread_timer.fd = move_up(fd);
		thread_timer.generation = generation;
		pthread_setspecific(thread_key, &thread_timer);
	}
	// It may have fired after the last wait was over
	uint64_t count;
	ssize_t n = read(thread_timer.fd, &count, sizeof(count));
	(void)n;
	preload_set_timer(thread_timer.number, deadline, 0);
	errno = saved;
	return thread_timer.fd;
}

bool preload_owns(int fd) {
	return fd >= 0 && ((thread_timer.generation == generation && fd == thread_timer.fd) ||
		fd == connection);
}

bool preload_is_vforked(void) {
	return owner != 0 && owner != getpid();
}

unsigned preload_generation(void) {
	return generation;
}
