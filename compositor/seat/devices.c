#include <fnmatch.h>
#include <libinput.h>
#include <stdlib.h>
#include <string.h>
#include <wlr/backend/libinput.h>
#include <wlr/interfaces/wlr_keyboard.h>
#include <wlr/types/wlr_cursor.h>
#include <wlr/types/wlr_input_device.h>
#include <wlr/types/wlr_keyboard.h>
#include <wlr/util/log.h>
#include "config/input.h"
#include "config/keymap.h"
#include "ipc/ipc.h"
#include "output.h"
#include "seat/devices.h"
#include "seat/libinput.h"

/** As most toolkits have it. */
#define REPEAT_PER_SECOND 25
#define REPEAT_DELAY_MS 600

struct devices {
	struct server *server;
	struct wlr_cursor *cursor;
	struct wl_list list; // device.link
};

struct device {
	struct wl_list link; // devices.list
	struct devices *devices;
	struct wlr_input_device *wlr_device;
	char *output; // the name that absolute coordinates are mapped to, NULL for all of the layout
	int num_lock; // as it was configured, -1 if it was not

	struct wl_listener destroy;
};

static struct libinput_device *get_libinput(struct wlr_input_device *wlr_device) {
	return wlr_input_device_is_libinput(wlr_device) ?
		wlr_libinput_get_device_handle(wlr_device) : NULL;
}

static const char *get_type(struct wlr_input_device *wlr_device) {
	struct libinput_device *libinput = get_libinput(wlr_device);
	switch (wlr_device->type) {
	case WLR_INPUT_DEVICE_KEYBOARD:
		return "keyboard";
	case WLR_INPUT_DEVICE_POINTER:
		return libinput != NULL && libinput_device_config_tap_get_finger_count(libinput) > 0 ?
			"touchpad" : "pointer";
	case WLR_INPUT_DEVICE_TOUCH:
		return "touch";
	case WLR_INPUT_DEVICE_TABLET:
		return "tablet";
	case WLR_INPUT_DEVICE_TABLET_PAD:
		return "tablet-pad";
	case WLR_INPUT_DEVICE_SWITCH:
		return "switch";
	}
	return "other";
}

static struct input_identity identify(struct wlr_input_device *wlr_device) {
	struct libinput_device *libinput = get_libinput(wlr_device);
	return (struct input_identity){
		.type = get_type(wlr_device),
		.name = wlr_device->name != NULL ? wlr_device->name : "",
		.vendor = libinput != NULL ? libinput_device_get_id_vendor(libinput) : 0,
		.product = libinput != NULL ? libinput_device_get_id_product(libinput) : 0,
	};
}

/** Locks stay on, and keys stay pressed, over a change of keymap. */
static void set_keymap(struct wlr_keyboard *keyboard, struct xkb_keymap *keymap) {
	struct wlr_keyboard_modifiers before = keyboard->modifiers;
	if (keyboard->keymap != NULL && wlr_keyboard_keymaps_match(keyboard->keymap, keymap)) {
		return;
	}
	if (wlr_keyboard_set_keymap(keyboard, keymap) && before.locked != 0) {
		wlr_keyboard_notify_modifiers(keyboard, before.depressed, before.latched,
			before.locked, 0);
	}
}

static void set_num_lock(struct wlr_keyboard *keyboard, bool on) {
	xkb_mod_index_t index = xkb_keymap_mod_get_index(keyboard->keymap, XKB_MOD_NAME_NUM);
	if (index == XKB_MOD_INVALID) {
		return;
	}
	uint32_t mask = UINT32_C(1) << index, locked = keyboard->modifiers.locked;
	wlr_keyboard_notify_modifiers(keyboard, keyboard->modifiers.depressed,
		keyboard->modifiers.latched, on ? locked | mask : locked & ~mask,
		keyboard->modifiers.group);
}

static int get(const struct input_config *config, enum input_setting setting, int otherwise) {
	return config->set & UINT32_C(1) << setting ? config->values[setting] : otherwise;
}

static void apply_keyboard(struct device *device, const struct input_config *config,
		struct config_report *report) {
	struct wlr_keyboard *keyboard = wlr_keyboard_from_input_device(device->wlr_device);
	const char *name = keyboard->base.name != NULL ? keyboard->base.name : "?";
	struct xkb_keymap *keymap = keymap_create(&config->keymap);
	if (keymap == NULL) {
		config_report_add(report, "keyboard \"%s\": xkb knows no keymap of what the blocks "
			"about it, and XKB_DEFAULT_LAYOUT, say together", name);
		if (keyboard->keymap == NULL) {
			// One with wrong letters is better than none
			keymap = keymap_create(&(struct xkb_rule_names){
				.rules = "evdev", .model = "pc105", .layout = "us", .variant = "",
				.options = "" });
		}
	}
	if (keymap != NULL) {
		set_keymap(keyboard, keymap);
		xkb_keymap_unref(keymap);
	}
	wlr_keyboard_set_repeat_info(keyboard,
		get(config, INPUT_REPEAT_RATE, REPEAT_PER_SECOND),
		get(config, INPUT_REPEAT_DELAY, REPEAT_DELAY_MS));
	int num_lock = get(config, INPUT_NUM_LOCK, -1);
	if (keyboard->keymap != NULL && num_lock >= 0 && num_lock != device->num_lock) {
		set_num_lock(keyboard, num_lock);
	}
	device->num_lock = num_lock;
}

/** The output that a device is mapped to, or NULL: all of them. */
static struct wlr_output *find_output(struct device *device) {
	struct output *output;
	wl_list_for_each(output, &device->devices->server->outputs, link) {
		struct output_config as_config = { .name = device->output };
		if (device->output != NULL && output->wlr_output->enabled &&
				output_config_matches(&as_config, output->wlr_output)) {
			return output->wlr_output;
		}
	}
	return NULL;
}

static bool has_coordinates(const struct wlr_input_device *wlr_device) {
	return wlr_device->type == WLR_INPUT_DEVICE_POINTER ||
		wlr_device->type == WLR_INPUT_DEVICE_TOUCH ||
		wlr_device->type == WLR_INPUT_DEVICE_TABLET;
}

static void map(struct device *device) {
	if (has_coordinates(device->wlr_device)) {
		wlr_cursor_map_input_to_output(device->devices->cursor, device->wlr_device,
			find_output(device));
	}
}

void devices_map_to_outputs(struct devices *devices) {
	struct device *device;
	wl_list_for_each(device, &devices->list, link) {
		map(device);
	}
}

/**
 * A device of libinput that is several things is several devices here, and has its settings once: they
 * are those of what points.
 */
static bool has_settings(struct wlr_input_device *wlr_device, struct libinput_device *libinput) {
	return has_coordinates(wlr_device) ||
		!(libinput_device_has_capability(libinput, LIBINPUT_DEVICE_CAP_POINTER) ||
		libinput_device_has_capability(libinput, LIBINPUT_DEVICE_CAP_TOUCH) ||
		libinput_device_has_capability(libinput, LIBINPUT_DEVICE_CAP_TABLET_TOOL));
}

static void apply(struct device *device, struct config_report *report) {
	struct wlr_input_device *wlr_device = device->wlr_device;
	struct input_identity identity = identify(wlr_device);
	struct input_config config =
		input_config_merge(device->devices->server->config, &identity);
	struct libinput_device *libinput = get_libinput(wlr_device);
	if (libinput != NULL && has_settings(wlr_device, libinput)) {
		libinput_apply(libinput, &config, report);
	}
	if (wlr_device->type == WLR_INPUT_DEVICE_KEYBOARD) {
		apply_keyboard(device, &config, report);
	}
	free(device->output);
	device->output = config.output != NULL ? strdup(config.output) : NULL;
}

void devices_apply_config(struct devices *devices, struct config_report *report) {
	struct device *device;
	wl_list_for_each(device, &devices->list, link) {
		apply(device, report);
	}
	devices_map_to_outputs(devices);
}

static void device_destroy(struct device *device) {
	wl_list_remove(&device->destroy.link);
	wl_list_remove(&device->link);
	free(device->output);
	free(device);
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct device *device = wl_container_of(listener, device, destroy);
	device_destroy(device);
}

void devices_add(struct devices *devices, struct wlr_input_device *wlr_device) {
	struct config_report report;
	struct device *device = calloc(1, sizeof(*device));
	if (device == NULL || !config_report_init(&report)) {
		free(device);
		return;
	}
	device->devices = devices;
	device->wlr_device = wlr_device;
	device->num_lock = -1;
	device->destroy.notify = handle_destroy;
	wl_signal_add(&wlr_device->events.destroy, &device->destroy);
	wl_list_insert(devices->list.prev, &device->link);
	apply(device, &report);
	if (report.errors > 0) {
		wlr_log(WLR_ERROR, "%s", config_report_get_text(&report));
	}
	config_report_finish(&report);
}

static struct json_object *describe_keyboard(struct wlr_keyboard *keyboard) {
	struct json_object *object = json_object_new_object();
	struct json_object *layouts = json_object_new_array();
	xkb_layout_index_t len =
		keyboard->keymap != NULL ? xkb_keymap_num_layouts(keyboard->keymap) : 0;
	for (xkb_layout_index_t i = 0; i < len; i++) {
		json_object_array_add(layouts,
			ipc_text(xkb_keymap_layout_get_name(keyboard->keymap, i)));
	}
	json_object_object_add(object, "layouts", layouts);
	json_object_object_add(object, "layout",
		json_object_new_int64(keyboard->modifiers.group));
	json_object_object_add(object, "repeat-rate",
		json_object_new_int(keyboard->repeat_info.rate));
	json_object_object_add(object, "repeat-delay",
		json_object_new_int(keyboard->repeat_info.delay));
	return object;
}

struct json_object *devices_describe(struct devices *devices) {
	struct json_object *array = json_object_new_array();
	struct device *device;
	wl_list_for_each(device, &devices->list, link) {
		struct input_identity identity = identify(device->wlr_device);
		struct libinput_device *libinput = get_libinput(device->wlr_device);
		struct json_object *object = json_object_new_object();
		json_object_object_add(object, "name", ipc_text(identity.name));
		json_object_object_add(object, "type", json_object_new_string(identity.type));
		json_object_object_add(object, "vendor", json_object_new_int64(identity.vendor));
		json_object_object_add(object, "product", json_object_new_int64(identity.product));
		json_object_object_add(object, "settings",
			libinput != NULL && has_settings(device->wlr_device, libinput) ?
			libinput_describe(libinput) : json_object_new_object());
		if (device->wlr_device->type == WLR_INPUT_DEVICE_KEYBOARD) {
			json_object_object_add(object, "keyboard",
				describe_keyboard(wlr_keyboard_from_input_device(device->wlr_device)));
		}
		json_object_object_add(object, "output", ipc_text(device->output));
		json_object_array_add(array, object);
	}
	return array;
}

struct devices *devices_create(struct server *server, struct wlr_cursor *cursor) {
	struct devices *devices = calloc(1, sizeof(*devices));
	if (devices == NULL) {
		return NULL;
	}
	devices->server = server;
	devices->cursor = cursor;
	wl_list_init(&devices->list);
	return devices;
}

void devices_destroy(struct devices *devices) {
	if (devices == NULL) {
		return;
	}
	struct device *device, *tmp;
	wl_list_for_each_safe(device, tmp, &devices->list, link) {
		device_destroy(device);
	}
	free(devices);
}
