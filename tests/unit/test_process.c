#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <wayland-server-core.h>
#include "kiosk/process.h"

/** Much longer than anything here takes, and far below a test's time. */
#define LONG_MS 8000

struct fixture {
	struct wl_event_loop *loop;
	struct process *process;
	bool ended;
	int status;
};

static void handle_ended(int status, void *data) {
	struct fixture *fixture = data;
	assert_false(fixture->ended);
	fixture->ended = true;
	fixture->status = status;
}

static int set_up(void **state) {
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	fixture->loop = wl_event_loop_create();
	*state = fixture;
	return 0;
}

static int tear_down(void **state) {
	struct fixture *fixture = *state;
	process_destroy(fixture->process);
	wl_event_loop_destroy(fixture->loop);
	free(fixture);
	return 0;
}

static void start_shell(struct fixture *fixture, const char *script, int grace_ms) {
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };
	assert_int_equal(process_start(&fixture->process, fixture->loop, argv, environ, grace_ms,
		handle_ended, fixture), 0);
}

static long long now_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/** Returns how long it took. */
static long long wait_end(struct fixture *fixture) {
	long long start = now_ms();
	while (!fixture->ended && now_ms() - start < LONG_MS) {
		wl_event_loop_dispatch(fixture->loop, 100);
	}
	assert_true(fixture->ended);
	return now_ms() - start;
}

/** Read the process ids that a script prints, so that it is known to have come that far. */
static void start_printing(struct fixture *fixture, const char *script, int grace_ms,
		pid_t *pids, size_t len) {
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	char *redirected;
	assert_true(asprintf(&redirected, "exec >&%d; %s", fds[1], script) > 0);
	start_shell(fixture, redirected, grace_ms);
	free(redirected);
	close(fds[1]);
	FILE *file = fdopen(fds[0], "r");
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(fscanf(file, "%d", &pids[i]), 1);
	}
	fclose(file);
}

static bool runs(pid_t pid) {
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "r");
	if (file == NULL) {
		return false;
	}
	char state = 'X';
	bool read = fscanf(file, "%*d (%*[^)]) %c", &state) == 1;
	fclose(file);
	return read && state != 'Z' && state != 'X';
}

static void test_tells_the_exit_status(void **state) {
	struct fixture *fixture = *state;
	start_shell(fixture, "exit 7", 100);
	wait_end(fixture);
	assert_int_equal(fixture->status, 7);
}

static void test_tells_the_signal_as_shells_do(void **state) {
	struct fixture *fixture = *state;
	start_shell(fixture, "kill -SEGV $$", 100);
	wait_end(fixture);
	assert_int_equal(fixture->status, 128 + SIGSEGV);
}

static void test_what_does_not_exist_is_an_error(void **state) {
	struct fixture *fixture = *state;
	char *argv[] = { (char *)"no-such-program", NULL };
	assert_int_equal(process_start(&fixture->process, fixture->loop, argv, environ, 100,
		handle_ended, fixture), -ENOENT);
	assert_null(fixture->process);
}

static void test_every_signal_is_as_in_a_shell(void **state) {
	struct fixture *fixture = *state;
	sigset_t blocked, before;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	signal(SIGUSR2, SIG_IGN);
	start_shell(fixture, "kill -USR2 $$; kill -USR1 $$; exit 1", 100);
	signal(SIGUSR2, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	wait_end(fixture);
	assert_int_equal(fixture->status, 128 + SIGUSR2);
}

static void test_sigterm_reaches_all_of_it(void **state) {
	struct fixture *fixture = *state;
	pid_t pids[2];
	start_printing(fixture, "sleep 100 & echo $!; sh -c 'sleep 100 & echo $!; wait'",
		LONG_MS, pids, 2);
	process_end(fixture->process);
	assert_true(wait_end(fixture) < LONG_MS / 2);
	assert_int_equal(fixture->status, 128 + SIGTERM);
	assert_false(runs(pids[0]));
	assert_false(runs(pids[1]));
}

static void test_what_does_not_listen_is_killed_after_the_grace_time(void **state) {
	struct fixture *fixture = *state;
	pid_t pids[1];
	start_printing(fixture, "trap '' TERM; echo $$; while :; do sleep 0.1; done", 600, pids, 1);
	process_end(fixture->process);
	assert_true(wait_end(fixture) >= 500);
	assert_int_equal(fixture->status, 128 + SIGKILL);
	assert_false(runs(pids[0]));
}

static void test_a_stopped_program_can_be_ended(void **state) {
	struct fixture *fixture = *state;
	pid_t pids[1];
	start_printing(fixture, "echo $$; kill -STOP $$; sleep 100", LONG_MS, pids, 1);
	process_end(fixture->process);
	assert_true(wait_end(fixture) < LONG_MS / 2);
	assert_false(runs(pids[0]));
}

static void test_nothing_is_left_of_a_program_that_ended(void **state) {
	struct fixture *fixture = *state;
	pid_t pids[2];
	// What is ignored is inherited
	start_printing(fixture, "trap '' TERM; sleep 100 & echo $!; trap - TERM; sleep 100 & echo $!; "
		"exit 3", 600, pids, 2);
	assert_true(wait_end(fixture) >= 500);
	assert_int_equal(fixture->status, 3);
	assert_false(runs(pids[0]));
	assert_false(runs(pids[1]));
}

static void test_destroying_kills(void **state) {
	struct fixture *fixture = *state;
	pid_t pids[1];
	start_printing(fixture, "trap '' TERM; sleep 100 & echo $!; wait", LONG_MS, pids, 1);
	process_destroy(fixture->process);
	fixture->process = NULL;
	// Its orphan is somebody else's to wait for, and not at once
	for (int i = 0; i < 100 && runs(pids[0]); i++) {
		usleep(10000);
	}
	assert_false(runs(pids[0]));
	assert_false(fixture->ended);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tells_the_exit_status, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tells_the_signal_as_shells_do, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_does_not_exist_is_an_error, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_every_signal_is_as_in_a_shell, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sigterm_reaches_all_of_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_does_not_listen_is_killed_after_the_grace_time,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_stopped_program_can_be_ended, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_is_left_of_a_program_that_ended, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_destroying_kills, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
