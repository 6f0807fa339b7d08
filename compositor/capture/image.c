#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "capture/image.h"

bool image_init(struct image *image, int width, int height) {
	*image = (struct image){ .width = width, .height = height };
	if (width <= 0 || height <= 0 || width > IMAGE_MAX_EXTENT || height > IMAGE_MAX_EXTENT) {
		return false;
	}
	image->rgb = calloc((size_t)width * (size_t)height, 3);
	return image->rgb != NULL;
}

void image_finish(struct image *image) {
	free(image->rgb);
	*image = (struct image){0};
}

static char *complain(const char *path, const char *what) {
	char *message = NULL;
	return asprintf(&message, "%s: %s", path, what) >= 0 ? message : strdup("out of memory");
}

/** libpng's simplified interface, which needs no jumps. */
char *image_load(const char *path, struct image *image) {
	*image = (struct image){0};
	// A FIFO or a device would not end
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat stat;
	if (fd < 0 || fstat(fd, &stat) < 0) {
		char *error = complain(path, strerror(errno));
		if (fd >= 0) {
			close(fd);
		}
		return error;
	}
	FILE *file = S_ISREG(stat.st_mode) ? fdopen(fd, "r") : NULL;
	if (file == NULL) {
		close(fd);
		return complain(path, "is no file");
	}
	png_image png = { .version = PNG_IMAGE_VERSION };
	char *error = NULL;
	if (!png_image_begin_read_from_stdio(&png, file)) {
		error = complain(path, png.message);
	} else if (png.width > IMAGE_MAX_EXTENT || png.height > IMAGE_MAX_EXTENT ||
			!image_init(image, (int)png.width, (int)png.height)) {
		error = complain(path, "is too large");
	} else {
		png.format = PNG_FORMAT_RGB;
		// What shines through a transparent picture is black
		const png_color black = { 0, 0, 0 };
		if (!png_image_finish_read(&png, &black, image->rgb, 0, NULL)) {
			error = complain(path, png.message);
			image_finish(image);
		}
	}
	png_image_free(&png);
	fclose(file);
	return error;
}

char *image_save(const char *path, const struct image *image) {
	png_image png = {
		.version = PNG_IMAGE_VERSION,
		.width = (png_uint_32)image->width,
		.height = (png_uint_32)image->height,
		.format = PNG_FORMAT_RGB,
		.flags = PNG_IMAGE_FLAG_FAST,
	};
	FILE *file = fopen(path, "we");
	if (file == NULL) {
		return complain(path, strerror(errno));
	}
	errno = 0;
	bool ok = png_image_write_to_stdio(&png, file, 0, image->rgb, 0, NULL);
	int saved = errno;
	char *error = ok ? NULL : complain(path, saved != 0 ? strerror(saved) : png.message);
	if (fclose(file) != 0 && ok) {
		error = complain(path, strerror(errno));
	}
	if (error != NULL) {
		unlink(path);
	}
	png_image_free(&png);
	return error;
}
