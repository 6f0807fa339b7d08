#include <stdio.h>
#include <string.h>
#include "ctl/doctor/report.h"

static void add_text(struct json_object *object, const char *key, const char *text) {
	json_object_object_add(object, key, text != NULL && text[0] != '\0' ?
		json_object_new_string(text) : NULL);
}

static struct json_object *describe_step(const struct doctor_step *step) {
	static const char *const statuses[] = {
		[SLUICE_PROBE_PASS] = "pass",
		[SLUICE_PROBE_FAIL] = "fail",
		[SLUICE_PROBE_SKIPPED] = "skipped",
	};
	struct json_object *object = json_object_new_object();
	add_text(object, "name", step->name);
	add_text(object, "status", statuses[step->status]);
	const char *error = doctor_error_name(step->error);
	json_object_object_add(object, "errno", error != NULL ? json_object_new_string(error) :
		step->error != 0 ? json_object_new_int(step->error) : NULL);
	add_text(object, "why", step->why);
	add_text(object, "do", step->advice);
	add_text(object, "link", step->link);
	return object;
}

static struct json_object *describe_verdict(const struct doctor_verdict *verdict) {
	struct json_object *object = json_object_new_object();
	add_text(object, "path", sluice_path_name(verdict->path));
	add_text(object, "later", sluice_path_name(verdict->later));
	json_object_object_add(object, "proven", json_object_new_boolean(verdict->proven));
	add_text(object, "blocker", verdict->blocker != NULL ? verdict->blocker->name : NULL);
	add_text(object, "sentence", verdict->sentence);
	return object;
}

static struct json_object *describe_pair(const struct doctor_pair *pair) {
	struct json_object *object = json_object_new_object();
	add_text(object, "exporter", pair->exporter->address);
	add_text(object, "importer", pair->importer->node);
	struct json_object *steps = json_object_new_array();
	for (size_t i = 0; i < pair->steps_len; i++) {
		json_object_array_add(steps, describe_step(&pair->steps[i]));
	}
	json_object_object_add(object, "steps", steps);
	json_object_object_add(object, "verdict", describe_verdict(&pair->verdict));
	return object;
}

static struct json_object *describe_exporter(const struct pci_device *device) {
	char id[16];
	snprintf(id, sizeof(id), "%04x:%04x", device->vendor, device->device);
	struct json_object *object = json_object_new_object();
	add_text(object, "address", device->address);
	add_text(object, "id", id);
	add_text(object, "name", device->name);
	add_text(object, "driver", device->driver);
	json_object_object_add(object, "iommu-group", device->iommu_group >= 0 ?
		json_object_new_int(device->iommu_group) : NULL);
	return object;
}

static struct json_object *describe_importer(const struct drm_device *drm) {
	struct json_object *object = json_object_new_object();
	add_text(object, "node", drm->node);
	add_text(object, "driver", drm->driver);
	add_text(object, "address", drm->pci != NULL ? drm->pci->address : NULL);
	json_object_object_add(object, "screens", json_object_new_int((int32_t)drm->screens));
	return object;
}

struct json_object *doctor_describe(const struct doctor *doctor) {
	static const char *const states[] = {
		[CONFIG_UNKNOWN] = "unknown",
		[CONFIG_OFF] = "off",
		[CONFIG_ON] = "on",
	};
	const struct machine *machine = &doctor->machine;
	struct json_object *root = json_object_new_object();
	json_object_object_add(root, "format", json_object_new_int(1));
	struct json_object *kernel = json_object_new_object();
	add_text(kernel, "release", machine->kernel_release);
	add_text(kernel, "vfio-pci-dmabuf", states[machine->vfio_dmabuf]);
	json_object_object_add(root, "kernel", kernel);
	add_text(root, "processor", machine->cpu_name);

	struct json_object *exporters = json_object_new_array();
	for (size_t i = 0; i < doctor->exporters_len; i++) {
		json_object_array_add(exporters, describe_exporter(doctor->exporters[i]));
	}
	json_object_object_add(root, "exporters", exporters);
	struct json_object *importers = json_object_new_array();
	for (size_t i = 0; i < machine->drm_len; i++) {
		json_object_array_add(importers, describe_importer(&machine->drm[i]));
	}
	json_object_object_add(root, "importers", importers);
	struct json_object *pairs = json_object_new_array();
	for (size_t i = 0; i < doctor->pairs_len; i++) {
		json_object_array_add(pairs, describe_pair(&doctor->pairs[i]));
	}
	json_object_object_add(root, "pairs", pairs);
	return root;
}
