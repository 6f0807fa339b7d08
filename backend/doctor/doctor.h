/*
 * The doctor: for each exporter and importer of a machine, what stands between the VRAM of the one
 * and the screens of the other.
 */
#ifndef SLUICE_DOCTOR_DOCTOR_H
#define SLUICE_DOCTOR_DOCTOR_H

#include <sluice/probe.h>
#include <sluice/renderer.h>
#include "doctor/known_limits.h"
#include "doctor/machine.h"
#include "doctor/p2p.h"

#define DOCTOR_STEPS_MAX 32

struct doctor_step {
	const char *name; // stable
	enum sluice_probe_status status;
	int error; // a positive errno, or 0
	char *why; // one sentence, owned
	char *advice; // what to do: one sentence, owned, or NULL
	const char *link; // where to read more, or NULL
};

/** What will work, by all that is known. */
struct doctor_verdict {
	enum sluice_path path; // now
	enum sluice_path later; // once what blocks it is put right; else the same
	bool proven; // pixels or a real commit were seen
	const struct doctor_step *blocker; // what stands in the way of a better path, or NULL
	char *sentence; // owned
};

struct doctor_pair {
	const struct pci_device *exporter;
	const struct drm_device *importer;
	struct importer_limits limits; // of the importer
	struct p2p_verdict p2p;
	bool tried; // the device steps were taken
	struct doctor_step steps[DOCTOR_STEPS_MAX];
	size_t steps_len;
	struct doctor_verdict verdict;
};

struct doctor {
	struct machine machine;
	struct limits limits;
	const struct pci_device **exporters; // candidates
	size_t exporters_len;
	struct doctor_pair *pairs;
	size_t pairs_len;
};

/** What is to be looked at. */
struct doctor_selection {
	const char *root; // NULL: this machine
	/** A PCI address, NULL: every device of vfio, and every one that could be. */
	const char *exporter;
	/** A node such as "/dev/dri/card0", NULL: all. */
	const char *importer;
};

/**
 * Find the pairs, and take the steps that only read files. Returns false if that is impossible, which is
 * logged; a machine without pairs is no error.
 */
bool doctor_init(struct doctor *doctor, const struct doctor_selection *selection);
void doctor_finish(struct doctor *doctor);

/** Whether there is any use in the steps that open the exporter. */
bool doctor_can_try(const struct doctor_pair *pair);

/**
 * Take the steps that open the devices, each in a child process with a deadline in milliseconds.
 * The exporter is reset. flags: enum sluice_probe_flag.
 */
void doctor_try(struct doctor_pair *pair, uint32_t flags, int timeout_ms);

/** Say why the steps that open the devices are not taken. */
void doctor_skip(struct doctor_pair *pair, const char *reason);

/** Judge, once all steps are taken. May be called again. */
void doctor_conclude(struct doctor_pair *pair);

/** The steps that only read files. */
void doctor_look(const struct doctor *doctor, struct doctor_pair *pair);

/** A step by its name, or NULL if it was not taken. */
const struct doctor_step *doctor_find_step(const struct doctor_pair *pair, const char *name);

/** Add a step; it is at first passed, and has no sentence. */
struct doctor_step *doctor_add_step(struct doctor_pair *pair, const char *name);
void doctor_pass(struct doctor_step *step, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void doctor_fail(struct doctor_step *step, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void doctor_skip_step(struct doctor_step *step, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void doctor_advise(struct doctor_step *step, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** "EINVAL", or NULL for an errno that no step has. */
const char *doctor_error_name(int error);
/** The errno of a name, 0 if it is not known. */
int doctor_error_number(const char *name);

#endif
