#ifndef PATH_DEMOTION_H
#define PATH_DEMOTION_H

#include <sluice/renderer.h>
#include <wlr/types/wlr_buffer.h>

struct wlr_backend;

/**
 * What an importer did not scan out when it was asked to: for VRAM, every image of the same
 * exporter, format and modifier, as the driver will not change its mind; else one buffer alone, as
 * nothing is known of others like it.
 */
struct demotion {
	struct wl_list link; // ladder.demotions
	struct wlr_backend *importer; // compared, not used
	enum sluice_reason reason;

	char *exporter; // of VRAM, else NULL
	uint32_t format;
	uint64_t modifier;

	struct wlr_buffer *buffer; // if it is no VRAM; not locked
	struct wl_listener buffer_destroy;
};

/** The demotion that holds for a buffer on an importer, or NULL. */
struct demotion *demotion_find(struct wl_list *demotions, struct wlr_buffer *buffer,
	struct wlr_texture *texture, struct wlr_backend *importer);
/** Remember, and log it. false if there is no memory, or the buffer is no DMA-BUF. */
bool demotion_add(struct wl_list *demotions, struct wlr_buffer *buffer,
	struct wlr_texture *texture, struct wlr_backend *importer, const char *output_name,
	enum sluice_reason reason);
void demotion_destroy(struct demotion *demotion);

#endif
