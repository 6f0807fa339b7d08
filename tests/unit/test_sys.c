/*
 * backend/vfio/sys.c over a libc that is interrupted: EINTR is retried, other errors are returned
 * as they are, and close() is called once.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "vfio/sys.h"
#include "cmocka_all.h"

// How many more calls are interrupted, and the error after that (0 for none)
static int interrupts, error;
static int calls;

static int interrupted(void) {
	calls++;
	if (interrupts > 0) {
		interrupts--;
		errno = EINTR;
		return -1;
	}
	errno = error;
	return error != 0 ? -1 : 0;
}

int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
int __wrap_ioctl(int fd, unsigned long request, void *arg);
ssize_t __wrap_read(int fd, void *data, size_t size);
ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset);
void *__wrap_mmap(void *address, size_t length, int prot, int flags, int fd, off_t offset);
int __wrap_open64(const char *path, int flags, ...);
ssize_t __wrap_pread64(int fd, void *data, size_t size, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *data, size_t size, off_t offset);
void *__wrap_mmap64(void *address, size_t length, int prot, int flags, int fd, off_t offset);

int __wrap_open(const char *path, int flags, ...) {
	assert_true((flags & O_CLOEXEC) != 0);
	return interrupted() < 0 ? -1 : 7;
}

int __wrap_open64(const char *path, int flags, ...) {
	return __wrap_open(path, flags);
}

int __wrap_close(int fd) {
	return interrupted();
}

int __wrap_ioctl(int fd, unsigned long request, void *arg) {
	return interrupted() < 0 ? -1 : 42;
}

ssize_t __wrap_read(int fd, void *data, size_t size) {
	return interrupted() < 0 ? -1 : 3;
}

ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset) {
	assert_int_equal(offset, INT64_MAX);
	return interrupted() < 0 ? -1 : 3;
}

ssize_t __wrap_pread64(int fd, void *data, size_t size, off_t offset) {
	return __wrap_pread(fd, data, size, offset);
}

ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset) {
	assert_int_equal(offset, INT64_MAX);
	return interrupted() < 0 ? -1 : 3;
}

ssize_t __wrap_pwrite64(int fd, const void *data, size_t size, off_t offset) {
	return __wrap_pwrite(fd, data, size, offset);
}

void *__wrap_mmap(void *address, size_t length, int prot, int flags, int fd, off_t offset) {
	assert_int_equal(flags, MAP_SHARED);
	return interrupted() < 0 ? MAP_FAILED : address;
}

void *__wrap_mmap64(void *address, size_t length, int prot, int flags, int fd, off_t offset) {
	return __wrap_mmap(address, length, prot, flags, fd, offset);
}

static int64_t do_open(void) {
	return vfio_sys_open("/dev/vfio/vfio", O_RDWR);
}

static int64_t do_ioctl(void) {
	return vfio_sys_ioctl(1, 2, NULL);
}

static int64_t do_read(void) {
	char data[8];
	return vfio_sys_read(1, data, sizeof(data));
}

static int64_t do_pread(void) {
	char data[8];
	return vfio_sys_pread(1, data, sizeof(data), INT64_MAX);
}

static int64_t do_pwrite(void) {
	return vfio_sys_pwrite(1, "data", 4, INT64_MAX);
}

static const struct {
	const char *name;
	int64_t (*function)(void);
	int64_t result;
} rows[] = {
	{ "open", do_open, 7 },
	{ "ioctl", do_ioctl, 42 },
	{ "read", do_read, 3 },
	{ "pread", do_pread, 3 },
	{ "pwrite", do_pwrite, 3 },
};

static void test_interrupted(void **state) {
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int n = 0; n < 4; n++) {
			calls = error = 0;
			interrupts = n;
			int64_t result = rows[i].function();
			if (result != rows[i].result || calls != n + 1) {
				fail_msg("%s, interrupted %d times: %lld after %d calls", rows[i].name, n,
					(long long)result, calls);
			}
		}
	}
}

static void test_errors(void **state) {
	static const int errors[] = { EACCES, ENODEV, ENOTTY, EAGAIN };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t j = 0; j < ARRAY_LEN(errors); j++) {
			calls = interrupts = 0;
			error = errors[j];
			assert_int_equal(rows[i].function(), -errors[j]);
			assert_int_equal(calls, 1);
		}
	}
}

static void test_close(void **state) {
	calls = error = 0;
	interrupts = 1;
	vfio_sys_close(7);
	assert_int_equal(calls, 1);
	vfio_sys_close(-1);
	assert_int_equal(calls, 1);
	interrupts = 0;
}

static void test_mmap(void **state) {
	void *data = &calls;
	error = ENODEV;
	assert_int_equal(vfio_sys_mmap(1, 0, 4096, PROT_READ, &data), -ENODEV);
	assert_ptr_equal(data, &calls);
	error = 0;
	assert_int_equal(vfio_sys_mmap(1, 0, 4096, PROT_READ, &data), 0);
}

static void test_offsets(void **state) {
	char bytes[4] = "";
	void *data;
	calls = error = 0;
	const uint64_t offset = (uint64_t)INT64_MAX + 1;
	assert_int_equal(vfio_sys_pread(1, bytes, 4, offset), -EOVERFLOW);
	assert_int_equal(vfio_sys_pwrite(1, bytes, 4, offset), -EOVERFLOW);
	assert_int_equal(vfio_sys_mmap(1, offset, 4096, PROT_READ, &data), -EOVERFLOW);
	assert_int_equal(calls, 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_mmap),
		cmocka_unit_test(test_offsets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
