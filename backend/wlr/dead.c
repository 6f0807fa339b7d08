#include <stdlib.h>
#include <wlr/interfaces/wlr_buffer.h>
#include <sluice/buffer.h>

static void dead_buffer_destroy(struct wlr_buffer *buffer) {
	wlr_buffer_finish(buffer);
	free(buffer);
}

static const struct wlr_buffer_impl dead_buffer_impl = {
	.destroy = dead_buffer_destroy,
};

struct wlr_buffer *sluice_dead_buffer_create(int width, int height) {
	struct wlr_buffer *buffer = calloc(1, sizeof(*buffer));
	if (buffer != NULL) {
		wlr_buffer_init(buffer, &dead_buffer_impl, width, height);
	}
	return buffer;
}

bool sluice_buffer_is_dead(struct wlr_buffer *buffer) {
	return buffer->impl == &dead_buffer_impl;
}
