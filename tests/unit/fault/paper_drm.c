#define _GNU_SOURCE // pipe2()
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <drm_fourcc.h>
#include <xf86drm.h>
#include <xf86drmMode.h>
#include "paper_drm.h"

#define CRTC 31
#define CONNECTOR 32
#define ENCODER 33
#define PLANE 34
#define BLOB 35
#define FRAMEBUFFER 36
#define HANDLE 7

static int events[2] = { -1, -1 };

static const struct {
	unsigned long request;
	const char *name;
} names[] = {
	{ DRM_IOCTL_VERSION, "version" },
	{ DRM_IOCTL_GET_CAP, "get-cap" },
	{ DRM_IOCTL_AUTH_MAGIC, "auth-magic" },
	{ DRM_IOCTL_SET_CLIENT_CAP, "set-client-cap" },
	{ DRM_IOCTL_PRIME_FD_TO_HANDLE, "prime-fd-to-handle" },
	{ DRM_IOCTL_GEM_CLOSE, "gem-close" },
	{ DRM_IOCTL_MODE_GETRESOURCES, "get-resources" },
	{ DRM_IOCTL_MODE_GETCONNECTOR, "get-connector" },
	{ DRM_IOCTL_MODE_GETENCODER, "get-encoder" },
	{ DRM_IOCTL_MODE_GETPLANERESOURCES, "get-plane-resources" },
	{ DRM_IOCTL_MODE_GETPLANE, "get-plane" },
	{ DRM_IOCTL_MODE_OBJ_GETPROPERTIES, "get-properties" },
	{ DRM_IOCTL_MODE_GETPROPERTY, "get-property" },
	{ DRM_IOCTL_MODE_CREATEPROPBLOB, "create-blob" },
	{ DRM_IOCTL_MODE_DESTROYPROPBLOB, "destroy-blob" },
	{ DRM_IOCTL_MODE_ADDFB2, "addfb2" },
	{ DRM_IOCTL_MODE_RMFB, "rmfb" },
	{ DRM_IOCTL_MODE_ATOMIC, "atomic" },
};

static const char *const properties[] = {
	"CRTC_ID", "MODE_ID", "ACTIVE", "FB_ID", "SRC_X", "SRC_Y", "SRC_W", "SRC_H", "CRTC_X",
	"CRTC_Y", "CRTC_W", "CRTC_H", "type",
};
#define PROPERTIES (sizeof(properties) / sizeof(properties[0]))

const char *paper_drm_name(unsigned long request) {
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].request == request) {
			return names[i].name;
		}
	}
	return NULL;
}

const char *paper_drm_name_at(size_t index) {
	return index < sizeof(names) / sizeof(names[0]) ? names[index].name : NULL;
}

int paper_drm_open(void) {
	return pipe2(events, O_CLOEXEC) == 0 ? events[0] : -1;
}

bool paper_drm_is(int fd) {
	return fd >= 0 && fd == events[0];
}

/** Give one number out, as the kernel does: if there is room for it, and its count always. */
static void give(uint64_t pointer, uint32_t *count, uint32_t value) {
	if (*count >= 1 && pointer != 0) {
		*(uint32_t *)(uintptr_t)pointer = value;
	}
	*count = 1;
}

static void give_text(char *text, size_t *size, const char *value) {
	if (text != NULL && *size > 0) {
		memcpy(text, value, *size < strlen(value) ? *size : strlen(value));
	}
	*size = strlen(value);
}

static void describe_connector(struct drm_mode_get_connector *connector) {
	const struct drm_mode_modeinfo mode = {
		.hdisplay = 640,
		.vdisplay = 480,
		.type = DRM_MODE_TYPE_PREFERRED,
		.name = "640x480",
	};
	if (connector->count_modes >= 1 && connector->modes_ptr != 0) {
		memcpy((void *)(uintptr_t)connector->modes_ptr, &mode, sizeof(mode));
	}
	connector->count_modes = 1;
	connector->count_props = 0;
	give(connector->encoders_ptr, &connector->count_encoders, ENCODER);
	connector->encoder_id = ENCODER;
	connector->connector_type = DRM_MODE_CONNECTOR_VIRTUAL;
	connector->connector_type_id = 1;
	connector->connection = DRM_MODE_CONNECTED;
}

static void describe_properties(struct drm_mode_obj_get_properties *get) {
	if (get->count_props >= PROPERTIES && get->props_ptr != 0) {
		uint32_t *ids = (void *)(uintptr_t)get->props_ptr;
		uint64_t *values = (void *)(uintptr_t)get->prop_values_ptr;
		for (uint32_t i = 0; i < PROPERTIES; i++) {
			ids[i] = 100 + i;
			values[i] = i == PROPERTIES - 1 ? DRM_PLANE_TYPE_PRIMARY : 0;
		}
	}
	get->count_props = PROPERTIES;
}

static void send_flip(uint64_t user_data) {
	const struct drm_event_vblank event = {
		.base = { .type = DRM_EVENT_FLIP_COMPLETE, .length = sizeof(event) },
		.user_data = user_data,
		.crtc_id = CRTC,
	};
	if (write(events[1], &event, sizeof(event)) != sizeof(event)) {
		_exit(99);
	}
}

static int do_atomic(const struct drm_mode_atomic *atomic) {
	if ((atomic->flags & DRM_MODE_PAGE_FLIP_EVENT) != 0) {
		send_flip(atomic->user_data);
	}
	return 0;
}

static int get_cap(struct drm_get_cap *cap) {
	cap->value = cap->capability == DRM_CAP_PRIME ? DRM_PRIME_CAP_IMPORT : 1;
	return 0;
}

static void describe_version(struct drm_version *version) {
	give_text(version->name, &version->name_len, "paper");
	give_text(version->date, &version->date_len, "0");
	give_text(version->desc, &version->desc_len, "paper");
}

int paper_drm_ioctl(unsigned long request, void *arg) {
	switch (request) {
	case DRM_IOCTL_VERSION:
		describe_version(arg);
		return 0;
	case DRM_IOCTL_GET_CAP:
		return get_cap(arg);
	case DRM_IOCTL_AUTH_MAGIC:
		errno = EINVAL; // what a master is told of a wrong number
		return -1;
	case DRM_IOCTL_PRIME_FD_TO_HANDLE:
		((struct drm_prime_handle *)arg)->handle = HANDLE;
		return 0;
	case DRM_IOCTL_MODE_GETRESOURCES: {
		struct drm_mode_card_res *resources = arg;
		resources->count_fbs = 0;
		give(resources->crtc_id_ptr, &resources->count_crtcs, CRTC);
		give(resources->connector_id_ptr, &resources->count_connectors, CONNECTOR);
		give(resources->encoder_id_ptr, &resources->count_encoders, ENCODER);
		return 0;
	}
	case DRM_IOCTL_MODE_GETCONNECTOR:
		describe_connector(arg);
		return 0;
	case DRM_IOCTL_MODE_GETENCODER:
		((struct drm_mode_get_encoder *)arg)->possible_crtcs = 1;
		return 0;
	case DRM_IOCTL_MODE_GETPLANERESOURCES: {
		struct drm_mode_get_plane_res *planes = arg;
		give(planes->plane_id_ptr, &planes->count_planes, PLANE);
		return 0;
	}
	case DRM_IOCTL_MODE_GETPLANE: {
		struct drm_mode_get_plane *plane = arg;
		plane->possible_crtcs = 1;
		plane->count_format_types = 0;
		return 0;
	}
	case DRM_IOCTL_MODE_OBJ_GETPROPERTIES:
		describe_properties(arg);
		return 0;
	case DRM_IOCTL_MODE_GETPROPERTY: {
		struct drm_mode_get_property *property = arg;
		property->count_values = property->count_enum_blobs = 0;
		strcpy(property->name, properties[property->prop_id - 100]);
		return 0;
	}
	case DRM_IOCTL_MODE_CREATEPROPBLOB:
		((struct drm_mode_create_blob *)arg)->blob_id = BLOB;
		return 0;
	case DRM_IOCTL_MODE_ADDFB2:
		((struct drm_mode_fb_cmd2 *)arg)->fb_id = FRAMEBUFFER;
		return 0;
	case DRM_IOCTL_MODE_ATOMIC:
		return do_atomic(arg);
	default:
		return 0;
	}
}
