/*
 * in-sandbox COMMAND...: runs a command as a client in a security context, as a sandbox such as
 * Flatpak does: its WAYLAND_DISPLAY is a socket that the compositor knows to be the sandbox's.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wayland-client.h>
#include "security-context-v1-client-protocol.h"

static struct wp_security_context_manager_v1 *manager;

static void handle_global(void *data, struct wl_registry *registry, uint32_t name,
		const char *interface, uint32_t version) {
	if (strcmp(interface, wp_security_context_manager_v1_interface.name) == 0) {
		manager = wl_registry_bind(registry, name,
			&wp_security_context_manager_v1_interface, 1);
	}
}

static void handle_global_remove(void *data, struct wl_registry *registry, uint32_t name) {
}

static const struct wl_registry_listener registry_listener = {
	.global = handle_global,
	.global_remove = handle_global_remove,
};

static int listen_at(struct sockaddr_un *address, const char *name) {
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int length = snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s",
		runtime != NULL ? runtime : "/tmp", name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (length < 0 || (size_t)length >= sizeof(address->sun_path) || fd < 0 ||
			bind(fd, (struct sockaddr *)address, sizeof(*address)) < 0 || listen(fd, 8) < 0) {
		perror("in-sandbox: cannot listen");
		exit(EXIT_FAILURE);
	}
	return fd;
}

int main(int argc, char *argv[]) {
	struct wl_display *display = wl_display_connect(NULL);
	if (argc < 2 || display == NULL) {
		fprintf(stderr, argc < 2 ? "usage: in-sandbox COMMAND...\n" :
			"in-sandbox: no Wayland display\n");
		return EXIT_FAILURE;
	}
	struct wl_registry *registry = wl_display_get_registry(display);
	wl_registry_add_listener(registry, &registry_listener, NULL);
	wl_display_roundtrip(display);
	if (manager == NULL) {
		fprintf(stderr, "in-sandbox: the compositor has no security contexts\n");
		return EXIT_FAILURE;
	}

	char name[64];
	snprintf(name, sizeof(name), "sandbox-%d", (int)getpid());
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listen_fd = listen_at(&address, name);
	int closed[2]; // the context lives until the other end is closed
	if (pipe(closed) < 0) {
		perror("in-sandbox: pipe");
		return EXIT_FAILURE;
	}
	struct wp_security_context_v1 *context =
		wp_security_context_manager_v1_create_listener(manager, listen_fd, closed[1]);
	wp_security_context_v1_set_sandbox_engine(context, "com.example.sluice");
	wp_security_context_v1_set_app_id(context, "in-sandbox");
	wp_security_context_v1_commit(context);
	wp_security_context_v1_destroy(context);
	if (wl_display_roundtrip(display) < 0) {
		fprintf(stderr, "in-sandbox: the compositor refused the context\n");
		return EXIT_FAILURE;
	}

	pid_t pid = fork();
	if (pid == 0) {
		setenv("WAYLAND_DISPLAY", name, 1);
		execvp(argv[1], &argv[1]);
		perror(argv[1]);
		_exit(127);
	}
	int status = 0;
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		perror("in-sandbox");
		status = 1 << 8;
	}
	unlink(address.sun_path);
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}
