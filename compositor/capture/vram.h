#ifndef CAPTURE_VRAM_H
#define CAPTURE_VRAM_H

#include <stdint.h>

struct frame;
struct json_object;

/**
 * Frames that are written into the VRAM of an exporter, one behind the other; from the start again
 * once there is no more room. Whoever else can see that memory (a virtual machine, another GPU)
 * finds them there without a file.
 */
struct capture_vram;

/**
 * Own the vfio device at a PCI address, which resets it; "simulated" is the exporter of a file
 * (sluice_simulated_create()), -1 if there is none. NULL, logged, on failure.
 */
struct capture_vram *capture_vram_create(const char *address, uint32_t region, int simulated);
/** NULL is allowed. */
void capture_vram_destroy(struct capture_vram *vram);
/**
 * Write a frame as XRGB8888, and tell in its line of the manifest where it is. NULL, or what went
 * wrong, to be freed.
 */
char *capture_vram_write(struct capture_vram *vram, const struct frame *frame,
	struct json_object *line);

#endif
