/*
 * The socket of sluicectl, with clients that mean no good.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "cmocka_all.h"
#include "ipc/internal.h"

struct fixture {
	char directory[64];
	struct wl_event_loop *loop;
	struct ipc *ipc;
	struct ipc_request *later; // of the command "later", not answered yet
	int cancelled;
};

static void handle_echo(struct ipc_request *request, struct json_object *object, void *data) {
	ipc_answer(request, json_object_get(object));
}

static void handle_refuse(struct ipc_request *request, struct json_object *object, void *data) {
	ipc_fail(request, "not %s", "today");
}

static void forget(void *data) {
	struct fixture *fixture = data;
	fixture->later = NULL;
	fixture->cancelled++;
}

static void handle_later(struct ipc_request *request, struct json_object *object, void *data) {
	struct fixture *fixture = data;
	fixture->later = request;
	ipc_request_set_cancel(request, forget, fixture);
}

static int setup(void **state) {
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	strcpy(fixture->directory, "/tmp/sluice-ipc-XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	setenv("XDG_RUNTIME_DIR", fixture->directory, 1);
	fixture->loop = wl_event_loop_create();
	fixture->ipc = ipc_create(fixture->loop, "wayland-7");
	assert_non_null(fixture->ipc);
	assert_true(ipc_register(fixture->ipc, "echo", handle_echo, NULL));
	assert_true(ipc_register(fixture->ipc, "refuse", handle_refuse, NULL));
	assert_true(ipc_register(fixture->ipc, "later", handle_later, fixture));
	assert_true(ipc_register_event(fixture->ipc, "window"));
	assert_true(ipc_register_event(fixture->ipc, "output"));
	*state = fixture;
	return 0;
}

static int teardown(void **state) {
	struct fixture *fixture = *state;
	ipc_destroy(fixture->ipc);
	wl_event_loop_destroy(fixture->loop);
	assert_int_equal(rmdir(fixture->directory), 0); // nothing is left in it
	free(fixture);
	return 0;
}

static void pump(struct fixture *fixture) {
	for (int i = 0; i < 20; i++) {
		wl_event_loop_dispatch(fixture->loop, 0);
	}
}

static int join(struct fixture *fixture) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strcpy(address.sun_path, ipc_get_path(fixture->ipc));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	pump(fixture);
	return fd;
}

/** Everything that has arrived. Returns whether the connection is still there. */
static bool get(struct fixture *fixture, int fd, char *text, size_t size) {
	size_t len = 0;
	bool open = true;
	pump(fixture);
	while (open && len + 1 < size) {
		ssize_t n = recv(fd, text + len, size - 1 - len, 0);
		if (n < 0 && errno == EAGAIN) {
			break;
		}
		open = n > 0;
		len += n > 0 ? (size_t)n : 0;
	}
	text[len] = '\0';
	return open;
}

static void put(struct fixture *fixture, int fd, const char *text) {
	size_t len = strlen(text);
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
		assert_true(n > 0 || errno == EAGAIN);
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
		pump(fixture);
	}
}

static void expect(struct fixture *fixture, int fd, const char *sent, const char *answer) {
	char text[4096];
	put(fixture, fd, sent);
	assert_true(get(fixture, fd, text, sizeof(text)));
	if (strstr(text, answer) != text) {
		fail_msg("%s\nis answered by\n%s\nand not by\n%s", sent, text, answer);
	}
}

static void test_answers(void **state) {
	struct fixture *fixture = *state;
	int fd = join(fixture);
	expect(fixture, fd, "{\"command\":\"echo\",\"a\":[1,\"ä\"]}\n",
		"{\"ok\":true,\"data\":{\"command\":\"echo\",\"a\":[1,\"ä\"]}}\n");
	expect(fixture, fd, "{\"command\":\"refuse\"}\n", "{\"ok\":false,\"error\":\"not today\"}\n");
	expect(fixture, fd, "{\"command\":\"ecko\"}\n",
		"{\"ok\":false,\"error\":\"no command \\\"ecko\\\"; is \\\"echo\\\" meant?\"}\n");
	expect(fixture, fd, "{\"command\":\"zebra\"}\n",
		"{\"ok\":false,\"error\":\"no command \\\"zebra\\\"\"}\n");
	// In pieces, and several at once
	expect(fixture, fd, "{\"comm", "");
	expect(fixture, fd, "and\":\"refuse\"}\r\n{\"command\":\"refuse\"}\n{",
		"{\"ok\":false,\"error\":\"not today\"}\n{\"ok\":false,\"error\":\"not today\"}\n");
	close(fd);
}

static void test_malformed(void **state) {
	struct fixture *fixture = *state;
	static const char *const table[] = {
		"\n", "   \n", "1\n", "null\n", "\"command\"\n", "[]\n", "{\n", "{}\n", "}\n",
		"{\"command\":1}\n", "{\"command\":null}\n", "{\"command\":[\"echo\"]}\n",
		"{\"command\":\"echo\"} x\n", "{\"command\":\"echo\"}{}\n", "{'command':'echo'}\n",
		"{\"command\":\"echo\",}\n", "{\"command\":\"\xff\"}\n", "\xff\xfe\n",
		"{\"command\":\"echo\",\"a\":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}\n",
	};
	int fd = join(fixture);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		expect(fixture, fd, table[i], "{\"ok\":false,\"error\":\"");
	}
	static const char nul[] = "{\"command\":\"echo\"}\0\n";
	assert_int_equal(send(fd, nul, sizeof(nul) - 1, 0), sizeof(nul) - 1);
	expect(fixture, fd, "", "{\"ok\":false,\"error\":\"not a request: the line has a NUL");
	// It is served as before
	expect(fixture, fd, "{\"command\":\"echo\"}\n", "{\"ok\":true");
	close(fd);
}

static void test_too_long(void **state) {
	struct fixture *fixture = *state;
	int fd = join(fixture);
	char *line = malloc(IPC_LINE_MAX + 2);
	memset(line, ' ', IPC_LINE_MAX + 1);
	line[IPC_LINE_MAX + 1] = '\0';
	char text[1024];
	for (int i = 0; i < 3; i++) {
		send(fd, line, IPC_LINE_MAX + 1, MSG_NOSIGNAL);
		pump(fixture);
	}
	assert_false(get(fixture, fd, text, sizeof(text)));
	assert_non_null(strstr(text, "the line is too long"));
	close(fd);

	// The longest that is allowed
	fd = join(fixture);
	static const char request[] = "{\"command\":\"refuse\"}";
	memcpy(line, request, sizeof(request) - 1);
	line[IPC_LINE_MAX] = '\n';
	expect(fixture, fd, line, "{\"ok\":false,\"error\":\"not today\"}\n");
	close(fd);
	free(line);
}

static void test_later(void **state) {
	struct fixture *fixture = *state;
	int fd = join(fixture);
	// What follows is answered afterwards
	expect(fixture, fd, "{\"command\":\"later\"}\n{\"command\":\"refuse\"}\n", "");
	char text[1024];
	assert_true(get(fixture, fd, text, sizeof(text)));
	assert_string_equal(text, "");
	ipc_answer(fixture->later, NULL);
	expect(fixture, fd, "", "{\"ok\":true,\"data\":null}\n{\"ok\":false,\"error\":\"not today\"}\n");
	assert_int_equal(fixture->cancelled, 0);

	// One that goes away
	expect(fixture, fd, "{\"command\":\"later\"}\n", "");
	close(fd);
	pump(fixture);
	assert_int_equal(fixture->cancelled, 1);
	assert_null(fixture->later);

	// One that sends nothing more still gets its answer, and is let go of then
	fd = join(fixture);
	expect(fixture, fd, "{\"command\":\"later\"}\n", "");
	shutdown(fd, SHUT_WR);
	pump(fixture);
	assert_int_equal(fixture->cancelled, 1);
	ipc_fail(fixture->later, "no");
	assert_false(get(fixture, fd, text, sizeof(text)));
	assert_string_equal(text, "{\"ok\":false,\"error\":\"no\"}\n");
	close(fd);

	// One that waits when the compositor ends: see teardown
	fd = join(fixture);
	expect(fixture, fd, "{\"command\":\"later\"}\n", "");
	ipc_destroy(fixture->ipc);
	assert_int_equal(fixture->cancelled, 2);
	close(fd);
	fixture->ipc = ipc_create(fixture->loop, "wayland-7");
}

static void test_events(void **state) {
	struct fixture *fixture = *state;
	int all = join(fixture), one = join(fixture), none = join(fixture);
	assert_false(ipc_has_subscriber(fixture->ipc, "window"));
	expect(fixture, all, "{\"command\":\"subscribe\"}\n", "{\"ok\":true,\"data\":null}\n");
	expect(fixture, one, "{\"command\":\"subscribe\",\"events\":[\"output\"]}\n", "{\"ok\":true");
	expect(fixture, none, "{\"command\":\"subscribe\",\"events\":[\"windwo\"]}\n",
		"{\"ok\":false,\"error\":\"no event \\\"windwo\\\"; is \\\"window\\\" meant?\"}\n");
	expect(fixture, none, "{\"command\":\"subscribe\",\"events\":[null,{}]}\n", "{\"ok\":false");
	expect(fixture, none, "{\"command\":\"subscribe\",\"events\":\"window\"}\n", "{\"ok\":false");
	assert_true(ipc_has_subscriber(fixture->ipc, "window"));
	assert_false(ipc_has_subscriber(fixture->ipc, "nonsense"));

	ipc_emit(fixture->ipc, "window", json_object_new_int(1));
	ipc_emit(fixture->ipc, "output", ipc_text("\xff!"));
	expect(fixture, all, "", "{\"event\":\"window\",\"data\":1}\n{\"event\":\"output\",\"data\":\"�!\"}\n");
	expect(fixture, one, "", "{\"event\":\"output\"");
	expect(fixture, none, "{\"command\":\"refuse\"}\n", "{\"ok\":false");
	close(all);
	close(one);
	close(none);
	pump(fixture);
	assert_false(ipc_has_subscriber(fixture->ipc, "window"));
}

static void test_slow_reader(void **state) {
	struct fixture *fixture = *state;
	int slow = join(fixture), other = join(fixture);
	expect(fixture, slow, "{\"command\":\"subscribe\"}\n", "{\"ok\":true");
	char kilobyte[1025];
	memset(kilobyte, 'x', 1024);
	kilobyte[1024] = '\0';
	// More than the kernel's buffer and ours
	for (int i = 0; i < 4096; i++) {
		ipc_emit(fixture->ipc, "window", json_object_new_string(kilobyte));
	}
	pump(fixture);
	assert_false(ipc_has_subscriber(fixture->ipc, "window"));
	expect(fixture, other, "{\"command\":\"refuse\"}\n", "{\"ok\":false");
	close(slow);
	close(other);
}

static void test_many_clients(void **state) {
	struct fixture *fixture = *state;
	int fds[IPC_CLIENTS_MAX + 10];
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = join(fixture);
	}
	char text[64];
	assert_false(get(fixture, fds[IPC_CLIENTS_MAX], text, sizeof(text)));
	expect(fixture, fds[0], "{\"command\":\"refuse\"}\n", "{\"ok\":false");
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		close(fds[i]);
	}
	pump(fixture);
	int fd = join(fixture);
	expect(fixture, fd, "{\"command\":\"refuse\"}\n", "{\"ok\":false");
	close(fd);
}

static void test_rights_and_a_stale_socket(void **state) {
	struct fixture *fixture = *state;
	struct stat status;
	assert_int_equal(stat(ipc_get_path(fixture->ipc), &status), 0);
	assert_int_equal(status.st_mode, S_IFSOCK | 0600);
	ipc_destroy(fixture->ipc);
	// As one that was killed leaves it
	char path[128];
	snprintf(path, sizeof(path), "%s/sluice-wayland-7.sock", fixture->directory);
	close(open(path, O_CREAT | O_WRONLY, 0644));
	fixture->ipc = ipc_create(fixture->loop, "wayland-7");
	assert_non_null(fixture->ipc);
	assert_int_equal(stat(path, &status), 0);
	assert_true(S_ISSOCK(status.st_mode));

	char name[200];
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_null(ipc_create(fixture->loop, name));
}

static int64_t now_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/** Without file descriptors, a connection waits, and the event loop sleeps, until there are some. */
static void test_out_of_file_descriptors(void **state) {
	struct fixture *fixture = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strcpy(address.sun_path, ipc_get_path(fixture->ipc));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	const struct rlimit none = { .rlim_cur = 0, .rlim_max = limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	pump(fixture);
	int64_t start = now_ms();
	wl_event_loop_dispatch(fixture->loop, 100);
	int64_t slept = now_ms() - start;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(slept >= 95);

	start = now_ms();
	while (wl_list_empty(&fixture->ipc->clients) && now_ms() - start < 10000) {
		wl_event_loop_dispatch(fixture->loop, 100);
	}
	expect(fixture, fd, "{\"command\":\"refuse\"}\n", "{\"ok\":false");
	close(fd);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_later, setup, teardown),
		cmocka_unit_test_setup_teardown(test_events, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_reader, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_clients, setup, teardown),
		cmocka_unit_test_setup_teardown(test_out_of_file_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rights_and_a_stale_socket, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
