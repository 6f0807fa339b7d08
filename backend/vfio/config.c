#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <linux/pci_regs.h>
#include <wlr/util/log.h>
#include "util/checked.h"
#include "vfio/private.h"
#include "vfio/sys.h"

/** Where in the device fd [offset, offset + size) of configuration space is. */
static int locate(struct vfio_pci *pci, uint64_t offset, size_t size, uint64_t *position) {
	if (pci->config.size == 0) {
		int ret = sluice_vfio_device_get_region(&pci->base,
			VFIO_PCI_CONFIG_REGION_INDEX, &pci->config);
		if (ret < 0) {
			return ret;
		}
	}

	uint64_t end;
	if (!checked_add(offset, size, &end) || end > pci->config.size ||
			!checked_add(pci->config.offset, offset, position)) {
		return -EINVAL;
	}
	return 0;
}

int sluice_vfio_device_read_config(struct sluice_vfio_device *device, uint64_t offset,
		void *data, size_t size) {
	struct vfio_pci *pci = vfio_pci_from_device(device);
	uint64_t position;
	int ret = locate(pci, offset, size, &position);
	if (ret < 0) {
		return ret;
	}

	int64_t n = vfio_sys_pread(pci->fd, data, size, position);
	if (n < 0) {
		wlr_log(WLR_ERROR, "%s: cannot read configuration space at 0x%" PRIx64 ": %s",
			vfio_pci_name(pci), offset, strerror((int)-n));
		return (int)n;
	}
	return (uint64_t)n == size ? 0 : -EIO;
}

int sluice_vfio_device_write_config(struct sluice_vfio_device *device, uint64_t offset,
		const void *data, size_t size) {
	struct vfio_pci *pci = vfio_pci_from_device(device);
	uint64_t position;
	int ret = locate(pci, offset, size, &position);
	if (ret < 0) {
		return ret;
	}

	int64_t n = vfio_sys_pwrite(pci->fd, data, size, position);
	if (n < 0) {
		wlr_log(WLR_ERROR, "%s: cannot write configuration space at 0x%" PRIx64 ": %s",
			vfio_pci_name(pci), offset, strerror((int)-n));
		return (int)n;
	}
	return (uint64_t)n == size ? 0 : -EIO;
}

static int read_command(struct sluice_vfio_device *device, uint16_t *command) {
	uint8_t bytes[2]; // little-endian, whatever the machine
	int ret = sluice_vfio_device_read_config(device, PCI_COMMAND, bytes, sizeof(bytes));
	if (ret < 0) {
		return ret;
	}
	*command = (uint16_t)(bytes[0] | bytes[1] << 8);
	// Reads of a device that fell off the bus return all ones
	return *command == UINT16_MAX ? -ENODEV : 0;
}

int sluice_vfio_device_get_memory(struct sluice_vfio_device *device) {
	uint16_t command;
	int ret = read_command(device, &command);
	if (ret < 0) {
		return ret;
	}
	return (command & PCI_COMMAND_MEMORY) != 0;
}

int sluice_vfio_device_set_memory(struct sluice_vfio_device *device, bool enable) {
	uint16_t command;
	int ret = read_command(device, &command);
	if (ret < 0) {
		return ret;
	}

	uint16_t wanted = (uint16_t)(enable ? command | PCI_COMMAND_MEMORY :
		command & ~PCI_COMMAND_MEMORY);
	if (wanted == command) {
		return 0;
	}
	const uint8_t bytes[2] = { (uint8_t)(wanted & 0xff), (uint8_t)(wanted >> 8) };
	return sluice_vfio_device_write_config(device, PCI_COMMAND, bytes, sizeof(bytes));
}
