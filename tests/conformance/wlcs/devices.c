#include <stdlib.h>
#include <wlr/interfaces/wlr_keyboard.h>
#include <wlr/interfaces/wlr_pointer.h>
#include <wlr/interfaces/wlr_touch.h>
#include "module.h"

struct pointer {
	WlcsPointer base;
	struct device device;
	struct module *module;
	struct wlr_pointer wlr_pointer;
};

struct touch {
	WlcsTouch base;
	struct device device;
	struct module *module;
	struct wlr_touch wlr_touch;
};

static const struct wlr_pointer_impl pointer_impl = { .name = "wlcs-pointer" };
static const struct wlr_touch_impl touch_impl = { .name = "wlcs-touch" };
static const struct wlr_keyboard_impl keyboard_impl = { .name = "wlcs-keyboard" };

static struct pointer *get_pointer(WlcsPointer *base) {
	struct pointer *pointer = wl_container_of(base, pointer, base);
	return pointer;
}

static void pointer_frame(struct pointer *pointer) {
	wl_signal_emit_mutable(&pointer->wlr_pointer.events.frame, &pointer->wlr_pointer);
}

static void move_absolute(WlcsPointer *base, wl_fixed_t x, wl_fixed_t y) {
	struct pointer *pointer = get_pointer(base);
	struct wlr_pointer_motion_absolute_event event = {
		.pointer = &pointer->wlr_pointer,
		.time_msec = now_msec(),
	};
	to_fractions(pointer->module, x, y, &event.x, &event.y);
	wl_signal_emit_mutable(&pointer->wlr_pointer.events.motion_absolute, &event);
	pointer_frame(pointer);
}

static void move_relative(WlcsPointer *base, wl_fixed_t dx, wl_fixed_t dy) {
	struct pointer *pointer = get_pointer(base);
	struct wlr_pointer_motion_event event = {
		.pointer = &pointer->wlr_pointer,
		.time_msec = now_msec(),
		.delta_x = wl_fixed_to_double(dx),
		.delta_y = wl_fixed_to_double(dy),
		.unaccel_dx = wl_fixed_to_double(dx),
		.unaccel_dy = wl_fixed_to_double(dy),
	};
	wl_signal_emit_mutable(&pointer->wlr_pointer.events.motion, &event);
	pointer_frame(pointer);
}

static void press(WlcsPointer *base, int button, enum wl_pointer_button_state state) {
	struct pointer *pointer = get_pointer(base);
	struct wlr_pointer_button_event event = {
		.pointer = &pointer->wlr_pointer,
		.time_msec = now_msec(),
		.button = (uint32_t)button,
		.state = state,
	};
	wlr_pointer_notify_button(&pointer->wlr_pointer, &event);
	pointer_frame(pointer);
}

static void button_down(WlcsPointer *base, int button) {
	press(base, button, WL_POINTER_BUTTON_STATE_PRESSED);
}

static void button_up(WlcsPointer *base, int button) {
	press(base, button, WL_POINTER_BUTTON_STATE_RELEASED);
}

static void finish_pointer(struct device *device) {
	struct pointer *pointer = wl_container_of(device, pointer, device);
	wlr_pointer_finish(&pointer->wlr_pointer);
}

static void destroy_pointer(WlcsPointer *base) {
	struct pointer *pointer = get_pointer(base);
	device_finish(&pointer->device);
	free(pointer);
}

WlcsPointer *pointer_create(struct module *module) {
	struct pointer *pointer = calloc(1, sizeof(*pointer));
	if (pointer == NULL) {
		abort();
	}
	pointer->base = (WlcsPointer){
		.version = WLCS_POINTER_VERSION,
		.move_absolute = move_absolute,
		.move_relative = move_relative,
		.button_up = button_up,
		.button_down = button_down,
		.destroy = destroy_pointer,
	};
	pointer->module = module;
	wlr_pointer_init(&pointer->wlr_pointer, &pointer_impl, pointer_impl.name);
	device_init(&pointer->device, module, &pointer->wlr_pointer.base, finish_pointer);
	return &pointer->base;
}

static struct touch *get_touch(WlcsTouch *base) {
	struct touch *touch = wl_container_of(base, touch, base);
	return touch;
}

static void touch_frame(struct touch *touch) {
	wl_signal_emit_mutable(&touch->wlr_touch.events.frame, NULL);
}

// Of touches the runner passes whole pixels, whatever its header says
static void touch_down(WlcsTouch *base, wl_fixed_t x, wl_fixed_t y) {
	struct touch *touch = get_touch(base);
	struct wlr_touch_down_event event = {
		.touch = &touch->wlr_touch,
		.time_msec = now_msec(),
	};
	to_fractions(touch->module, wl_fixed_from_int(x), wl_fixed_from_int(y), &event.x, &event.y);
	wl_signal_emit_mutable(&touch->wlr_touch.events.down, &event);
	touch_frame(touch);
}

static void touch_move(WlcsTouch *base, wl_fixed_t x, wl_fixed_t y) {
	struct touch *touch = get_touch(base);
	struct wlr_touch_motion_event event = {
		.touch = &touch->wlr_touch,
		.time_msec = now_msec(),
	};
	to_fractions(touch->module, wl_fixed_from_int(x), wl_fixed_from_int(y), &event.x, &event.y);
	wl_signal_emit_mutable(&touch->wlr_touch.events.motion, &event);
	touch_frame(touch);
}

static void touch_up(WlcsTouch *base) {
	struct touch *touch = get_touch(base);
	struct wlr_touch_up_event event = {
		.touch = &touch->wlr_touch,
		.time_msec = now_msec(),
	};
	wl_signal_emit_mutable(&touch->wlr_touch.events.up, &event);
	touch_frame(touch);
}

static void finish_touch(struct device *device) {
	struct touch *touch = wl_container_of(device, touch, device);
	wlr_touch_finish(&touch->wlr_touch);
}

static void destroy_touch(WlcsTouch *base) {
	struct touch *touch = get_touch(base);
	device_finish(&touch->device);
	free(touch);
}

WlcsTouch *touch_create(struct module *module) {
	struct touch *touch = calloc(1, sizeof(*touch));
	if (touch == NULL) {
		abort();
	}
	touch->base = (WlcsTouch){
		.version = WLCS_TOUCH_VERSION,
		.touch_down = touch_down,
		.touch_move = touch_move,
		.touch_up = touch_up,
		.destroy = destroy_touch,
	};
	touch->module = module;
	wlr_touch_init(&touch->wlr_touch, &touch_impl, touch_impl.name);
	device_init(&touch->device, module, &touch->wlr_touch.base, finish_touch);
	return &touch->base;
}

void keyboard_init(struct wlr_keyboard *keyboard, struct module *module) {
	wlr_keyboard_init(keyboard, &keyboard_impl, keyboard_impl.name);
	wl_signal_emit_mutable(&module->server.backend->events.new_input, &keyboard->base);
}
