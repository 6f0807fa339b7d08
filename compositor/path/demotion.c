#include <inttypes.h>
#include <sluice/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/util/log.h>
#include <xf86drm.h>
#include "path/demotion.h"

/** NULL if it is no VRAM, or nobody knows whose. Of what clients export, only the driver is known. */
static const char *get_exporter(struct wlr_texture *texture) {
	struct wlr_buffer *buffer = texture != NULL && sluice_texture_is(texture) ?
		sluice_texture_get_buffer(texture) : NULL;
	struct sluice_buffer *vram = buffer != NULL ? sluice_buffer_try_from_buffer(buffer) : NULL;
	const char *exporter = vram != NULL ? sluice_buffer_get_exporter(vram) : "";
	return exporter[0] != '\0' ? exporter : NULL;
}

struct demotion *demotion_find(struct wl_list *demotions, struct wlr_buffer *buffer,
		struct wlr_texture *texture, struct wlr_backend *importer) {
	struct wlr_dmabuf_attributes dmabuf;
	if (wl_list_empty(demotions) || !wlr_buffer_get_dmabuf(buffer, &dmabuf)) {
		return NULL;
	}
	const char *exporter = get_exporter(texture);
	struct demotion *demotion;
	wl_list_for_each(demotion, demotions, link) {
		if (demotion->importer != importer) {
			continue;
		}
		bool same = demotion->exporter == NULL || exporter == NULL ?
			demotion->buffer == buffer :
			demotion->format == dmabuf.format && demotion->modifier == dmabuf.modifier &&
			strcmp(demotion->exporter, exporter) == 0;
		if (same) {
			return demotion;
		}
	}
	return NULL;
}

static void handle_buffer_destroy(struct wl_listener *listener, void *data) {
	struct demotion *demotion = wl_container_of(listener, demotion, buffer_destroy);
	demotion_destroy(demotion);
}

bool demotion_add(struct wl_list *demotions, struct wlr_buffer *buffer,
		struct wlr_texture *texture, struct wlr_backend *importer, const char *output_name,
		enum sluice_reason reason) {
	struct wlr_dmabuf_attributes dmabuf;
	if (!wlr_buffer_get_dmabuf(buffer, &dmabuf)) {
		return false;
	}
	struct demotion *demotion = calloc(1, sizeof(*demotion));
	if (demotion == NULL) {
		return false;
	}
	const char *exporter = get_exporter(texture);
	if (exporter != NULL) {
		demotion->exporter = strdup(exporter);
		if (demotion->exporter == NULL) {
			free(demotion);
			return false;
		}
		wl_list_init(&demotion->buffer_destroy.link);
	} else {
		demotion->buffer = buffer;
		demotion->buffer_destroy.notify = handle_buffer_destroy;
		wl_signal_add(&buffer->events.destroy, &demotion->buffer_destroy);
	}
	demotion->importer = importer;
	demotion->format = dmabuf.format;
	demotion->modifier = dmabuf.modifier;
	demotion->reason = reason;
	wl_list_insert(demotions, &demotion->link);

	char *format = drmGetFormatName(dmabuf.format);
	wlr_log(WLR_INFO, "%s: no more scanout of %s, %s, modifier 0x%" PRIx64 " (%s): %s",
		output_name, exporter != NULL ? exporter : "a client's DMA-BUF",
		format != NULL ? format : "?", dmabuf.modifier, sluice_reason_name(reason),
		sluice_reason_sentence(reason));
	free(format);
	return true;
}

void demotion_destroy(struct demotion *demotion) {
	wl_list_remove(&demotion->link);
	wl_list_remove(&demotion->buffer_destroy.link);
	free(demotion->exporter);
	free(demotion);
}
