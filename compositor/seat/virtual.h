#ifndef SEAT_VIRTUAL_H
#define SEAT_VIRTUAL_H

struct seat;
struct virtual_devices;

/** Keyboards and pointers that are clients: virtual-keyboard-v1 and wlr-virtual-pointer-v1. */
struct virtual_devices *virtual_devices_create(struct seat *seat);
/** NULL is allowed. */
void virtual_devices_destroy(struct virtual_devices *devices);

#endif
