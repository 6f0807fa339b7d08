/*
 * What a configuration says, and what is said about one that is wrong.
 */
#define _GNU_SOURCE
#include <libinput.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wlr/types/wlr_keyboard.h>
#include "cmocka_all.h"
#include "config/binding.h"
#include "config/input.h"
#include "config/output.h"

/** Reads text as a file; the report has its messages without the file's name. */
static struct config *load(const char *text, char *messages, size_t size) {
	char path[] = "/tmp/sluice-config-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	struct config_report report;
	assert_true(config_report_init(&report));
	struct config *config = config_load(path, &report);
	unlink(path);
	assert_true((config == NULL) == (report.errors > 0));

	messages[0] = '\0';
	char *rest = strdup(config_report_get_text(&report)), *start = rest, *line;
	while ((line = strsep(&rest, "\n")) != NULL && line[0] != '\0') {
		// Every message begins with the place
		assert_memory_equal(line, path, strlen(path));
		assert_int_equal(line[strlen(path)], ':');
		size_t len = strlen(messages);
		snprintf(messages + len, size - len, "%s%s", len > 0 ? "\n" : "",
			line + strlen(path) + 1);
	}
	free(start);
	config_report_finish(&report);
	return config;
}

static struct config *load_good(const char *text) {
	char messages[4096];
	struct config *config = load(text, messages, sizeof(messages));
	if (config == NULL) {
		fail_msg("%s\n%s", text, messages);
	}
	return config;
}

static const struct {
	const char *text, *message;
} bad[] = {
	// Syntax
	{ "output A {\n", "1: expected '}'" },
	{ "\n\n}\n", "3: unexpected '}'" },
	{ "output \"A\n", "1: unterminated double-quoted string" },
	{ "cursor-theme x{\n}\n", "1: unexpected '{' in atom" },
	// Words and their number
	{ "\noutptu A { }\n", "2: unknown directive \"outptu\"; is \"output\" meant?" },
	{ "zebra\n", "1: unknown directive \"zebra\" here" },
	{ "output A {\n\tmod 1x1\n}\n", "2: unknown directive \"mod\"; is \"mode\" meant?" },
	{ "output A {\n\tcursor-theme x\n}\n", "2: unknown directive \"cursor-theme\" here" },
	{ "output\n", "1: \"output\" has too few parameters; it is written \"output NAME {…}\"" },
	{ "cursor-theme a 1 b\n", "1: \"cursor-theme\" has too many parameters; it is written "
		"\"cursor-theme NAME [SIZE]\"" },
	{ "cursor-theme a {\n\tb\n}\n", "1: \"cursor-theme\" takes no block in braces" },
	{ "cursor-theme a\ncursor-theme b\n", "2: \"cursor-theme\" was said before, in line 1" },
	{ "cursor-theme \"\"\n", "1: cursor-theme: there must be something between the quotes" },
	{ "cursor-theme a 0\n", "1: cursor-theme: \"0\" is no whole number from 1 to 512" },
	{ "cursor-theme a 24px\n", "1: cursor-theme: \"24px\" is no whole number from 1 to 512" },
	{ "cursor-theme a 99999999999999999999\n", "1: cursor-theme: \"99999999999999999999\" is no "
		"whole number from 1 to 512" },
	// Outputs
	{ "output A {\n\tmode 1280\n}", "2: mode: \"1280\" is no mode; it is written WIDTHxHEIGHT or "
		"WIDTHxHEIGHT@HZ, or preferred" },
	{ "output A {\n\tmode 0x720\n}", "2: mode: \"0x720\" is no mode; it is written WIDTHxHEIGHT or "
		"WIDTHxHEIGHT@HZ, or preferred" },
	{ "output A {\n\tmode 1280x-720\n}", "2: mode: \"1280x-720\" is no mode; it is written "
		"WIDTHxHEIGHT or WIDTHxHEIGHT@HZ, or preferred" },
	{ "output A {\n\tmode 1280x720@-1\n}", "2: mode: \"1280x720@-1\" is no mode; it is written "
		"WIDTHxHEIGHT or WIDTHxHEIGHT@HZ, or preferred" },
	{ "output A {\n\tmode 1280x720@nan\n}", "2: mode: \"1280x720@nan\" is no mode; it is written "
		"WIDTHxHEIGHT or WIDTHxHEIGHT@HZ, or preferred" },
	{ "output A {\n\tcustom-mode preferred\n}", "2: custom-mode: \"preferred\" is no mode; it is "
		"written WIDTHxHEIGHT or WIDTHxHEIGHT@HZ" },
	{ "output A {\n\tmode 1x1\n\tcustom-mode 1x1\n}", "3: a screen has one mode only" },
	{ "output A {\n\tposition 1 b\n}", "2: position: \"b\" is no whole number from -65535 to 65535" },
	{ "output A {\n\tscale 0\n}", "2: scale: \"0\" is no number from 0.1 to 10" },
	{ "output A {\n\tscale nan\n}", "2: scale: \"nan\" is no number from 0.1 to 10" },
	{ "output A {\n\ttransform fliped\n}", "2: transform: \"fliped\" is none of normal, 90, 180, 270, "
		"flipped, flipped-90, flipped-180, flipped-270; is \"flipped\" meant?" },
	{ "output A {\n\tadaptive-sync maybe\n}", "2: adaptive-sync: \"maybe\" is neither on nor off" },
	{ "output A {\n\tenable\n\tdisable\n}", "3: a screen is enabled or disabled, not both" },
	// Inputs
	{ "input {\n}\n", "1: \"input\" has too few parameters; it is written \"input DEVICE {…}\"" },
	{ "input touchpad {\n\ttpa on\n}\n", "2: unknown directive \"tpa\"; is \"tap\" meant?" },
	{ "input touchpad {\n\ttap perhaps\n}\n", "2: tap: \"perhaps\" is neither on nor off" },
	{ "input touchpad {\n\tscroll-method two\n}\n", "2: scroll-method: \"two\" is none of none, "
		"twofinger, edge, button" },
	{ "input pointer {\n\taccel-speed 1.5\n}\n", "2: accel-speed: \"1.5\" is no number from -1 to 1" },
	{ "input pointer {\n\tscroll-button midle\n}\n", "2: there is no button \"midle\"; is "
		"\"middle\" meant?" },
	{ "input touch {\n\tcalibration-matrix 1 0 0 0 1\n}\n", "2: \"calibration-matrix\" has too few "
		"parameters; it is written \"calibration-matrix A B C D E F\"" },
	{ "input keyboard {\n\trepeat-delay 0\n}\n", "2: repeat-delay: \"0\" is no whole number from 1 "
		"to 60000" },
	{ "\ninput keyboard {\n\txkb-layout nowhere\n}\n", "2: xkb knows no keymap of layout "
		"\"nowhere\", variant \"\"" },
	{ "input keyboard {\n\txkb-layout de\n\txkb-variant nowhere\n}\n", "1: xkb knows no keymap of "
		"layout \"de\", variant \"nowhere\"" },
	// Bindings
	{ "bind Logo+x\n", "1: \"bind\" has too few parameters; it is written \"bind KEYS ACTION […]\"" },
	{ "bind Lgo+x close\n", "1: there is no modifier \"Lgo\"; is \"Logo\" meant?" },
	{ "bind Logo+ close\n", "1: there is no key \"\"" },
	{ "bind return close\n", "1: there is no key \"return\"; is \"Return\" meant?" },
	{ "bind Logo++ close\n", "1: there is no modifier \"\"" },
	{ "bind left close\n", "1: there is no key \"left\"; is \"Left\" meant?" },
	{ "bind-pointer Logo+lefft close\n", "1: there is no button \"lefft\"; is \"left\" meant?" },
	{ "bind x clsoe\n", "1: there is no action \"clsoe\"; is \"close\" meant?" },
	{ "bind x focus\n", "1: focus: too few words follow; it is written \"focus "
		"next|previous|left|right|up|down|WINDOW\"" },
	{ "bind x focus nxet\n", "1: focus: \"nxet\" is not next|previous|left|right|up|down|WINDOW; "
		"is \"next\" meant?" },
	{ "bind x reload now\n", "1: reload: too many words follow; it is written \"reload\"" },
	{ "bind x move 1 2 3 4\n", "1: move: too many words follow; it is written \"move X Y [WINDOW]\"" },
	{ "bind x move 1 99999999999\n", "1: move: \"99999999999\" is not Y" },
	{ "bind x exec\n", "1: exec: too few words follow; it is written \"exec PROGRAM […]\"" },
	{ "bind x drag-move\n", "1: drag-move needs a button that is held: write bind-pointer" },
	{ "bind Logo+x close\nbind Super+X reload\n", "2: \"Super+X\" is bound to close already" },
	{ "unbind Logo+x\n", "1: nothing is bound to \"Logo+x\"" },
	{ "unbind all\nunbind Logo+q\n", "2: nothing is bound to \"Logo+q\"" },
	// Several wrong things in one line
	{ "bind Lgo+x clsoe\n", "1: there is no modifier \"Lgo\"; is \"Logo\" meant?\n"
		"1: there is no action \"clsoe\"; is \"close\" meant?" },
	// All of them in one run
	{ "outptu A\ncursor-theme\noutput A {\n\tscale 0\n\tnonsense\n}\n",
		"1: unknown directive \"outptu\"; is \"output\" meant?\n"
		"2: \"cursor-theme\" has too few parameters; it is written \"cursor-theme NAME [SIZE]\"\n"
		"4: scale: \"0\" is no number from 0.1 to 10\n"
		"5: unknown directive \"nonsense\" here" },
};

static void test_bad(void **state) {
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char messages[4096];
		struct config *config = load(bad[i].text, messages, sizeof(messages));
		assert_null(config);
		const char *begin = messages + strspn(messages, " ");
		if (strstr(begin, bad[i].message) != begin) {
			fail_msg("%s\nis told to be wrong as\n%s\nand not as\n%s", bad[i].text, begin,
				bad[i].message);
		}
	}
}

static void test_bytes_that_are_no_text(void **state) {
	char path[] = "/tmp/sluice-config-XXXXXX";
	int fd = mkstemp(path);
	static const char text[] = "# a comment\n\0output A { }\n";
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	struct config_report report;
	assert_true(config_report_init(&report));
	assert_null(config_load(path, &report));
	assert_non_null(strstr(config_report_get_text(&report), ":2: a NUL byte"));
	config_report_finish(&report);
	unlink(path);
}

static void test_what_is_no_file(void **state) {
	static const struct {
		const char *path, *message;
	} table[] = {
		{ "/nonexistent/config", "/nonexistent/config: cannot be opened: No such file" },
		{ "/tmp", "/tmp: is no file" },
		{ "/dev/zero", "/dev/zero: is no file" },
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct config_report report;
		assert_true(config_report_init(&report));
		assert_null(config_load(table[i].path, &report));
		assert_non_null(strstr(config_report_get_text(&report), table[i].message));
		config_report_finish(&report);
	}
}

/** libscfg goes down with each block: a file must not be able to end the stack. */
static void test_deep(void **state) {
	size_t levels = 300000;
	char *text = malloc(levels * 3 + 1);
	for (size_t i = 0; i < levels; i++) {
		memcpy(text + i * 3, "a {", 4);
	}
	char messages[4096];
	assert_null(load(text, messages, sizeof(messages)));
	assert_non_null(strstr(messages, "more than 2000 blocks"));
	text[1999 * 3] = '\0';
	assert_null(load(text, messages, sizeof(messages)));
	assert_non_null(strstr(messages, "expected '}'"));
	free(text);
}

static void test_many_errors_end(void **state) {
	size_t lines = 10000;
	char *text = malloc(lines * 6 + 1);
	for (size_t i = 0; i < lines; i++) {
		memcpy(text + i * 6, "wrong\n", 7);
	}
	char messages[65536];
	assert_null(load(text, messages, sizeof(messages)));
	assert_non_null(strstr(messages, " more errors follow"));
	assert_true(strlen(messages) < 5000);
	free(text);
}

static void test_built_in(void **state) {
	struct config_report report;
	assert_true(config_report_init(&report));
	struct config *config = config_load(NULL, &report);
	assert_non_null(config);
	assert_true(wl_list_empty(&config->outputs));
	config_destroy(config);
	config_report_finish(&report);
	config_destroy(load_good(""));
	config_destroy(load_good("# nothing\n\n   \t\n"));
	config_destroy(NULL);
}

static void test_outputs_merge(void **state) {
	struct config *config = load_good(
		"output * {\n\tscale 2\n\tadaptive-sync on\n}\n"
		"output DP-1 {\n\tmode 1920x1080@59.94\n\tposition -1920 0\n}\n"
		"output \"Acme Screen 17\" {\n\tscale 1.5\n\ttransform flipped-270\n}\n"
		"output HDMI-A-? {\n\tdisable\n}\n");
	char name[] = "DP-1", make[] = "Acme", model[] = "Screen", serial[] = "17";
	struct wlr_output screen = { .name = name, .make = make, .model = model, .serial = serial };
	struct output_config merged = output_config_merge(config, &screen);
	assert_int_equal(merged.fields, OUTPUT_CONFIG_MODE | OUTPUT_CONFIG_POSITION |
		OUTPUT_CONFIG_SCALE | OUTPUT_CONFIG_TRANSFORM | OUTPUT_CONFIG_ADAPTIVE_SYNC);
	assert_true(merged.enabled && merged.adaptive_sync && !merged.custom);
	assert_int_equal(merged.width, 1920);
	assert_int_equal(merged.height, 1080);
	assert_int_equal(merged.refresh_mhz, 59940);
	assert_int_equal(merged.x, -1920);
	assert_true(merged.scale == 1.5);
	assert_int_equal(merged.transform, WL_OUTPUT_TRANSFORM_FLIPPED_270);

	char other_name[] = "HDMI-A-2";
	struct wlr_output other = { .name = other_name };
	merged = output_config_merge(config, &other);
	assert_false(merged.enabled);
	assert_true(merged.scale == 2);
	assert_int_equal(merged.width, 0);
	config_destroy(config);
}

static void test_inputs_merge(void **state) {
	struct config *config = load_good(
		"input * {\n\tnatural-scroll on\n\trepeat-rate 40\n}\n"
		"input touchpad {\n\ttap on\n\tclick-method clickfinger\n\taccel-speed -0.25\n}\n"
		"input 1d6b:01a {\n\tnatural-scroll off\n}\n"
		"input \"Acme *\" {\n\tmap-to-output DP-1\n\trotation-angle 90\n}\n"
		"input keyboard {\n\txkb-layout de,us\n\txkb-options \"\"\n}\n");
	struct input_identity touchpad = { "touchpad", "Other Touchpad", 0x1d6b, 0x1a };
	struct input_config merged = input_config_merge(config, &touchpad);
	assert_int_equal(merged.values[INPUT_TAP], LIBINPUT_CONFIG_TAP_ENABLED);
	assert_int_equal(merged.values[INPUT_CLICK_METHOD], LIBINPUT_CONFIG_CLICK_METHOD_CLICKFINGER);
	assert_int_equal(merged.values[INPUT_NATURAL_SCROLL], 0);
	assert_int_equal(merged.set, 1 << INPUT_TAP | 1 << INPUT_CLICK_METHOD |
		1 << INPUT_NATURAL_SCROLL | 1 << INPUT_REPEAT_RATE);
	assert_true(merged.has_accel_speed && merged.accel_speed == -0.25);
	assert_string_equal(merged.name, "1d6b:01a"); // it was meant itself
	assert_null(merged.output);
	assert_null(merged.keymap.layout);

	struct input_identity mouse = { "pointer", "Acme Mouse", 1, 2 };
	merged = input_config_merge(config, &mouse);
	assert_string_equal(merged.output, "DP-1");
	assert_int_equal(merged.values[INPUT_ROTATION_ANGLE], 90);
	assert_int_equal(merged.values[INPUT_NATURAL_SCROLL], 1);
	assert_false(merged.has_accel_speed);

	struct input_identity keyboard = { "keyboard", "Keys", 3, 4 };
	merged = input_config_merge(config, &keyboard);
	assert_string_equal(merged.keymap.layout, "de,us");
	assert_string_equal(merged.keymap.options, "");
	assert_null(merged.keymap.variant);
	assert_null(merged.name);
	config_destroy(config);
}

static const char *bound(const struct config *config, uint32_t modifiers, xkb_keysym_t keysym,
		uint32_t button) {
	const struct binding *binding = binding_find(config, modifiers, keysym, button);
	return binding != NULL ? binding->call.action->name : "";
}

static void test_bindings(void **state) {
	struct config *config = load_good(
		"bind Logo+Shift+Return exec foot --title \"a b\"\n"
		"bind Logo+Q exit\n"
		"unbind Alt+Tab\n"
		"unbind Logo+right\n"
		"bind-pointer Ctrl+Alt+middle close\n");
	const struct binding *binding = binding_find(config,
		WLR_MODIFIER_LOGO | WLR_MODIFIER_SHIFT, XKB_KEY_Return, 0);
	assert_non_null(binding);
	assert_false(binding->built_in);
	assert_string_equal(binding->call.action->name, "exec");
	assert_int_equal(binding->call.len, 3);
	assert_string_equal(binding->call.args[2], "a b");
	assert_null(binding->call.args[3]);

	assert_string_equal(bound(config, WLR_MODIFIER_LOGO, XKB_KEY_q, 0), "exit");
	assert_string_equal(bound(config, WLR_MODIFIER_LOGO, XKB_KEY_f, 0), "fullscreen");
	assert_string_equal(bound(config, WLR_MODIFIER_ALT, XKB_KEY_Tab, 0), "");
	assert_string_equal(bound(config, WLR_MODIFIER_LOGO, 0, BTN_LEFT), "drag-move");
	assert_string_equal(bound(config, WLR_MODIFIER_LOGO, 0, BTN_RIGHT), "");
	assert_string_equal(bound(config, WLR_MODIFIER_CTRL | WLR_MODIFIER_ALT, 0, BTN_MIDDLE),
		"close");
	// Modifiers must be the same
	assert_string_equal(bound(config, WLR_MODIFIER_LOGO, XKB_KEY_Return, 0), "");
	assert_string_equal(bound(config, 0, XKB_KEY_NoSymbol, 0), "");
	// What is built in can be told apart: a kiosk has nothing of it but the release key
	assert_true(binding_find(config, WLR_MODIFIER_LOGO, XKB_KEY_f, 0)->built_in);
	assert_string_equal(bound(config, 0, XKB_KEY_Scroll_Lock, 0), "grab");
	config_destroy(config);

	config = load_good("unbind all\nbind Logo+f reload\n");
	assert_int_equal(wl_list_length(&config->bindings), 1);
	config_destroy(config);
}

static void test_every_action_can_be_described(void **state) {
	for (size_t i = 0; i < ACTION_COUNT; i++) {
		char params[256];
		assert_non_null(actions[i].name);
		assert_non_null(actions[i].summary);
		assert_ptr_equal(action_find(actions[i].name), &actions[i]);
		action_describe_params(&actions[i], params, sizeof(params));
		assert_true(strlen(params) < sizeof(params) - 1);
	}
	assert_null(action_find("zebra"));
}

static void touch(const char *directory, const char *path) {
	char *command;
	assert_true(asprintf(&command, "mkdir -p %s/%s/sluice && touch %s/%s/sluice/config",
		directory, path, directory, path) > 0);
	assert_int_equal(system(command), 0);
	free(command);
}

static void test_find(void **state) {
	char directory[] = "/tmp/sluice-config-XXXXXX";
	assert_non_null(mkdtemp(directory));
	char variable[256], expected[256];
	setenv("HOME", directory, 1);
	unsetenv("XDG_CONFIG_HOME");
	snprintf(variable, sizeof(variable), "relative:%s/one:%s/two", directory, directory);
	setenv("XDG_CONFIG_DIRS", variable, 1);
	assert_null(config_find());

	// Each goes before those above it
	static const char *const places[] = { "two", "one", ".config" };
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		touch(directory, places[i]);
		char *found = config_find();
		snprintf(expected, sizeof(expected), "%s/%s/sluice/config", directory, places[i]);
		assert_string_equal(found, expected);
		free(found);
	}
	touch(directory, "own");
	snprintf(variable, sizeof(variable), "%s/own", directory);
	setenv("XDG_CONFIG_HOME", variable, 1);
	char *found = config_find();
	snprintf(expected, sizeof(expected), "%s/own/sluice/config", directory);
	assert_string_equal(found, expected);
	free(found);
	snprintf(variable, sizeof(variable), "rm -r %s", directory);
	assert_int_equal(system(variable), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_bytes_that_are_no_text),
		cmocka_unit_test(test_what_is_no_file),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_many_errors_end),
		cmocka_unit_test(test_built_in),
		cmocka_unit_test(test_outputs_merge),
		cmocka_unit_test(test_inputs_merge),
		cmocka_unit_test(test_bindings),
		cmocka_unit_test(test_every_action_can_be_described),
		cmocka_unit_test(test_find),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
