/*
 * Small files of sysfs, procfs and /dev, below a root that need not be "/": what was recorded on
 * one machine can be looked at on another.
 */
#ifndef SLUICE_DOCTOR_FILES_H
#define SLUICE_DOCTOR_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Where files are looked for. Paths below are relative to it: "sys/class/drm". */
struct files {
	int dir_fd;
	const char *root; // as it was given, without a slash at its end: "" for "/"
};

/** root is borrowed; NULL or "" means "/". Returns 0 or a negative errno. */
int files_init(struct files *files, const char *root);
void files_finish(struct files *files);

/**
 * The content of a file, up to size - 1 bytes, without the newline at its end. Returns its length
 * or a negative errno.
 */
int files_read(const struct files *files, const char *path, char *text, size_t size);

/** What a symbolic link says, whole. Returns 0, -ENAMETOOLONG or a negative errno. */
int files_link(const struct files *files, const char *path, char *target, size_t size);

/** The last component of what a symbolic link says, or an empty string if there is none. */
void files_link_name(const struct files *files, const char *path, char *name, size_t size);

/** access(2): 0 or a negative errno. */
int files_access(const struct files *files, const char *path, int mode);

/**
 * Call a function with the name of each entry of a directory, in an order that is always the
 * same: numbers within names by their value. Returns 0, or a negative errno: of the directory, or what
 * the function returned to end it.
 */
int files_list(const struct files *files, const char *path,
	int (*entry)(const char *name, void *data), void *data);

#endif
