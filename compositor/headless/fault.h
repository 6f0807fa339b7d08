#ifndef HEADLESS_FAULT_H
#define HEADLESS_FAULT_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-util.h>

struct headless;
struct sluice_buffer_params;
struct verb_call;

/** The session's simulated exporter, and what is to go wrong with it. */
struct faults {
	int exporter; // its file, -1 if there is none
	bool stride, shorten; // of the next image
	struct wl_list late; // late_commit.link
};

/** size 0: without an exporter. false, logged, on failure. */
bool faults_init(struct faults *faults, uint64_t size);
void faults_finish(struct faults *faults);
/** Whether what a client calls its device is the simulated exporter. */
bool faults_is_exporter(const struct faults *faults, int fd);
/**
 * A client describes an image in the simulated exporter: have it describe another, if that was
 * asked for. The ranges are changed in place.
 */
void faults_spoil(struct faults *faults, struct sluice_buffer_params *params);
/** So many refreshes have been: let commits through that have been late for long enough. */
void faults_refreshed(struct faults *faults, uint64_t refreshes);

bool verb_fault(struct verb_call *call);

#endif
