#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ctl/doctor/report.h"

static struct json_object *describe_device(const struct pci_device *device) {
	char text[32];
	struct json_object *object = json_object_new_object();
	json_object_object_add(object, "address", json_object_new_string(device->address));
	snprintf(text, sizeof(text), "%04x:%04x", device->vendor, device->device);
	json_object_object_add(object, "id", json_object_new_string(text));
	snprintf(text, sizeof(text), "%06x", device->class);
	json_object_object_add(object, "class", json_object_new_string(text));
	json_object_object_add(object, "driver", json_object_new_string(device->driver));
	json_object_object_add(object, "iommu-group", json_object_new_int(device->iommu_group));
	json_object_object_add(object, "upstream", device->upstream != NULL ?
		json_object_new_string(device->upstream->address) : NULL);
	json_object_object_add(object, "acs-redirects", device->capabilities_readable ?
		json_object_new_boolean(device->acs_redirects) : NULL);
	struct json_object *bars = json_object_new_array();
	for (size_t i = 0; i < PCI_BARS; i++) {
		json_object_array_add(bars, json_object_new_uint64(
			device->bars[i].memory ? device->bars[i].size : 0));
	}
	json_object_object_add(object, "bars", bars);
	return object;
}

static struct json_object *make_report(const struct doctor *doctor) {
	const struct machine *machine = &doctor->machine;
	struct json_object *root = doctor_describe(doctor);
	char cmdline[4096];
	if (files_read(&machine->files, "proc/cmdline", cmdline, sizeof(cmdline)) >= 0) {
		json_object_object_add(root, "kernel-arguments", json_object_new_string(cmdline));
	}
	struct json_object *devices = json_object_new_array();
	for (size_t i = 0; i < machine->pci.len; i++) {
		json_object_array_add(devices, describe_device(&machine->pci.devices[i]));
	}
	json_object_object_add(root, "pci-devices", devices);
	return root;
}

static bool write_whole(const char *path, const char *text) {
	// Not over a file of the same name that is somebody else's, nor through a link to one
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0) {
		return false;
	}
	FILE *file = fdopen(fd, "w");
	if (file == NULL) {
		close(fd);
		return false;
	}
	bool ok = fputs(text, file) >= 0 && fputc('\n', file) >= 0 && fflush(file) == 0;
	int saved_errno = errno;
	ok = fclose(file) == 0 && ok;
	errno = saved_errno;
	return ok;
}

bool doctor_write_report(const struct doctor *doctor, const char *path) {
	struct json_object *root = make_report(doctor);
	char *text = doctor_redact(&doctor->machine.files, json_object_to_json_string_ext(root,
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_PRETTY_TAB |
		JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(root);
	if (text == NULL) {
		errno = ENOMEM;
		return false;
	}
	bool ok = write_whole(path, text);
	free(text);
	return ok;
}
