/*
 * Opening and adopting vfio devices, on every way and every error of them.
 */
#include <errno.h>
#include <string.h>
#include <sluice/vfio.h>
#include <wlr/util/log.h>
#include "vfio/private.h"
#include "cmocka_all.h"
#include "kernel.h"

static int setup(void **state) {
	kernel_init();
	return 0;
}

static int teardown(void **state) {
	kernel_check_closed();
	return 0;
}

static void test_addresses(void **state) {
	static const struct {
		const char *text, *address;
	} rows[] = {
		{ "0000:03:00.0", "0000:03:00.0" },
		{ "03:00.0", "0000:03:00.0" },
		{ "3:0.7", "0000:03:00.7" },
		{ "0000:FF:1F.7", "0000:ff:1f.7" },
		{ "0:0:0.0", "0000:00:00.0" },
		{ "10000:e1:00.0", "10000:e1:00.0" },
		{ "ffffffff:ff:1f.7", "ffffffff:ff:1f.7" },
		{ "", NULL },
		{ ":", NULL },
		{ "03:00", NULL },
		{ "03:00.", NULL },
		{ "03:00.8", NULL },
		{ "03:20.0", NULL },
		{ "100:00.0", NULL },
		{ "03:00.0 ", NULL },
		{ " 03:00.0", NULL },
		{ "03:00.0/../..", NULL },
		{ "0000:03:00.0.0", NULL },
		{ "0000:0000:03:00.0", NULL },
		{ "100000000:03:00.0", NULL },
		{ "0x0:03:00.0", NULL },
		{ "-1:00.0", NULL },
		{ "g3:00.0", NULL },
		{ "0000:03:00.00000000000", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char address[PCI_ADDRESS_SIZE] = "";
		bool ok = pci_address_parse(rows[i].text, address);
		if (ok != (rows[i].address != NULL) || (ok && strcmp(address, rows[i].address) != 0)) {
			fail_msg("'%s' became '%s'", rows[i].text, address);
		}
	}
}

static void check_opened(struct sluice_vfio_device *device) {
	assert_string_equal(sluice_vfio_device_get_address(device), KERNEL_ADDRESS);
	assert_int_equal(sluice_vfio_device_get_iommu_group(device), KERNEL_GROUP);
	assert_true(sluice_vfio_device_get_fd(device) >= 0);
	char driver[16];
	assert_int_equal(sluice_vfio_device_get_driver(device, driver, sizeof(driver)), 0);
	assert_string_equal(driver, kernel.driver);
}

static void test_open_group(void **state) {
	struct sluice_vfio_device *device;
	assert_int_equal(sluice_vfio_device_open("03:00.0", &device), 0);
	check_opened(device);
	assert_int_equal(kernel.calls[KERNEL_SET_IOMMU_V1], 0);
	assert_int_equal(kernel.opened, 3);
	sluice_vfio_device_destroy(device);
}

static void test_open_cdev(void **state) {
	kernel.has_cdev = true;
	struct sluice_vfio_device *device;
	assert_int_equal(sluice_vfio_device_open(KERNEL_ADDRESS, &device), 0);
	check_opened(device);
	assert_int_equal(kernel.calls[KERNEL_OPEN_GROUP], 0);
	sluice_vfio_device_destroy(device);
}

static void test_open_old_iommu(void **state) {
	kernel.error[KERNEL_SET_IOMMU_V2] = -EINVAL;
	struct sluice_vfio_device *device;
	assert_int_equal(sluice_vfio_device_open(KERNEL_ADDRESS, &device), 0);
	assert_int_equal(kernel.calls[KERNEL_SET_IOMMU_V1], 1);
	sluice_vfio_device_destroy(device);
}

/** Where the cdev does not do, the group does. */
static void test_open_falls_back(void **state) {
	static const struct {
		enum kernel_call call;
		int error;
	} rows[] = {
		{ KERNEL_OPEN_CDEV, -ENOENT },
		{ KERNEL_OPEN_CDEV, -EACCES },
		{ KERNEL_OPEN_IOMMU, -ENOENT },
		{ KERNEL_OPEN_IOMMU, -EACCES },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		kernel_init();
		kernel.has_cdev = true;
		kernel.error[rows[i].call] = rows[i].error;
		struct sluice_vfio_device *device;
		assert_int_equal(sluice_vfio_device_open(KERNEL_ADDRESS, &device), 0);
		check_opened(device);
		assert_int_equal(kernel.calls[KERNEL_GET_DEVICE_FD], 1);
		sluice_vfio_device_destroy(device);
		kernel_check_closed();
	}
}

static void test_open_errors(void **state) {
	static const struct {
		bool cdev;
		enum kernel_call call;
		int error, result;
	} rows[] = {
		{ false, KERNEL_SUBSYSTEM_LINK, -ENOENT, -ENODEV },
		{ false, KERNEL_DRIVER_LINK, -ENOENT, -ENODEV },
		{ false, KERNEL_GROUP_LINK, -ENOENT, -ENODEV },
		{ true, KERNEL_OPEN_CDEV, -EBUSY, -EBUSY },
		{ true, KERNEL_OPEN_IOMMU, -EMFILE, -EMFILE },
		{ true, KERNEL_BIND, -EBUSY, -EBUSY },
		{ true, KERNEL_BIND, -EINVAL, -EINVAL },
		{ true, KERNEL_GET_INFO, -ENODEV, -ENODEV },
		{ false, KERNEL_OPEN_GROUP, -ENOENT, -ENODEV },
		{ false, KERNEL_OPEN_GROUP, -EACCES, -EACCES },
		{ false, KERNEL_OPEN_GROUP, -EBUSY, -EBUSY },
		{ false, KERNEL_OPEN_CONTAINER, -EACCES, -EACCES },
		{ false, KERNEL_GROUP_STATUS, -ENODEV, -ENODEV },
		{ false, KERNEL_SET_CONTAINER, -EBUSY, -EBUSY },
		{ false, KERNEL_SET_CONTAINER, -EINVAL, -EINVAL },
		{ false, KERNEL_GET_DEVICE_FD, -ENODEV, -ENODEV },
		{ false, KERNEL_GET_DEVICE_FD, -EBUSY, -EBUSY },
		{ false, KERNEL_GET_INFO, -ENOTTY, -ENOTTY },
		{ false, KERNEL_GET_INFO, -EIO, -EIO },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		kernel_init();
		kernel.has_cdev = rows[i].cdev;
		kernel.error[rows[i].call] = rows[i].error;
		struct sluice_vfio_device *device;
		int result = sluice_vfio_device_open(KERNEL_ADDRESS, &device);
		if (result != rows[i].result) {
			fail_msg("row %zu: %d, not %d", i, result, rows[i].result);
		}
		kernel_check_closed();
	}

	kernel_init();
	struct sluice_vfio_device *device;
	kernel.error[KERNEL_SET_IOMMU_V2] = kernel.error[KERNEL_SET_IOMMU_V1] = -EPERM;
	assert_int_equal(sluice_vfio_device_open(KERNEL_ADDRESS, &device), -EPERM);
	kernel_check_closed();

	kernel_init();
	kernel.group_viable = false;
	assert_int_equal(sluice_vfio_device_open(KERNEL_ADDRESS, &device), -EPERM);
	assert_int_equal(kernel.calls[KERNEL_SET_CONTAINER], 0);
	kernel_check_closed();

	kernel_init();
	kernel.device_flags = VFIO_DEVICE_FLAGS_PLATFORM;
	assert_int_equal(sluice_vfio_device_open(KERNEL_ADDRESS, &device), -EINVAL);
	kernel_check_closed();

	kernel_init();
	assert_int_equal(sluice_vfio_device_open("card0", &device), -EINVAL);
	assert_int_equal(sluice_vfio_device_open("04:00.0", &device), -ENODEV);
	assert_int_equal(kernel.opened, 0);
}

/** Whichever call fails, and however, the open fails or succeeds without leaving anything. */
static void test_open_every_failure(void **state) {
	static const int errors[] = { -EIO, -ENOENT, -EACCES, -EBUSY, -ENODEV, -ENOMEM, -EINVAL };
	for (int cdev = 0; cdev < 2; cdev++) {
		for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
			int failures = 0;
			for (int nth = 1; ; nth++) {
				kernel_init();
				kernel.has_cdev = cdev != 0;
				kernel.fail_nth = nth;
				kernel.nth_error = errors[i];
				struct sluice_vfio_device *device = NULL;
				int result = sluice_vfio_device_open(KERNEL_ADDRESS, &device);
				if (result == 0) {
					sluice_vfio_device_destroy(device);
				} else {
					assert_true(result < 0 && device == NULL);
					failures++;
				}
				kernel_check_closed();
				if (kernel.nth < nth) {
					break; // there were fewer calls than that
				}
			}
			// Some are made good by the group
			assert_true(failures >= 3);
		}
	}
}

static void test_adopt(void **state) {
	int fd = kernel_open_device();
	struct sluice_vfio_device *device;
	assert_int_equal(sluice_vfio_device_adopt(fd, &device), 0);
	check_opened(device);
	assert_int_equal(sluice_vfio_device_get_fd(device), fd);
	assert_int_equal(kernel.calls[KERNEL_RESET], 0);
	sluice_vfio_device_destroy(device); // closes it
}

/** What an older kernel, or a strange one, says of the fd is no error. */
static void test_adopt_without_address(void **state) {
	static const char *const texts[] = {
		"", "pos:\t0\n", "vfio-device-syspath:", "vfio-device-syspath:\t/\n",
		"vfio-device-syspath:\t/sys/devices/platform/gpu\n", "vfio-device-syspath:\tno path",
	};
	for (size_t i = 0; i < ARRAY_LEN(texts) + 2; i++) {
		kernel_init();
		kernel.fdinfo = i < ARRAY_LEN(texts) ? texts[i] : "";
		kernel.error[KERNEL_OPEN_FDINFO] = i == ARRAY_LEN(texts) ? -ENOENT : 0;
		kernel.error[KERNEL_READ] = i == ARRAY_LEN(texts) + 1 ? -EIO : 0;
		struct sluice_vfio_device *device;
		assert_int_equal(sluice_vfio_device_adopt(kernel_open_device(), &device), 0);
		assert_null(sluice_vfio_device_get_address(device));
		assert_int_equal(sluice_vfio_device_get_iommu_group(device), -1);
		sluice_vfio_device_destroy(device);
		kernel_check_closed();
	}
}

static void test_adopt_long_fdinfo(void **state) {
	static char text[8192];
	memset(text, 'x', sizeof(text) - 1);
	kernel.fdinfo = text;
	struct sluice_vfio_device *device;
	assert_int_equal(sluice_vfio_device_adopt(kernel_open_device(), &device), 0);
	assert_null(sluice_vfio_device_get_address(device));
	sluice_vfio_device_destroy(device);
}

static void check_adopt_fails(int fd, int wanted) {
	struct sluice_vfio_device *device = NULL;
	assert_int_equal(sluice_vfio_device_adopt(fd, &device), wanted);
	assert_null(device);
}

static void test_adopt_errors(void **state) {
	check_adopt_fails(-1, -EBADF);
	check_adopt_fails(6000, -EBADF);

	int fd = kernel_open_device();
	kernel.error[KERNEL_GET_INFO] = -ENOTTY;
	check_adopt_fails(fd, -ENOTTY);
	kernel.error[KERNEL_GET_INFO] = -EINVAL; // a container, or a cdev that was not bound
	check_adopt_fails(fd, -ENOTTY);
	kernel.error[KERNEL_GET_INFO] = -ENODEV;
	check_adopt_fails(fd, -ENODEV);
	kernel.error[KERNEL_GET_INFO] = 0;
	kernel.device_flags = VFIO_DEVICE_FLAGS_CCW;
	check_adopt_fails(fd, -EINVAL);
	kernel.device_flags = VFIO_DEVICE_FLAGS_PCI;
	kernel.fail_calloc = 1;
	check_adopt_fails(fd, -ENOMEM);
	// It is still the caller's
	kernel_close(fd);
}

static void test_open_no_memory(void **state) {
	struct sluice_vfio_device *device = NULL;
	kernel.fail_calloc = 1;
	assert_int_equal(sluice_vfio_device_open(KERNEL_ADDRESS, &device), -ENOMEM);
	assert_null(device);
	assert_int_equal(kernel.opened, 0);
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	assert_int_equal(sluice_vfio_device_get_fd(data) >= 0, true);
	wl_list_remove(&listener->link);
	wl_list_init(&listener->link);
}

static void test_destroy_signal(void **state) {
	struct sluice_vfio_device *device;
	assert_int_equal(sluice_vfio_device_open(KERNEL_ADDRESS, &device), 0);
	struct wl_listener listener = { .notify = handle_destroy };
	wl_signal_add(&device->events.destroy, &listener);
	sluice_vfio_device_destroy(device);
	assert_true(wl_list_empty(&listener.link));
	sluice_vfio_device_destroy(NULL);
}

int main(void) {
	wlr_log_init(WLR_SILENT, NULL);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_addresses),
		TEST(test_open_group),
		TEST(test_open_cdev),
		TEST(test_open_old_iommu),
		TEST(test_open_falls_back),
		TEST(test_open_errors),
		TEST(test_open_every_failure),
		TEST(test_open_no_memory),
		TEST(test_adopt),
		TEST(test_adopt_without_address),
		TEST(test_adopt_long_fdinfo),
		TEST(test_adopt_errors),
		TEST(test_destroy_signal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
