/*
 * The memory that frames lie in: a region of a vfio device, or (udmabuf) a memfd in its place.
 */
#ifndef TESTS_CLIENTS_MEMORY_H
#define TESTS_CLIENTS_MEMORY_H

#include <sluice/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory {
	struct sluice_vfio_device *device; // NULL: a memfd
	int memfd;
	uint32_t region;
	uint64_t size;
	uint8_t *data; // all of it, mapped
	uint64_t page;

	struct wl_event_loop *events; // of the device; NULL: nobody listens
	struct wl_listener request;
	bool requested; // the kernel asks for the device back
};

/**
 * Open a vfio device and map one of its regions. address is its PCI address, or NULL for the
 * only device that is bound to vfio-pci; device_fd, if not negative, is an open vfio device to
 * use instead. Complains on failure.
 */
bool memory_init_vfio(struct memory *memory, const char *address, int device_fd, uint32_t region);

/** Make a memfd of size bytes stand for the region. Complains on failure. */
bool memory_init_memfd(struct memory *memory, uint64_t size);

/**
 * Have requested set when the kernel asks for the device back, by memory_dispatch(). Only for the
 * owner: a device that was opened here.
 *
 * Returns a file descriptor that is readable when memory_dispatch() has something to do, and that
 * memory_finish() closes; or -1, if there is nothing to listen to.
 */
int memory_listen(struct memory *memory);
void memory_dispatch(struct memory *memory);

void memory_finish(struct memory *memory);

/** Returns a dma-buf fd that the caller owns, or a negative errno. */
int memory_export(struct memory *memory, const struct sluice_range *ranges, size_t ranges_len);

/** Whether the memory can be accessed without SIGBUS. */
bool memory_is_on(struct memory *memory);

/** Reset the device and switch its memory on again. Prints how it went. */
bool memory_reset(struct memory *memory);

#endif
