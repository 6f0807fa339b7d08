/*
 * What backend/vfio/sys.c reads of sysfs, in a directory of the same form.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "vfio/sys.h"
#include "cmocka_all.h"

static char dir[] = "/tmp/sluice-unit-XXXXXX";

static int setup(void **state) {
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(symlink("../../../kernel/iommu_groups/12", "iommu_group"), 0);
	assert_int_equal(symlink("vfio-pci", "driver"), 0);
	assert_int_equal(mkdir("vfio-dev", 0700), 0);
	assert_int_equal(mkdir("vfio-dev/power", 0700), 0);
	assert_int_equal(mkdir("vfio-dev/vfio3", 0700), 0);
	return 0;
}

static int teardown(void **state) {
	unlink("iommu_group");
	unlink("driver");
	rmdir("vfio-dev/power");
	rmdir("vfio-dev/vfio3");
	rmdir("vfio-dev");
	return chdir("/") == 0 ? rmdir(dir) : -1;
}

static void test_link(void **state) {
	char name[9];
	assert_int_equal(vfio_sys_link_name("iommu_group", name, sizeof(name)), 0);
	assert_string_equal(name, "12");
	assert_int_equal(vfio_sys_link_name("driver", name, sizeof(name)), 0);
	assert_string_equal(name, "vfio-pci");
	assert_int_equal(vfio_sys_link_name("driver", name, 8), -ENAMETOOLONG);
	assert_int_equal(vfio_sys_link_name("missing", name, sizeof(name)), -ENOENT);
	assert_int_equal(vfio_sys_link_name("vfio-dev", name, sizeof(name)), -EINVAL);
}

static void test_entry(void **state) {
	char name[6];
	assert_int_equal(vfio_sys_find_entry("vfio-dev", "vfio", name, sizeof(name)), 0);
	assert_string_equal(name, "vfio3");
	assert_int_equal(vfio_sys_find_entry("vfio-dev", "vfio", name, 5), -ENAMETOOLONG);
	assert_int_equal(vfio_sys_find_entry("vfio-dev", "iommu", name, sizeof(name)), -ENOENT);
	assert_int_equal(vfio_sys_find_entry("missing", "vfio", name, sizeof(name)), -ENOENT);
	assert_int_equal(vfio_sys_find_entry("driver", "vfio", name, sizeof(name)), -ENOENT);
}

static void test_files(void **state) {
	int fd = vfio_sys_open("vfio-dev", O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(vfio_sys_check_fd(fd), 0);
	vfio_sys_close(fd);
	assert_int_equal(vfio_sys_check_fd(fd), -EBADF);
	assert_int_equal(vfio_sys_open("missing", O_RDWR), -ENOENT);

	fd = vfio_sys_eventfd();
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	uint64_t count;
	assert_int_equal(vfio_sys_read(fd, &count, sizeof(count)), -EAGAIN);
	vfio_sys_close(fd);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_entry),
		cmocka_unit_test(test_files),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
