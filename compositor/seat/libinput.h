#ifndef SEAT_LIBINPUT_H
#define SEAT_LIBINPUT_H

#include "config/input.h"

struct json_object;
struct libinput_device;

/**
 * Give a device what the configuration says, and libinput's default where it says nothing. What it has
 * not got is told in the report only if it was named itself, not by its type.
 */
void libinput_apply(struct libinput_device *device, const struct input_config *config,
	struct config_report *report);
/** What holds for a device at the moment, by the configuration's words. */
struct json_object *libinput_describe(struct libinput_device *device);

#endif
