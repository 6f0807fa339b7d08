#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>
#include <wlr/util/log.h>
#include "doctor/config.h"
#include "doctor/known_limits.h"

static const char *get_string(struct json_object *object, const char *key) {
	struct json_object *value;
	return json_object_object_get_ex(object, key, &value) &&
		json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static struct json_object *get_object(struct json_object *object, const char *key) {
	struct json_object *value;
	return json_object_object_get_ex(object, key, &value) ? value : NULL;
}

static bool get_bool(struct json_object *object, const char *key) {
	return json_object_get_boolean(get_object(object, key));
}

/** A number that is written "0x8086", as JSON has no such form. */
static bool is_number(struct json_object *object, const char *key, uint16_t number) {
	const char *text = get_string(object, key);
	return text != NULL && strtoul(text, NULL, 16) == number;
}

bool limits_init(struct limits *limits) {
	const char *dir = getenv("SLUICE_DATADIR");
	if (dir == NULL || dir[0] == '\0') {
		dir = SLUICE_DATADIR;
	}
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/limits.json", dir);
	limits->root = json_object_from_file(path);
	if (limits->root == NULL) {
		wlr_log(WLR_ERROR, "cannot read what is known of drivers: %s; "
			"set SLUICE_DATADIR to the directory of limits.json", json_util_get_last_err());
		return false;
	}
	if (json_object_get_int(get_object(limits->root, "format")) != 1 ||
			!json_object_is_type(get_object(limits->root, "importers"), json_type_array) ||
			!json_object_is_type(get_object(limits->root, "host-bridges"),
				json_type_array)) {
		wlr_log(WLR_ERROR, "%s is of another version than this program", path);
		limits_finish(limits);
		return false;
	}
	return true;
}

void limits_finish(struct limits *limits) {
	json_object_put(limits->root);
	limits->root = NULL;
}

/** Whether a "kernel" of { "from": "6.19", "before": "7.4" }, either or none, holds. */
static bool is_for_kernel(struct json_object *entry, const struct machine *machine) {
	struct json_object *range = get_object(entry, "kernel");
	const char *from = get_string(range, "from"), *before = get_string(range, "before");
	struct kernel_version version;
	if (from != NULL && kernel_version_parse(from, &version) &&
			kernel_version_compare(machine->kernel, version) < 0) {
		return false;
	}
	return before == NULL || !kernel_version_parse(before, &version) ||
		kernel_version_compare(machine->kernel, version) < 0;
}

static bool holds(struct json_object *when, const char *key, bool value) {
	struct json_object *wanted = get_object(when, key);
	return wanted == NULL || json_object_get_boolean(wanted) == (int)value;
}

static bool is_for_importer(struct json_object *entry, const struct machine *machine,
		const struct drm_device *drm) {
	const char *driver = get_string(entry, "driver");
	if (driver == NULL || (strcmp(driver, "*") != 0 && strcmp(driver, drm->driver) != 0)) {
		return false;
	}
	struct json_object *when = get_object(entry, "when");
	// A GPU on the root bus is part of the processor's package
	bool integrated = drm->pci != NULL && drm->pci->upstream == NULL;
	return holds(when, "integrated", integrated) && holds(when, "blob", drm->blob) &&
		holds(when, "virgl", drm->virgl);
}

struct importer_limits limits_find_importer(const struct limits *limits,
		const struct machine *machine, const struct drm_device *drm) {
	struct json_object *importers = get_object(limits->root, "importers");
	for (size_t i = 0; i < json_object_array_length(importers); i++) {
		struct json_object *entry = json_object_array_get_idx(importers, i);
		if (!is_for_importer(entry, machine, drm)) {
			continue;
		}
		// The kernel's version bounds what works, and not what is known to fail
		bool kernel = is_for_kernel(entry, machine);
		struct json_object *imports = get_object(entry, "imports");
		struct json_object *scans_out = get_object(entry, "scans-out");
		struct json_object *fails = get_object(entry, "fails");
		return (struct importer_limits){
			.known = true,
			.imports = kernel && get_bool(imports, "works"),
			.scans_out = kernel && get_bool(scans_out, "works"),
			.evidence = get_string(scans_out, "evidence"),
			.step = get_string(fails, "step"),
			.error = get_string(fails, "errno"),
			.why = get_string(entry, "why"),
			.advice = get_string(entry, "do"),
			.link = get_string(entry, "link"),
		};
	}
	return (struct importer_limits){ 0 };
}

int limits_find_vram_bar(const struct limits *limits, uint16_t vendor, const char **note) {
	struct json_object *exporters = get_object(limits->root, "exporters");
	for (size_t i = 0; exporters != NULL && i < json_object_array_length(exporters); i++) {
		struct json_object *entry = json_object_array_get_idx(exporters, i);
		if (is_number(entry, "vendor", vendor)) {
			*note = get_string(entry, "note");
			int bar = json_object_get_int(get_object(entry, "bar"));
			return bar >= 0 && bar < PCI_BARS ? bar : -1;
		}
	}
	*note = NULL;
	return -1;
}

bool limits_has_host_bridge(const struct limits *limits, const struct machine *machine,
		uint16_t vendor, uint16_t device, bool same_host_bridge) {
	struct json_object *bridges = get_object(limits->root, "host-bridges");
	for (size_t i = 0; i < json_object_array_length(bridges); i++) {
		struct json_object *entry = json_object_array_get_idx(bridges, i);
		bool any_device = get_object(entry, "device") == NULL;
		if (is_number(entry, "vendor", vendor) && is_for_kernel(entry, machine) &&
				(any_device || is_number(entry, "device", device))) {
			return same_host_bridge || !get_bool(entry, "same-host-bridge");
		}
	}
	return false;
}

struct kernel_version limits_get_export_version(const struct limits *limits) {
	struct kernel_version version = { 6, 19 };
	struct json_object *part = get_object(get_object(limits->root, "kernel"), "export");
	const char *from = get_string(part, "from");
	if (from != NULL) {
		kernel_version_parse(from, &version);
	}
	return version;
}

const char *limits_get_kernel_link(const struct limits *limits, const char *part) {
	return get_string(get_object(get_object(limits->root, "kernel"), part), "link");
}
