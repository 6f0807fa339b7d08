#ifndef SLUICE_WLR_BUFFER_PRIVATE_H
#define SLUICE_WLR_BUFFER_PRIVATE_H

#include <sluice/buffer.h>

/**
 * Have a function called when the buffer is destroyed, after everything that it held is closed,
 * with the ranges it was made of: they may be used again from then on.
 */
typedef void (*sluice_buffer_release_func_t)(const struct sluice_range *ranges,
	size_t ranges_len, void *data);
void sluice_buffer_set_release(struct sluice_buffer *buffer,
	sluice_buffer_release_func_t release, void *data);

#endif
