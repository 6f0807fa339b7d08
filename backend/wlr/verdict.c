#include <drm_fourcc.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/util/log.h>
#include <xf86drm.h>
#include <sluice/probe.h>
#include "wlr/renderer.h"

/** A software renderer may take seconds to start; a driver that hangs takes for ever. */
#define PROBE_TIMEOUT_MS 30000

static const char *exporter_label(const struct sluice_verdict *verdict) {
	return verdict->exporter[0] != '\0' ? verdict->exporter : "VRAM of an unknown exporter";
}

static void settle(struct sluice_verdict *verdict, enum verdict_state state,
		enum sluice_reason reason) {
	verdict->state = state;
	verdict->reason = reason;

	char *format = drmGetFormatName(verdict->format);
	if (state == VERDICT_PASSED) {
		wlr_log(WLR_INFO, "%s, %s, modifier 0x%" PRIx64 ": the renderer can sample it",
			exporter_label(verdict), format, verdict->modifier);
	} else {
		wlr_log(WLR_INFO, "%s, %s, modifier 0x%" PRIx64 ": not sampled by the GPU (%s): %s",
			exporter_label(verdict), format, verdict->modifier, sluice_reason_name(reason),
			sluice_reason_sentence(reason));
	}
	free(format);
}

static void handle_probe_done(const struct sluice_probe_result *result, void *data) {
	struct sluice_verdict *verdict = data;
	struct sluice_renderer *renderer = verdict->renderer;
	if (result->ok) {
		settle(verdict, VERDICT_PASSED, SLUICE_REASON_OK);
	} else {
		enum sluice_reason reason = SLUICE_REASON_IMPORT_FAILED;
		for (size_t i = 0; i < result->steps_len; i++) {
			const struct sluice_probe_step *step = &result->steps[i];
			if (step->status == SLUICE_PROBE_FAIL) {
				wlr_log(WLR_INFO, "%s: probe: %s: %s", exporter_label(verdict), step->name,
					step->sentence);
				if (step->error == EFAULT || step->error == ETIMEDOUT) {
					reason = SLUICE_REASON_GPU_IMPORT_CRASHED;
				}
			}
		}
		settle(verdict, VERDICT_FAILED, reason);
	}
	sluice_probe_destroy(verdict->probe);
	verdict->probe = NULL;
	wl_signal_emit_mutable(&renderer->events.verdict, &renderer->base);
}

static bool matches(const struct sluice_verdict *verdict, const char *exporter,
		const struct wlr_dmabuf_attributes *dmabuf) {
	return verdict->format == dmabuf->format && verdict->modifier == dmabuf->modifier &&
		strcmp(verdict->exporter, exporter) == 0;
}

static void begin(struct sluice_verdict *verdict, const struct wlr_dmabuf_attributes *dmabuf) {
	struct sluice_renderer *renderer = verdict->renderer;
	const struct wlr_drm_format_set *formats = wlr_renderer_get_texture_formats(
		renderer->inner, WLR_BUFFER_CAP_DMABUF);
	if (formats == NULL) {
		settle(verdict, VERDICT_FAILED, SLUICE_REASON_NO_GPU_IMPORT);
		return;
	}
	if (!wlr_drm_format_set_has(formats, dmabuf->format, dmabuf->modifier)) {
		settle(verdict, VERDICT_FAILED, SLUICE_REASON_FORMAT);
		return;
	}
	if (renderer->drm_fd < 0) {
		settle(verdict, VERDICT_FAILED, SLUICE_REASON_NO_GPU_IMPORT);
		return;
	}

	verdict->state = VERDICT_PENDING;
	verdict->reason = SLUICE_REASON_PROBE_PENDING;
	verdict->probe = sluice_probe_gpu_read(renderer->loop, renderer->drm_fd, dmabuf,
		PROBE_TIMEOUT_MS, handle_probe_done, verdict);
	if (verdict->probe == NULL) {
		wlr_log(WLR_ERROR, "%s: cannot start sluice-probe, so its VRAM is kept from the "
			"renderer; is sluice installed completely?", exporter_label(verdict));
		settle(verdict, VERDICT_FAILED, SLUICE_REASON_OTHER);
	}
}

struct sluice_verdict *sluice_verdict_get(struct sluice_renderer *renderer,
		const char *exporter, const struct wlr_dmabuf_attributes *dmabuf) {
	struct sluice_verdict *verdict;
	wl_list_for_each(verdict, &renderer->verdicts, link) {
		if (matches(verdict, exporter, dmabuf)) {
			return verdict;
		}
	}

	verdict = calloc(1, sizeof(*verdict));
	char *name = strdup(exporter);
	if (verdict == NULL || name == NULL) {
		free(verdict);
		free(name);
		return NULL;
	}
	verdict->renderer = renderer;
	verdict->exporter = name;
	verdict->format = dmabuf->format;
	verdict->modifier = dmabuf->modifier;
	wl_list_insert(&renderer->verdicts, &verdict->link);
	begin(verdict, dmabuf);
	return verdict;
}

void sluice_verdict_fail(struct sluice_verdict *verdict, enum sluice_reason reason) {
	settle(verdict, VERDICT_FAILED, reason);
}

void sluice_verdict_destroy(struct sluice_verdict *verdict) {
	sluice_probe_destroy(verdict->probe);
	wl_list_remove(&verdict->link);
	free(verdict->exporter);
	free(verdict);
}
