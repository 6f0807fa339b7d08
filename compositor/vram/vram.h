#ifndef VRAM_VRAM_H
#define VRAM_VRAM_H

#include <time.h>
#include <sluice/buffer.h>
#include <sluice/vfio.h>
#include <wlr/types/wlr_security_context_v1.h>
#include "server.h"
#include "vram/life.h"

/** The sluice-vram-v1 global. */
struct vram_manager {
	struct server *server;
	struct wl_global *global;
	struct wlr_security_context_manager_v1 *security_context;
	struct wl_list sources; // vram_source.link
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
	uint32_t revoke_reason; // enum sluice_vram_source_v1_revoke_reason, of the last one

	bool device_set;
	struct vram_device *device; // NULL if there is none, or it was refused
	uint32_t exportable; // bit n: region n
	struct wl_list buffers; // vram_buffer.link
	struct wl_list adopted; // vram_adopted.link, see adopt.c

	/** What its surfaces show instead of images that are gone. NULL before it is needed. */
	struct wlr_buffer *placeholder;
	/** Looks for a loss that nobody tells of, while there are images. NULL without a device. */
	struct sluice_watch *watch;
	struct wl_event_source *watch_timer;
	/** Fires when something is taking too long. */
	struct wl_event_source *deadline;
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
/** Keep privileged globals from clients inside a security context. */
bool vram_manager_hide_from_sandboxes(struct vram_manager *manager);

/** Create a source; posts no-memory and returns on failure. */
void vram_source_create(struct vram_manager *manager, struct wl_client *client, uint32_t version,
	uint32_t id, const char *name);
/** An image turned out to be revoked by the kernel: the source is, and its client is told. */
void vram_source_lost(struct vram_source *source);
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
