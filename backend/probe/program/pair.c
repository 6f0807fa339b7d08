#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <dirent.h>
#include <drm_fourcc.h>
#include <sluice/vfio.h>
#include "util/checked.h"
#include "vfio/private.h"
#include "probe/program/program.h"
#include "probe/program/report.h"

#define BAR_COUNT 6

struct pair {
	struct sluice_vfio_device *device;
	struct sluice_vfio_region region;
	struct importer importer;

	struct wlr_dmabuf_attributes attribs;
	uint64_t size; // of the buffer, bytes
	uint32_t *pixels; // the pattern, as written; NULL if it was not
};

static void probe_iommu_group(const char *address) {
	report_begin("iommu-group");

	char normal[PCI_ADDRESS_SIZE];
	if (!pci_address_parse(address, normal)) {
		report_fail_try(EINVAL, "one looks like 0000:03:00.0", "'%s' is no PCI address", address);
		return;
	}
	char path[128];
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", normal);
	if (access(path, F_OK) != 0) {
		report_fail_try(ENODEV, "see lspci -D", "there is no device %s", normal);
		return;
	}
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", normal);
	char target[256];
	ssize_t len = readlink(path, target, sizeof(target) - 1);
	if (len < 0) {
		report_fail_try(errno, "switch the IOMMU on in the firmware (VT-d, AMD-Vi) and the kernel "
			"(intel_iommu=on)", "the device is in no IOMMU group");
		return;
	}
	target[len] = '\0';
	const char *slash = strrchr(target, '/');

	size_t members = 0;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group/devices", normal);
	DIR *dir = opendir(path);
	if (dir != NULL) {
		const struct dirent *entry;
		while ((entry = readdir(dir)) != NULL) {
			members += entry->d_name[0] != '.';
		}
		closedir(dir);
	}
	report_pass("group %s, with %zu device%s; each must be bound to vfio-pci or to no driver",
		slash != NULL ? slash + 1 : target, members, members == 1 ? "" : "s");
}

static bool probe_vfio_open(struct pair *pair, const char *address) {
	report_begin("vfio-open");
	int ret = sluice_vfio_device_open(address, &pair->device);
	switch (-ret) {
	case 0:
		break;
	case EACCES:
		report_fail_try(EACCES, "add a udev rule, or your user to the group that owns them",
			"no right to the nodes in /dev/vfio");
		return false;
	case EBUSY:
		report_fail_try(EBUSY, "end it, and try again",
			"another program, a virtual machine perhaps, has the device");
		return false;
	case EPERM:
		report_fail_try(EPERM, "bind all of them to vfio-pci",
			"a device of the same IOMMU group is bound to another driver");
		return false;
	case ENODEV:
		report_fail_try(ENODEV, "bind it to vfio-pci",
			"there is no such device, or it is not bound to vfio-pci");
		return false;
	default:
		report_fail(-ret, "vfio: %s", strerror(-ret));
		return false;
	}

	ret = sluice_vfio_device_set_memory(pair->device, true);
	if (ret < 0) {
		report_fail(-ret, "cannot switch the device's memory on: %s", strerror(-ret));
		return false;
	}
	report_pass("opened, and with that reset; its memory is on");
	return true;
}

static bool probe_bar_size(struct pair *pair, int wanted) {
	report_begin("bar-size");
	uint32_t first = wanted >= 0 ? (uint32_t)wanted : 0;
	uint32_t end = wanted >= 0 ? first + 1 : BAR_COUNT;
	int error = 0;
	for (uint32_t i = first; i < end; i++) {
		struct sluice_vfio_region region;
		int ret = sluice_vfio_device_get_region(pair->device, i, &region);
		if (ret < 0) {
			error = -ret;
		} else if (region.size > pair->region.size) {
			pair->region = region;
		}
	}

	const uint64_t mib = 1 << 20;
	if (pair->region.size < mib) {
		report_fail_try(error, "is this a graphics device?", "no memory BAR of 1 MiB or more");
		return false;
	}
	bool window = pair->region.size == 256 * mib;
	report_pass("BAR %" PRIu32 " has %" PRIu64 " MiB%s", pair->region.index,
		pair->region.size / mib, window ? ", perhaps only a window on the VRAM: resize it "
		"(Resizable BAR) before vfio-pci is bound" : "");
	return true;
}

static bool probe_feature(struct pair *pair) {
	report_begin("feature");
	int ret = sluice_vfio_device_probe_dmabuf(pair->device);
	switch (-ret) {
	case 0: {
		char driver[64];
		bool known = sluice_vfio_device_get_driver(pair->device, driver, sizeof(driver)) == 0;
		report_pass("the vfio driver%s%s exports dma-bufs", known ? " " : "", known ? driver : "");
		return true;
	}
	case ENOTTY:
		report_fail_try(ENOTTY, "it takes Linux 6.19 with VFIO_PCI_DMABUF, "
			"or Sluice's module vfio-pci-dmabuf",
			"the kernel does not export dma-bufs from vfio");
		return false;
	case EOPNOTSUPP:
		report_fail_try(EOPNOTSUPP, "bind vfio-pci itself, or Sluice's vfio-pci-dmabuf",
			"the vfio driver that the device is bound to does not export dma-bufs");
		return false;
	}
	report_fail(-ret, "%s", strerror(-ret));
	return false;
}

/** A picture of the screen's size, or, where there is no screen or no room, a small one. */
static void choose_layout(struct pair *pair) {
	uint32_t width = 640, height = 480;
	if (pair->importer.mode.hdisplay > 0) {
		width = pair->importer.mode.hdisplay;
		height = pair->importer.mode.vdisplay;
	}
	for (;;) {
		// Drivers want rows of multiples of 256 bytes, and some (radeonsi) 16 rows at a time
		uint64_t stride = ((uint64_t)width * 4 + 255) & ~UINT64_C(255);
		uint64_t rows = ((uint64_t)height + 15) & ~UINT64_C(15);
		uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
		uint64_t size = (stride * rows + page_size - 1) & ~(page_size - 1);
		if (size <= pair->region.size) {
			pair->size = size;
			pair->attribs = (struct wlr_dmabuf_attributes){
				.width = (int32_t)width,
				.height = (int32_t)height,
				.format = DRM_FORMAT_XRGB8888,
				.modifier = DRM_FORMAT_MOD_LINEAR,
				.n_planes = 1,
				.stride = { (uint32_t)stride },
				.fd = { -1 },
			};
			return;
		}
		width = height = 256; // fits in the least BAR that "bar-size" lets pass
	}
}

static bool probe_export(struct pair *pair) {
	report_begin("export");
	const struct sluice_range range = { .offset = 0, .length = pair->size };
	int fd = sluice_vfio_device_export(pair->device, pair->region.index, &range, 1);
	if (fd < 0) {
		report_fail(-fd, "the kernel refused to export %" PRIu64 " KiB of BAR %" PRIu32 ": %s",
			pair->size / 1024, pair->region.index, strerror(-fd));
		return false;
	}
	pair->attribs.fd[0] = fd;
	report_pass("%" PRIu64 " KiB of BAR %" PRIu32 ", a picture of %dx%d",
		pair->size / 1024, pair->region.index, pair->attribs.width, pair->attribs.height);
	return true;
}

static uint32_t pattern(uint32_t x, uint32_t y) {
	uint32_t red = (x * 7 + y * 13) & 0xff;
	uint32_t green = (x ^ y) & 0xff;
	uint32_t blue = ((x >> 3) * 31 + (y >> 3) * 17) & 0xff;
	return UINT32_C(0xff) << 24 | red << 16 | green << 8 | blue;
}

static void probe_pattern(struct pair *pair) {
	report_begin("pattern");
	void *data;
	int ret = sluice_vfio_device_map(pair->device, pair->region.index, 0, pair->size,
		PROT_READ | PROT_WRITE, &data);
	if (ret < 0) {
		report_skip("the BAR cannot be mapped (%s): what is read cannot be judged",
			strerror(-ret));
		return;
	}
	uint32_t *pixels = malloc((size_t)pair->size);
	if (pixels == NULL) {
		report_fail(ENOMEM, "out of memory");
		goto out;
	}

	size_t row = pair->attribs.stride[0] / 4;
	size_t rows = (size_t)pair->size / pair->attribs.stride[0];
	memset(pixels, 0, (size_t)pair->size);
	for (size_t y = 0; y < rows; y++) {
		for (size_t x = 0; x < row; x++) {
			pixels[y * row + x] = pattern((uint32_t)x, (uint32_t)y);
		}
	}
	memcpy(data, pixels, (size_t)pair->size);
	// What a BAR that is not memory gives back is not what was put in
	if (memcmp(data, pixels, (size_t)pair->size) != 0) {
		report_fail_try(EIO, "VRAM needs its owner, or its firmware, to have set it up",
			"BAR %" PRIu32 " does not keep what is written to it", pair->region.index);
		free(pixels);
		goto out;
	}
	pair->pixels = pixels;
	report_pass("wrote a picture through the BAR, and read it back");
out:
	munmap(data, (size_t)pair->size);
}

static int open_importer(struct pair *pair, const char *node) {
	report_begin("drm-open");
	int fd = open(node, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		int error = errno;
		report_fail_try(error, error == EACCES ?
			"is your user at the seat, or in the group that owns it?" : "",
			"cannot open %s: %s", node, strerror(error));
		return -1;
	}
	if (!importer_init(&pair->importer, fd)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void skip_import(const char *reason) {
	static const char *const steps[] = {
		"prime-import", "addfb2", "addfb2-modifier", "test-commit", "commit", "kms-release",
		"gpu-read",
	};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		report_skipped_step(steps[i], reason);
	}
}

static bool probe_exporter(struct pair *pair, const struct pair_options *options) {
	static const char *const steps[] = { "bar-size", "feature" };
	bool ok[2] = { false, false };
	if (probe_vfio_open(pair, options->address)) {
		ok[0] = probe_bar_size(pair, options->region);
		ok[1] = probe_feature(pair);
		return ok[0] && ok[1];
	}
	for (size_t i = 0; i < 2; i++) {
		report_skipped_step(steps[i], "the exporter is not open");
	}
	return false;
}

void pair_walk(const struct pair_options *options) {
	struct pair pair = { 0 };

	probe_iommu_group(options->address);
	bool can_export = probe_exporter(&pair, options);
	int drm_fd = open_importer(&pair, options->node);
	if (drm_fd >= 0) {
		importer_find_screen(&pair.importer);
	}

	bool exported = false;
	if (can_export) {
		choose_layout(&pair);
		exported = probe_export(&pair);
	} else {
		report_skipped_step("export", "the exporter cannot export");
	}
	if (exported && (options->commit || options->gpu_read)) {
		probe_pattern(&pair);
	}

	if (!exported) {
		skip_import("there is nothing to import");
	} else if (drm_fd < 0) {
		skip_import("there is no importer");
	} else {
		kms_walk(&pair.importer, &pair.attribs, options->commit, options->hold_ms);
		if (options->gpu_read) {
			const struct expected_pixels expected = {
				.data = pair.pixels,
				.stride = pair.attribs.stride[0],
			};
			report_begin("gpu-read");
			gpu_read(drm_fd, &pair.attribs, &expected);
		} else {
			report_skipped_step("gpu-read", "not asked for (--gpu-read)");
		}
	}

	// Every import is gone by now: closing the device would wait for one that is not
	report_begin("close");
	if (exported) {
		close(pair.attribs.fd[0]);
	}
	if (drm_fd >= 0) {
		close(drm_fd);
	}
	free(pair.pixels);
	sluice_vfio_device_destroy(pair.device);
	report_pass("the devices are closed again");
}
