#ifndef WLCS_MODULE_H
#define WLCS_MODULE_H

#include <wayland-client-core.h>
#include <wlcs/display_server.h>
#include <wlcs/pointer.h>
#include <wlcs/touch.h>
#include "server.h"

struct wlr_keyboard;

/** A compositor in the runner's process, on a thread that the runner made. */
struct module {
	WlcsDisplayServer base;
	struct server server;
	struct wl_list clients; // client.link
	struct wl_list devices; // device.link
};

/** What the runner plays with; it destroys it, or the server goes first. */
struct device {
	struct wl_list link; // module.devices
	struct wlr_input_device *input;
	void (*finish)(struct device *device); // NULL once done
};

/** Remove a device; its memory stays with whoever has it. */
void device_finish(struct device *device);
void device_init(struct device *device, struct module *module, struct wlr_input_device *input,
	void (*finish)(struct device *device));

WlcsPointer *pointer_create(struct module *module);
WlcsTouch *touch_create(struct module *module);
/** A keyboard that nobody types on, so that the seat has one. */
void keyboard_init(struct wlr_keyboard *keyboard, struct module *module);

/** A wl_protocol_logger that holds back buffers which come too early. */
void early_buffers_handle(void *data, enum wl_protocol_logger_type direction,
	const struct wl_protocol_logger_message *message);

/** Of the events that devices send. */
uint32_t now_msec(void);
/** From pixels of the layout to 0..1, as devices speak of a screen. */
void to_fractions(struct module *module, wl_fixed_t x, wl_fixed_t y, double *fx, double *fy);

#endif
