#include "loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "say.h"

int64_t now_ms(void) {
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool loop_init(struct loop *loop, bool read_stdin, int timeout_s) {
	*loop = (struct loop){ .signal_fd = -1, .other_fd = -1, .read_stdin = read_stdin };
	if (timeout_s > 0) {
		loop->deadline = now_ms() + (int64_t)timeout_s * 1000;
	}
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	loop->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (loop->signal_fd < 0) {
		complain("signalfd: %s", strerror(errno));
		return false;
	}
	return true;
}

void loop_finish(struct loop *loop) {
	if (loop->signal_fd >= 0) {
		close(loop->signal_fd);
	}
}

bool loop_say_protocol_error(struct loop *loop, const char *prefix) {
	const struct wl_interface *interface = NULL;
	uint32_t id;
	if (wl_display_get_error(loop->display) != EPROTO) {
		return false;
	}
	uint32_t code = wl_display_get_protocol_error(loop->display, &interface, &id);
	say("%sprotocol error %s %u", prefix, interface != NULL ? interface->name : "unknown",
		code);
	return true;
}

static bool fail(struct loop *loop, enum status status) {
	loop->stop = true;
	if (loop->status == STATUS_OK) {
		loop->status = status;
	}
	return false;
}

static bool disconnected(struct loop *loop) {
	if (!loop->stop && !loop->silent && !loop_say_protocol_error(loop, "")) {
		say("disconnected %s", strerror(wl_display_get_error(loop->display)));
	}
	return fail(loop, STATUS_DISCONNECTED);
}

static void read_signals(struct loop *loop) {
	struct signalfd_siginfo info;
	while (read(loop->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGUSR1) {
			loop->paused = !loop->paused;
			say("%s", loop->paused ? "paused" : "continued");
		} else {
			loop->stop = true;
		}
	}
}

bool loop_turn(struct loop *loop, int timeout) {
	if (loop->stop) {
		return false;
	}
	if (loop->deadline != 0) {
		int64_t left = loop->deadline - now_ms();
		if (left <= 0) {
			say("timeout");
			return fail(loop, STATUS_TIMEOUT);
		}
		timeout = timeout < 0 || timeout > left ? (int)left : timeout;
	}
	while (wl_display_prepare_read(loop->display) != 0) {
		if (wl_display_dispatch_pending(loop->display) < 0) {
			return disconnected(loop);
		}
		// Something happened: let the caller look before waiting for more.
		timeout = 0;
	}
	short wanted = POLLIN;
	if (wl_display_flush(loop->display) < 0) {
		if (errno == EAGAIN) {
			wanted |= POLLOUT;
		} else if (errno != EPIPE) {
			// After EPIPE the reason can still be read.
			wl_display_cancel_read(loop->display);
			return disconnected(loop);
		}
	}
	struct pollfd fds[] = {
		{ .fd = wl_display_get_fd(loop->display), .events = wanted },
		{ .fd = loop->signal_fd, .events = POLLIN },
		{ .fd = loop->read_stdin ? STDIN_FILENO : -1, .events = POLLIN },
		{ .fd = loop->other_fd, .events = POLLIN },
	};
	if (poll(fds, sizeof(fds) / sizeof(fds[0]), timeout) < 0 && errno != EINTR) {
		wl_display_cancel_read(loop->display);
		return fail(loop, STATUS_SETUP);
	}
	if (fds[0].revents & (POLLIN | POLLHUP | POLLERR)) {
		if (wl_display_read_events(loop->display) < 0) {
			return disconnected(loop);
		}
	} else {
		wl_display_cancel_read(loop->display);
	}
	if (wl_display_dispatch_pending(loop->display) < 0) {
		return disconnected(loop);
	}
	if (fds[1].revents & POLLIN) {
		read_signals(loop);
	}
	if (fds[3].revents & POLLIN) {
		loop->other_func(loop->other_data);
	}
	loop->input = (fds[2].revents & (POLLIN | POLLHUP)) != 0;
	return !loop->stop;
}

bool loop_wait(struct loop *loop, const bool *done, int timeout) {
	int64_t end = now_ms() + timeout;
	bool read_stdin = loop->read_stdin;
	// A line that waits on stdin would make every turn return at once.
	loop->read_stdin = false;
	while (!*done) {
		int64_t left = end - now_ms();
		if (left <= 0 || !loop_turn(loop, (int)left)) {
			break;
		}
	}
	loop->read_stdin = read_stdin;
	return *done;
}

static void handle_done(void *data, struct wl_callback *callback, uint32_t serial) {
	bool *done = data;
	*done = true;
}

static const struct wl_callback_listener callback_listener = {
	.done = handle_done,
};

bool loop_roundtrip(struct loop *loop) {
	bool done = false;
	struct wl_callback *callback = wl_display_sync(loop->display);
	wl_callback_add_listener(callback, &callback_listener, &done);
	while (!done && !loop->stop) {
		loop_wait(loop, &done, 1000);
	}
	wl_callback_destroy(callback);
	return done && !loop->stop;
}
