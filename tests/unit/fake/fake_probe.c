/*
 * A sluice-probe that misbehaves in the way that FAKE_PROBE names.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void say(const char *text) {
	fputs(text, stdout);
	fflush(stdout);
}

/** Show what this process was given: its arguments, and what can be read from its fds. */
static void describe(int argc, char *argv[]) {
	printf("args\tbegin\t0\t\nargs\tpass\t0\t");
	for (int i = 1; i < argc; i++) {
		printf("%s%s", i > 1 ? " " : "", argv[i]);
	}
	printf("\nfds\tbegin\t0\t\nfds\tpass\t0\t");
	for (int fd = 3; fd < 16; fd++) {
		char text[16] = "";
		if (fcntl(fd, F_GETFD) >= 0) {
			ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
			printf("%d:%.*s ", fd, n > 0 ? (int)n : 0, text);
		}
	}
	sigset_t blocked;
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	printf("\nmask\tbegin\t0\t\nmask\tpass\t0\t%s\nend\tpass\t0\t\n",
		sigismember(&blocked, SIGTERM) ? "blocked" : "clear");
}

static void flood(void) {
	char text[4096];
	memset(text, 'x', sizeof(text));
	for (;;) {
		if (write(STDOUT_FILENO, text, sizeof(text)) < 0) {
			_exit(1);
		}
	}
}

int main(int argc, char *argv[]) {
	const struct rlimit no_core = { 0 };
	setrlimit(RLIMIT_CORE, &no_core);
	const char *how = getenv("FAKE_PROBE");
	if (how == NULL) {
		return 9;
	}
	if (strcmp(how, "describe") == 0) {
		describe(argc, argv);
		return 0;
	}

	if (strncmp(how, "say:", 4) == 0) {
		// What to say, with the exit status before it: "say:1:step\tbegin…"
		say(how + 6);
		return how[4] - '0';
	}
	say("first\tbegin\t0\t\nfirst\tpass\t0\tall is well\nsecond\tbegin\t0\t\n");
	// The sanitizers would turn a crash into an exit
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	if (strcmp(how, "crash") == 0) {
		raise(SIGSEGV);
	} else if (strcmp(how, "abort") == 0) {
		abort();
	} else if (strcmp(how, "odd signal") == 0) {
		raise(SIGUSR2);
	} else if (strcmp(how, "crash between") == 0) {
		say("second\tskipped\t0\tnot today\n");
		raise(SIGBUS);
	} else if (strcmp(how, "hang") == 0) {
		signal(SIGTERM, SIG_IGN);
		for (;;) {
			pause();
		}
	} else if (strcmp(how, "hang silently") == 0) {
		close(STDOUT_FILENO);
		for (;;) {
			pause();
		}
	} else if (strcmp(how, "exit") == 0) {
		return 3;
	} else if (strcmp(how, "flood") == 0) {
		flood();
	} else if (strcmp(how, "grandchild") == 0) {
		// Somebody who keeps the pipe open must not keep the result back
		say("second\tpass\t0\tfine\nend\tpass\t0\t\n");
		if (fork() == 0) {
			sleep(3);
		}
	}
	return 0;
}
