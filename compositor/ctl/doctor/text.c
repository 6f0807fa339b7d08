#include <stdio.h>
#include <string.h>
#include "ctl/doctor/report.h"

#define NAME_WIDTH 16

static const struct {
	const char *word, *colour;
} statuses[] = {
	[SLUICE_PROBE_PASS] = { "ok", "\033[32m" },
	[SLUICE_PROBE_FAIL] = { "fail", "\033[1;31m" },
	[SLUICE_PROBE_SKIPPED] = { "skipped", "\033[2m" },
};

void doctor_print_machine(const struct doctor *doctor, bool colours) {
	const struct machine *machine = &doctor->machine;
	printf("Linux %s, %s\n", machine->kernel_release[0] != '\0' ? machine->kernel_release :
		"of an unknown version", machine->cpu_name[0] != '\0' ? machine->cpu_name :
		"unknown processor");
	if (doctor->exporters_len == 0) {
		printf("\nThere is no exporter: no GPU, and no device with memory that vfio-pci has.\n");
	} else if (machine->drm_len == 0) {
		printf("\nThere is no importer: no DRM device. Is the driver of the GPU loaded?\n");
	} else if (doctor->pairs_len == 0) {
		printf("\nThere is only one GPU, and it takes two.\n");
	}
}

static void print_step(const struct doctor_step *step, bool colours) {
	printf("  %s%-8s%s %-*s %s", colours ? statuses[step->status].colour : "",
		statuses[step->status].word, colours ? "\033[0m" : "", NAME_WIDTH, step->name,
		step->why);
	const char *error = doctor_error_name(step->error);
	if (error != NULL) {
		printf(" [%s]", error);
	} else if (step->error != 0) {
		printf(" [errno %d]", step->error);
	}
	putchar('\n');
	if (step->advice != NULL) {
		printf("  %-8s %*s %s\n", "", NAME_WIDTH, "what to do:", step->advice);
	}
	if (step->link != NULL && step->status == SLUICE_PROBE_FAIL) {
		printf("  %-8s %*s %s\n", "", NAME_WIDTH, "see:", step->link);
	}
}

/** How many steps from this one on were skipped for one reason; 1 if it was not skipped. */
static size_t count_alike(const struct doctor_pair *pair, size_t first) {
	const struct doctor_step *steps = pair->steps;
	size_t len = 1;
	while (steps[first].status == SLUICE_PROBE_SKIPPED && first + len < pair->steps_len &&
			steps[first + len].status == SLUICE_PROBE_SKIPPED &&
			strcmp(steps[first + len].why, steps[first].why) == 0) {
		len++;
	}
	return len;
}

static void print_skipped(const struct doctor_pair *pair, size_t first, size_t len,
		bool colours) {
	const struct doctor_step *steps = &pair->steps[first];
	printf("  %s%-8s%s %-*s %s (%zu steps, to %s)\n",
		colours ? statuses[SLUICE_PROBE_SKIPPED].colour : "",
		statuses[SLUICE_PROBE_SKIPPED].word, colours ? "\033[0m" : "", NAME_WIDTH,
		steps->name, steps->why, len, steps[len - 1].name);
}

void doctor_print_pair(const struct doctor_pair *pair, bool colours) {
	const char *bold = colours ? "\033[1m" : "", *plain = colours ? "\033[0m" : "";
	const struct pci_device *exporter = pair->exporter;
	const struct drm_device *importer = pair->importer;
	printf("\n%sExporter %s%s  %s\n", bold, exporter->address, plain, exporter->name);
	printf("%sImporter %s%s  %s%s%s, %u screen%s connected\n\n", bold, importer->node, plain,
		importer->driver[0] != '\0' ? importer->driver : "no driver",
		importer->pci != NULL ? " at " : "",
		importer->pci != NULL ? importer->pci->address : "", importer->screens,
		importer->screens == 1 ? "" : "s");
	for (size_t i = 0; i < pair->steps_len;) {
		size_t len = count_alike(pair, i);
		if (len > 1) {
			print_skipped(pair, i, len, colours);
		} else {
			print_step(&pair->steps[i], colours);
		}
		i += len;
	}
	printf("\n  %sPath: %s%s: %s.\n", bold, sluice_path_name(pair->verdict.path), plain,
		pair->verdict.sentence);
}
