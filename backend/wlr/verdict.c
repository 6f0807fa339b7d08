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

static void begin_next(struct sluice_renderer *renderer);

static void handle_probe_done(const struct sluice_probe_result *result, void *data) {
	struct sluice_verdict *verdict = data;
	struct sluice_renderer *renderer = verdict->renderer;
	struct sluice_import *probed = verdict->probed;
	if (!result->ok && !sluice_import_check(probed)) {
		// That says nothing about the driver: the next image is asked about again
		wlr_log(WLR_INFO, "%s: probe: the memory was revoked meanwhile",
			exporter_label(verdict));
		sluice_verdict_forget_import(probed); // if that has not happened by now
		return;
	}
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
	verdict->probed = NULL;
	begin_next(renderer);
	wl_signal_emit_mutable(&renderer->events.verdict, &renderer->base);
}

static bool matches(const struct sluice_verdict *verdict, const char *exporter,
		const struct wlr_dmabuf_attributes *dmabuf) {
	return verdict->format == dmabuf->format && verdict->modifier == dmabuf->modifier &&
		strcmp(verdict->exporter, exporter) == 0;
}

static void begin(struct sluice_verdict *verdict, struct sluice_import *import) {
	struct sluice_renderer *renderer = verdict->renderer;
	verdict->state = VERDICT_PENDING;
	verdict->reason = SLUICE_REASON_PROBE_PENDING;
	verdict->probed = import;
	verdict->probe = sluice_probe_gpu_read(renderer->loop, renderer->drm_fd, &import->dmabuf,
		PROBE_TIMEOUT_MS, handle_probe_done, verdict);
	if (verdict->probe == NULL) {
		wlr_log(WLR_ERROR, "%s: cannot start sluice-probe, so its VRAM is kept from the "
			"renderer; is sluice installed completely?", exporter_label(verdict));
		verdict->probed = NULL;
		settle(verdict, VERDICT_FAILED, SLUICE_REASON_OTHER);
	}
}

static void begin_next(struct sluice_renderer *renderer) {
	struct sluice_verdict *verdict;
	wl_list_for_each(verdict, &renderer->verdicts, link) {
		if (verdict->state == VERDICT_PENDING) {
			return; // one at a time
		}
	}
	struct sluice_import *import;
	wl_list_for_each(import, &renderer->imports, link) {
		if (import->verdict != NULL && import->verdict->state == VERDICT_QUEUED &&
				!import->detached) {
			begin(import->verdict, import);
			return;
		}
	}
}

static bool is_offered(const struct sluice_renderer *renderer,
		const struct wlr_dmabuf_attributes *dmabuf) {
	const struct wlr_drm_format_set *formats = wlr_renderer_get_texture_formats(
		renderer->inner, WLR_BUFFER_CAP_DMABUF);
	return formats != NULL &&
		wlr_drm_format_set_has(formats, dmabuf->format, dmabuf->modifier);
}

struct sluice_verdict *sluice_verdict_get(struct sluice_renderer *renderer,
		struct sluice_import *import) {
	const struct wlr_dmabuf_attributes *dmabuf = &import->dmabuf;
	if (!is_offered(renderer, dmabuf)) {
		return NULL; // Nothing to find out, and clients can make up any number of formats
	}
	struct sluice_verdict *verdict;
	bool found = false;
	wl_list_for_each(verdict, &renderer->verdicts, link) {
		if (matches(verdict, import->exporter, dmabuf)) {
			found = true;
			break;
		}
	}
	if (!found) {
		verdict = calloc(1, sizeof(*verdict));
		char *name = strdup(import->exporter);
		if (verdict == NULL || name == NULL) {
			free(verdict);
			free(name);
			return NULL;
		}
		verdict->renderer = renderer;
		verdict->exporter = name;
		verdict->format = dmabuf->format;
		verdict->modifier = dmabuf->modifier;
		verdict->state = VERDICT_QUEUED;
		verdict->reason = SLUICE_REASON_PROBE_PENDING;
		wl_list_insert(&renderer->verdicts, &verdict->link);
	}
	import->verdict = verdict;
	begin_next(renderer);
	return verdict;
}

void sluice_verdict_forget_import(struct sluice_import *import) {
	struct sluice_verdict *verdict = import->verdict;
	if (verdict == NULL || verdict->probed != import) {
		return;
	}
	// The child has it imported: it has to go first
	sluice_probe_destroy(verdict->probe);
	verdict->probe = NULL;
	verdict->probed = NULL;
	verdict->state = VERDICT_QUEUED;
	import->verdict = NULL;
	begin_next(import->renderer);
}

bool sluice_renderer_is_probing(struct wlr_renderer *wlr_renderer) {
	struct sluice_renderer *renderer = sluice_renderer_from(wlr_renderer);
	const struct sluice_verdict *verdict;
	wl_list_for_each(verdict, &renderer->verdicts, link) {
		if (verdict->state == VERDICT_PENDING) {
			return true;
		}
	}
	return false;
}

bool sluice_import_gpu_works(const struct sluice_import *import, enum sluice_reason *reason) {
	const struct sluice_verdict *verdict = import->verdict;
	if (verdict == NULL) {
		const struct sluice_renderer *renderer = import->renderer;
		bool imports = wlr_renderer_get_texture_formats(renderer->inner,
			WLR_BUFFER_CAP_DMABUF) != NULL;
		*reason = imports ? SLUICE_REASON_FORMAT : SLUICE_REASON_NO_GPU_IMPORT;
		return false;
	}
	*reason = verdict->reason;
	return verdict->state == VERDICT_PASSED;
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
