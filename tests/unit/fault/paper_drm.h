/*
 * A DRM device made of paper, below libdrm: one connector with a screen, one CRTC, one plane. It
 * stands in for ioctl(2) on one file descriptor.
 */
#ifndef TEST_PAPER_DRM_H
#define TEST_PAPER_DRM_H

#include <stdbool.h>
#include <stddef.h>

#define PAPER_DRM_NODE "/dev/dri/paper"

/** What to call an ioctl request of DRM, or NULL if the device has no such. */
const char *paper_drm_name(unsigned long request);
/** The names, one after the other; NULL after the last. */
const char *paper_drm_name_at(size_t index);

/** Open it. Its file descriptor can be read for events, as a real one's. */
int paper_drm_open(void);
/** Whether a file descriptor is its. */
bool paper_drm_is(int fd);
/** Do an ioctl: 0, or -1 with errno. */
int paper_drm_ioctl(unsigned long request, void *arg);

#endif
