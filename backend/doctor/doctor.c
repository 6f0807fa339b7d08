#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/util/log.h>
#include "doctor/doctor.h"

#define MIB (UINT64_C(1) << 20)

static bool has_memory(const struct pci_device *device) {
	for (size_t i = 0; i < PCI_BARS; i++) {
		if (device->bars[i].memory && device->bars[i].size >= MIB) {
			return true;
		}
	}
	return false;
}

/**
 * A device of vfio, or one that is meant to be, that has memory to show; or any display device. A
 * disk or a network card that a virtual machine has is nobody's exporter.
 */
static bool is_candidate(const struct pci_device *device) {
	if (pci_device_is_display(device)) {
		return true;
	}
	const uint32_t base = device->class >> 16;
	bool other = base == 0x01 || base == 0x02 || base == 0x04 || base == 0x06 || base == 0x0c;
	bool vfio = device->has_vfio_dev || pci_driver_is_vfio(device->driver) ||
		(device->driver[0] == '\0' && pci_driver_is_vfio(device->driver_override));
	return vfio && !other && has_memory(device);
}

static bool find_exporters(struct doctor *doctor, const char *wanted) {
	const struct pci_tree *tree = &doctor->machine.pci;
	char address[PCI_ADDRESS_SIZE];
	if (wanted != NULL && !pci_address_parse(wanted, address)) {
		wlr_log(WLR_ERROR, "'%s' is no PCI address; one looks like 0000:03:00.0", wanted);
		return false;
	}
	if (wanted != NULL && pci_tree_find(tree, address) == NULL) {
		wlr_log(WLR_ERROR, "there is no PCI device %s; see lspci -D", address);
		return false;
	}
	doctor->exporters = calloc(tree->len + 1, sizeof(*doctor->exporters));
	if (doctor->exporters == NULL) {
		return false;
	}
	for (size_t i = 0; i < tree->len; i++) {
		const struct pci_device *device = &tree->devices[i];
		if (wanted != NULL ? strcmp(device->address, address) == 0 : is_candidate(device)) {
			doctor->exporters[doctor->exporters_len++] = device;
		}
	}
	return true;
}

static bool make_pairs(struct doctor *doctor, const char *wanted) {
	doctor->pairs = calloc(doctor->exporters_len * doctor->machine.drm_len + 1,
		sizeof(*doctor->pairs));
	if (doctor->pairs == NULL) {
		return false;
	}
	bool found = wanted == NULL;
	for (size_t i = 0; i < doctor->exporters_len; i++) {
		for (size_t j = 0; j < doctor->machine.drm_len; j++) {
			const struct drm_device *drm = &doctor->machine.drm[j];
			if (wanted != NULL && strcmp(drm->node, wanted) != 0) {
				continue;
			}
			found = true;
			if (drm->pci == doctor->exporters[i]) {
				continue;
			}
			struct doctor_pair *pair = &doctor->pairs[doctor->pairs_len++];
			pair->exporter = doctor->exporters[i];
			pair->importer = drm;
		}
	}
	if (!found && doctor->exporters_len > 0) {
		wlr_log(WLR_ERROR, "there is no DRM device %s; one looks like /dev/dri/card0", wanted);
	}
	return found || doctor->exporters_len == 0;
}

bool doctor_init(struct doctor *doctor, const struct doctor_selection *selection) {
	*doctor = (struct doctor){ 0 };
	if (!limits_init(&doctor->limits)) {
		return false;
	}
	int ret = machine_init(&doctor->machine, selection->root);
	if (ret < 0) {
		wlr_log(WLR_ERROR, "cannot look at the machine: %s", strerror(-ret));
		limits_finish(&doctor->limits);
		return false;
	}
	if (!find_exporters(doctor, selection->exporter) ||
			!make_pairs(doctor, selection->importer)) {
		doctor_finish(doctor);
		return false;
	}
	for (size_t i = 0; i < doctor->pairs_len; i++) {
		doctor_look(doctor, &doctor->pairs[i]);
	}
	return true;
}

void doctor_finish(struct doctor *doctor) {
	for (size_t i = 0; i < doctor->pairs_len; i++) {
		struct doctor_pair *pair = &doctor->pairs[i];
		for (size_t j = 0; j < pair->steps_len; j++) {
			free(pair->steps[j].why);
			free(pair->steps[j].advice);
		}
		free(pair->verdict.sentence);
	}
	free(doctor->pairs);
	free(doctor->exporters);
	machine_finish(&doctor->machine);
	limits_finish(&doctor->limits);
}
