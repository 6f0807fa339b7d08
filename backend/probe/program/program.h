/*
 * The steps of the probing program, see probe.h for what they are.
 */
#ifndef SLUICE_PROBE_PROGRAM_H
#define SLUICE_PROBE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wlr/render/dmabuf.h>
#include <xf86drmMode.h>

/** The DRM device that is to import. */
struct importer {
	int fd;
	char driver[32];
	bool primary; // else a render node
	bool import; // DRM_PRIME_CAP_IMPORT
	bool master;

	// What the screen is, for a real commit; mode.hdisplay is 0 if there is none
	uint32_t connector_id, crtc_id, plane_id;
	char connector_name[32];
	drmModeModeInfo mode;
	const char *no_screen; // why there is none
};

/** Describe an open DRM device, the step "drm-open". Does not close fd when it fails. */
bool importer_init(struct importer *importer, int fd);

/** Find a connected screen, the step "screen". Leaves mode.hdisplay 0 if there is none. */
void importer_find_screen(struct importer *importer);

/** The steps "prime-import" to "kms-release". */
void kms_walk(struct importer *importer, const struct wlr_dmabuf_attributes *attribs,
	bool commit, int hold_ms);

/** Pixels that the buffer is known to hold, in its own format. */
struct expected_pixels {
	const uint32_t *data; // NULL if they are not known
	size_t stride; // bytes
};

/** The step "gpu-read". */
void gpu_read(int drm_fd, struct wlr_dmabuf_attributes *attribs,
	const struct expected_pixels *expected);

struct pair_options {
	const char *address, *node;
	bool commit, gpu_read;
	int hold_ms; // how long to leave a committed picture on the screen
	int region; // -1 for the largest BAR
};

/** All the steps for an exporter and an importer. */
void pair_walk(const struct pair_options *options);

struct fds_options {
	int drm_fd; // -1: there is none, and the renderer is software
	int expect_fd; // -1, or a file with the bytes that the first plane should hold
	struct wlr_dmabuf_attributes attribs;
};

/** The steps for a dma-buf that the caller exported. */
void fds_walk(struct fds_options *options);

#endif
