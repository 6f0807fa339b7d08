#define _GNU_SOURCE
#include <errno.h>
#include <glob.h>
#include <json-c/json_tokener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "ctl/ctl.h"

/**
 * The socket of the compositor that we are inside of; else, as on another console or over ssh, the
 * only one that there is. Returns NULL, told on stderr, if there is none or no only one.
 */
static char *find_socket(const struct ctl *ctl) {
	const char *given = ctl->socket != NULL ? ctl->socket : getenv("SLUICE_SOCK");
	if (given != NULL) {
		return strdup(given);
	}
	const char *directory = getenv("XDG_RUNTIME_DIR");
	if (directory == NULL) {
		fputs("sluicectl: neither SLUICE_SOCK nor XDG_RUNTIME_DIR is set: run it inside the "
			"session, or name the socket with --socket\n", stderr);
		return NULL;
	}
	char *pattern = NULL, *path = NULL;
	if (asprintf(&pattern, "%s/sluice-*.sock", directory) < 0) {
		return NULL;
	}
	glob_t found = { 0 };
	int ret = glob(pattern, 0, NULL, &found);
	if (ret != 0 || found.gl_pathc == 0) {
		fprintf(stderr, "sluicectl: no sluice is running here: there is no %s\n", pattern);
	} else if (found.gl_pathc == 1) {
		path = strdup(found.gl_pathv[0]);
	} else {
		fputs("sluicectl: more than one sluice is running; choose with --socket:\n", stderr);
		for (size_t i = 0; i < found.gl_pathc; i++) {
			fprintf(stderr, "  %s\n", found.gl_pathv[i]);
		}
	}
	globfree(&found);
	free(pattern);
	return path;
}

static bool ctl_connect(struct ctl *ctl) {
	if (ctl->stream != NULL) {
		return true;
	}
	char *path = find_socket(ctl);
	if (path == NULL) {
		return false;
	}
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = -1, ret = -1;
	if (strlen(path) < sizeof(address.sun_path)) {
		strcpy(address.sun_path, path);
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ret = fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, sizeof(address));
	} else {
		errno = ENAMETOOLONG;
	}
	if (ret == 0) {
		ctl->stream = fdopen(fd, "r");
	}
	if (ctl->stream == NULL) {
		fprintf(stderr, "sluicectl: no sluice answers at %s: %s\n", path, strerror(errno));
		if (fd >= 0) {
			close(fd);
		}
	}
	free(path);
	return ctl->stream != NULL;
}

void ctl_disconnect(struct ctl *ctl) {
	if (ctl->stream != NULL) {
		fclose(ctl->stream);
		ctl->stream = NULL;
	}
}

struct json_object *ctl_read(struct ctl *ctl) {
	char *line = NULL;
	size_t size = 0;
	ssize_t len = getline(&line, &size, ctl->stream);
	struct json_object *object = len > 0 ? json_tokener_parse(line) : NULL;
	free(line);
	if (object == NULL) {
		fputs(len > 0 ? "sluicectl: what was answered is no JSON\n" :
			"sluicectl: sluice has closed the connection\n", stderr);
	}
	return object;
}

struct json_object *ctl_request(const char *command) {
	struct json_object *request = json_object_new_object();
	json_object_object_add(request, "command", json_object_new_string(command));
	return request;
}

static bool send_all(struct ctl *ctl, const char *data, size_t len) {
	while (len > 0) {
		ssize_t n = send(fileno(ctl->stream), data, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR) {
			fprintf(stderr, "sluicectl: sluice does not listen: %s\n", strerror(errno));
			return false;
		}
		data += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

bool ctl_ask(struct ctl *ctl, struct json_object *request, struct json_object **data_ptr) {
	size_t len;
	const char *text =
		json_object_to_json_string_length(request, JSON_C_TO_STRING_PLAIN, &len);
	bool sent = ctl_connect(ctl) && send_all(ctl, text, len) && send_all(ctl, "\n", 1);
	json_object_put(request);
	struct json_object *answer = sent ? ctl_read(ctl) : NULL;
	if (answer == NULL) {
		return false;
	}
	bool ok = ctl_get_truth(answer, "ok");
	if (!ok) {
		fputs("sluicectl: ", stderr);
		fputs(ctl_get_text(answer, "error"), stderr);
		fputc('\n', stderr);
	} else if (data_ptr != NULL) {
		*data_ptr = json_object_get(ctl_get(answer, "data"));
	}
	json_object_put(answer);
	return ok;
}
