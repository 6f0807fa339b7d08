#include <drm_fourcc.h>
#include <stddef.h>
#include <sluice/buffer.h>

static const struct {
	uint32_t format;
	uint32_t bytes_per_pixel;
} formats[] = {
	{DRM_FORMAT_XRGB8888, 4},
	{DRM_FORMAT_ARGB8888, 4},
	{DRM_FORMAT_XBGR8888, 4},
	{DRM_FORMAT_ABGR8888, 4},
	{DRM_FORMAT_RGBX8888, 4},
	{DRM_FORMAT_RGBA8888, 4},
	{DRM_FORMAT_BGRX8888, 4},
	{DRM_FORMAT_BGRA8888, 4},
	{DRM_FORMAT_XRGB2101010, 4},
	{DRM_FORMAT_ARGB2101010, 4},
	{DRM_FORMAT_XBGR2101010, 4},
	{DRM_FORMAT_ABGR2101010, 4},
	{DRM_FORMAT_RGB888, 3},
	{DRM_FORMAT_BGR888, 3},
	{DRM_FORMAT_RGB565, 2},
	{DRM_FORMAT_BGR565, 2},
	{DRM_FORMAT_XRGB1555, 2},
	{DRM_FORMAT_ARGB1555, 2},
	{DRM_FORMAT_XBGR16161616, 8},
	{DRM_FORMAT_ABGR16161616, 8},
	{DRM_FORMAT_XBGR16161616F, 8},
	{DRM_FORMAT_ABGR16161616F, 8},
};

uint32_t sluice_format_bytes_per_pixel(uint32_t format) {
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (formats[i].format == format) {
			return formats[i].bytes_per_pixel;
		}
	}
	return 0;
}
