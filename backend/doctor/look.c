#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "doctor/doctor.h"

#define MIB (UINT64_C(1) << 20)

static void look_at_binding(const struct doctor *doctor, struct doctor_pair *pair,
		struct doctor_step *step) {
	const struct pci_device *exporter = pair->exporter;
	if (pci_driver_is_vfio(exporter->driver) || exporter->has_vfio_dev) {
		doctor_pass(step, "bound to %s", exporter->driver);
	} else if (exporter->driver[0] == '\0') {
		doctor_fail(step, ENODEV, "the exporter has no driver, and needs vfio-pci");
		doctor_advise(step, "load vfio-pci, then as root: echo vfio-pci "
			">/sys/bus/pci/devices/%s/driver_override && echo %s "
			">/sys/bus/pci/drivers_probe", exporter->address, exporter->address);
	} else {
		doctor_fail(step, EBUSY, "the exporter is bound to %s, and needs vfio-pci",
			exporter->driver);
		doctor_advise(step, "if nothing uses it, load vfio-pci, then as root: echo vfio-pci "
			">/sys/bus/pci/devices/%s/driver_override && echo %s "
			">/sys/bus/pci/devices/%s/driver/unbind && echo %s "
			">/sys/bus/pci/drivers_probe", exporter->address, exporter->address,
			exporter->address, exporter->address);
	}
}

static void look_at_iommu(const struct doctor *doctor, struct doctor_pair *pair,
		struct doctor_step *step) {
	if (pair->exporter->iommu_group >= 0) {
		doctor_pass(step, "on; the exporter is in IOMMU group %d",
			pair->exporter->iommu_group);
		return;
	}
	doctor_fail(step, ENODEV, doctor->machine.has_iommu ?
		"there is an IOMMU, but the exporter is not behind it" : "the IOMMU is off");
	doctor_advise(step, "switch it on in the firmware (VT-d or AMD-Vi) and, for Intel, on the "
		"kernel's command line (intel_iommu=on)");
}

/** The kernel's rule of which drivers the other devices of a vfio group may have. */
static bool is_harmless(const struct pci_device *device) {
	return device->driver[0] == '\0' || pci_driver_is_vfio(device->driver) ||
		device->has_vfio_dev || strcmp(device->driver, "pcieport") == 0 ||
		strcmp(device->driver, "pci-stub") == 0;
}

static void look_at_group(const struct doctor *doctor, struct doctor_pair *pair,
		struct doctor_step *step) {
	const int group = pair->exporter->iommu_group;
	if (group < 0) {
		doctor_skip_step(step, "there is no group");
		return;
	}
	char good[400] = "", bad[400] = "";
	const struct pci_tree *tree = &doctor->machine.pci;
	for (size_t i = 0; i < tree->len; i++) {
		const struct pci_device *device = &tree->devices[i];
		if (device->iommu_group != group || device == pair->exporter) {
			continue;
		}
		char *list = is_harmless(device) ? good : bad;
		size_t len = strlen(list);
		snprintf(list + len, sizeof(good) - len, "%s%s (%s)", len > 0 ? ", " : "",
			device->address, device->driver[0] != '\0' ? device->driver : "no driver");
	}
	if (bad[0] != '\0') {
		doctor_fail(step, EPERM, "others of group %d have drivers of their own: %s", group, bad);
		doctor_advise(step, "bind them to vfio-pci too, or unbind them; if one is the GPU of your "
			"screen, put the exporter into another slot");
	} else if (good[0] != '\0') {
		doctor_pass(step, "the others of group %d are in nobody's way: %s", group, good);
	} else {
		doctor_pass(step, "the exporter is alone in group %d", group);
	}
}

struct vfio_entry {
	char name[32];
};

static int find_vfio_entry(const char *name, void *data) {
	struct vfio_entry *entry = data;
	if (strncmp(name, "vfio", 4) == 0 && strlen(name) < sizeof(entry->name)) {
		strcpy(entry->name, name);
	}
	return 0;
}

/** The device's own node, with iommufd: as good as the group's. */
static int check_cdev(const struct machine *machine, const struct pci_device *exporter) {
	struct vfio_entry entry = { 0 };
	char path[128];
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/vfio-dev", exporter->address);
	files_list(&machine->files, path, find_vfio_entry, &entry);
	if (entry.name[0] == '\0') {
		return -ENOENT;
	}
	snprintf(path, sizeof(path), "dev/vfio/devices/%s", entry.name);
	int ret = files_access(&machine->files, path, R_OK | W_OK);
	return ret == 0 ? files_access(&machine->files, "dev/iommu", R_OK | W_OK) : ret;
}

static void look_at_rights(const struct doctor *doctor, struct doctor_pair *pair,
		struct doctor_step *step) {
	const struct doctor_step *binding = doctor_find_step(pair, "binding");
	const struct doctor_step *iommu = doctor_find_step(pair, "iommu");
	if (binding->status != SLUICE_PROBE_PASS || iommu->status != SLUICE_PROBE_PASS) {
		doctor_skip_step(step, "the exporter is not vfio's yet");
		return;
	}

	const struct files *files = &doctor->machine.files;
	char group[64];
	snprintf(group, sizeof(group), "dev/vfio/%d", pair->exporter->iommu_group);
	const char *bad = group;
	int ret = files_access(files, group, R_OK | W_OK);
	if (ret == 0) {
		bad = "dev/vfio/vfio";
		ret = files_access(files, bad, R_OK | W_OK);
	}
	if (ret == 0 || check_cdev(&doctor->machine, pair->exporter) == 0) {
		doctor_pass(step, "whoever runs this may open /%s", group);
		return;
	}
	doctor_fail(step, -ret, ret == -EACCES ? "whoever runs this may not open /%s" :
		ret == -ENOENT ? "there is no /%s" : "/%s cannot be used", bad);
	if (ret == -EACCES) {
		doctor_advise(step, "let a group have it by a udev rule (SUBSYSTEM==\"vfio\", "
			"GROUP=\"vfio\", MODE=\"0660\"), and be in that group");
	} else {
		doctor_advise(step, "load the modules vfio, vfio_pci and vfio_iommu_type1, and look "
			"whether /dev is udev's");
	}
}

/** The BAR that has the VRAM: the one that the vendor is known for, else the largest. */
static int find_vram_bar(const struct doctor *doctor, const struct pci_device *exporter,
		const char **note) {
	int known = pci_device_is_display(exporter) ?
		limits_find_vram_bar(&doctor->limits, exporter->vendor, note) : -1;
	if (known >= 0 && exporter->bars[known].memory) {
		return known;
	}
	*note = NULL;
	int best = -1;
	for (int i = 0; i < PCI_BARS; i++) {
		if (exporter->bars[i].memory &&
				(best < 0 || exporter->bars[i].size > exporter->bars[best].size)) {
			best = i;
		}
	}
	return best;
}

static void look_at_bar(const struct doctor *doctor, struct doctor_pair *pair,
		struct doctor_step *step) {
	const char *note = NULL;
	const int index = find_vram_bar(doctor, pair->exporter, &note);
	const struct pci_bar *bar = index >= 0 ? &pair->exporter->bars[index] : NULL;
	if (bar == NULL || bar->size < MIB) {
		doctor_fail(step, ENODEV, "the exporter has no memory BAR of 1 MiB or more");
		doctor_advise(step, "is it a graphics device, and does dmesg say that its BARs did not "
			"fit? Switch on \"above 4G decoding\" in the firmware");
		return;
	}

	uint64_t largest = 0;
	for (unsigned bit = 0; bit < 44; bit++) {
		if ((bar->resizable >> bit & 1) != 0) {
			largest = MIB << bit;
		}
	}
	const char *resize = largest > bar->size ? "; it can be larger" :
		bar->resizable != 0 ? ", as large as it gets" :
		pair->exporter->capabilities_readable ? ", not resizable" :
		"; only root can read whether it is resizable";
	doctor_pass(step, "BAR %d has %" PRIu64 " MiB%s%s%s%s", index, bar->size / MIB, resize,
		note != NULL ? " (" : "", note != NULL ? note : "", note != NULL ? ")" : "");
	if (largest > bar->size) {
		doctor_advise(step, "make it %" PRIu64 " MiB: Resizable BAR in the firmware, or "
			"/sys/bus/pci/devices/%s/resource%d_resize before vfio-pci is bound", largest / MIB,
			pair->exporter->address, index);
	}
}

static void look_at_kernel(const struct doctor *doctor, struct doctor_pair *pair,
		struct doctor_step *step) {
	const struct machine *machine = &doctor->machine;
	const struct kernel_version from = limits_get_export_version(&doctor->limits);
	step->link = limits_get_kernel_link(&doctor->limits, "export");
	if (strstr(pair->exporter->driver, "dmabuf") != NULL) {
		doctor_pass(step, "Linux %s, and %s exports dma-bufs", machine->kernel_release,
			pair->exporter->driver);
	} else if (kernel_version_compare(machine->kernel, from) < 0) {
		doctor_fail(step, ENOTTY, "Linux %s has no export of dma-bufs from vfio, which came with "
			"%u.%u", machine->kernel_release, from.major, from.minor);
		doctor_advise(step, "use a newer kernel, or Sluice's module: bind the exporter to "
			"vfio-pci-dmabuf");
	} else if (machine->vfio_dmabuf == CONFIG_OFF) {
		doctor_fail(step, ENOTTY, "Linux %s was built without CONFIG_VFIO_PCI_DMABUF",
			machine->kernel_release);
		doctor_advise(step, "use a kernel that has it, or Sluice's module: bind the exporter to "
			"vfio-pci-dmabuf");
	} else {
		doctor_pass(step, "Linux %s%s", machine->kernel_release,
			machine->vfio_dmabuf == CONFIG_ON ? " with CONFIG_VFIO_PCI_DMABUF" :
			"; its configuration cannot be read");
	}
}

static const char *get_trust(enum p2p_trust trust) {
	return trust == P2P_TRUST_PROCESSOR ? "AMD processors pass that from Zen on" :
		"the kernel lists this host bridge as one that passes that";
}

static void refuse_p2p(const struct doctor *doctor, const struct doctor_pair *pair,
		struct doctor_step *step) {
	const struct p2p_verdict *p2p = &pair->p2p;
	const char *processor = doctor->machine.cpu_name[0] != '\0' ?
		doctor->machine.cpu_name : "this processor";
	if (p2p->redirect != NULL) {
		doctor_fail(step, EINVAL, "%s is above both, but ACS sends what passes %s up to the host "
			"bridge, and the kernel does not trust that of %s with it", p2p->bridge->address,
			p2p->redirect->address, processor);
	} else {
		doctor_fail(step, EINVAL, "no bridge is above both, and the kernel does not trust the "
			"host bridge of %s to pass requests from one to the other", processor);
	}
	doctor_advise(step, "put both into a machine with an AMD Zen processor or a listed server "
		"chipset, or below one PCIe switch whose ACS does not redirect");
}

static void look_at_p2p(const struct doctor *doctor, struct doctor_pair *pair,
		struct doctor_step *step) {
	step->link = limits_get_kernel_link(&doctor->limits, "peer-to-peer");
	if (pair->importer->pci == NULL) {
		doctor_fail(step, EINVAL, "the importer is no PCI device, so that it cannot reach the "
			"exporter's memory");
		doctor_advise(step, "use another GPU for the screen");
		return;
	}
	pair->p2p = p2p_decide(&doctor->machine, &doctor->limits, pair->exporter,
		pair->importer->pci);
	const struct p2p_verdict *p2p = &pair->p2p;
	switch (p2p->way) {
	case P2P_BUS:
		doctor_pass(step, "the importer reaches the exporter by way of %s",
			p2p->bridge->address);
		break;
	case P2P_ROOT:
		doctor_pass(step, "the importer reaches the exporter through the host bridge%s%s%s; %s",
			p2p->redirect != NULL ? ", as ACS of " : "",
			p2p->redirect != NULL ? p2p->redirect->address : "",
			p2p->redirect != NULL ? " has it" : "", get_trust(p2p->trust));
		break;
	case P2P_REFUSED:
		refuse_p2p(doctor, pair, step);
		break;
	case P2P_UNKNOWN:
		doctor_skip_step(step, "it depends on ACS of the bridges between the two, which only root "
			"can read");
		doctor_advise(step, "run sluicectl doctor as root");
		break;
	}
}

static void look_at_driver_import(const struct doctor *doctor, struct doctor_pair *pair,
		struct doctor_step *step) {
	const char *driver = pair->importer->driver[0] != '\0' ? pair->importer->driver : "no driver";
	step->link = pair->limits.link;
	if (pair->limits.imports) {
		doctor_pass(step, "%s imports another device's memory (%s)", driver,
			pair->limits.evidence);
		return;
	}
	if (pair->limits.why == NULL || pair->limits.step == NULL ||
			strcmp(pair->limits.step, "prime-import") != 0) {
		doctor_fail(step, EOPNOTSUPP, "%s of Linux %s is not known to import another device's "
			"memory", driver, doctor->machine.kernel_release);
		doctor_advise(step, "use a newer kernel");
		return;
	}
	doctor_fail(step, doctor_error_number(pair->limits.error), "%s", pair->limits.why);
	doctor_advise(step, "%s", pair->limits.advice);
}

static void look_at_driver_scanout(const struct doctor *doctor, struct doctor_pair *pair,
		struct doctor_step *step) {
	step->link = pair->limits.link;
	if (!pair->limits.imports) {
		doctor_skip_step(step, "what is not imported cannot be scanned out");
	} else if (pair->limits.scans_out) {
		doctor_pass(step, "%s scans out what it imported (%s)", pair->importer->driver,
			pair->limits.evidence);
	} else {
		doctor_fail(step, doctor_error_number(pair->limits.error), "%s", pair->limits.why);
		doctor_advise(step, "%s", pair->limits.advice);
	}
}

void doctor_look(const struct doctor *doctor, struct doctor_pair *pair) {
	static const struct {
		const char *name;
		void (*look)(const struct doctor *doctor, struct doctor_pair *pair,
			struct doctor_step *step);
	} table[] = {
		{ "iommu", look_at_iommu },
		{ "group", look_at_group },
		{ "binding", look_at_binding },
		{ "rights", look_at_rights },
		{ "bar", look_at_bar },
		{ "kernel", look_at_kernel },
		{ "p2p", look_at_p2p },
		{ "driver-import", look_at_driver_import },
		{ "driver-scanout", look_at_driver_scanout },
	};
	pair->limits = limits_find_importer(&doctor->limits, &doctor->machine, pair->importer);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		table[i].look(doctor, pair, doctor_add_step(pair, table[i].name));
	}
}
