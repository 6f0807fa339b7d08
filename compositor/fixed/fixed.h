#ifndef FIXED_FIXED_H
#define FIXED_FIXED_H

#include <sluice/buffer.h>
#include <wayland-server-core.h>
#include <wlr/util/box.h>
#include "config/kiosk.h"
#include "kiosk/backoff.h"
#include "timer.h"

struct kiosk;
struct server;
struct vram_device;

/**
 * An exporter that Sluice itself owns, for the fixed framebuffer sources that lie in it. It is
 * opened, which resets it, when it is there, and given back when the kernel asks for it.
 */
struct fixed_device {
	struct wl_list link; // kiosk.devices
	struct kiosk *kiosk;
	char *address;
	struct vram_device *device; // NULL unless it is open
	/** Notices that its memory was taken away, which nothing tells of. NULL until it is looked at. */
	struct sluice_watch *watch;
	struct timer watch_timer; // armed while a screen shows something of it
	bool watching;
	char trouble[128]; // why not, for a person
	struct backoff backoff;
	struct timer retry_timer;

	struct wl_listener request, error; // of the open device
	struct wl_listener new_exporter, exporter_gone;
};

/**
 * The one at a PCI address, which is opened if it is there. It goes with the last source that uses
 * it. NULL: no memory.
 */
struct fixed_device *fixed_device_get(struct kiosk *kiosk, const char *address);
/** A screen shows an image in a region of it: look now and then whether it is still there. */
void fixed_device_watch(struct fixed_device *device, uint32_t region);
/** Its memory was taken away: no image in it is good any more. New ones are made when it is back. */
void fixed_device_lost(struct fixed_device *device);
/** The backend that tells of new exporters is going. */
void fixed_device_forget_exporters(struct fixed_device *device);
/** A source no longer uses it. */
void fixed_device_put(struct fixed_device *device);

/**
 * A framebuffer lying at a known place of an exporter: exported once, and shown until the exporter
 * goes. Nobody tells when its content changes. A screen that scans it out reads it by itself;
 * where it is composited, it is read anew for each refresh. Owned by the kiosk.
 */
struct fixed_source {
	struct wl_list link; // kiosk.sources
	struct kiosk *kiosk;
	struct source_config config; // a copy
	struct fixed_device *device;
	struct sluice_buffer *buffer; // NULL while there is no image
	char trouble[192]; // why not, for a person; empty if there is one

	struct wlr_scene_tree *tree; // enabled while it is shown
	struct wlr_scene_rect *backdrop;
	struct wlr_scene_buffer *scene_buffer;
	struct path_surface *path;
	struct sluice_shadow *shadow;
	bool composited; // in the last frame
	uint32_t commit_seq; // of the output, when it was last damaged

	struct wl_listener revoked; // of the buffer
	struct wl_listener output_sample, frame_done;
};

/** NULL: no memory. */
struct fixed_source *fixed_source_create(struct kiosk *kiosk, const struct source_config *config);
void fixed_source_destroy(struct fixed_source *source);
/** Fill a part of the layout with it, as far as its shape allows; NULL: show it nowhere. */
void fixed_source_show(struct fixed_source *source, const struct wlr_box *box);
/** Its device was opened, or is gone. */
void fixed_source_update(struct fixed_source *source);
/** Its device has lost its memory. */
void fixed_source_lost(struct fixed_source *source);
/** The renderer was replaced, and its textures are lost. */
void fixed_source_renderer_replaced(struct fixed_source *source);

#endif
