/*
 * A buffer for the GPU to draw to.
 */
#ifndef SLUICE_PROBE_TARGET_H
#define SLUICE_PROBE_TARGET_H

#include <wlr/types/wlr_buffer.h>

/**
 * A linear XRGB8888 buffer that the DRM device's primary node allocates by the "dumb" calls, for
 * software rendering, which can allocate in no other way. The caller drops it. Returns NULL with
 * errno on failure.
 */
struct wlr_buffer *dumb_target_create(int drm_fd, int width, int height);

#endif
