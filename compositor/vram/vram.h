#ifndef VRAM_VRAM_H
#define VRAM_VRAM_H

#include <sluice/buffer.h>
#include <sluice/vfio.h>
#include <wlr/types/wlr_security_context_v1.h>
#include "server.h"

/** The sluice-vram-v1 global. */
struct vram_manager {
	struct server *server;
	struct wl_global *global;
	struct wlr_security_context_manager_v1 *security_context;
	struct wl_list sources; // vram_source.link

	struct wl_listener new_exporter;
};

/** The state of a source: see the description of sluice_vram_source_v1. */
enum source_state {
	SOURCE_NEW, // has no device
	SOURCE_LIVE, // what the protocol calls ready
	SOURCE_FAILED,
	SOURCE_QUIESCING, // waits until the last import is gone
	SOURCE_QUIESCED,
	SOURCE_REVOKED, // its buffers are dead; new ones may be made after a resume
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
	enum source_state state;
	uint32_t quiesce_serial;

	bool device_set;
	bool gone; // the exporter was unplugged or unbound: final
	struct vram_device *device; // NULL if there is none, or it was refused
	uint32_t exportable; // bit n: region n
	struct wl_list buffers; // vram_buffer.link
	struct wl_list adopted; // vram_adopted.link

	struct wl_listener exporter_gone;
};

/** What a client's wl_buffer stands for. Owned by its resource. */
struct vram_buffer {
	struct wl_list link; // vram_source.buffers, while it holds an image of a source
	struct vram_source *source; // NULL after the source was destroyed
	struct vram_device *device; // NULL once it is dead
	struct wl_resource *resource;
	struct wlr_buffer *buffer; // a sluice_buffer, or a dead one after it was revoked

	struct wl_listener release;
	struct wl_listener destroy; // of a sluice_buffer
	struct wl_listener revoked;
};

struct vram_manager *vram_manager_create(struct server *server);
void vram_manager_destroy(struct vram_manager *manager);
/** Keep privileged globals from clients inside a security context. */
bool vram_manager_hide_from_sandboxes(struct vram_manager *manager);

/** Create a source; posts no-memory and returns on failure. */
void vram_source_create(struct vram_manager *manager, struct wl_client *client, uint32_t version,
	uint32_t id, const char *name);
/**
 * Drop every image of the source: framebuffers, textures and mappings go as soon as the screens
 * show something else. New state: SOURCE_QUIESCING or SOURCE_REVOKED.
 */
void vram_source_drop_images(struct vram_source *source, enum source_state state);
/** An image turned out to be revoked by the kernel: the source is, and its client is told. */
void vram_source_lost(struct vram_source *source);
/** An image is gone for good. */
void vram_source_image_gone(struct vram_source *source);
/** What messages call it: the PCI address where it is known, else the client's name for it. */
const char *vram_source_get_label(const struct vram_source *source);

struct vram_device *vram_device_create(struct sluice_vfio_device *device);
struct vram_device *vram_device_ref(struct vram_device *device);
/** Closes the device with the last reference. NULL is allowed. */
void vram_device_unref(struct vram_device *device);

/** Create a sluice_vram_buffer_params_v1. */
void vram_params_create(struct vram_source *source, uint32_t version, uint32_t id,
	uint32_t region);

/** Make the wl_buffer of an image. Takes the image over on success. NULL: no memory. */
struct vram_buffer *vram_buffer_create(struct vram_source *source, struct wl_client *client,
	struct sluice_buffer *image);
void vram_buffer_register(void);

#endif
