#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "doctor/doctor.h"

static bool is(const struct doctor_pair *pair, const char *name, enum sluice_probe_status status) {
	const struct doctor_step *step = doctor_find_step(pair, name);
	return step != NULL && step->status == status;
}

static bool passed(const struct doctor_pair *pair, const char *name) {
	return is(pair, name, SLUICE_PROBE_PASS);
}

/** The first of some steps that failed, or NULL. */
static const struct doctor_step *find_failed(const struct doctor_pair *pair,
		const char *const *names) {
	for (; *names != NULL; names++) {
		const struct doctor_step *step = doctor_find_step(pair, *names);
		if (step != NULL && step->status == SLUICE_PROBE_FAIL) {
			return step;
		}
	}
	return NULL;
}

/** What was seen to work is not in the way, whatever was expected. */
static const struct doctor_step *find_export_blocker(const struct doctor_pair *pair) {
	static const char *const names[] = { "iommu", "group", "binding", "rights", "bar", "kernel",
		"iommu-group", "vfio-open", "bar-size", "feature", "export", "probe", NULL };
	return passed(pair, "export") ? NULL : find_failed(pair, names);
}

static const struct doctor_step *find_import_blocker(const struct doctor_pair *pair) {
	static const char *const names[] = { "prime-import", "driver-import", "p2p", "drm-open", NULL };
	if (passed(pair, "prime-import")) {
		return NULL;
	}
	const struct doctor_step *import = doctor_find_step(pair, "prime-import");
	const struct doctor_step *p2p = doctor_find_step(pair, "p2p");
	// The cause says more than what came of it
	bool refused = import != NULL && import->status == SLUICE_PROBE_FAIL &&
		import->error == EINVAL && p2p->status == SLUICE_PROBE_FAIL;
	return refused ? p2p : find_failed(pair, names);
}

static const struct doctor_step *find_scanout_blocker(const struct doctor_pair *pair) {
	static const char *const names[] = { "commit", "test-commit", NULL };
	static const char *const known[] = { "driver-scanout", NULL };
	static const char *const framebuffer[] = { "addfb2", NULL };
	if (passed(pair, "commit")) {
		return NULL;
	}
	if (!passed(pair, "addfb2-modifier") && find_failed(pair, framebuffer) != NULL) {
		return find_failed(pair, framebuffer);
	}
	const struct doctor_step *blocker = find_failed(pair, names);
	if (blocker == NULL && pair->limits.step != NULL && passed(pair, pair->limits.step)) {
		return NULL; // this kernel does what the driver was known to refuse
	}
	return blocker != NULL ? blocker : find_failed(pair, known);
}

/** Where a GPU could not read it, by any renderer that was tried. */
static const struct doctor_step *find_gpu_blocker(const struct doctor_pair *pair) {
	static const char *const names[] = { "gpu-read-gles2", "gpu-read-vulkan", NULL };
	bool any = passed(pair, names[0]) || passed(pair, names[1]);
	return any ? NULL : find_failed(pair, names);
}

/** The best path of a machine whose exporter exports. */
static enum sluice_path find_path(const struct doctor_pair *pair,
		const struct doctor_step **blocker) {
	*blocker = find_import_blocker(pair);
	if (*blocker != NULL) {
		return SLUICE_PATH_CPU;
	}
	*blocker = find_scanout_blocker(pair);
	if (*blocker == NULL) {
		return SLUICE_PATH_SCANOUT;
	}
	const struct doctor_step *gpu_blocker = find_gpu_blocker(pair);
	if (gpu_blocker != NULL) {
		*blocker = gpu_blocker;
		return SLUICE_PATH_CPU;
	}
	return SLUICE_PATH_GPU;
}

static const char *describe(enum sluice_path path) {
	switch (path) {
	case SLUICE_PATH_SCANOUT:
		return "the importer's screens show the exporter's memory as it is";
	case SLUICE_PATH_GPU:
		return "the importer's GPU composites from the exporter's memory, without a copy by the "
			"CPU";
	case SLUICE_PATH_CPU:
		return "the CPU reads the exporter's memory, which is slow";
	case SLUICE_PATH_PLANE:
	case SLUICE_PATH_NONE:
		break;
	}
	return "nothing of the exporter can be shown";
}

static const char *get_ground(const struct doctor_pair *pair) {
	const struct doctor_verdict *verdict = &pair->verdict;
	if (verdict->proven) {
		return "; this was seen to work";
	}
	if (verdict->path == SLUICE_PATH_NONE) {
		return "";
	}
	if (!pair->tried) {
		return "; this is by what is known of the hardware, nothing was tried";
	}
	switch (verdict->path) {
	case SLUICE_PATH_SCANOUT:
		return "; all but a real commit was tried (--commit)";
	case SLUICE_PATH_GPU:
		return "; whether it reads the right pixels was not tried (--gpu-read)";
	default:
		return "";
	}
}

void doctor_conclude(struct doctor_pair *pair) {
	struct doctor_verdict *verdict = &pair->verdict;
	free(verdict->sentence);
	*verdict = (struct doctor_verdict){ 0 };
	verdict->later = find_path(pair, &verdict->blocker);
	verdict->path = verdict->later;
	const struct doctor_step *export_blocker = find_export_blocker(pair);
	if (export_blocker != NULL) {
		verdict->path = SLUICE_PATH_NONE;
		verdict->blocker = export_blocker;
	}
	verdict->proven = (verdict->path == SLUICE_PATH_SCANOUT && passed(pair, "commit")) ||
		(verdict->path == SLUICE_PATH_GPU && (passed(pair, "gpu-read-gles2") ||
			passed(pair, "gpu-read-vulkan")));

	char sentence[1024];
	snprintf(sentence, sizeof(sentence), "%s%s%s%s", describe(verdict->path),
		verdict->blocker != NULL ? ": " : "",
		verdict->blocker != NULL ? verdict->blocker->why : "", get_ground(pair));
	if (verdict->later != verdict->path) {
		size_t len = strlen(sentence);
		snprintf(sentence + len, sizeof(sentence) - len, "; once that is put right, the path "
			"should be %s", sluice_path_name(verdict->later));
	}
	verdict->sentence = strdup(sentence);
}
