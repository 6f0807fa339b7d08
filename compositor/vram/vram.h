#ifndef VRAM_VRAM_H
#define VRAM_VRAM_H

#include <time.h>
#include <sluice/buffer.h>
#include <sluice/vfio.h>
#include "server.h"
#include "timer.h"
#include "vram/life.h"

/** The sluice-vram-v1 global. */
struct vram_manager {
	struct server *server;
	struct wl_global *global;
	struct wl_list sources; // vram_source.link

	/** Looks for losses that nobody tells of, see watch.c. NULL before the first image. */
	struct timer watch_timer; // of a server once it was needed
	int watch_ms; // what it was set to; 0: it stands still
	uint64_t watched_frames; // that screens had shown when it fired
};

/** An adopted vfio device, kept open by its source and by the images in it. */
struct vram_device {
	struct sluice_vfio_device *device;
	char *address; // PCI address, empty if not known
	size_t refs;
};

/** An exporter as one client presents it. Owned by its resource. */
struct vram_source {
	struct wl_list link; // vram_manager.sources
	struct vram_manager *manager;
	struct wl_resource *resource;
	char *name;
	struct life life;
	uint32_t quiesce_serial;
	uint64_t exports; // images that were exported as DMA-BUFs
	uint64_t revocations; // by the kernel, of its images
	uint32_t revoke_reason; // enum sluice_vram_source_v1_revoke_reason, of the last one

	bool device_set;
	struct vram_device *device; // NULL if there is none, or it was refused
	uint32_t exportable; // bit n: region n
	struct wl_list buffers; // vram_buffer.link
	struct wl_list adopted; // vram_adopted.link, see adopt.c

	/** What its surfaces show instead of images that are gone. NULL before it is needed. */
	struct wlr_buffer *placeholder;
	/** There while there may be images of the device, NULL else. */
	struct sluice_watch *watch;
	/** Fires when something is taking too long. */
	struct timer deadline; // of a server once it was needed
	struct timespec quiesce_start;

	struct wl_listener exporter_gone;
};

/** What a client's wl_buffer stands for. Owned by its resource. */
struct vram_buffer {
	struct wl_list link; // vram_source.buffers
	struct vram_source *source; // NULL after the source was destroyed
	struct vram_device *device; // NULL once the image is destroyed
	struct wl_resource *resource;
	struct wlr_buffer *buffer; // a sluice_buffer, or a dead one after it was revoked

	struct wl_listener release;
	struct wl_listener destroy, revoked; // of a sluice_buffer
};

struct vram_manager *vram_manager_create(struct server *server);
void vram_manager_destroy(struct vram_manager *manager);
/** A screen shows an image of a source with a watch: notice if its memory goes. */
void vram_manager_watch(struct vram_manager *manager);
bool vram_manager_is_watching(const struct vram_manager *manager);
void vram_manager_unwatch(struct vram_manager *manager);

/** Create a source; posts no-memory and returns on failure. */
void vram_source_create(struct vram_manager *manager, struct wl_client *client, uint32_t version,
	uint32_t id, const char *name);
/** An image turned out to be revoked by the kernel: the source is, and its client is told. */
void vram_source_lost(struct vram_source *source);
/** Whether there is something to tell by that its images, which are shown, are lost. */
bool vram_source_can_be_watched(const struct vram_source *source);
/** Whether its device's memory is switched on, as far as that is known. */
bool vram_source_has_memory(const struct vram_source *source);
/** There is an image now that can be lost. */
void vram_source_image_made(struct vram_source *source, uint32_t region);
/** An image is gone for good, and with it everything that was made of it. */
void vram_source_image_gone(struct vram_source *source);
/** A surface is about to show a buffer of the source, or one that is dead: choose what it sees. */
void vram_source_dress_texture(struct vram_source *source, struct wlr_texture *texture);
/** What messages call it: the PCI address where it is known, else the client's name for it. */
const char *vram_source_get_label(const struct vram_source *source);

/** Tell the client of the regions. Returns the set of those that can be exported, bit n: n. */
uint32_t vram_device_send_regions(struct vram_device *device, struct wl_resource *resource);

struct vram_device *vram_device_create(struct sluice_vfio_device *device);
struct vram_device *vram_device_ref(struct vram_device *device);
/** Closes the device with the last reference. NULL is allowed. */
void vram_device_unref(struct vram_device *device);

/** Tie a linux-dmabuf buffer to a source, and to no other. false if memory ran out. */
bool vram_adopt(struct vram_source *source, struct wlr_buffer *buffer);
/** Have the renderer let go of the adopted buffers. */
void vram_adopted_detach(struct vram_source *source);
/** Forget them. */
void vram_adopted_finish(struct vram_source *source);
/** The source that a buffer was adopted by, or NULL. */
struct vram_source *vram_adopted_find(struct vram_manager *manager, struct wlr_buffer *buffer);
/** A buffer's memory was found revoked: if it is adopted, its source is told. */
void vram_adopted_lost(struct vram_manager *manager, struct wlr_buffer *buffer);

/** Create a sluice_vram_buffer_params_v1. */
void vram_params_create(struct vram_source *source, uint32_t version, uint32_t id,
	uint32_t region);

/** Make the wl_buffer of an image. Takes the image over on success. NULL: no memory. */
struct vram_buffer *vram_buffer_create(struct vram_source *source, struct wl_client *client,
	struct sluice_buffer *image);
void vram_buffer_register(void);
/** The source of a buffer that a surface shows: alive, dead or adopted. NULL if it has none. */
struct vram_source *vram_find_source(struct vram_manager *manager, struct wlr_buffer *buffer);

#endif
