/*
 * One connector, CRTC and primary plane, by the atomic API.
 */
#ifndef SLUICE_PROBE_SCREEN_H
#define SLUICE_PROBE_SCREEN_H

#include "probe/program/program.h"

/**
 * Show a framebuffer: a full modeset, blocking, with more DRM_MODE_* flags. user_data goes with
 * the flip event. Returns 0 or a negative errno.
 */
int screen_commit(const struct importer *importer, uint32_t fb, uint32_t flags,
	void *user_data);

/** Switch the CRTC and the plane off. Returns 0 or a negative errno. */
int screen_disable(const struct importer *importer);

#endif
