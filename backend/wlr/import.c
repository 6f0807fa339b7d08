#define _DEFAULT_SOURCE
#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wlr/interfaces/wlr_buffer.h>
#include <wlr/util/log.h>
#include <xf86drm.h>
#include "wlr/access.h"
#include "wlr/renderer.h"

static void addon_destroy(struct wlr_addon *addon) {
	struct sluice_import *import = wl_container_of(addon, import, addon);
	sluice_import_destroy(import);
}

static const struct wlr_addon_interface addon_impl = {
	.name = "sluice_import",
	.destroy = addon_destroy,
};

void sluice_import_destroy(struct sluice_import *import) {
	sluice_verdict_forget_import(import);
	wlr_addon_finish(&import->addon);
	wl_list_remove(&import->link);
	wl_list_remove(&import->revoked.link);
	if (import->data != NULL) {
		munmap(import->data, import->size);
	}
	free(import);
}

/**
 * How the kernel calls the driver that exported a DMA-BUF (exp_name of its fdinfo, see
 * Documentation/filesystems/proc.rst), or an empty string.
 */
static void get_exporter_name(int fd, char *name, size_t size) {
	name[0] = '\0';
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		return;
	}
	char line[256]; // longer ones are cut, and are not the one looked for
	static const char key[] = "exp_name:\t";
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, key, sizeof(key) - 1) == 0) {
			line[strcspn(line, "\n")] = '\0';
			const char *value = line + sizeof(key) - 1;
			size_t length = strnlen(value, size - 1);
			memcpy(name, value, length);
			name[length] = '\0';
			break;
		}
	}
	fclose(file);
}

static bool classify(struct sluice_import *import) {
	struct sluice_renderer *renderer = import->renderer;
	struct sluice_buffer *vram = sluice_buffer_try_from_buffer(import->buffer);
	if (vram != NULL) {
		import->kind = IMPORT_VRAM;
		import->dmabuf = vram->dmabuf;
		import->detached = vram->revoked;
		snprintf(import->exporter, sizeof(import->exporter), "%s",
			sluice_buffer_get_exporter(vram));
		return true;
	}

	if (!wlr_buffer_get_dmabuf(import->buffer, &import->dmabuf)) {
		return false;
	}
	get_exporter_name(import->dmabuf.fd[0], import->exporter, sizeof(import->exporter));
	// vfio_pci_core is mainline's exporter
	bool vfio = strncmp(import->exporter, "vfio", strlen("vfio")) == 0;
	bool unsupported = wlr_renderer_get_texture_formats(renderer->inner,
		WLR_BUFFER_CAP_DMABUF) == NULL;
	import->kind = vfio || unsupported ? IMPORT_FOREIGN : IMPORT_ORDINARY;
	return true;
}

static void handle_revoked(struct wl_listener *listener, void *data) {
	struct sluice_import *import = wl_container_of(listener, import, revoked);
	sluice_renderer_detach_buffer(&import->renderer->base, import->buffer);
}

struct sluice_import *sluice_import_get(struct sluice_renderer *renderer,
		struct wlr_buffer *buffer) {
	struct wlr_addon *addon = wlr_addon_find(&buffer->addons, renderer, &addon_impl);
	if (addon != NULL) {
		struct sluice_import *import = wl_container_of(addon, import, addon);
		return import;
	}

	struct sluice_import *import = calloc(1, sizeof(*import));
	if (import == NULL) {
		return NULL;
	}
	import->renderer = renderer;
	import->buffer = buffer;
	if (!classify(import)) {
		free(import);
		return NULL;
	}
	wlr_addon_init(&import->addon, &buffer->addons, renderer, &addon_impl);
	wl_list_insert(&renderer->imports, &import->link);
	import->revoked.notify = handle_revoked;
	wl_list_init(&import->revoked.link);
	if (import->kind == IMPORT_VRAM) {
		struct sluice_buffer *vram = sluice_buffer_try_from_buffer(buffer);
		wl_signal_add(&vram->events.revoked, &import->revoked);
	}
	if (import->kind != IMPORT_ORDINARY && !import->detached) {
		import->verdict = sluice_verdict_get(renderer, import);
	}
	return import;
}

/** Returns 0 or a negative errno. */
static int sync_dmabuf(int fd, uint64_t flags) {
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_READ };
	int ret;
	do {
		ret = ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync);
	} while (ret < 0 && (errno == EINTR || errno == EAGAIN));
	return ret < 0 ? -errno : 0;
}

/**
 * Whether the exporter itself says that the memory is revoked: vfio-pci-dmabuf does. One without
 * the operation, such as mainline's, has nothing to synchronise and says nothing.
 */
static bool is_dmabuf_revoked(int dmabuf_fd) {
	if (sync_dmabuf(dmabuf_fd, DMA_BUF_SYNC_START) == -ENODEV) {
		return true;
	}
	sync_dmabuf(dmabuf_fd, DMA_BUF_SYNC_END);
	return false;
}

/** Whether a new import of a DMA-BUF finds its memory revoked. */
static bool is_reimport_revoked(int drm_fd, int dmabuf_fd) {
	char *node = drm_fd >= 0 ? drmGetDeviceNameFromFd2(drm_fd) : NULL;
	int fd = node != NULL ? open(node, O_RDWR | O_CLOEXEC) : -1;
	free(node);
	if (fd < 0) {
		return false;
	}
	uint32_t handle;
	bool revoked = false;
	if (drmPrimeFDToHandle(fd, dmabuf_fd, &handle) == 0) {
		drmCloseBufferHandle(fd, handle);
	} else {
		revoked = errno == ENODEV;
	}
	close(fd);
	return revoked;
}

bool sluice_import_check(struct sluice_import *import) {
	struct sluice_buffer *vram = sluice_buffer_try_from_buffer(import->buffer);
	if (vram != NULL) {
		return sluice_buffer_check(vram);
	}
	int dmabuf_fd = import->dmabuf.fd[0];
	if (is_dmabuf_revoked(dmabuf_fd) ||
			is_reimport_revoked(import->renderer->drm_fd, dmabuf_fd)) {
		sluice_renderer_detach_buffer(&import->renderer->base, import->buffer);
		return false;
	}
	return true;
}

bool sluice_texture_check(struct wlr_texture *wlr_texture) {
	struct sluice_texture *texture = sluice_texture_from(wlr_texture);
	return texture->import != NULL && sluice_import_check(texture->import);
}

static bool map_dmabuf(struct sluice_import *import) {
	const struct wlr_dmabuf_attributes *dmabuf = &import->dmabuf;
	uint32_t bytes_per_pixel = sluice_format_bytes_per_pixel(dmabuf->format);
	if (dmabuf->n_planes != 1 || bytes_per_pixel == 0 || dmabuf->width <= 0 ||
			dmabuf->height <= 0 || (dmabuf->modifier != DRM_FORMAT_MOD_LINEAR &&
			dmabuf->modifier != DRM_FORMAT_MOD_INVALID)) {
		return false;
	}
	off_t end = lseek(dmabuf->fd[0], 0, SEEK_END);
	uint64_t needed = (uint64_t)dmabuf->offset[0] +
		(uint64_t)dmabuf->stride[0] * (uint64_t)dmabuf->height;
	if (end < 0 || needed > (uint64_t)end || needed > SIZE_MAX ||
			(uint64_t)dmabuf->width * bytes_per_pixel > dmabuf->stride[0]) {
		return false;
	}
	void *data = mmap(NULL, (size_t)needed, PROT_READ, MAP_SHARED, dmabuf->fd[0], 0);
	if (data == MAP_FAILED) {
		// Mainline's vfio exporter has no mmap
		wlr_log_errno(WLR_INFO, "A DMA-BUF of %s cannot be mapped, the CPU will not read it",
			import->exporter[0] != '\0' ? import->exporter : "an unknown driver");
		return false;
	}
	import->data = data;
	import->size = (size_t)needed;
	return true;
}

bool sluice_import_cpu_works(struct sluice_import *import) {
	if (import->cpu_tried) {
		return import->cpu_works;
	}
	import->cpu_tried = true;

	const struct wlr_drm_format_set *formats = wlr_renderer_get_texture_formats(
		import->renderer->inner, WLR_BUFFER_CAP_DATA_PTR);
	if (formats == NULL || wlr_drm_format_set_get(formats, import->dmabuf.format) == NULL) {
		return false;
	}
	if (import->kind == IMPORT_VRAM) {
		void *data;
		uint32_t format;
		size_t stride;
		import->cpu_works = wlr_buffer_begin_data_ptr_access(import->buffer,
			WLR_BUFFER_DATA_PTR_ACCESS_READ, &data, &format, &stride);
		if (import->cpu_works) {
			wlr_buffer_end_data_ptr_access(import->buffer);
		}
	} else {
		import->cpu_works = map_dmabuf(import);
	}
	return import->cpu_works;
}

/** Returns the number of bytes copied. */
static uint64_t copy_region(const pixman_region32_t *region, uint32_t bytes_per_pixel,
		char *dst, size_t dst_stride, const char *src, size_t src_stride) {
	uint64_t copied = 0;
	int rects_len;
	const pixman_box32_t *rects = pixman_region32_rectangles(region, &rects_len);
	for (int i = 0; i < rects_len; i++) {
		size_t x = (size_t)rects[i].x1 * bytes_per_pixel;
		size_t length = (size_t)(rects[i].x2 - rects[i].x1) * bytes_per_pixel;
		for (int y = rects[i].y1; y < rects[i].y2; y++) {
			memcpy(dst + (size_t)y * dst_stride + x, src + (size_t)y * src_stride + x, length);
			copied += length;
		}
	}
	return copied;
}

/** Copies and counts; false if the memory went away meanwhile, and the import with it. */
static bool read_vram(struct sluice_import *import, const pixman_region32_t *region,
		uint32_t bytes_per_pixel, void *dst, size_t dst_stride) {
	struct sluice_buffer *vram = sluice_buffer_try_from_buffer(import->buffer);
	void *src;
	uint32_t format;
	size_t src_stride;
	if (!wlr_buffer_begin_data_ptr_access(&vram->base, WLR_BUFFER_DATA_PTR_ACCESS_READ, &src,
			&format, &src_stride)) {
		return false;
	}
	import->renderer->stats.vram_bytes_read +=
		copy_region(region, bytes_per_pixel, dst, dst_stride, src, src_stride);
	wlr_buffer_lock(&vram->base); // the end of the access may revoke it
	wlr_buffer_end_data_ptr_access(&vram->base);
	bool ok = !vram->revoked;
	wlr_buffer_unlock(&vram->base);
	return ok;
}

/** Copies and counts; false if the memory is, or was meanwhile, revoked. */
static bool copy_foreign(struct sluice_import *import, const pixman_region32_t *region,
		uint32_t bytes_per_pixel, void *dst, size_t dst_stride) {
	const struct wlr_dmabuf_attributes *dmabuf = &import->dmabuf;
	if (sync_dmabuf(dmabuf->fd[0], DMA_BUF_SYNC_START) == -ENODEV) {
		return false;
	}
	struct sluice_access access;
	if (!sluice_access_begin(&access, import->data, import->size)) {
		return false;
	}
	import->renderer->stats.vram_bytes_read += copy_region(region, bytes_per_pixel, dst,
		dst_stride, (const char *)import->data + dmabuf->offset[0], dmabuf->stride[0]);
	sync_dmabuf(dmabuf->fd[0], DMA_BUF_SYNC_END);
	return sluice_access_end(&access);
}

static bool read_foreign(struct sluice_import *import, const pixman_region32_t *region,
		uint32_t bytes_per_pixel, void *dst, size_t dst_stride) {
	if (copy_foreign(import, region, bytes_per_pixel, dst, dst_stride)) {
		return true;
	}
	wlr_log(WLR_INFO, "A DMA-BUF of %s went away while the CPU read it: it is revoked",
		import->exporter);
	// Lets go of the buffer, and may destroy the import with it
	sluice_renderer_detach_buffer(&import->renderer->base, import->buffer);
	return false;
}

bool sluice_import_read(struct sluice_import *import, const pixman_region32_t *region,
		void *dst, size_t dst_stride) {
	if (!sluice_import_cpu_works(import)) {
		return false;
	}
	uint32_t bytes_per_pixel = sluice_format_bytes_per_pixel(import->dmabuf.format);
	return import->kind == IMPORT_VRAM ?
		read_vram(import, region, bytes_per_pixel, dst, dst_stride) :
		read_foreign(import, region, bytes_per_pixel, dst, dst_stride);
}
