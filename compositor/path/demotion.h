#ifndef PATH_DEMOTION_H
#define PATH_DEMOTION_H

#include <sluice/renderer.h>
#include <wlr/types/wlr_buffer.h>

struct wlr_backend;

/** A kind of image that an importer did not scan out when it was asked to. */
struct demotion {
	struct wl_list link; // ladder.demotions
	char *exporter; // empty for ordinary DMA-BUFs
	struct wlr_backend *importer; // compared, not used
	uint32_t format;
	uint64_t modifier;
	enum sluice_reason reason;
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
