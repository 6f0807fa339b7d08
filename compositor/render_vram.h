#ifndef RENDER_VRAM_H
#define RENDER_VRAM_H

#include <stdint.h>
#include "server.h"

/**
 * Rendering into VRAM: the compositor owns an exporter, draws the screens' frames into its memory,
 * and the display GPU scans them out from there.
 */
struct render_vram;

/**
 * Open the exporter at a PCI address, which resets it, and allocate the screens' buffers from one
 * of its regions. Returns NULL if that does not work; the reason is logged.
 */
struct render_vram *render_vram_create(struct server *server, const char *address,
	uint32_t region);
/** After the outputs are gone. NULL is allowed. */
void render_vram_destroy(struct render_vram *render_vram);

/** What screens are to allocate from. */
struct wlr_allocator *render_vram_get_allocator(struct render_vram *render_vram);
/**
 * Whether the memory is still there. If not, every output is moved back to the ordinary
 * allocator, for good; the frame can be drawn again then.
 */
bool render_vram_check(struct render_vram *render_vram);

#endif
