/*
 * second-seat [first]: a second person at the compositor, as a remote desktop has one. Makes a seat
 * of its own (ext-transient-seat-v1) with a pointer and a keyboard, and does what the lines on stdin say, until
 * there are no more; or the same at the first seat:
 *
 *   click X Y     moves the pointer there, in permille of all screens, and clicks
 *   key CODE      presses and releases a key of linux/input-event-codes.h
 *
 * Prints "ready NAME" with the seat's name when the devices are there, "denied" if it gets no seat, and
 * "ok" for each line.
 */

#define _GNU_SOURCE
#include <linux/input-event-codes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <wayland-client.h>
#include <xkbcommon/xkbcommon.h>
#include "ext-transient-seat-v1-client-protocol.h"
#include "wlr-virtual-pointer-unstable-v1-client-protocol.h"

#define PERMILLE 1000

/* virtual-keyboard-unstable-v1, of which there is no file to be had: only what is used here */
enum { CREATE_VIRTUAL_KEYBOARD = 0 };
enum { KEYMAP = 0, KEY = 1 };

static const struct wl_interface *no_types[4];
static const struct wl_message keyboard_requests[] = {
	{ "keymap", "uhu", no_types }, { "key", "uuu", no_types },
	{ "modifiers", "uuuu", no_types }, { "destroy", "", no_types },
};
static const struct wl_interface keyboard_interface = {
	"zwp_virtual_keyboard_v1", 1, 4, keyboard_requests, 0, NULL,
};
static const struct wl_interface *create_types[] = { &wl_seat_interface, &keyboard_interface };
static const struct wl_message keyboard_manager_requests[] = {
	{ "create_virtual_keyboard", "on", create_types },
};
static const struct wl_interface keyboard_manager_interface = {
	"zwp_virtual_keyboard_manager_v1", 1, 1, keyboard_manager_requests, 0, NULL,
};

static struct wl_registry *registry;
static struct ext_transient_seat_manager_v1 *seats;
static struct zwlr_virtual_pointer_manager_v1 *pointers;
static struct wl_proxy *keyboards;
static uint32_t seat_global, first_seat_global;
static bool denied;
static char seat_name[64];

static void fail(const char *message) {
	fprintf(stderr, "second-seat: %s\n", message);
	exit(EXIT_FAILURE);
}

static void handle_global(void *data, struct wl_registry *wl_registry, uint32_t name,
		const char *interface, uint32_t version) {
	if (strcmp(interface, ext_transient_seat_manager_v1_interface.name) == 0) {
		seats = wl_registry_bind(registry, name, &ext_transient_seat_manager_v1_interface, 1);
	} else if (strcmp(interface, wl_seat_interface.name) == 0 && first_seat_global == 0) {
		first_seat_global = name;
	} else if (strcmp(interface, zwlr_virtual_pointer_manager_v1_interface.name) == 0) {
		pointers = wl_registry_bind(registry, name,
			&zwlr_virtual_pointer_manager_v1_interface, 1);
	} else if (strcmp(interface, keyboard_manager_interface.name) == 0) {
		keyboards = wl_registry_bind(registry, name, &keyboard_manager_interface, 1);
	}
}

static void handle_global_remove(void *data, struct wl_registry *wl_registry, uint32_t name) {
}

static const struct wl_registry_listener registry_listener = {
	.global = handle_global, .global_remove = handle_global_remove,
};

static void handle_ready(void *data, struct ext_transient_seat_v1 *seat, uint32_t global) {
	seat_global = global;
}

static void handle_denied(void *data, struct ext_transient_seat_v1 *seat) {
	denied = true;
}

static const struct ext_transient_seat_v1_listener transient_listener = {
	.ready = handle_ready, .denied = handle_denied,
};

static void handle_capabilities(void *data, struct wl_seat *seat, uint32_t capabilities) {
}

static void handle_name(void *data, struct wl_seat *seat, const char *name) {
	snprintf(seat_name, sizeof(seat_name), "%s", name);
}

static const struct wl_seat_listener seat_listener = {
	.capabilities = handle_capabilities, .name = handle_name,
};

static struct wl_proxy *create_keyboard(struct wl_seat *seat) {
	struct wl_proxy *keyboard = wl_proxy_marshal_flags(keyboards, CREATE_VIRTUAL_KEYBOARD,
		&keyboard_interface, 1, 0, seat, NULL);
	struct xkb_context *context = xkb_context_new(XKB_CONTEXT_NO_FLAGS);
	struct xkb_keymap *keymap =
		xkb_keymap_new_from_names(context, NULL, XKB_KEYMAP_COMPILE_NO_FLAGS);
	if (keymap == NULL) {
		fail("no keymap");
	}
	char *text = xkb_keymap_get_as_string(keymap, XKB_KEYMAP_FORMAT_TEXT_V1);
	size_t size = strlen(text) + 1;
	int fd = memfd_create("keymap", MFD_CLOEXEC);
	if (fd < 0 || write(fd, text, size) != (ssize_t)size) {
		fail("the keymap cannot be passed");
	}
	wl_proxy_marshal_flags(keyboard, KEYMAP, NULL, 1, 0, WL_KEYBOARD_KEYMAP_FORMAT_XKB_V1, fd,
		(uint32_t)size);
	close(fd);
	free(text);
	xkb_keymap_unref(keymap);
	xkb_context_unref(context);
	return keyboard;
}

static uint32_t now(void) {
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint32_t)(time.tv_sec * 1000 + time.tv_nsec / 1000000);
}

static void click(struct zwlr_virtual_pointer_v1 *pointer, uint32_t x, uint32_t y) {
	zwlr_virtual_pointer_v1_motion_absolute(pointer, now(), x, y, PERMILLE, PERMILLE);
	zwlr_virtual_pointer_v1_frame(pointer);
	zwlr_virtual_pointer_v1_button(pointer, now(), BTN_LEFT, WL_POINTER_BUTTON_STATE_PRESSED);
	zwlr_virtual_pointer_v1_frame(pointer);
	zwlr_virtual_pointer_v1_button(pointer, now(), BTN_LEFT, WL_POINTER_BUTTON_STATE_RELEASED);
	zwlr_virtual_pointer_v1_frame(pointer);
}

static struct ext_transient_seat_v1 *create_seat(struct wl_display *display) {
	struct ext_transient_seat_v1 *transient = ext_transient_seat_manager_v1_create(seats);
	ext_transient_seat_v1_add_listener(transient, &transient_listener, NULL);
	wl_display_roundtrip(display);
	if (denied) {
		puts("denied");
		exit(EXIT_SUCCESS);
	}
	return transient;
}

int main(int argc, char *argv[]) {
	struct wl_display *display = wl_display_connect(NULL);
	if (display == NULL) {
		fail("no Wayland display");
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	registry = wl_display_get_registry(display);
	wl_registry_add_listener(registry, &registry_listener, NULL);
	wl_display_roundtrip(display);
	if (seats == NULL || pointers == NULL || keyboards == NULL) {
		fail("the compositor does not have what it needs");
	}
	struct ext_transient_seat_v1 *transient = argc == 1 ? create_seat(display) : NULL;
	struct wl_seat *seat = wl_registry_bind(registry,
		transient != NULL ? seat_global : first_seat_global, &wl_seat_interface, 2);
	wl_seat_add_listener(seat, &seat_listener, NULL);
	struct wl_proxy *keyboard = create_keyboard(seat);
	struct zwlr_virtual_pointer_v1 *pointer =
		zwlr_virtual_pointer_manager_v1_create_virtual_pointer(pointers, seat);
	wl_display_roundtrip(display);
	printf("ready %s\n", seat_name);

	char line[64];
	while (fgets(line, sizeof(line), stdin) != NULL) {
		unsigned first, second;
		if (sscanf(line, "click %u %u", &first, &second) == 2) {
			click(pointer, first, second);
		} else if (sscanf(line, "key %u", &first) == 1) {
			wl_proxy_marshal_flags(keyboard, KEY, NULL, 1, 0, now(), first,
				WL_KEYBOARD_KEY_STATE_PRESSED);
			wl_proxy_marshal_flags(keyboard, KEY, NULL, 1, 0, now(), first,
				WL_KEYBOARD_KEY_STATE_RELEASED);
		} else {
			fail("click X Y, or key CODE");
		}
		if (wl_display_roundtrip(display) < 0) {
			fail("the compositor has cut the connection");
		}
		puts("ok");
	}
	if (transient != NULL) {
		ext_transient_seat_v1_destroy(transient);
	}
	if (wl_display_roundtrip(display) < 0) {
		fail("the compositor has cut the connection");
	}
	wl_display_disconnect(display);
	return EXIT_SUCCESS;
}
