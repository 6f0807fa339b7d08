/*
 * Every call that the vfio code makes into the kernel. One place to retry EINTR, one convention
 * for errors (negative errno, never the errno variable), and one seam at which the unit tests put
 * a kernel of their own.
 */
#ifndef SLUICE_VFIO_SYS_H
#define SLUICE_VFIO_SYS_H

#include <stddef.h>
#include <stdint.h>

/** open(2), close-on-exec. Returns an fd or a negative errno. */
int vfio_sys_open(const char *path, int flags);

/** close(2). NULL-like values (negative fds) are allowed. */
void vfio_sys_close(int fd);

/** ioctl(2). Returns what the kernel did, or a negative errno. */
int vfio_sys_ioctl(int fd, unsigned long request, void *arg);

/** Whether fd is open: 0 or -EBADF. */
int vfio_sys_check_fd(int fd);

/** eventfd(2), non-blocking and close-on-exec. */
int vfio_sys_eventfd(void);

/** read(2), pread(2), pwrite(2). Return the number of bytes or a negative errno. */
int64_t vfio_sys_read(int fd, void *data, size_t size);
int64_t vfio_sys_pread(int fd, void *data, size_t size, uint64_t offset);
int64_t vfio_sys_pwrite(int fd, const void *data, size_t size, uint64_t offset);

/** mmap(2), shared. Returns 0 or a negative errno. */
int vfio_sys_mmap(int fd, uint64_t offset, size_t length, int prot, void **data_ptr);

/**
 * The last component of what a symbolic link points to, as sysfs uses them to name drivers and
 * groups. Returns 0, -ENAMETOOLONG or a negative errno.
 */
int vfio_sys_link_name(const char *path, char *name, size_t name_size);

/**
 * The name of the first entry of a directory that starts with prefix. Returns 0, -ENOENT,
 * -ENAMETOOLONG or a negative errno.
 */
int vfio_sys_find_entry(const char *path, const char *prefix, char *name, size_t name_size);

#endif
