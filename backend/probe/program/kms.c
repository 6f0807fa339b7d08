#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <drm_fourcc.h>
#include <xf86drm.h>
#include "probe/program/program.h"
#include "probe/program/report.h"
#include "probe/program/screen.h"

bool importer_init(struct importer *importer, int fd) {
	*importer = (struct importer){ .fd = fd };
	drmVersion *version = drmGetVersion(fd);
	if (version == NULL) {
		report_fail_try(ENODEV, "give a node in /dev/dri", "this is no DRM device");
		return false;
	}
	snprintf(importer->driver, sizeof(importer->driver), "%.*s", version->name_len,
		version->name);
	drmFreeVersion(version);

	uint64_t prime = 0;
	drmGetCap(fd, DRM_CAP_PRIME, &prime);
	importer->import = (prime & DRM_PRIME_CAP_IMPORT) != 0;
	importer->primary = drmGetNodeTypeFromFd(fd) == DRM_NODE_PRIMARY;
	importer->master = importer->primary && drmIsMaster(fd);
	if (!importer->import) {
		report_fail(EOPNOTSUPP, "the driver, %s, imports no dma-bufs at all", importer->driver);
		return true;
	}
	report_pass("driver %s, %s, imports dma-bufs", importer->driver, !importer->primary ?
		"a render node" : importer->master ? "a primary node that can be mastered" :
		"a primary node that another program masters");
	return true;
}

static bool prime_import(const struct importer *importer, int dmabuf_fd, uint32_t *handle) {
	report_begin("prime-import");
	if (drmPrimeFDToHandle(importer->fd, dmabuf_fd, handle) == 0) {
		report_pass("%s took the dma-buf", importer->driver);
		return true;
	}

	int error = errno;
	switch (error) {
	case EOPNOTSUPP:
		report_fail_try(error, "no other setting helps: use another GPU for the screen",
			"%s does not import another device's memory (no peer-to-peer importer)",
			importer->driver);
		break;
	case EINVAL:
		report_fail_try(error, "put both devices below one PCIe switch, or a host bridge that "
			"passes peer-to-peer; see dmesg", "%s cannot reach the exporter's memory",
			importer->driver);
		break;
	case ENODEV:
		report_fail_try(error, "stop what else uses the exporter, and try again",
			"the exporter's memory was switched off or reset meanwhile");
		break;
	default:
		report_fail(error, "%s: %s", importer->driver, strerror(error));
	}
	return false;
}

/** A framebuffer, or 0. */
static uint32_t add_fb(const struct importer *importer,
		const struct wlr_dmabuf_attributes *attribs, uint32_t handle) {
	report_begin("addfb2");
	const uint32_t handles[4] = { handle }, strides[4] = { attribs->stride[0] };
	const uint32_t offsets[4] = { attribs->offset[0] };
	uint32_t fb = 0;
	if (drmModeAddFB2(importer->fd, (uint32_t)attribs->width, (uint32_t)attribs->height,
			attribs->format, handles, strides, offsets, &fb, 0) != 0) {
		int error = errno;
		report_fail(error, "%s makes no framebuffer of it (%s): this GPU can composite from the "
			"exporter, not scan it out", importer->driver, strerror(error));
		return 0;
	}
	report_pass("a framebuffer of %dx%d, linear XRGB8888", attribs->width, attribs->height);
	return fb;
}

static uint32_t add_fb_modifier(const struct importer *importer,
		const struct wlr_dmabuf_attributes *attribs, uint32_t handle) {
	report_begin("addfb2-modifier");
	uint64_t supported = 0;
	if (drmGetCap(importer->fd, DRM_CAP_ADDFB2_MODIFIERS, &supported) != 0 || !supported) {
		report_skip("%s has no modifiers; a linear buffer goes without", importer->driver);
		return 0;
	}
	const uint32_t handles[4] = { handle }, strides[4] = { attribs->stride[0] };
	const uint32_t offsets[4] = { attribs->offset[0] };
	const uint64_t modifiers[4] = { DRM_FORMAT_MOD_LINEAR };
	uint32_t fb = 0;
	if (drmModeAddFB2WithModifiers(importer->fd, (uint32_t)attribs->width,
			(uint32_t)attribs->height, attribs->format, handles, strides, offsets, modifiers,
			&fb, DRM_MODE_FB_MODIFIERS) != 0) {
		int error = errno;
		report_fail(error, "%s makes no framebuffer with the modifier LINEAR: %s",
			importer->driver, strerror(error));
		return 0;
	}
	report_pass("a framebuffer with the modifier LINEAR");
	return fb;
}

static void sleep_ms(int ms) {
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
	while (nanosleep(&time, &time) != 0 && errno == EINTR) {
		// go on sleeping
	}
}

static void handle_flip(int fd, unsigned sequence, unsigned seconds, unsigned microseconds,
		unsigned crtc_id, void *data) {
	bool *flipped = data;
	*flipped = true;
}

static bool wait_for_flip(int fd, const bool *flipped) {
	drmEventContext context = { .version = 3, .page_flip_handler2 = handle_flip };
	while (!*flipped) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		int ret = poll(&poll_fd, 1, 3000);
		if (ret < 0 && errno == EINTR) {
			continue;
		}
		if (ret <= 0 || drmHandleEvent(fd, &context) != 0) {
			return false;
		}
	}
	return true;
}

static void commit_real(const struct importer *importer, uint32_t fb, int hold_ms) {
	report_begin("commit");
	bool flipped = false;
	int ret = screen_commit(importer, fb, DRM_MODE_PAGE_FLIP_EVENT, &flipped);
	if (ret < 0) {
		report_fail(-ret, "%s refused the real commit on %s (%s), whatever the test said: this "
			"GPU can composite from the exporter, not scan it out", importer->driver,
			importer->connector_name, strerror(-ret));
		return;
	}
	bool ok = wait_for_flip(importer->fd, &flipped);
	sleep_ms(hold_ms);
	ret = screen_disable(importer);
	const char *after = ret == 0 ? "then switched the screen off" :
		"and could not switch the screen off again";
	if (ok) {
		report_pass("set %s to %dx%d, showing the exporter's memory; the flip event came; %s",
			importer->connector_name, importer->mode.hdisplay, importer->mode.vdisplay, after);
	} else {
		report_fail(ETIMEDOUT, "set %s to %dx%d, but no flip event came within 3 s; %s",
			importer->connector_name, importer->mode.hdisplay, importer->mode.vdisplay, after);
	}
}

static void probe_commits(struct importer *importer,
		const struct wlr_dmabuf_attributes *attribs, uint32_t fb, bool commit, int hold_ms) {
	const char *reason = NULL;
	if (fb == 0) {
		reason = "there is no framebuffer";
	} else if (!importer->master) {
		reason = "another program masters the DRM device; try from a text console";
	} else {
		reason = importer->no_screen;
	}
	if (reason == NULL && (attribs->width < importer->mode.hdisplay ||
			attribs->height < importer->mode.vdisplay)) {
		reason = "the BAR is too small for a picture of the screen's size";
	}
	if (reason != NULL) {
		report_skipped_step("test-commit", reason);
		report_skipped_step("commit", reason);
		return;
	}

	report_begin("test-commit");
	int ret = screen_commit(importer, fb, DRM_MODE_ATOMIC_TEST_ONLY, NULL);
	if (ret < 0) {
		report_fail(-ret, "%s would not show it on %s: %s", importer->driver,
			importer->connector_name, strerror(-ret));
	} else {
		report_pass("%s says that it would show it on %s; only a real commit proves it",
			importer->driver, importer->connector_name);
	}
	if (!commit) {
		report_skipped_step("commit", "not asked for (--commit)");
	} else {
		commit_real(importer, fb, hold_ms);
	}
}

static void skip_framebuffers(const char *reason) {
	report_skipped_step("addfb2", reason);
	report_skipped_step("addfb2-modifier", reason);
	report_skipped_step("test-commit", reason);
	report_skipped_step("commit", reason);
}

void kms_walk(struct importer *importer, const struct wlr_dmabuf_attributes *attribs,
		bool commit, int hold_ms) {
	uint32_t handle;
	if (!importer->import) {
		report_skipped_step("prime-import", "the driver imports nothing");
		skip_framebuffers("there is no import");
		report_skipped_step("kms-release", "there is no import");
		return;
	}
	if (!prime_import(importer, attribs->fd[0], &handle)) {
		skip_framebuffers("there is no import");
		report_skipped_step("kms-release", "there is no import");
		return;
	}
	uint32_t fbs[2] = { 0 };
	if (!importer->primary) {
		skip_framebuffers("a render node has no screens; give the card node");
	} else {
		fbs[0] = add_fb(importer, attribs, handle);
		fbs[1] = add_fb_modifier(importer, attribs, handle);
		probe_commits(importer, attribs, fbs[0] != 0 ? fbs[0] : fbs[1], commit, hold_ms);
	}

	// A step, because drivers may wait here
	report_begin("kms-release");
	int error = 0;
	for (size_t i = 0; i < 2; i++) {
		if (fbs[i] != 0 && drmModeRmFB(importer->fd, fbs[i]) != 0) {
			error = errno;
		}
	}
	if (drmCloseBufferHandle(importer->fd, handle) != 0) {
		error = errno;
	}
	if (error != 0) {
		report_fail(error, "%s does not let go of the import: %s", importer->driver,
			strerror(error));
	} else {
		report_pass("%s let go of the import", importer->driver);
	}
}
