/*
 * What can be done with an open vfio device, and every error of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/pci_regs.h>
#include <sluice/vfio.h>
#include <wlr/util/log.h>
#include "cmocka_all.h"
#include "kernel.h"

static uint64_t page;
static struct sluice_vfio_device *device;
static struct wl_event_loop *loop;

static int setup(void **state) {
	kernel_init();
	loop = wl_event_loop_create();
	assert_int_equal(sluice_vfio_device_adopt(kernel_open_device(), &device), 0);
	return 0;
}

static int teardown(void **state) {
	sluice_vfio_device_destroy(device);
	wl_event_loop_destroy(loop);
	kernel_check_closed();
	return 0;
}

static void test_region(void **state) {
	struct sluice_vfio_region region;
	assert_int_equal(sluice_vfio_device_get_region(device, KERNEL_MEMORY_BAR, &region), 0);
	assert_int_equal(region.index, KERNEL_MEMORY_BAR);
	assert_int_equal(region.size, 16 << 20);
	assert_int_equal(region.offset, (uint64_t)KERNEL_MEMORY_BAR << 40);
	assert_true((region.flags & VFIO_REGION_INFO_FLAG_MMAP) != 0);
	assert_int_equal(sluice_vfio_device_get_region(device, VFIO_PCI_BAR5_REGION_INDEX,
		&region), 0);
	assert_int_equal(region.size, 0);

	int calls = kernel.calls[KERNEL_REGION_INFO];
	assert_int_equal(sluice_vfio_device_get_region(device, VFIO_PCI_NUM_REGIONS, &region),
		-EINVAL);
	assert_int_equal(sluice_vfio_device_get_region(device, UINT32_MAX, &region), -EINVAL);
	assert_int_equal(kernel.calls[KERNEL_REGION_INFO], calls);
	static const int errors[] = { -EINVAL, -ENODEV, -EIO };
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		kernel.error[KERNEL_REGION_INFO] = errors[i];
		assert_int_equal(sluice_vfio_device_get_region(device, 0, &region), errors[i]);
	}
}

static void test_probe(void **state) {
	assert_int_equal(sluice_vfio_device_probe_dmabuf(device), 0);
	static const int errors[] = { -ENOTTY, -EOPNOTSUPP, -ENODEV, -EINVAL };
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		kernel.error[KERNEL_PROBE_FEATURE] = errors[i];
		assert_int_equal(sluice_vfio_device_probe_dmabuf(device), errors[i]);
	}
}

static void test_export(void **state) {
	const struct sluice_range ranges[] = { { 4 * page, 2 * page }, { 0, page } };
	int fd = sluice_vfio_device_export(device, KERNEL_MEMORY_BAR, ranges, 2);
	assert_true(fd >= 0);
	assert_int_equal(kernel.exported_region, KERNEL_MEMORY_BAR);
	assert_int_equal(kernel.exported_len, 2);
	// In the order given
	assert_int_equal(kernel.exported_ranges[0].offset, 4 * page);
	assert_int_equal(kernel.exported_ranges[0].length, 2 * page);
	assert_int_equal(kernel.exported_ranges[1].offset, 0);
	assert_int_equal(kernel.exported_ranges[1].length, page);
	kernel_close(fd);
}

static void test_export_errors(void **state) {
	const struct sluice_range good = { 0, page };
	static const int errors[] = {
		-ENOTTY, -EOPNOTSUPP, -ENODEV, -EINVAL, -EOVERFLOW, -ENOMEM, -EMFILE,
	};
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		kernel.error[KERNEL_GET_FEATURE] = errors[i];
		assert_int_equal(sluice_vfio_device_export(device, KERNEL_MEMORY_BAR, &good, 1),
			errors[i]);
	}
	kernel.error[KERNEL_GET_FEATURE] = 0;
	int calls = kernel.calls[KERNEL_GET_FEATURE];

	// The kernel is not even asked for these
	const struct sluice_range bad[][2] = {
		{ { 0, 0 }, { 0, page } },
		{ { (16 << 20) - page, 2 * page }, { 0, page } },
		{ { UINT64_MAX - page + 1, page }, { 0, page } },
		{ { 0, page }, { 0, page } },
	};
	const int results[] = { -EINVAL, -ERANGE, -EOVERFLOW, -EEXIST };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(sluice_vfio_device_export(device, KERNEL_MEMORY_BAR, bad[i], 2),
			results[i]);
	}
	assert_int_equal(sluice_vfio_device_export(device, KERNEL_MEMORY_BAR, NULL, 0), -EINVAL);
	assert_int_equal(sluice_vfio_device_export(device, KERNEL_IO_BAR, &good, 1), -ERANGE);
	assert_int_equal(sluice_vfio_device_export(device, 77, &good, 1), -ENODEV);
	kernel.error[KERNEL_REGION_INFO] = -EINVAL;
	assert_int_equal(sluice_vfio_device_export(device, 2, &good, 1), -ENODEV);
	kernel.error[KERNEL_REGION_INFO] = -EIO;
	assert_int_equal(sluice_vfio_device_export(device, 2, &good, 1), -EIO);
	kernel.error[KERNEL_REGION_INFO] = 0;
	kernel.fail_calloc = 1;
	assert_int_equal(sluice_vfio_device_export(device, 2, &good, 1), -ENOMEM);
	assert_int_equal(kernel.calls[KERNEL_GET_FEATURE], calls);
}

static void test_reset(void **state) {
	assert_int_equal(sluice_vfio_device_reset(device), 0);
	static const int errors[] = { -EINVAL, -EAGAIN, -ENOTTY, -ENODEV };
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		kernel.error[KERNEL_RESET] = errors[i];
		assert_int_equal(sluice_vfio_device_reset(device), errors[i]);
	}
}

static void test_no_reset(void **state) {
	sluice_vfio_device_destroy(device);
	kernel.device_flags = VFIO_DEVICE_FLAGS_PCI;
	assert_int_equal(sluice_vfio_device_adopt(kernel_open_device(), &device), 0);
	assert_int_equal(sluice_vfio_device_reset(device), -ENOTTY);
	assert_int_equal(kernel.calls[KERNEL_RESET], 0);
}

static void test_memory(void **state) {
	kernel.command = PCI_COMMAND_MASTER;
	assert_int_equal(sluice_vfio_device_get_memory(device), 0);
	assert_int_equal(sluice_vfio_device_set_memory(device, true), 0);
	assert_int_equal(kernel.command, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
	assert_int_equal(sluice_vfio_device_get_memory(device), 1);
	// Switching on what is on writes nothing: a write may revoke
	int writes = kernel.calls[KERNEL_PWRITE];
	assert_int_equal(sluice_vfio_device_set_memory(device, true), 0);
	assert_int_equal(kernel.calls[KERNEL_PWRITE], writes);
	assert_int_equal(sluice_vfio_device_set_memory(device, false), 0);
	assert_int_equal(kernel.command, PCI_COMMAND_MASTER);
	assert_int_equal(sluice_vfio_device_get_memory(device), 0);
	// The upper byte too
	kernel.command = PCI_COMMAND_INTX_DISABLE;
	assert_int_equal(sluice_vfio_device_set_memory(device, true), 0);
	assert_int_equal(kernel.command, PCI_COMMAND_INTX_DISABLE | PCI_COMMAND_MEMORY);
}

static void test_memory_errors(void **state) {
	kernel.error[KERNEL_REGION_INFO] = -ENODEV;
	assert_int_equal(sluice_vfio_device_get_memory(device), -ENODEV);
	assert_int_equal(sluice_vfio_device_set_memory(device, true), -ENODEV);
	kernel.error[KERNEL_REGION_INFO] = 0;
	kernel.error[KERNEL_PREAD] = -EIO;
	assert_int_equal(sluice_vfio_device_get_memory(device), -EIO);
	assert_int_equal(sluice_vfio_device_set_memory(device, true), -EIO);
	kernel.error[KERNEL_PREAD] = 0;
	kernel.error[KERNEL_PWRITE] = -EBUSY;
	assert_int_equal(sluice_vfio_device_set_memory(device, true), -EBUSY);
	kernel.error[KERNEL_PWRITE] = 0;
	kernel.short_by = 1;
	assert_int_equal(sluice_vfio_device_get_memory(device), -EIO);
	kernel.short_by = 0;
	kernel.command = UINT16_MAX; // gone
	int writes = kernel.calls[KERNEL_PWRITE];
	assert_int_equal(sluice_vfio_device_get_memory(device), -ENODEV);
	assert_int_equal(sluice_vfio_device_set_memory(device, false), -ENODEV);
	assert_int_equal(kernel.calls[KERNEL_PWRITE], writes);
}

static void test_config(void **state) {
	uint8_t bytes[8];
	assert_int_equal(sluice_vfio_device_read_config(device, 0, bytes, sizeof(bytes)), 0);
	assert_int_equal(bytes[7], 0x55);
	assert_int_equal(sluice_vfio_device_write_config(device, 0x40, bytes, 4), 0);
	assert_int_equal(sluice_vfio_device_read_config(device, 4088, bytes, 8), 0);
	assert_int_equal(sluice_vfio_device_read_config(device, 4089, bytes, 8), -EINVAL);
	assert_int_equal(sluice_vfio_device_read_config(device, 4096, bytes, 1), -EINVAL);
	assert_int_equal(sluice_vfio_device_read_config(device, UINT64_MAX, bytes, 1), -EINVAL);
	assert_int_equal(sluice_vfio_device_write_config(device, UINT64_MAX - 3, bytes, 4),
		-EINVAL);
	// Where configuration space is was asked once
	assert_int_equal(kernel.calls[KERNEL_REGION_INFO], 1);
	kernel.short_by = 1;
	assert_int_equal(sluice_vfio_device_read_config(device, 0, bytes, 8), -EIO);
	assert_int_equal(sluice_vfio_device_write_config(device, 0, bytes, 8), -EIO);
	kernel.error[KERNEL_PREAD] = kernel.error[KERNEL_PWRITE] = -EFAULT;
	assert_int_equal(sluice_vfio_device_read_config(device, 0, bytes, 8), -EFAULT);
	assert_int_equal(sluice_vfio_device_write_config(device, 0, bytes, 8), -EFAULT);
}

static void check_map(uint32_t region, uint64_t offset, uint64_t length, int wanted) {
	void *data = NULL;
	int maps = kernel.calls[KERNEL_MMAP];
	int result = sluice_vfio_device_map(device, region, offset, length, PROT_READ, &data);
	if (result != wanted) {
		fail_msg("region %u, 0x%llx + 0x%llx: %d, not %d", region, (unsigned long long)offset,
			(unsigned long long)length, result, wanted);
	}
	if (result == 0) {
		assert_int_equal(kernel.mapped_offset, ((uint64_t)region << 40) + offset);
		assert_int_equal(kernel.mapped_length, length);
		munmap(data, length);
	} else {
		assert_null(data);
		assert_int_equal(kernel.calls[KERNEL_MMAP], maps);
	}
}

static void test_map(void **state) {
	const uint32_t bar = KERNEL_MEMORY_BAR;
	check_map(bar, 0, page, 0);
	check_map(bar, 5 * page, 3 * page, 0);
	check_map(bar, 0, 16 << 20, 0);
	check_map(bar, 0, 0, -EINVAL);
	check_map(bar, 1, page, -EINVAL);
	check_map(bar, 0, page + 1, -EINVAL);
	check_map(bar, 16 << 20, page, -EINVAL);
	check_map(bar, (16 << 20) - page, 2 * page, -EINVAL);
	check_map(bar, UINT64_MAX - page + 1, page, -EINVAL);
	check_map(bar, page, UINT64_MAX - page + 1, -EINVAL);
	check_map(77, 0, page, -EINVAL);
	check_map(5, 0, page, -EINVAL); // of no size
	check_map(VFIO_PCI_CONFIG_REGION_INDEX, 0, 4096, page == 4096 ? -EOPNOTSUPP : -EINVAL);

	void *data;
	assert_int_equal(sluice_vfio_device_map(device, bar, 0, page, PROT_NONE, &data), -EINVAL);
	assert_int_equal(sluice_vfio_device_map(device, bar, 0, page, PROT_EXEC, &data), -EINVAL);
	assert_int_equal(sluice_vfio_device_map(device, bar, 0, page, PROT_READ | PROT_WRITE,
		&data), 0);
	assert_int_equal(kernel.mapped_prot, PROT_READ | PROT_WRITE);
	munmap(data, page);
}

static void test_map_sparse(void **state) {
	if (page != 4096) {
		skip(); // the areas are of 4 KiB pages
	}
	const uint32_t bar = KERNEL_SPARSE_BAR;
	check_map(bar, 0, 4 * page, 0);
	check_map(bar, 3 * page, page, 0);
	check_map(bar, 3 * page, 3 * page, 0); // two areas that touch
	check_map(bar, 5 * page, 2 * page, -EOPNOTSUPP);
	check_map(bar, 6 * page, page, -EOPNOTSUPP);
	check_map(bar, 7 * page, 2 * page, -EOPNOTSUPP);
	check_map(bar, 8 * page, 8 * page, 0);
	check_map(bar, 0, 16 * page, -EOPNOTSUPP);
	check_map(bar, 8 * page, 9 * page, -EINVAL);
}

static void test_map_errors(void **state) {
	void *data;
	static const int errors[] = { -EINVAL, -ENODEV, -ENOMEM, -EPERM };
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		kernel.error[KERNEL_MMAP] = errors[i];
		assert_int_equal(sluice_vfio_device_map(device, KERNEL_MEMORY_BAR, 0, page, PROT_READ,
			&data), errors[i]);
	}
	kernel.error[KERNEL_MMAP] = 0;
	kernel.error[KERNEL_REGION_INFO] = -ENODEV;
	assert_int_equal(sluice_vfio_device_map(device, KERNEL_MEMORY_BAR, 0, page, PROT_READ,
		&data), -ENODEV);
	kernel.error[KERNEL_REGION_INFO] = 0;
	for (int nth = 1; nth <= 2; nth++) {
		kernel.fail_calloc = nth;
		kernel.callocs = 0;
		assert_int_equal(sluice_vfio_device_map(device, KERNEL_SPARSE_BAR, 0, page, PROT_READ,
			&data), -ENOMEM);
	}
	kernel.fail_calloc = 0;
	// A region info that is never large enough, or absurdly large
	kernel.extra_caps_size = 2 << 20;
	assert_int_equal(sluice_vfio_device_map(device, KERNEL_SPARSE_BAR, 0, page, PROT_READ,
		&data), -EIO);
}

/** Capabilities that make no sense are as if there were none. */
static void test_map_strange_caps(void **state) {
	kernel.lie_about_areas = true;
	check_map(KERNEL_SPARSE_BAR, 0, 64 << 10, 0);
	kernel.lie_about_areas = false;
	kernel.loop_caps = true;
	check_map(KERNEL_SPARSE_BAR, 0, 64 << 10, 0);
}

struct counter {
	struct wl_listener listener;
	int count;
};

static void handle_event(struct wl_listener *listener, void *data) {
	struct counter *counter = wl_container_of(listener, counter, listener);
	assert_ptr_equal(data, device);
	counter->count++;
}

static void test_listen(void **state) {
	struct counter error = { .listener.notify = handle_event };
	struct counter request = { .listener.notify = handle_event };
	wl_signal_add(&device->events.error, &error.listener);
	wl_signal_add(&device->events.request, &request.listener);
	assert_int_equal(sluice_vfio_device_listen(device, loop), 0);
	assert_int_equal(sluice_vfio_device_listen(device, loop), -EALREADY);

	wl_event_loop_dispatch(loop, 0);
	assert_int_equal(error.count + request.count, 0);
	kernel_raise(VFIO_PCI_ERR_IRQ_INDEX);
	wl_event_loop_dispatch(loop, 0);
	assert_int_equal(error.count, 1);
	assert_int_equal(request.count, 0);
	// The kernel repeats its request until it is answered
	kernel_raise(VFIO_PCI_REQ_IRQ_INDEX);
	kernel_raise(VFIO_PCI_REQ_IRQ_INDEX);
	wl_event_loop_dispatch(loop, 0);
	wl_event_loop_dispatch(loop, 0);
	assert_int_equal(request.count, 1);

	wl_list_remove(&error.listener.link);
	wl_list_remove(&request.listener.link);
	sluice_vfio_device_destroy(device);
	device = NULL;
	assert_int_equal(kernel.irq_fd[VFIO_PCI_ERR_IRQ_INDEX], -1);
	assert_int_equal(kernel.irq_fd[VFIO_PCI_REQ_IRQ_INDEX], -1);
}

static void handle_and_destroy(struct wl_listener *listener, void *data) {
	wl_list_remove(&listener->link);
	sluice_vfio_device_destroy(data);
	device = NULL;
}

static void test_destroy_in_listener(void **state) {
	struct wl_listener listener = { .notify = handle_and_destroy };
	wl_signal_add(&device->events.request, &listener);
	assert_int_equal(sluice_vfio_device_listen(device, loop), 0);
	kernel_raise(VFIO_PCI_REQ_IRQ_INDEX);
	kernel_raise(VFIO_PCI_ERR_IRQ_INDEX);
	wl_event_loop_dispatch(loop, 0);
	assert_null(device);
}

static void check_listen_is_quiet(void) {
	assert_int_equal(sluice_vfio_device_listen(device, loop), 0);
	assert_int_equal(kernel.calls[KERNEL_EVENTFD], 0);
}

static void test_listen_without_irqs(void **state) {
	kernel.irq_count = 0;
	check_listen_is_quiet();
}

static void test_listen_without_eventfd(void **state) {
	kernel.irq_flags = 0;
	check_listen_is_quiet();
}

static void test_listen_not_pcie(void **state) {
	kernel.error[KERNEL_IRQ_INFO] = -EINVAL;
	check_listen_is_quiet();
}

static void test_listen_old_kernel(void **state) {
	sluice_vfio_device_destroy(device);
	kernel.num_irqs = VFIO_PCI_MSIX_IRQ_INDEX + 1;
	assert_int_equal(sluice_vfio_device_adopt(kernel_open_device(), &device), 0);
	check_listen_is_quiet();
	assert_int_equal(kernel.calls[KERNEL_IRQ_INFO], 0);
}

/** Whichever call fails, nothing stays behind, and it can be tried again. */
static void test_listen_errors(void **state) {
	// For each interrupt: describe it, make an eventfd, set it
	static const int eventfds[] = { 0, 0, 1, 1, 1, 2 };
	for (int nth = 1; nth <= 6; nth++) {
		int opened = kernel.opened;
		kernel.fail_nth = nth;
		kernel.nth = 0;
		kernel.nth_error = -EIO;
		assert_int_equal(sluice_vfio_device_listen(device, loop), -EIO);
		// The first interrupt, where it was set up, is taken back
		assert_int_equal(kernel.opened - opened, eventfds[nth - 1]);
		kernel.fail_nth = 0;
		assert_int_equal(kernel.irq_fd[VFIO_PCI_ERR_IRQ_INDEX], -1);
	}
	assert_int_equal(sluice_vfio_device_listen(device, loop), 0);
	assert_true(kernel.irq_fd[VFIO_PCI_REQ_IRQ_INDEX] >= 0);
}

int main(void) {
	wlr_log_init(WLR_SILENT, NULL);
	page = (uint64_t)sysconf(_SC_PAGESIZE);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_region),
		TEST(test_probe),
		TEST(test_export),
		TEST(test_export_errors),
		TEST(test_reset),
		TEST(test_no_reset),
		TEST(test_memory),
		TEST(test_memory_errors),
		TEST(test_config),
		TEST(test_map),
		TEST(test_map_sparse),
		TEST(test_map_errors),
		TEST(test_map_strange_caps),
		TEST(test_listen),
		TEST(test_destroy_in_listener),
		TEST(test_listen_without_irqs),
		TEST(test_listen_without_eventfd),
		TEST(test_listen_not_pcie),
		TEST(test_listen_old_kernel),
		TEST(test_listen_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
