#ifndef SEAT_DEVICES_H
#define SEAT_DEVICES_H

#include "server.h"

struct config_report;
struct json_object;
struct wlr_cursor;
struct wlr_input_device;

/** The devices of the backend, and what the configuration says of each. */
struct devices;

struct devices *devices_create(struct server *server, struct wlr_cursor *cursor);
/** After the devices are gone. NULL is allowed. */
void devices_destroy(struct devices *devices);
/**
 * A new device: it gets what the configuration says, a keyboard its keymap. Once the cursor has it,
 * devices_map_to_outputs() follows.
 */
void devices_add(struct devices *devices, struct wlr_input_device *device);
/** After a reload: what does not work is told in the report. */
void devices_apply_config(struct devices *devices, struct config_report *report);
/** A device or an output appeared or went, and one may be mapped to the other. */
void devices_map_to_outputs(struct devices *devices);
/** A list, for sluicectl. */
struct json_object *devices_describe(struct devices *devices);

#endif
