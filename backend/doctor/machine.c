#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <linux/virtio_gpu.h>
#include "doctor/machine.h"

bool kernel_version_parse(const char *text, struct kernel_version *version) {
	return sscanf(text, "%u.%u", &version->major, &version->minor) == 2;
}

int kernel_version_compare(struct kernel_version a, struct kernel_version b) {
	if (a.major != b.major) {
		return a.major < b.major ? -1 : 1;
	}
	return a.minor == b.minor ? 0 : a.minor < b.minor ? -1 : 1;
}

/** Look for an option in a configuration, which may be compressed. */
static enum config_state read_config(const struct files *files, const char *path,
		const char *option) {
	char whole[PATH_MAX];
	snprintf(whole, sizeof(whole), "%s/%s", files->root, path);
	gzFile file = gzopen(whole, "re"); // reads plain files too
	if (file == NULL) {
		return CONFIG_UNKNOWN;
	}
	enum config_state state = CONFIG_OFF;
	char line[512];
	size_t len = strlen(option);
	while (state == CONFIG_OFF && gzgets(file, line, sizeof(line)) != NULL) {
		if (strncmp(line, option, len) == 0 && line[len] == '=') {
			state = line[len + 1] == 'y' || line[len + 1] == 'm' ? CONFIG_ON : CONFIG_OFF;
			break;
		}
	}
	int error;
	gzerror(file, &error);
	gzclose(file);
	return error == Z_OK || error == Z_STREAM_END ? state : CONFIG_UNKNOWN;
}

static void read_kernel(struct machine *machine) {
	const struct files *files = &machine->files;
	files_read(files, "proc/sys/kernel/osrelease", machine->kernel_release,
		sizeof(machine->kernel_release));
	kernel_version_parse(machine->kernel_release, &machine->kernel);

	static const char option[] = "CONFIG_VFIO_PCI_DMABUF";
	machine->vfio_dmabuf = read_config(files, "proc/config.gz", option);
	const char *const places[] = { "boot/config-%s", "usr/lib/modules/%s/config",
		"lib/modules/%s/config" };
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) &&
			machine->vfio_dmabuf == CONFIG_UNKNOWN; i++) {
		char path[sizeof(machine->kernel_release) + 32];
		const char *where = strstr(places[i], "%s");
		snprintf(path, sizeof(path), "%.*s%s%s", (int)(where - places[i]), places[i],
			machine->kernel_release, where + 2);
		machine->vfio_dmabuf = read_config(files, path, option);
	}
}

/** The value of a line "key : value" of /proc/cpuinfo: of the first processor, as the kernel does. */
static void read_cpu_value(const char *text, const char *key, char *value, size_t size) {
	size_t len = strlen(key);
	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += line[0] == '\n';
		if (strncmp(line, key, len) == 0 && (line[len] == '\t' || line[len] == ' ' ||
				line[len] == ':')) {
			const char *colon = strchr(line, ':');
			if (colon != NULL) {
				colon += 1 + (colon[1] == ' ');
				snprintf(value, size, "%.*s", (int)strcspn(colon, "\n"), colon);
			}
			return;
		}
	}
}

static void read_cpu(struct machine *machine) {
	char text[4096], family[16] = "";
	if (files_read(&machine->files, "proc/cpuinfo", text, sizeof(text)) < 0) {
		return;
	}
	read_cpu_value(text, "vendor_id", machine->cpu_vendor, sizeof(machine->cpu_vendor));
	read_cpu_value(text, "model name", machine->cpu_name, sizeof(machine->cpu_name));
	read_cpu_value(text, "cpu family", family, sizeof(family));
	machine->cpu_family = (unsigned)strtoul(family, NULL, 10);
}

/** "card0", and not "card0-DP-1" or "renderD128". */
static bool is_card(const char *name) {
	if (strncmp(name, "card", 4) != 0 || name[4] == '\0' || strlen(name) > 12) {
		return false;
	}
	for (const char *c = name + 4; *c != '\0'; c++) {
		if (!isdigit((unsigned char)*c)) {
			return false;
		}
	}
	return true;
}

/** The last PCI address in the path of its directory is the device that it belongs to. */
static void read_pci(const struct machine *machine, struct drm_device *drm) {
	char path[128], target[PATH_MAX];
	snprintf(path, sizeof(path), "sys/class/drm/%s", drm->name);
	if (files_link(&machine->files, path, target, sizeof(target)) < 0) {
		return;
	}
	char *save = NULL;
	for (char *part = strtok_r(target, "/", &save); part != NULL;
			part = strtok_r(NULL, "/", &save)) {
		const struct pci_device *device = pci_tree_find(&machine->pci, part);
		drm->pci = device != NULL ? device : drm->pci;
	}
}

struct virtio_search {
	const struct machine *machine;
	struct drm_device *drm;
};

/** virtio_gpu's DRM device is a child of the PCI device, beside the virtio device. */
static int read_virtio(const char *name, void *data) {
	const struct virtio_search *search = data;
	struct drm_device *drm = search->drm;
	if (strncmp(name, "virtio", 6) != 0 || !isdigit((unsigned char)name[6])) {
		return 0;
	}
	char path[384], features[80];
	snprintf(path, sizeof(path), "sys/class/drm/%s/device/%s/driver", drm->name, name);
	files_link_name(&search->machine->files, path, drm->driver, sizeof(drm->driver));
	// A digit for each feature bit, the lowest first
	snprintf(path, sizeof(path), "sys/class/drm/%s/device/%s/features", drm->name, name);
	int len = files_read(&search->machine->files, path, features, sizeof(features));
	drm->virgl = len > VIRTIO_GPU_F_VIRGL && features[VIRTIO_GPU_F_VIRGL] == '1';
	drm->blob = len > VIRTIO_GPU_F_RESOURCE_BLOB &&
		features[VIRTIO_GPU_F_RESOURCE_BLOB] == '1';
	return 0;
}

static void read_drm(const struct machine *machine, struct drm_device *drm) {
	char path[128];
	snprintf(drm->node, sizeof(drm->node), "/dev/dri/%s", drm->name);
	read_pci(machine, drm);
	snprintf(path, sizeof(path), "sys/class/drm/%s/device/driver", drm->name);
	files_link_name(&machine->files, path, drm->driver, sizeof(drm->driver));
	if (strcmp(drm->driver, "virtio-pci") == 0) {
		snprintf(path, sizeof(path), "sys/class/drm/%s/device", drm->name);
		struct virtio_search search = { .machine = machine, .drm = drm };
		files_list(&machine->files, path, read_virtio, &search);
	}
}

static int add_drm(const char *name, void *data) {
	struct machine *machine = data;
	if (is_card(name)) {
		struct drm_device *drm = realloc(machine->drm,
			(machine->drm_len + 1) * sizeof(*drm));
		if (drm == NULL) {
			return -ENOMEM;
		}
		machine->drm = drm;
		drm = &machine->drm[machine->drm_len++];
		*drm = (struct drm_device){ 0 };
		snprintf(drm->name, sizeof(drm->name), "%s", name);
		read_drm(machine, drm);
		return 0;
	}
	// A connector follows its card: "card0-DP-1"
	if (machine->drm_len > 0) {
		struct drm_device *last = &machine->drm[machine->drm_len - 1];
		size_t len = strlen(last->name);
		if (strncmp(name, last->name, len) == 0 && name[len] == '-') {
			char path[320], status[16];
			snprintf(path, sizeof(path), "sys/class/drm/%s/status", name);
			files_read(&machine->files, path, status, sizeof(status));
			last->screens += strcmp(status, "connected") == 0;
		}
	}
	return 0;
}

int machine_init(struct machine *machine, const char *root) {
	*machine = (struct machine){ 0 };
	int ret = files_init(&machine->files, root);
	if (ret < 0) {
		return ret;
	}
	ret = pci_tree_init(&machine->pci, &machine->files);
	if (ret == 0 || ret == -ENOENT) {
		ret = files_list(&machine->files, "sys/class/drm", add_drm, machine);
	}
	if (ret < 0 && ret != -ENOENT) {
		machine_finish(machine);
		return ret;
	}
	for (size_t i = 0; i < machine->pci.len; i++) {
		machine->has_iommu |= machine->pci.devices[i].iommu_group >= 0;
	}
	read_kernel(machine);
	read_cpu(machine);
	return 0;
}

void machine_finish(struct machine *machine) {
	free(machine->drm);
	pci_tree_finish(&machine->pci);
	files_finish(&machine->files);
}
