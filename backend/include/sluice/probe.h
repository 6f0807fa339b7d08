/*
 * libsluice: finding out what an exporter and an importer can do together.
 */
#ifndef SLUICE_PROBE_H
#define SLUICE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wayland-server-core.h>
#include <wlr/render/dmabuf.h>

enum sluice_probe_status {
	SLUICE_PROBE_PASS,
	SLUICE_PROBE_FAIL,
	SLUICE_PROBE_SKIPPED,
};

/** One step of a probe, and how it went. */
struct sluice_probe_step {
	/**
	 * A stable name. In the order in which the steps are taken: "iommu-group", "vfio-open",
	 * "bar-size", "feature", "drm-open", "screen", "export", "pattern", "prime-import",
	 * "addfb2", "addfb2-modifier", "test-commit", "commit", "kms-release", "gpu-read", "close";
	 * or "probe" where the probing program itself failed outside of any step.
	 */
	const char *name;
	enum sluice_probe_status status;
	/**
	 * The (positive) errno of a step that failed, 0 if it has none: EFAULT when the driver
	 * crashed, ETIMEDOUT when the deadline passed, EPROTO when the probing program broke off.
	 */
	int error;
	/** One sentence for people: what was found, or why it failed. */
	const char *sentence;
	/** What to try, once it failed; empty where nothing is known. */
	const char *advice;
};

struct sluice_probe_result {
	const struct sluice_probe_step *steps;
	size_t steps_len;
	/** Every step that was not skipped passed, and the probe came to its end. */
	bool ok;
};

/**
 * A probe that is running, or has run, in a child process: the program sluice-probe in libexecdir,
 * or in the directory that the environment variable SLUICE_LIBEXECDIR names.
 *
 * Whoever started it owns it. It must be destroyed before the event loop is.
 */
struct sluice_probe;

/**
 * The probe has come to an end. Called once, from the event loop, unless the probe is destroyed
 * before; never from within the function that starts it. The result is valid until the probe is
 * destroyed, which may be done in here.
 */
typedef void (*sluice_probe_done_func_t)(const struct sluice_probe_result *result, void *data);

enum sluice_probe_flag {
	/**
	 * Show the exporter's memory on the first connected screen with a real commit, then switch
	 * that CRTC off. Skipped unless the DRM device can be mastered.
	 */
	SLUICE_PROBE_COMMIT = 1 << 0,
	/**
	 * Have the GPU draw the exporter's memory, with the renderer that WLR_RENDERER names, and
	 * compare with what was written through the BAR.
	 */
	SLUICE_PROBE_GPU_READ = 1 << 1,
};

/**
 * Probe an exporter, by its PCI address, and an importer, by the path of a node of its DRM device.
 *
 * Opens the exporter's vfio device, which resets it, and overwrites the start of its VRAM: no
 * other process may be using it. flags is a set of enum sluice_probe_flag. When timeout_ms
 * (milliseconds; 0 or less means 10 s) have passed the child is killed, and the step that it was
 * in has failed.
 *
 * Returns NULL if the program could not be started (errno tells why; it is logged).
 */
struct sluice_probe *sluice_probe_pair(struct wl_event_loop *loop, const char *address,
	const char *drm_node_path, uint32_t flags, int timeout_ms, sluice_probe_done_func_t done,
	void *data);

/**
 * Have the GPU behind drm_fd draw a dma-buf, as a compositor would, in a process that may crash.
 *
 * For use by a running compositor before it imports a buffer of a kind that it has not imported
 * before. The child opens the DRM device anew, so that no GEM handle of the caller's is touched,
 * and draws the corners and the middle; what it draws is not judged. Steps: "drm-open",
 * "gpu-read".
 *
 * drm_fd may be -1: the renderer is one without a DRM device, such as llvmpipe, and "drm-open" is
 * skipped. drm_fd and attribs stay the caller's and are not needed after the call.
 */
struct sluice_probe *sluice_probe_gpu_read(struct wl_event_loop *loop, int drm_fd,
	const struct wlr_dmabuf_attributes *attribs, int timeout_ms, sluice_probe_done_func_t done,
	void *data);

/** Destroy a probe; one that is still running is killed, and done not called. NULL is allowed. */
void sluice_probe_destroy(struct sluice_probe *probe);

#endif
