#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "config/binding.h"
#include "config/input.h"
#include "config/kiosk.h"
#include "config/output.h"
#include "config/parser.h"

/** Larger files, and more blocks, are no configurations; libscfg goes down block by block. */
#define MAX_SIZE (1024 * 1024)
#define MAX_BLOCKS 2000

bool config_report_init(struct config_report *report) {
	*report = (struct config_report){ 0 };
	report->stream = open_memstream(&report->text, &report->text_len);
	return report->stream != NULL;
}

void config_report_finish(struct config_report *report) {
	if (report->stream != NULL) {
		fclose(report->stream);
	}
	free(report->text);
}

void config_report_add(struct config_report *report, const char *format, ...) {
	va_list args;
	va_start(args, format);
	vfprintf(report->stream, format, args);
	va_end(args);
	fputc('\n', report->stream);
	report->errors++;
}

const char *config_report_get_text(struct config_report *report) {
	fflush(report->stream);
	return report->text;
}

static char *find_in(const char *directory) {
	char *path;
	// By the specification, what is not absolute is to be ignored
	if (directory[0] != '/' || asprintf(&path, "%s/sluice/config", directory) < 0) {
		return NULL;
	}
	if (access(path, F_OK) == 0) {
		return path;
	}
	free(path);
	return NULL;
}

static const char *get_variable(const char *name) {
	const char *value = getenv(name);
	return value != NULL && value[0] != '\0' ? value : NULL;
}

char *config_find(void) {
	const char *home = get_variable("HOME"), *own = get_variable("XDG_CONFIG_HOME");
	char *path = NULL, *below_home = NULL;
	if (own != NULL) {
		path = find_in(own);
	} else if (home != NULL && asprintf(&below_home, "%s/.config", home) >= 0) {
		path = find_in(below_home);
		free(below_home);
	}
	const char *system = get_variable("XDG_CONFIG_DIRS");
	char *directories = path == NULL ? strdup(system != NULL ? system : "/etc/xdg") : NULL;
	char *rest = directories, *directory;
	while (path == NULL && (directory = strsep(&rest, ":")) != NULL) {
		path = find_in(directory);
	}
	free(directories);
	return path != NULL ? path : find_in(SLUICE_SYSCONFDIR);
}

/** Returns the file's bytes with a NUL after them, or NULL and an error. */
static char *read_file(struct config_parser *parser, size_t *len_ptr) {
	// Whatever lies there, the compositor must not wait for it
	int fd = open(parser->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	if (fd < 0 || fstat(fd, &status) < 0) {
		config_error(parser, 0, "cannot be opened: %s", strerror(errno));
		if (fd >= 0) {
			close(fd);
		}
		return NULL;
	}
	char *data = NULL;
	size_t len = 0;
	ssize_t n = 0;
	if (!S_ISREG(status.st_mode)) {
		config_error(parser, 0, "is no file");
	} else if ((data = malloc(MAX_SIZE + 1)) == NULL) {
		config_error(parser, 0, "out of memory");
	} else {
		do {
			n = read(fd, data + len, MAX_SIZE + 1 - len);
			len += n > 0 ? (size_t)n : 0;
		} while (n > 0 && len <= MAX_SIZE);
	}
	if (n < 0 || len > MAX_SIZE) {
		config_error(parser, 0, "%s", n < 0 ? strerror(errno) : "is larger than 1 MiB");
		free(data);
		data = NULL;
	}
	close(fd);
	if (data != NULL) {
		data[len] = '\0';
		*len_ptr = len;
	}
	return data;
}

static int count_lines(const char *data, size_t len) {
	int lines = 1;
	for (size_t i = 0; i < len; i++) {
		lines += data[i] == '\n';
	}
	return lines;
}

/** What libscfg would take for something else, or not survive. */
static bool check_bytes(struct config_parser *parser, const char *data, size_t len) {
	const char *nul = memchr(data, '\0', len);
	if (nul != NULL) {
		config_error(parser, count_lines(data, (size_t)(nul - data)),
			"a NUL byte: this is no text");
		return false;
	}
	size_t blocks = 0;
	for (size_t i = 0; i < len; i++) {
		blocks += data[i] == '{';
		if (blocks > MAX_BLOCKS) {
			config_error(parser, count_lines(data, i), "more than %d blocks", MAX_BLOCKS);
			return false;
		}
	}
	return true;
}

/**
 * libscfg tells what is wrong with the syntax on stderr only, and it shall be told to sluicectl,
 * too: catch it there.
 */
static int parse_catching(struct scfg_block *block, FILE *file, char *said, size_t size) {
	fflush(stderr);
	int catcher = memfd_create("scfg", MFD_CLOEXEC);
	int saved = catcher >= 0 ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) : -1;
	if (saved >= 0) {
		dup2(catcher, STDERR_FILENO);
	}
	int ret = scfg_parse_file(block, file);
	fflush(stderr);
	ssize_t len = 0;
	if (saved >= 0) {
		dup2(saved, STDERR_FILENO);
		close(saved);
		len = pread(catcher, said, size - 1, 0);
	}
	if (catcher >= 0) {
		close(catcher);
	}
	said[len > 0 ? len : 0] = '\0';
	return ret;
}

/** Returns false, and an error, if it is no scfg. */
static bool parse_syntax(struct config_parser *parser, char *data, size_t len,
		struct scfg_block *block) {
	FILE *file = fmemopen(data, len > 0 ? len : 1, "r");
	if (file == NULL) {
		config_error(parser, 0, "out of memory");
		return false;
	}
	char said[256];
	int ret = parse_catching(block, file, said, sizeof(said));
	long position = ftell(file);
	fclose(file);
	if (ret == 0) {
		return true;
	}
	// "scfg: on line 3: unexpected '}'", or "scfg: on line 3: scfg: expected '}'". The number is
	// that of the next line where it was the end of one that was wrong
	static const char prefix[] = "scfg: ";
	char *message = said;
	int skip = 0;
	sscanf(said, "scfg: on line %*d: %n", &skip);
	message += skip;
	if (strncmp(message, prefix, strlen(prefix)) == 0) {
		message += strlen(prefix);
	}
	int line = count_lines(data, position > 0 ? (size_t)position - 1 : 0);
	message[strcspn(message, "\n")] = '\0';
	config_error(parser, line, "%s", message[0] != '\0' ? message : "cannot be parsed");
	return false;
}

static struct config *create(const char *path) {
	struct config *config = calloc(1, sizeof(*config));
	if (config == NULL) {
		return NULL;
	}
	wl_list_init(&config->bindings);
	wl_list_init(&config->inputs);
	wl_list_init(&config->outputs);
	windows_config_init(&config->windows);
	config->xwayland = true;
	wl_list_init(&config->commands);
	wl_list_init(&config->sources);
	config->path = path != NULL ? strdup(path) : NULL;
	if (!binding_add_built_in(config)) {
		config_destroy(config);
		return NULL;
	}
	return config;
}

bool config_read_block(struct config_parser *parser, struct scfg_block *block) {
	size_t len;
	char *data = read_file(parser, &len);
	bool ok = data != NULL && check_bytes(parser, data, len) &&
		parse_syntax(parser, data, len, block);
	free(data);
	return ok;
}

struct config *config_load(const char *path, struct config_report *report) {
	struct config_parser parser = { .path = path, .config = create(path), .report = report };
	if (parser.config == NULL || path == NULL) {
		return parser.config;
	}
	size_t errors = report->errors;
	struct scfg_block block = { 0 };
	if (config_read_block(&parser, &block)) {
		config_parse_block(&parser, &block, config_directives, parser.config);
		kiosk_config_check(&parser);
		scfg_block_finish(&block);
	}
	if (report->errors > errors) {
		config_destroy(parser.config);
		return NULL;
	}
	return parser.config;
}

void config_destroy(struct config *config) {
	if (config == NULL) {
		return;
	}
	struct binding *binding, *next_binding;
	wl_list_for_each_safe(binding, next_binding, &config->bindings, link) {
		binding_destroy(binding);
	}
	struct input_config *input, *next_input;
	wl_list_for_each_safe(input, next_input, &config->inputs, link) {
		input_config_destroy(input);
	}
	struct output_config *output, *next_output;
	wl_list_for_each_safe(output, next_output, &config->outputs, link) {
		output_config_destroy(output);
	}
	struct command_config *command, *command_tmp;
	wl_list_for_each_safe(command, command_tmp, &config->commands, link) {
		command_config_destroy(command);
	}
	struct source_config *source, *source_tmp;
	wl_list_for_each_safe(source, source_tmp, &config->sources, link) {
		source_config_destroy(source);
	}
	free(config->cursor_theme);
	windows_config_finish(&config->windows);
	free(config->path);
	free(config);
}
