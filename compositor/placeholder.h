#ifndef PLACEHOLDER_H
#define PLACEHOLDER_H

struct wlr_buffer;

/**
 * A picture of a line of text, for where an image is missing. Drop it with wlr_buffer_drop().
 * NULL if there is no memory.
 */
struct wlr_buffer *placeholder_create(const char *text);

#endif
