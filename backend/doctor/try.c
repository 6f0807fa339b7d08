#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "doctor/doctor.h"

/** The steps that open devices, as sluice-probe names them, in its order. */
static const char *const steps[] = {
	"vfio-open", "feature", "drm-open", "screen", "export", "pattern", "prime-import", "addfb2",
	"addfb2-modifier", "test-commit", "commit", "kms-release", "close",
};
static const char *const gpu_steps[] = { "gpu-read-gles2", "gpu-read-vulkan" };
static const char *const renderers[] = { "gles2", "vulkan" };

struct trial {
	struct doctor_pair *pair;
	const char *gpu_step; // NULL: the walk itself
	bool done;
};

static const char *find_name(const char *const *names, size_t len, const char *name) {
	for (size_t i = 0; i < len; i++) {
		if (strcmp(names[i], name) == 0) {
			return names[i];
		}
	}
	return NULL;
}

/** What is known of the driver says more than the errno does. */
static void add_knowledge(const struct doctor_pair *pair, struct doctor_step *step) {
	const struct importer_limits *limits = &pair->limits;
	if (limits->step == NULL || limits->error == NULL || strcmp(limits->step, step->name) != 0 ||
			doctor_error_number(limits->error) != step->error) {
		return;
	}
	doctor_fail(step, step->error, "%s", limits->why);
	doctor_advise(step, "%s", limits->advice);
	step->link = limits->link;
}

static void copy_step(struct doctor_pair *pair, const char *name,
		const struct sluice_probe_step *from) {
	struct doctor_step *step = doctor_add_step(pair, name);
	step->status = from->status;
	step->error = from->error;
	step->why = strdup(from->sentence);
	if (from->advice[0] != '\0') {
		doctor_advise(step, "%s", from->advice);
	}
	if (step->status == SLUICE_PROBE_FAIL) {
		add_knowledge(pair, step);
	}
}

static void handle_walked(const struct sluice_probe_result *result, void *data) {
	struct trial *trial = data;
	trial->done = true;
	for (size_t i = 0; i < result->steps_len; i++) {
		const struct sluice_probe_step *step = &result->steps[i];
		const char *name = find_name(steps, sizeof(steps) / sizeof(steps[0]), step->name);
		if (name == NULL && step->status == SLUICE_PROBE_FAIL) {
			// What the look has judged already is worth telling when it fails
			name = strcmp(step->name, "iommu-group") == 0 ? "iommu-group" :
				strcmp(step->name, "bar-size") == 0 ? "bar-size" : "probe";
		}
		if (name != NULL) {
			copy_step(trial->pair, name, step);
		}
	}
}

/** Only what came of the reading; and if it was not reached, what failed before. */
static void handle_read(const struct sluice_probe_result *result, void *data) {
	struct trial *trial = data;
	trial->done = true;
	const struct sluice_probe_step *found = NULL;
	for (size_t i = 0; i < result->steps_len; i++) {
		const struct sluice_probe_step *step = &result->steps[i];
		if (strcmp(step->name, "gpu-read") == 0) {
			found = step;
			break;
		}
	}
	for (size_t i = 0; i < result->steps_len && found == NULL; i++) {
		if (result->steps[i].status == SLUICE_PROBE_FAIL) {
			found = &result->steps[i];
		}
	}
	if (found != NULL) {
		copy_step(trial->pair, trial->gpu_step, found);
	}
}

static void run(struct doctor_pair *pair, uint32_t flags, int timeout_ms, const char *gpu_step) {
	struct trial trial = { .pair = pair, .gpu_step = gpu_step };
	struct wl_event_loop *loop = wl_event_loop_create();
	struct sluice_probe *probe = loop == NULL ? NULL : sluice_probe_pair(loop,
		pair->exporter->address, pair->importer->node, flags, timeout_ms,
		gpu_step != NULL ? handle_read : handle_walked, &trial);
	if (probe == NULL) {
		int error = errno;
		struct doctor_step *step = doctor_add_step(pair, gpu_step != NULL ? gpu_step : "probe");
		doctor_fail(step, error, "sluice-probe could not be started: %s", strerror(error));
		doctor_advise(step, "set SLUICE_LIBEXECDIR to the directory that it is in");
	}
	while (probe != NULL && !trial.done) {
		wl_event_loop_dispatch(loop, -1);
	}
	sluice_probe_destroy(probe);
	if (loop != NULL) {
		wl_event_loop_destroy(loop);
	}
}

/** Where a step is in the order of the walk. */
static size_t get_rank(const char *name) {
	const size_t len = sizeof(steps) / sizeof(steps[0]);
	for (size_t i = 0; i < len; i++) {
		if (strcmp(steps[i], name) == 0) {
			return i;
		}
	}
	return len;
}

/** Every step that was not taken is there, too, in its place, and says why. */
static void fill_up(struct doctor_pair *pair, size_t first, const char *reason) {
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (doctor_find_step(pair, steps[i]) == NULL) {
			doctor_skip_step(doctor_add_step(pair, steps[i]), "%s", reason);
		}
	}
	for (size_t i = first + 1; i < pair->steps_len; i++) {
		const struct doctor_step step = pair->steps[i];
		size_t j = i;
		for (; j > first && get_rank(pair->steps[j - 1].name) > get_rank(step.name); j--) {
			pair->steps[j] = pair->steps[j - 1];
		}
		pair->steps[j] = step;
	}
}

static void skip_gpu(struct doctor_pair *pair, const char *reason) {
	for (size_t i = 0; i < sizeof(gpu_steps) / sizeof(gpu_steps[0]); i++) {
		doctor_skip_step(doctor_add_step(pair, gpu_steps[i]), "%s", reason);
	}
}

bool doctor_can_try(const struct doctor_pair *pair) {
	static const char *const needed[] = { "binding", "iommu", "group", "rights" };
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		const struct doctor_step *step = doctor_find_step(pair, needed[i]);
		if (step == NULL || step->status != SLUICE_PROBE_PASS) {
			return false;
		}
	}
	return true;
}

void doctor_try(struct doctor_pair *pair, uint32_t flags, int timeout_ms) {
	const size_t first = pair->steps_len;
	pair->tried = true;
	run(pair, flags & ~(uint32_t)SLUICE_PROBE_GPU_READ, timeout_ms, NULL);
	if ((flags & ~(uint32_t)SLUICE_PROBE_GPU_READ) == 0) {
		doctor_skip_step(doctor_add_step(pair, "pattern"), flags == 0 ?
			"only for --commit and --gpu-read" : "written anew for each GPU read");
	}
	fill_up(pair, first, "the probe did not come this far");

	const struct doctor_step *import = doctor_find_step(pair, "prime-import");
	if ((flags & SLUICE_PROBE_GPU_READ) == 0) {
		skip_gpu(pair, "not asked for (--gpu-read)");
	} else if (import->status != SLUICE_PROBE_PASS) {
		skip_gpu(pair, "there is no import");
	} else {
		// In children of their own: one that crashes must not take the other's result with it
		for (size_t i = 0; i < sizeof(gpu_steps) / sizeof(gpu_steps[0]); i++) {
			setenv("WLR_RENDERER", renderers[i], 1);
			run(pair, SLUICE_PROBE_GPU_READ, timeout_ms, gpu_steps[i]);
		}
	}
}

void doctor_skip(struct doctor_pair *pair, const char *reason) {
	fill_up(pair, pair->steps_len, reason);
	skip_gpu(pair, reason);
}
