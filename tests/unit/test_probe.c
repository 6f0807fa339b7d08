/*
 * The library's side of probing, with a probing program that crashes, hangs and talks nonsense.
 */
#define _GNU_SOURCE // memfd_create()
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <sluice/probe.h>
#include <wlr/util/log.h>
#include "cmocka_all.h"

// Whether a child has all the time to end before its pidfd is opened
static bool open_late;

long __wrap_syscall(long number, long a, long b, long c, long d);
long __real_syscall(long number, ...);

long __wrap_syscall(long number, long a, long b, long c, long d) {
	if (number == SYS_pidfd_open && open_late) {
		while (kill((pid_t)a, 0) == 0) {
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		}
	}
	return __real_syscall(number, a, b, c, d);
}

struct outcome {
	int done; // how often it was called
	bool ok;
	size_t steps_len;
	struct {
		char name[64], sentence[512], advice[256];
		enum sluice_probe_status status;
		int error;
	} steps[65];
	struct sluice_probe *destroy; // in the callback
};

static struct wl_event_loop *loop;
static int fds_before;

static int count_fds(void) {
	DIR *dir = opendir("/proc/self/fd");
	assert_non_null(dir);
	int count = 0;
	while (readdir(dir) != NULL) {
		count++;
	}
	closedir(dir);
	return count;
}

static int setup(void **state) {
	signal(SIGCHLD, SIG_DFL);
	fds_before = count_fds();
	loop = wl_event_loop_create();
	return 0;
}

/** No process and no file descriptor may be left, once the loop had its chance to reap. */
static int teardown(void **state) {
	for (int i = 0; i < 200 && waitpid(-1, NULL, WNOHANG) == 0; i++) {
		wl_event_loop_dispatch(loop, 20);
	}
	errno = 0;
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	wl_event_loop_destroy(loop);
	assert_int_equal(count_fds(), fds_before);
	return 0;
}

static void handle_done(const struct sluice_probe_result *result, void *data) {
	struct outcome *outcome = data;
	outcome->done++;
	outcome->ok = result->ok;
	outcome->steps_len = result->steps_len;
	assert_true(result->steps_len <= ARRAY_LEN(outcome->steps));
	for (size_t i = 0; i < result->steps_len; i++) {
		const struct sluice_probe_step *step = &result->steps[i];
		snprintf(outcome->steps[i].name, sizeof(outcome->steps[i].name), "%s", step->name);
		snprintf(outcome->steps[i].sentence, sizeof(outcome->steps[i].sentence), "%s",
			step->sentence);
		snprintf(outcome->steps[i].advice, sizeof(outcome->steps[i].advice), "%s",
			step->advice);
		outcome->steps[i].status = step->status;
		outcome->steps[i].error = step->error;
	}
	sluice_probe_destroy(outcome->destroy);
}

static int64_t now_ms(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void wait_until_done(const struct outcome *outcome) {
	int64_t end = now_ms() + 20000;
	while (outcome->done == 0 && now_ms() < end) {
		wl_event_loop_dispatch(loop, 1000);
	}
	assert_int_equal(outcome->done, 1);
}

static void run_for(const char *how, int timeout_ms, struct outcome *outcome) {
	memset(outcome, 0, sizeof(*outcome));
	setenv("FAKE_PROBE", how, 1);
	struct sluice_probe *probe = sluice_probe_pair(loop, "0000:03:00.0", "/dev/dri/card0", 0,
		timeout_ms, handle_done, outcome);
	assert_non_null(probe);
	assert_int_equal(outcome->done, 0);
	wait_until_done(outcome);
	// Nothing may come after it
	wl_event_loop_dispatch(loop, 10);
	assert_int_equal(outcome->done, 1);
	sluice_probe_destroy(probe);
}

static void run(const char *how, struct outcome *outcome) {
	run_for(how, 15000, outcome);
}

static void check_step(const struct outcome *outcome, size_t i, const char *name,
		enum sluice_probe_status status, int error, const char *sentence_part) {
	assert_true(i < outcome->steps_len);
	assert_string_equal(outcome->steps[i].name, name);
	assert_int_equal(outcome->steps[i].status, status);
	assert_int_equal(outcome->steps[i].error, error);
	if (strstr(outcome->steps[i].sentence, sentence_part) == NULL) {
		fail_msg("'%s' is not in '%s'", sentence_part, outcome->steps[i].sentence);
	}
}

static void test_results(void **state) {
	struct outcome outcome;
	run("say:0:a\tbegin\t0\t\na\tpass\t0\tgood\nb\tbegin\t0\t\nb\tskipped\t0\tno\n"
		"end\tpass\t0\t\n", &outcome);
	assert_true(outcome.ok);
	assert_int_equal(outcome.steps_len, 2);
	check_step(&outcome, 0, "a", SLUICE_PROBE_PASS, 0, "good");
	check_step(&outcome, 1, "b", SLUICE_PROBE_SKIPPED, 0, "no");

	run("say:1:a\tbegin\t0\t\na\tfail\t95\tnot\x1b[31m here\nend\tfail\t0\t\n", &outcome);
	assert_false(outcome.ok);
	assert_int_equal(outcome.steps_len, 1);
	check_step(&outcome, 0, "a", SLUICE_PROBE_FAIL, EOPNOTSUPP, "not?[31m here");
	assert_string_equal(outcome.steps[0].advice, "");

	run("say:1:a\tbegin\t0\t\na\tfail\t95\tno\tgo\x1b home\tat once\nend\tfail\t0\t\n", &outcome);
	check_step(&outcome, 0, "a", SLUICE_PROBE_FAIL, EOPNOTSUPP, "no");
	// A field too many belongs to the last one, and cannot reach a terminal either
	assert_string_equal(outcome.steps[0].advice, "go? home?at once");
}

static void test_crash(void **state) {
	static const struct {
		const char *how, *sentence;
	} rows[] = {
		{ "crash", "the driver crashed (SIGSEGV)" },
		{ "abort", "the driver crashed (SIGABRT)" },
		{ "odd signal", "the driver crashed (signal " },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct outcome outcome;
		run(rows[i].how, &outcome);
		assert_false(outcome.ok);
		assert_int_equal(outcome.steps_len, 2);
		check_step(&outcome, 0, "first", SLUICE_PROBE_PASS, 0, "all is well");
		check_step(&outcome, 1, "second", SLUICE_PROBE_FAIL, EFAULT, rows[i].sentence);
	}
}

static void test_crash_between(void **state) {
	struct outcome outcome;
	run("crash between", &outcome);
	assert_false(outcome.ok);
	assert_int_equal(outcome.steps_len, 3);
	check_step(&outcome, 1, "second", SLUICE_PROBE_SKIPPED, 0, "not today");
	check_step(&outcome, 2, "probe", SLUICE_PROBE_FAIL, EFAULT, "crashed (SIGBUS)");
}

static void test_hang(void **state) {
	static const char *const hows[] = { "hang", "hang silently", "flood" };
	for (size_t i = 0; i < ARRAY_LEN(hows); i++) {
		struct outcome outcome;
		int64_t start, timeout_ms = 150;
		// On a busy machine the program may not come as far as to hang
		do {
			timeout_ms *= 2;
			start = now_ms();
			run_for(hows[i], (int)timeout_ms, &outcome);
		} while (outcome.steps_len == 1 && timeout_ms < 10000);
		// Not before its time, and not a default's worth of time after it
		int64_t took = now_ms() - start;
		assert_true(took >= timeout_ms - 10 && took < timeout_ms + 8000);
		assert_false(outcome.ok);
		check_step(&outcome, 1, "second", SLUICE_PROBE_FAIL, ETIMEDOUT, " ms");
	}
}

static void test_broken_off(void **state) {
	struct outcome outcome;
	run("exit", &outcome);
	assert_false(outcome.ok);
	check_step(&outcome, 1, "second", SLUICE_PROBE_FAIL, EPROTO, "exit status 3");
	run("say:7:", &outcome);
	assert_false(outcome.ok);
	assert_int_equal(outcome.steps_len, 1);
	check_step(&outcome, 0, "probe", SLUICE_PROBE_FAIL, EPROTO, "exit status 7");
	run("say:0:a\tbegin\t0\t\na\tpass\t0\tgood\n", &outcome);
	assert_false(outcome.ok);
	check_step(&outcome, 1, "probe", SLUICE_PROBE_FAIL, EPROTO, "ended early");
	run("say:0:a\tbegin\t0\t\na\tpass\t0\tgood\nend\tpa", &outcome);
	assert_false(outcome.ok);
}

static void test_garbage(void **state) {
	static char long_line[4096] = "say:0:";
	memset(long_line + 6, 'x', sizeof(long_line) - 8);
	static char many[100 * 32] = "say:0:";
	for (int i = 0; i < 70; i++) {
		strcat(many, "a\tbegin\t0\t\na\tpass\t0\tgood\n");
	}
	const char *hows[] = {
		"say:0:what is this\n",
		"say:0:\n",
		"say:0:a\tbegin\n",
		"say:0:\tbegin\t0\t\n",
		"say:0:a\tpass\t0\tnever began\n",
		"say:0:a\tbegin\t0\t\nb\tpass\t0\tanother\n",
		"say:0:a\tbegin\t0\t\na\tbegin\t0\t\n",
		"say:0:a\tbegin\t0\t\na\tperhaps\t0\t\n",
		"say:0:a\tbegin\t0\t\na\tfail\t-1\t\n",
		"say:0:a\tbegin\t0\t\na\tfail\t99999999999999999999\t\n",
		"say:0:a\tbegin\t0\t\na\tfail\t5x\t\n",
		"say:0:a\tbegin\t0\t\na\tfail\t\t\n",
		"say:0:a\tbegin\t0\t\nend\tpass\t0\t\n",
		"say:0:end\tpass\t0\t\nend\tpass\t0\t\n",
		long_line,
		many,
	};
	for (size_t i = 0; i < ARRAY_LEN(hows); i++) {
		struct outcome outcome;
		run(hows[i], &outcome);
		if (outcome.ok) {
			fail_msg("row %zu was believed", i);
		}
		assert_int_equal(outcome.steps[outcome.steps_len - 1].status, SLUICE_PROBE_FAIL);
		assert_int_equal(outcome.steps[outcome.steps_len - 1].error, EPROTO);
	}
}

static void test_grandchild(void **state) {
	struct outcome outcome;
	int64_t start = now_ms();
	run("grandchild", &outcome);
	assert_true(outcome.ok);
	assert_true(now_ms() - start < 2500);
}

static void test_missing_program(void **state) {
	struct outcome outcome = { 0 };
	char *dir = strdup(getenv("SLUICE_LIBEXECDIR"));
	setenv("SLUICE_LIBEXECDIR", "/nowhere", 1);
	errno = 0;
	assert_null(sluice_probe_pair(loop, "03:00.0", "/dev/dri/card0", 0, 0, handle_done,
		&outcome));
	assert_int_equal(errno, ENOENT);
	setenv("SLUICE_LIBEXECDIR", dir, 1);
	free(dir);
}

static void test_destroy_early(void **state) {
	struct outcome outcome = { 0 };
	setenv("FAKE_PROBE", "hang", 1);
	struct sluice_probe *probe = sluice_probe_pair(loop, "03:00.0", "/dev/dri/card0", 0, 0,
		handle_done, &outcome);
	assert_non_null(probe);
	wl_event_loop_dispatch(loop, 50);
	sluice_probe_destroy(probe);
	wl_event_loop_dispatch(loop, 50);
	assert_int_equal(outcome.done, 0);
	sluice_probe_destroy(NULL);
}

/** The loop may go before the kernel has let the child go. */
static void test_destroy_with_loop(void **state) {
	struct outcome outcome = { 0 };
	struct wl_event_loop *other = wl_event_loop_create();
	setenv("FAKE_PROBE", "hang", 1);
	struct sluice_probe *probe = sluice_probe_pair(other, "03:00.0", "/dev/dri/card0", 0, 0,
		handle_done, &outcome);
	assert_non_null(probe);
	sluice_probe_destroy(probe);
	wl_event_loop_destroy(other);
	// Nobody but us is left to reap it
	assert_true(waitpid(-1, NULL, 0) > 0);
}

static void test_destroy_in_done(void **state) {
	static const char *const hows[] = { "crash", "hang", "say:0:end\tpass\t0\t\n" };
	for (size_t i = 0; i < ARRAY_LEN(hows); i++) {
		struct outcome outcome = { 0 };
		setenv("FAKE_PROBE", hows[i], 1);
		outcome.destroy = sluice_probe_pair(loop, "03:00.0", "/dev/dri/card0", 0, 400,
			handle_done, &outcome);
		assert_non_null(outcome.destroy);
		for (int j = 0; j < 100 && outcome.done == 0; j++) {
			wl_event_loop_dispatch(loop, 100);
		}
		assert_int_equal(outcome.done, 1);
	}
}

/** Where the program reaps every child by itself, the result is in what the child said. */
static void test_reaped_by_others(void **state) {
	struct outcome outcome;
	signal(SIGCHLD, SIG_IGN);
	// It may have ended before the library has looked at it, or not
	for (int i = 0; i < 2; i++) {
		open_late = i == 1;
		run("say:0:a\tbegin\t0\t\na\tpass\t0\tgood\nend\tpass\t0\t\n", &outcome);
		assert_true(outcome.ok);
	}
	open_late = false;
	run("crash", &outcome);
	assert_false(outcome.ok);
	check_step(&outcome, 1, "second", SLUICE_PROBE_FAIL, EPROTO, "ended early");
	signal(SIGCHLD, SIG_DFL);
}

static void test_pair_arguments(void **state) {
	struct outcome outcome = { 0 };
	setenv("FAKE_PROBE", "describe", 1);
	// As wl_event_loop_add_signal() does
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	struct sluice_probe *probe = sluice_probe_pair(loop, "03:00.0", "/dev/dri/card7",
		SLUICE_PROBE_COMMIT | SLUICE_PROBE_GPU_READ, 0, handle_done, &outcome);
	assert_non_null(probe);
	wait_until_done(&outcome);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sluice_probe_destroy(probe);
	check_step(&outcome, 0, "args", SLUICE_PROBE_PASS, 0,
		"--porcelain --commit --gpu-read 03:00.0 /dev/dri/card7");
	assert_string_equal(outcome.steps[1].sentence, "");
	assert_string_equal(outcome.steps[2].sentence, "clear");

	assert_null(sluice_probe_pair(loop, "--help", "/dev/dri/card0", 0, 0, handle_done, NULL));
	assert_int_equal(errno, EINVAL);
	assert_null(sluice_probe_pair(loop, "03:00.0", "-v", 0, 0, handle_done, NULL));
}

static int text_fd(const char *text) {
	int fd = memfd_create("test", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void test_gpu_read_arguments(void **state) {
	struct outcome outcome = { 0 };
	setenv("FAKE_PROBE", "describe", 1);
	// Numbers that are in the way of the child's own: without stdin, one of them is 0
	int saved_stdin = dup(STDIN_FILENO);
	close(STDIN_FILENO);
	int first = text_fd("zero"), second = text_fd("one"), drm_fd = text_fd("drm");
	struct wlr_dmabuf_attributes attribs = {
		.width = 1280,
		.height = 720,
		.format = 0x34325258,
		.modifier = UINT64_C(0x00ffffffffffffff),
		.n_planes = 2,
		.offset = { 0, 4096 },
		.stride = { 5120, 2560 },
		.fd = { second, first },
	};
	struct sluice_probe *probe = sluice_probe_gpu_read(loop, drm_fd, &attribs, 0, handle_done,
		&outcome);
	assert_non_null(probe);
	close(first);
	close(second);
	close(drm_fd);
	dup2(saved_stdin, STDIN_FILENO);
	close(saved_stdin);
	wait_until_done(&outcome);
	sluice_probe_destroy(probe);
	check_step(&outcome, 0, "args", SLUICE_PROBE_PASS, 0, "--porcelain --fds --size 1280x720 "
		"--format 0x34325258 --modifier 0xffffffffffffff --plane 4:0:5120 "
		"--plane 5:4096:2560");
	assert_string_equal(outcome.steps[1].sentence, "3:drm 4:one 5:zero ");

	attribs.n_planes = 0;
	assert_null(sluice_probe_gpu_read(loop, 0, &attribs, 0, handle_done, NULL));
	assert_int_equal(errno, EINVAL);
	attribs.n_planes = 5;
	assert_null(sluice_probe_gpu_read(loop, 0, &attribs, 0, handle_done, NULL));
	attribs.n_planes = 1;
	attribs.fd[0] = -1;
	assert_null(sluice_probe_gpu_read(loop, 0, &attribs, 0, handle_done, NULL));
	assert_int_equal(errno, EBADF);
}

static void test_gpu_read_without_drm(void **state) {
	struct outcome outcome = { 0 };
	setenv("FAKE_PROBE", "describe", 1);
	struct wlr_dmabuf_attributes attribs = {
		.width = 64,
		.height = 32,
		.format = 0x34325258,
		.n_planes = 1,
		.stride = { 256 },
		.fd = { text_fd("plane") },
	};
	struct sluice_probe *probe = sluice_probe_gpu_read(loop, -1, &attribs, 0, handle_done,
		&outcome);
	assert_non_null(probe);
	close(attribs.fd[0]);
	wait_until_done(&outcome);
	sluice_probe_destroy(probe);
	check_step(&outcome, 0, "args", SLUICE_PROBE_PASS, 0, "--porcelain --fds --size 64x32 "
		"--format 0x34325258 --modifier 0x0 --no-drm --plane 3:0:256");
	assert_string_equal(outcome.steps[1].sentence, "3:plane ");
}

int main(void) {
	wlr_log_init(WLR_SILENT, NULL);
	// What a shell or a test runner left open is none of the child's business
	for (int fd = 3; fd < 64; fd++) {
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_results),
		TEST(test_crash),
		TEST(test_crash_between),
		TEST(test_hang),
		TEST(test_broken_off),
		TEST(test_garbage),
		TEST(test_grandchild),
		TEST(test_missing_program),
		TEST(test_destroy_early),
		TEST(test_destroy_with_loop),
		TEST(test_destroy_in_done),
		TEST(test_reaped_by_others),
		TEST(test_pair_arguments),
		TEST(test_gpu_read_arguments),
		TEST(test_gpu_read_without_drm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
