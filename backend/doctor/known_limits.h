/*
 * What is known of drivers and kernels: limits.json, which is also where README's table is from.
 */
#ifndef SLUICE_DOCTOR_KNOWN_LIMITS_H
#define SLUICE_DOCTOR_KNOWN_LIMITS_H

#include <stdbool.h>
#include <stdint.h>
#include "doctor/machine.h"

struct json_object;

struct limits {
	struct json_object *root; // owned; the strings that are given out belong to it
};

/** What an importer's driver does with memory of another device. */
struct importer_limits {
	bool known;
	bool imports, scans_out;
	/** "measured", or "source": read in the driver's source. */
	const char *evidence;
	/** What fails, NULL if nothing does: a step, and the name of the errno. */
	const char *step, *error;
	const char *why, *advice, *link; // or NULL
};

/**
 * Read the file from the directory that SLUICE_DATADIR names, or from where it was installed.
 * Logs what is wrong and where, and returns false, if it cannot be used.
 */
bool limits_init(struct limits *limits);
void limits_finish(struct limits *limits);

struct importer_limits limits_find_importer(const struct limits *limits,
	const struct machine *machine, const struct drm_device *drm);

/** The BAR in which a vendor's GPUs have their VRAM, and what is to be known of it; -1: unknown. */
int limits_find_vram_bar(const struct limits *limits, uint16_t vendor, const char **note);

/** Whether the kernel's list of host bridges that pass peer-to-peer requests has this one. */
bool limits_has_host_bridge(const struct limits *limits, const struct machine *machine,
	uint16_t vendor, uint16_t device, bool same_host_bridge);

/** The first kernel that exports dma-bufs from vfio, and the option that it takes. */
struct kernel_version limits_get_export_version(const struct limits *limits);
/** The link that goes with a part of "kernel", or NULL. */
const char *limits_get_kernel_link(const struct limits *limits, const char *part);

#endif
