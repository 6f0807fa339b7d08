/*
 * The watch, over a file in place of a region: cutting it off takes its pages out of every mapping
 * and makes a read of them a SIGBUS, as the kernel does with a device's memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>
#include <sluice/watch.h>
#include "cmocka_all.h"

#define REGION 2
#define MAX_MAPPINGS 16

static struct region {
	int fd;
	size_t size;
	void *mappings[MAX_MAPPINGS];
	size_t mappings_len;
	int map_error, memory;
} region;

int __wrap_sluice_vfio_device_map(struct sluice_vfio_device *device, uint32_t index,
	uint64_t offset, uint64_t length, int prot, void **data_ptr);
int __wrap_sluice_vfio_device_get_memory(struct sluice_vfio_device *device);
const char *__wrap_sluice_vfio_device_get_address(const struct sluice_vfio_device *device);

int __wrap_sluice_vfio_device_map(struct sluice_vfio_device *device, uint32_t index,
		uint64_t offset, uint64_t length, int prot, void **data_ptr) {
	assert_int_equal(index, REGION);
	assert_int_equal(prot, PROT_READ);
	if (region.map_error != 0) {
		return region.map_error;
	}
	assert_true(region.mappings_len < MAX_MAPPINGS);
	void *data = mmap(NULL, length, prot, MAP_SHARED, region.fd, (off_t)offset);
	assert_ptr_not_equal(data, MAP_FAILED);
	region.mappings[region.mappings_len++] = data;
	*data_ptr = data;
	return 0;
}

int __wrap_sluice_vfio_device_get_memory(struct sluice_vfio_device *device) {
	return region.memory;
}

const char *__wrap_sluice_vfio_device_get_address(const struct sluice_vfio_device *device) {
	return "0000:03:00.0";
}

static void set_memory(bool on) {
	assert_int_equal(ftruncate(region.fd, on ? (off_t)region.size : 0), 0);
}

static int setup(void **state) {
	region = (struct region){ .memory = 1, .size = (size_t)sysconf(_SC_PAGESIZE) };
	region.fd = memfd_create("region", MFD_CLOEXEC);
	set_memory(true);
	*state = sluice_watch_create(NULL, REGION);
	return *state == NULL;
}

static int teardown(void **state) {
	sluice_watch_destroy(*state);
	close(region.fd);
	return 0;
}

static void test_nothing_happens(void **state) {
	for (int i = 0; i < 100; i++) {
		assert_int_equal(sluice_watch_look(*state), SLUICE_WATCH_INTACT);
	}
}

static void test_access_is_interrupted(void **state) {
	for (int i = 0; i < 3; i++) {
		set_memory(false);
		set_memory(true);
		assert_int_equal(sluice_watch_look(*state), SLUICE_WATCH_INTERRUPTED);
		assert_int_equal(sluice_watch_look(*state), SLUICE_WATCH_INTACT);
	}
}

static void test_access_is_lost(void **state) {
	set_memory(false);
	assert_int_equal(sluice_watch_look(*state), SLUICE_WATCH_LOST);
	assert_int_equal(sluice_watch_look(*state), SLUICE_WATCH_LOST);
	set_memory(true);
	// What it was before is not known
	assert_int_equal(sluice_watch_look(*state), SLUICE_WATCH_INTERRUPTED);
	assert_int_equal(sluice_watch_look(*state), SLUICE_WATCH_INTACT);
}

/** A fault that has nothing to do with the device's memory. */
static void test_a_fault_of_one_mapping(void **state) {
	for (int i = 0; i < 3; i++) {
		assert_int_equal(madvise(region.mappings[0], region.size, MADV_DONTNEED), 0);
		assert_int_equal(sluice_watch_look(*state), SLUICE_WATCH_INTACT);
	}
	set_memory(false);
	set_memory(true);
	assert_int_equal(sluice_watch_look(*state), SLUICE_WATCH_INTERRUPTED);
}

static void test_region_that_cannot_be_mapped(void **state) {
	region.map_error = -EINVAL;
	set_memory(false);
	sluice_watch_look(*state);
	assert_int_equal(sluice_watch_look(*state), SLUICE_WATCH_INTACT);
	region.memory = 0;
	assert_int_equal(sluice_watch_look(*state), SLUICE_WATCH_LOST);
	region.memory = -ENODEV;
	assert_int_equal(sluice_watch_look(*state), SLUICE_WATCH_LOST);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_happens, setup, teardown),
		cmocka_unit_test_setup_teardown(test_access_is_interrupted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_access_is_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_fault_of_one_mapping, setup, teardown),
		cmocka_unit_test_setup_teardown(test_region_that_cannot_be_mapped, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
