#include <json-c/json_object.h>
#include <libinput.h>
#include <string.h>
#include "config/button.h"
#include "seat/libinput.h"

/*
 * libinput has four functions for each setting, with types of their own. These give all of them the
 * same shape, so that a table can have them.
 */
#define SETTING(name, available, prefix, suffix) \
	static bool has_##name(struct libinput_device *device) { \
		return available; \
	} \
	static enum libinput_config_status set_##name(struct libinput_device *device, int value) { \
		return prefix##_set##suffix(device, value); \
	} \
	static int get_##name(struct libinput_device *device) { \
		return (int)prefix##_get##suffix(device); \
	} \
	static int default_##name(struct libinput_device *device) { \
		return (int)prefix##_get_default##suffix(device); \
	}

#define ROW(name) { has_##name, set_##name, get_##name, default_##name }

static bool has_taps(struct libinput_device *device) {
	return libinput_device_config_tap_get_finger_count(device) > 0;
}

static bool scrolls_by_button(struct libinput_device *device) {
	return libinput_device_config_scroll_get_methods(device) &
		LIBINPUT_CONFIG_SCROLL_ON_BUTTON_DOWN;
}

static enum libinput_config_status set_send_events_mode(struct libinput_device *device,
		int value) {
	return libinput_device_config_send_events_set_mode(device, (uint32_t)value);
}

static bool has_send_events(struct libinput_device *device) {
	return libinput_device_config_send_events_get_modes(device) != 0;
}

static int get_send_events(struct libinput_device *device) {
	return (int)libinput_device_config_send_events_get_mode(device);
}

static int default_send_events(struct libinput_device *device) {
	return (int)libinput_device_config_send_events_get_default_mode(device);
}

SETTING(tap, has_taps(device), libinput_device_config_tap, _enabled)
SETTING(tap_button_map, has_taps(device), libinput_device_config_tap, _button_map)
SETTING(drag, has_taps(device), libinput_device_config_tap, _drag_enabled)
SETTING(drag_lock, has_taps(device), libinput_device_config_tap, _drag_lock_enabled)
SETTING(natural_scroll, libinput_device_config_scroll_has_natural_scroll(device),
	libinput_device_config_scroll, _natural_scroll_enabled)
SETTING(left_handed, libinput_device_config_left_handed_is_available(device),
	libinput_device_config_left_handed, )
SETTING(middle_emulation, libinput_device_config_middle_emulation_is_available(device),
	libinput_device_config_middle_emulation, _enabled)
SETTING(dwt, libinput_device_config_dwt_is_available(device), libinput_device_config_dwt, _enabled)
SETTING(dwtp, libinput_device_config_dwtp_is_available(device), libinput_device_config_dwtp,
	_enabled)
SETTING(click_method, libinput_device_config_click_get_methods(device) != 0,
	libinput_device_config_click, _method)
SETTING(clickfinger_map, libinput_device_config_click_get_methods(device) &
	LIBINPUT_CONFIG_CLICK_METHOD_CLICKFINGER, libinput_device_config_click,
	_clickfinger_button_map)
SETTING(scroll_method, libinput_device_config_scroll_get_methods(device) != 0,
	libinput_device_config_scroll, _method)
SETTING(scroll_button, scrolls_by_button(device), libinput_device_config_scroll, _button)
SETTING(scroll_button_lock, scrolls_by_button(device), libinput_device_config_scroll,
	_button_lock)
SETTING(accel_profile, libinput_device_config_accel_is_available(device),
	libinput_device_config_accel, _profile)
SETTING(rotation_angle, libinput_device_config_rotation_is_available(device),
	libinput_device_config_rotation, _angle)

static const struct {
	bool (*has)(struct libinput_device *device); // NULL: not libinput's
	enum libinput_config_status (*set)(struct libinput_device *device, int value);
	int (*get)(struct libinput_device *device);
	int (*get_default)(struct libinput_device *device);
} settings[INPUT_SETTINGS] = {
	[INPUT_SEND_EVENTS] = {
		has_send_events, set_send_events_mode, get_send_events, default_send_events,
	},
	[INPUT_TAP] = ROW(tap),
	[INPUT_TAP_BUTTON_MAP] = ROW(tap_button_map),
	[INPUT_DRAG] = ROW(drag),
	[INPUT_DRAG_LOCK] = ROW(drag_lock),
	[INPUT_NATURAL_SCROLL] = ROW(natural_scroll),
	[INPUT_LEFT_HANDED] = ROW(left_handed),
	[INPUT_MIDDLE_EMULATION] = ROW(middle_emulation),
	[INPUT_DWT] = ROW(dwt),
	[INPUT_DWTP] = ROW(dwtp),
	[INPUT_CLICK_METHOD] = ROW(click_method),
	[INPUT_CLICKFINGER_MAP] = ROW(clickfinger_map),
	[INPUT_SCROLL_METHOD] = ROW(scroll_method),
	[INPUT_SCROLL_BUTTON] = ROW(scroll_button),
	[INPUT_SCROLL_BUTTON_LOCK] = ROW(scroll_button_lock),
	[INPUT_ACCEL_PROFILE] = ROW(accel_profile),
	[INPUT_ROTATION_ANGLE] = ROW(rotation_angle),
};

static void complain(struct libinput_device *device, const struct input_config *config,
		const char *setting, struct config_report *report, const char *why) {
	if (config->name != NULL) {
		config_report_add(report, "input device \"%s\": %s: %s", libinput_device_get_name(device),
			setting, why);
	}
}

static void apply_setting(struct libinput_device *device, const struct input_config *config,
		enum input_setting setting, struct config_report *report) {
	bool said = config->set & UINT32_C(1) << setting;
	const char *name = input_config_setting_name(setting);
	if (!settings[setting].has(device)) {
		if (said) {
			complain(device, config, name, report, "the device has no such setting");
		}
		return;
	}
	int value = said ? config->values[setting] : settings[setting].get_default(device);
	if (settings[setting].get(device) == value) {
		return;
	}
	enum libinput_config_status status = settings[setting].set(device, value);
	if (status != LIBINPUT_CONFIG_STATUS_SUCCESS && said) {
		complain(device, config, name, report, libinput_config_status_to_str(status));
	}
}

void libinput_apply(struct libinput_device *device, const struct input_config *config,
		struct config_report *report) {
	for (size_t i = 0; i < INPUT_SETTINGS; i++) {
		if (settings[i].has != NULL) {
			apply_setting(device, config, i, report);
		}
	}
	if (libinput_device_config_accel_is_available(device)) {
		libinput_device_config_accel_set_speed(device, config->has_accel_speed ?
			config->accel_speed : libinput_device_config_accel_get_default_speed(device));
	} else if (config->has_accel_speed) {
		complain(device, config, "accel-speed", report, "the device has no such setting");
	}
	if (libinput_device_config_calibration_has_matrix(device)) {
		float matrix[6];
		libinput_device_config_calibration_get_default_matrix(device, matrix);
		libinput_device_config_calibration_set_matrix(device,
			config->has_calibration ? config->calibration : matrix);
	} else if (config->has_calibration) {
		complain(device, config, "calibration-matrix", report,
			"the device has no such setting");
	}
}

struct json_object *libinput_describe(struct libinput_device *device) {
	struct json_object *object = json_object_new_object();
	for (size_t i = 0; i < INPUT_SETTINGS; i++) {
		if (settings[i].has == NULL || !settings[i].has(device)) {
			continue;
		}
		int value = settings[i].get(device);
		const char *word = i == INPUT_SCROLL_BUTTON ? button_get_name((uint32_t)value) :
			input_config_value_name(i, value);
		json_object_object_add(object, input_config_setting_name(i), word != NULL ?
			json_object_new_string(word) : json_object_new_int(value));
	}
	if (libinput_device_config_accel_is_available(device)) {
		json_object_object_add(object, "accel-speed",
			json_object_new_double(libinput_device_config_accel_get_speed(device)));
	}
	return object;
}
