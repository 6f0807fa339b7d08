#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <xf86drm.h>
#include "probe/program/report.h"
#include "probe/program/screen.h"

/** A property's id and value. False if the object has none of that name. */
static bool find_property(int fd, uint32_t object, uint32_t type, const char *name, uint32_t *id,
		uint64_t *value) {
	drmModeObjectProperties *properties = drmModeObjectGetProperties(fd, object, type);
	if (properties == NULL) {
		return false;
	}
	bool found = false;
	for (uint32_t i = 0; i < properties->count_props && !found; i++) {
		drmModePropertyRes *property = drmModeGetProperty(fd, properties->props[i]);
		if (property == NULL) {
			continue;
		}
		if (strcmp(property->name, name) == 0) {
			found = true;
			if (id != NULL) {
				*id = property->prop_id;
			}
			if (value != NULL) {
				*value = properties->prop_values[i];
			}
		}
		drmModeFreeProperty(property);
	}
	drmModeFreeObjectProperties(properties);
	return found;
}

static bool find_plane(struct importer *importer, uint32_t crtc_index) {
	drmModePlaneRes *planes = drmModeGetPlaneResources(importer->fd);
	if (planes == NULL) {
		return false;
	}
	bool found = false;
	for (uint32_t i = 0; i < planes->count_planes && !found; i++) {
		drmModePlane *plane = drmModeGetPlane(importer->fd, planes->planes[i]);
		if (plane == NULL) {
			continue;
		}
		uint64_t type;
		if ((plane->possible_crtcs & 1u << crtc_index) != 0 &&
				find_property(importer->fd, plane->plane_id, DRM_MODE_OBJECT_PLANE, "type",
					NULL, &type) && type == DRM_PLANE_TYPE_PRIMARY) {
			importer->plane_id = plane->plane_id;
			found = true;
		}
		drmModeFreePlane(plane);
	}
	drmModeFreePlaneResources(planes);
	return found;
}

static bool find_crtc(struct importer *importer, const drmModeRes *resources,
		const drmModeConnector *connector) {
	for (int i = 0; i < connector->count_encoders; i++) {
		drmModeEncoder *encoder = drmModeGetEncoder(importer->fd, connector->encoders[i]);
		if (encoder == NULL) {
			continue;
		}
		uint32_t possible = encoder->possible_crtcs;
		drmModeFreeEncoder(encoder);
		for (int j = 0; j < resources->count_crtcs && j < 32; j++) {
			if ((possible & 1u << j) != 0 && find_plane(importer, (uint32_t)j)) {
				importer->crtc_id = resources->crtcs[j];
				return true;
			}
		}
	}
	return false;
}

static const drmModeModeInfo *choose_mode(const drmModeConnector *connector) {
	for (int i = 0; i < connector->count_modes; i++) {
		if ((connector->modes[i].type & DRM_MODE_TYPE_PREFERRED) != 0) {
			return &connector->modes[i];
		}
	}
	return connector->count_modes > 0 ? &connector->modes[0] : NULL;
}

static bool use_connector(struct importer *importer, const drmModeRes *resources,
		const drmModeConnector *connector) {
	const drmModeModeInfo *mode = choose_mode(connector);
	if (connector->connection != DRM_MODE_CONNECTED || mode == NULL ||
			!find_crtc(importer, resources, connector)) {
		return false;
	}
	const char *type = drmModeGetConnectorTypeName(connector->connector_type);
	snprintf(importer->connector_name, sizeof(importer->connector_name), "%s-%u",
		type != NULL ? type : "Unknown", connector->connector_type_id);
	importer->connector_id = connector->connector_id;
	importer->mode = *mode;
	return true;
}

static const char *find_screen(struct importer *importer) {
	if (!importer->primary) {
		return "a render node has no screens; give the card node";
	}
	// Atomic includes the universal planes
	if (drmSetClientCap(importer->fd, DRM_CLIENT_CAP_ATOMIC, 1) != 0) {
		return "the driver has no atomic modesetting";
	}
	drmModeRes *resources = drmModeGetResources(importer->fd);
	if (resources == NULL) {
		return "the DRM device drives no screens";
	}
	bool found = false;
	for (int i = 0; i < resources->count_connectors && !found; i++) {
		drmModeConnector *connector = drmModeGetConnector(importer->fd,
			resources->connectors[i]);
		if (connector != NULL) {
			found = use_connector(importer, resources, connector);
			drmModeFreeConnector(connector);
		}
	}
	drmModeFreeResources(resources);
	return found ? NULL : "no screen is connected";
}

void importer_find_screen(struct importer *importer) {
	report_begin("screen");
	importer->no_screen = find_screen(importer);
	if (importer->no_screen != NULL) {
		report_skip("%s", importer->no_screen);
	} else {
		report_pass("%s, %dx%d", importer->connector_name, importer->mode.hdisplay,
			importer->mode.vdisplay);
	}
}

struct setting {
	uint32_t object, type;
	const char *name;
	uint64_t value;
};

static int commit_settings(int fd, const struct setting *settings, size_t settings_len,
		uint32_t flags, void *user_data) {
	drmModeAtomicReq *request = drmModeAtomicAlloc();
	if (request == NULL) {
		return -ENOMEM;
	}
	int ret = 0;
	for (size_t i = 0; i < settings_len && ret >= 0; i++) {
		uint32_t id;
		if (!find_property(fd, settings[i].object, settings[i].type, settings[i].name, &id,
				NULL)) {
			ret = -ENOENT;
		} else {
			ret = drmModeAtomicAddProperty(request, settings[i].object, id,
				settings[i].value);
		}
	}
	if (ret >= 0) {
		ret = drmModeAtomicCommit(fd, request, flags | DRM_MODE_ATOMIC_ALLOW_MODESET,
			user_data);
	}
	drmModeAtomicFree(request);
	return ret;
}

int screen_commit(const struct importer *importer, uint32_t fb, uint32_t flags,
		void *user_data) {
	uint32_t blob = 0;
	int ret = drmModeCreatePropertyBlob(importer->fd, &importer->mode,
		sizeof(importer->mode), &blob);
	if (ret != 0) {
		return ret;
	}
	const uint32_t plane = importer->plane_id, crtc = importer->crtc_id;
	const uint64_t width = importer->mode.hdisplay, height = importer->mode.vdisplay;
	const struct setting settings[] = {
		{ importer->connector_id, DRM_MODE_OBJECT_CONNECTOR, "CRTC_ID", crtc },
		{ crtc, DRM_MODE_OBJECT_CRTC, "MODE_ID", blob },
		{ crtc, DRM_MODE_OBJECT_CRTC, "ACTIVE", 1 },
		{ plane, DRM_MODE_OBJECT_PLANE, "FB_ID", fb },
		{ plane, DRM_MODE_OBJECT_PLANE, "CRTC_ID", crtc },
		{ plane, DRM_MODE_OBJECT_PLANE, "SRC_X", 0 },
		{ plane, DRM_MODE_OBJECT_PLANE, "SRC_Y", 0 },
		{ plane, DRM_MODE_OBJECT_PLANE, "SRC_W", width << 16 }, // 16.16 fixed point
		{ plane, DRM_MODE_OBJECT_PLANE, "SRC_H", height << 16 },
		{ plane, DRM_MODE_OBJECT_PLANE, "CRTC_X", 0 },
		{ plane, DRM_MODE_OBJECT_PLANE, "CRTC_Y", 0 },
		{ plane, DRM_MODE_OBJECT_PLANE, "CRTC_W", width },
		{ plane, DRM_MODE_OBJECT_PLANE, "CRTC_H", height },
	};
	ret = commit_settings(importer->fd, settings, sizeof(settings) / sizeof(settings[0]), flags,
		user_data);
	drmModeDestroyPropertyBlob(importer->fd, blob);
	return ret;
}

int screen_disable(const struct importer *importer) {
	const struct setting settings[] = {
		{ importer->connector_id, DRM_MODE_OBJECT_CONNECTOR, "CRTC_ID", 0 },
		{ importer->crtc_id, DRM_MODE_OBJECT_CRTC, "MODE_ID", 0 },
		{ importer->crtc_id, DRM_MODE_OBJECT_CRTC, "ACTIVE", 0 },
		{ importer->plane_id, DRM_MODE_OBJECT_PLANE, "FB_ID", 0 },
		{ importer->plane_id, DRM_MODE_OBJECT_PLANE, "CRTC_ID", 0 },
	};
	return commit_settings(importer->fd, settings, sizeof(settings) / sizeof(settings[0]), 0,
		NULL);
}
