#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <wlr/util/log.h>
#include "headless/clock.h"
#include "headless/clock_page.h"

/** A process that asks for more has gone wrong. */
#define MAX_TIMERS 65536

struct vclock {
	struct wl_event_loop *loop;
	uint64_t now;
	struct clock_page *page; // NULL if processes keep the machine's clocks
	int socket; // -1 likewise
	struct wl_event_source *source;
	struct wl_listener loop_destroy;
	struct wl_list peers; // peer.link
	struct wl_list alarms; // vclock_alarm.link
};

/** A process. */
struct peer {
	struct wl_list link; // vclock.peers
	struct vclock *clock;
	int fd;
	struct wl_event_source *source;
	struct wl_list timers; // timer.link
	size_t timers_len;
};

struct timer {
	struct wl_list link; // peer.timers
	uint32_t number;
	int fd; // an eventfd
	uint64_t deadline, interval; // ns, 0: none
};

static void timer_destroy(struct timer *timer) {
	wl_list_remove(&timer->link);
	close(timer->fd);
	free(timer);
}

static void peer_destroy(struct peer *peer) {
	struct timer *timer, *tmp;
	wl_list_for_each_safe(timer, tmp, &peer->timers, link) {
		timer_destroy(timer);
	}
	wl_list_remove(&peer->link);
	wl_event_source_remove(peer->source);
	close(peer->fd);
	free(peer);
}

static struct timer *find_timer(struct peer *peer, uint32_t number) {
	struct timer *timer;
	wl_list_for_each(timer, &peer->timers, link) {
		if (timer->number == number) {
			return timer;
		}
	}
	return NULL;
}

/** Takes the fd over. */
static bool add_timer(struct peer *peer, uint32_t number, int fd) {
	struct timer *timer = fd >= 0 && peer->timers_len < MAX_TIMERS &&
		find_timer(peer, number) == NULL ? calloc(1, sizeof(*timer)) : NULL;
	// Non-blocking, or a full counter would stop the compositor
	if (timer == NULL || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) {
		free(timer);
		if (fd >= 0) {
			close(fd);
		}
		return false;
	}
	timer->number = number;
	timer->fd = fd;
	wl_list_insert(peer->timers.prev, &timer->link);
	peer->timers_len++;
	return true;
}

static void expire(struct vclock *clock, struct timer *timer) {
	uint64_t count = 1;
	if (timer->interval > 0) {
		count += (clock->now - timer->deadline) / timer->interval;
		timer->deadline += count * timer->interval;
	} else {
		timer->deadline = 0;
	}
	ssize_t n = write(timer->fd, &count, sizeof(count));
	(void)n; // A process that does not read it does not wait for it, either
}

static bool handle_message(struct peer *peer, const struct clock_message *message, int fd) {
	if (message->op == CLOCK_TIMER_ADD) {
		return add_timer(peer, message->timer, fd);
	}
	if (fd >= 0) {
		close(fd);
		return false;
	}
	struct timer *timer = find_timer(peer, message->timer);
	if (timer == NULL) {
		return false;
	}
	if (message->op == CLOCK_TIMER_REMOVE) {
		timer_destroy(timer);
		peer->timers_len--;
		return true;
	}
	if (message->op != CLOCK_TIMER_SET || message->interval > INT64_MAX ||
			message->deadline > INT64_MAX) {
		return false;
	}
	timer->deadline = message->deadline;
	timer->interval = message->interval;
	if (timer->deadline != 0 && timer->deadline <= peer->clock->now) {
		expire(peer->clock, timer);
	}
	return true;
}

static int handle_readable(int fd, uint32_t mask, void *data) {
	struct peer *peer = data;
	for (;;) {
		struct clock_message message;
		union {
			struct cmsghdr header;
			char space[CMSG_SPACE(sizeof(int))];
		} control;
		struct iovec iovec = { .iov_base = &message, .iov_len = sizeof(message) };
		struct msghdr msghdr = {
			.msg_iov = &iovec,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = CMSG_LEN(sizeof(int)), // no room for a second one in the padding
		};
		ssize_t n = recvmsg(fd, &msghdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			return 0;
		}
		int passed = -1;
		struct cmsghdr *cmsg = n >= 0 ? CMSG_FIRSTHDR(&msghdr) : NULL;
		if (cmsg != NULL && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS &&
				cmsg->cmsg_len == CMSG_LEN(sizeof(int))) {
			memcpy(&passed, CMSG_DATA(cmsg), sizeof(int));
		}
		if (n != sizeof(message) && passed >= 0) {
			close(passed);
		}
		bool ok = n == sizeof(message) && handle_message(peer, &message, passed);
		if (!ok) {
			if (n > 0) {
				wlr_log(WLR_ERROR, "A process of the session speaks the client clock's "
					"protocol wrongly: its timers are lost");
			}
			peer_destroy(peer);
			return 0;
		}
	}
}

static int handle_connection(int fd, uint32_t mask, void *data) {
	struct vclock *clock = data;
	int peer_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	struct peer *peer = peer_fd >= 0 ? calloc(1, sizeof(*peer)) : NULL;
	if (peer == NULL) {
		wlr_log_errno(WLR_ERROR, "Cannot take a process's timers");
		if (peer_fd >= 0) {
			close(peer_fd);
		}
		return 0;
	}
	peer->clock = clock;
	peer->fd = peer_fd;
	wl_list_init(&peer->timers);
	peer->source = wl_event_loop_add_fd(clock->loop, peer_fd, WL_EVENT_READABLE,
		handle_readable, peer);
	wl_list_insert(clock->peers.prev, &peer->link);
	if (peer->source == NULL) {
		wl_list_remove(&peer->link);
		close(peer_fd);
		free(peer);
	}
	return 0;
}

static struct clock_page *map_page(const char *directory) {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	snprintf(path, sizeof(path), "%s/" CLOCK_PAGE_NAME, directory);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		return NULL;
	}
	void *page = ftruncate(fd, sizeof(struct clock_page)) == 0 ?
		mmap(NULL, sizeof(struct clock_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) :
		MAP_FAILED;
	close(fd);
	return page != MAP_FAILED ? page : NULL;
}

static int listen_at(const char *directory) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int len = snprintf(address.sun_path, sizeof(address.sun_path), "%s/" CLOCK_SOCKET_NAME,
		directory);
	if (len < 0 || (size_t)len >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
			listen(fd, SOMAXCONN) < 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/** Time can still be asked for, by what goes after the event loop. */
static void handle_loop_destroy(struct wl_listener *listener, void *data) {
	struct vclock *clock = wl_container_of(listener, clock, loop_destroy);
	wl_list_remove(&clock->loop_destroy.link);
	wl_list_init(&clock->loop_destroy.link);
	struct peer *peer, *tmp;
	wl_list_for_each_safe(peer, tmp, &clock->peers, link) {
		peer_destroy(peer);
	}
	if (clock->source != NULL) {
		wl_event_source_remove(clock->source);
		clock->source = NULL;
	}
}

struct vclock *vclock_create(struct wl_event_loop *loop, const char *directory,
		int64_t realtime) {
	struct vclock *clock = calloc(1, sizeof(*clock));
	if (clock == NULL) {
		return NULL;
	}
	clock->loop = loop;
	clock->now = VCLOCK_START;
	clock->socket = -1;
	wl_list_init(&clock->peers);
	wl_list_init(&clock->alarms);
	clock->loop_destroy.notify = handle_loop_destroy;
	wl_event_loop_add_destroy_listener(loop, &clock->loop_destroy);
	if (directory == NULL) {
		return clock;
	}
	clock->page = map_page(directory);
	clock->socket = clock->page != NULL ? listen_at(directory) : -1;
	if (clock->socket < 0) {
		wlr_log_errno(WLR_ERROR, "Cannot make the session's clock in %s", directory);
		vclock_destroy(clock);
		return NULL;
	}
	clock->page->realtime = realtime - (int64_t)VCLOCK_START;
	clock->page->magic = CLOCK_MAGIC;
	atomic_store(&clock->page->now, clock->now);
	clock->source = wl_event_loop_add_fd(loop, clock->socket, WL_EVENT_READABLE,
		handle_connection, clock);
	if (clock->source == NULL) {
		vclock_destroy(clock);
		return NULL;
	}
	return clock;
}

void vclock_destroy(struct vclock *clock) {
	if (clock == NULL) {
		return;
	}
	handle_loop_destroy(&clock->loop_destroy, NULL);
	if (clock->socket >= 0) {
		close(clock->socket);
	}
	if (clock->page != NULL) {
		munmap(clock->page, sizeof(*clock->page));
	}
	free(clock);
}

uint64_t vclock_now(const struct vclock *clock) {
	return clock->now;
}

uint64_t vclock_next_timer(const struct vclock *clock) {
	uint64_t next = VCLOCK_NEVER;
	const struct peer *peer;
	wl_list_for_each(peer, &clock->peers, link) {
		const struct timer *timer;
		wl_list_for_each(timer, &peer->timers, link) {
			if (timer->deadline != 0 && timer->deadline < next) {
				next = timer->deadline;
			}
		}
	}
	const struct vclock_alarm *alarm;
	wl_list_for_each(alarm, &clock->alarms, link) {
		next = alarm->deadline < next ? alarm->deadline : next;
	}
	return next;
}

static struct vclock_alarm *find_due_alarm(struct vclock *clock) {
	struct vclock_alarm *alarm;
	wl_list_for_each(alarm, &clock->alarms, link) {
		if (alarm->deadline <= clock->now) {
			return alarm;
		}
	}
	return NULL;
}

void vclock_advance(struct vclock *clock, uint64_t now) {
	clock->now = now;
	if (clock->page != NULL) {
		atomic_store(&clock->page->now, now); // before anybody is woken by it
	}
	struct vclock_alarm *alarm;
	while ((alarm = find_due_alarm(clock)) != NULL) {
		vclock_alarm_set(alarm, 0);
		alarm->notify(alarm->data);
	}
	struct peer *peer;
	wl_list_for_each(peer, &clock->peers, link) {
		struct timer *timer;
		wl_list_for_each(timer, &peer->timers, link) {
			if (timer->deadline != 0 && timer->deadline <= now) {
				expire(clock, timer);
			}
		}
	}
}

void vclock_alarm_init(struct vclock_alarm *alarm, struct vclock *clock,
		void (*notify)(void *data), void *data) {
	*alarm = (struct vclock_alarm){ .clock = clock, .notify = notify, .data = data };
	wl_list_init(&alarm->link);
}

void vclock_alarm_finish(struct vclock_alarm *alarm) {
	wl_list_remove(&alarm->link);
}

void vclock_alarm_set(struct vclock_alarm *alarm, uint64_t ns) {
	wl_list_remove(&alarm->link);
	wl_list_init(&alarm->link);
	if (ns > 0) {
		alarm->deadline = alarm->clock->now + ns;
		wl_list_insert(alarm->clock->alarms.prev, &alarm->link);
	}
}
