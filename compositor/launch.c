#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wlr/util/log.h>
#include "launch.h"

extern char **environ;

struct launch {
	struct server *server;
	pid_t pid; // 0 after it has ended
	bool end_with_it;
	struct wl_event_source *sigchld;
};

static int handle_sigchld(int signal, void *data) {
	struct launch *launch = data;
	int status;
	if (launch->pid == 0 || waitpid(launch->pid, &status, WNOHANG) != launch->pid) {
		return 0;
	}
	launch->pid = 0;
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (WIFSIGNALED(status)) {
		wlr_log(WLR_ERROR, "The command was killed: %s", strsignal(WTERMSIG(status)));
	} else {
		wlr_log(code == 0 ? WLR_DEBUG : WLR_INFO, "The command ended with status %d", code);
	}
	if (launch->end_with_it) {
		server_quit(launch->server, code);
	}
	return 0;
}

struct launch *launch_create(struct server *server, char *const argv[], bool end_with_it) {
	struct launch *launch = calloc(1, sizeof(*launch));
	if (launch == NULL) {
		return NULL;
	}
	launch->server = server;
	launch->end_with_it = end_with_it;
	launch->sigchld =
		wl_event_loop_add_signal(server->loop, SIGCHLD, handle_sigchld, launch);

	// The event loop blocks the signals that it handles; the command shall have them all
	posix_spawnattr_t attr;
	posix_spawnattr_init(&attr);
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int ret = posix_spawnp(&launch->pid, argv[0], NULL, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	if (ret != 0) {
		wlr_log(WLR_ERROR, "Cannot start \"%s\": %s", argv[0], strerror(ret));
		launch->pid = 0;
		launch_destroy(launch);
		return NULL;
	}
	return launch;
}

void launch_destroy(struct launch *launch) {
	if (launch == NULL) {
		return;
	}
	if (launch->pid > 0) {
		kill(launch->pid, SIGTERM);
		waitpid(launch->pid, NULL, WNOHANG);
	}
	if (launch->sigchld != NULL) {
		wl_event_source_remove(launch->sigchld);
	}
	free(launch);
}
