#include <stddef.h>
#include <sluice/renderer.h>

static const char *const path_names[] = {
	[SLUICE_PATH_NONE] = "none",
	[SLUICE_PATH_SCANOUT] = "scanout",
	[SLUICE_PATH_PLANE] = "plane",
	[SLUICE_PATH_GPU] = "gpu",
	[SLUICE_PATH_CPU] = "cpu",
};

static const struct {
	const char *name, *sentence;
} reasons[] = {
	[SLUICE_REASON_OK] = {"ok", "nothing stands in the way"},
	[SLUICE_REASON_NOT_MAPPED] = {"not-mapped", "the surface is not shown"},
	[SLUICE_REASON_COVERED] = {"covered", "something else is on top of it"},
	[SLUICE_REASON_NOT_FULLSCREEN] = {"not-fullscreen", "it does not fill the screen"},
	[SLUICE_REASON_SIZE_MISMATCH] = {"size-mismatch",
		"the buffer has not the size of the screen's mode"},
	[SLUICE_REASON_TRANSFORM] = {"transform", "it would have to be rotated or scaled"},
	[SLUICE_REASON_SOFTWARE_CURSOR] = {"software-cursor",
		"the cursor has to be drawn over it, as the screen has no cursor plane for it"},
	[SLUICE_REASON_CAPTURE] = {"capture", "a capture of the screen needs a composited frame"},
	[SLUICE_REASON_FORMAT] = {"format", "the screen or the renderer does not take its pixel format"},
	[SLUICE_REASON_IMPORT_FAILED] = {"import-failed", "the driver refused to import the DMA-BUF"},
	[SLUICE_REASON_TEST_FAILED] = {"test-failed", "the driver refused it as a framebuffer"},
	[SLUICE_REASON_COMMIT_FAILED] = {"commit-failed",
		"the driver accepted the framebuffer, and then failed to show it"},
	[SLUICE_REASON_NO_GPU_IMPORT] = {"no-gpu-import", "the renderer does not import DMA-BUFs"},
	[SLUICE_REASON_GPU_IMPORT_CRASHED] = {"gpu-import-crashed",
		"the renderer's driver crashed or hung when a child process tried to read it"},
	[SLUICE_REASON_PROBE_PENDING] = {"probe-pending",
		"a child process is finding out whether the GPU can read it"},
	[SLUICE_REASON_NO_CPU_MAP] = {"no-cpu-map", "the CPU cannot map it"},
	[SLUICE_REASON_REVOKED] = {"revoked", "the kernel has taken the memory away"},
	[SLUICE_REASON_QUIESCED] = {"quiesced", "its source is quiesced"},
	[SLUICE_REASON_NO_OUTPUT] = {"no-output", "it is on no screen"},
	[SLUICE_REASON_OTHER] = {"other", "see the log"},
	[SLUICE_REASON_DISABLED] = {"disabled", "switched off by the user"},
};

const char *sluice_path_name(enum sluice_path path) {
	return (size_t)path < sizeof(path_names) / sizeof(path_names[0]) ?
		path_names[path] : "unknown";
}

const char *sluice_reason_name(enum sluice_reason reason) {
	return (size_t)reason < sizeof(reasons) / sizeof(reasons[0]) ?
		reasons[reason].name : "unknown";
}

const char *sluice_reason_sentence(enum sluice_reason reason) {
	return (size_t)reason < sizeof(reasons) / sizeof(reasons[0]) ?
		reasons[reason].sentence : "unknown";
}
