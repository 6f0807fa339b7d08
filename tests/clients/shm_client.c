/*
 * shm-client: an ordinary window of wl_shm, that prints what happens to it. See README.md.
 */
#define _GNU_SOURCE // memfd_create
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loop.h"
#include "pattern.h"
#include "say.h"
#include "window.h"

static const char usage[] =
"Usage: shm-client [OPTION…]\n"
"\n"
"Shows an ordinary window, and prints what happens to it.\n"
"\n"
"  --size WxH             size (default: as configured, else 320x240)\n"
"  --color RRGGBB         its colour (default: 3366CC)\n"
"  --pattern P            solid:RRGGBB, gradient, checker or frame-number; frame 1 of it\n"
"  --title T              (default: shm-client)\n"
"  --app-id A             (default: sluice.shm-client)\n"
"  --fullscreen[=OUTPUT]  be fullscreen\n"
"  --decorated            ask the compositor for title and border\n"
"  --fixed                tell that --size is the only one\n"
"  --animate              show frames 1 and 2 of the pattern in turn, one a frame callback\n"
"  --timeout S            exit with status 4 after S seconds\n"
"\n"
"SIGTERM ends the client.\n";

struct shm_client {
	struct loop loop;
	struct globals globals;
	struct window window;
	struct window_options window_options;
	struct pattern pattern;
	int width, height; // 0: as configured
	int timeout;
	bool fixed;
	bool animate;
	struct wl_buffer *buffers[2]; // frames of the pattern: the first, and one to animate
	unsigned shown; // which of them
	struct wl_callback *frame; // NULL unless one is waited for
	struct wl_keyboard *keyboard;
	struct wl_pointer *pointer;
};

static void keyboard_handle_keymap(void *data, struct wl_keyboard *keyboard, uint32_t format,
		int32_t fd, uint32_t size) {
	close(fd);
}

static void keyboard_handle_enter(void *data, struct wl_keyboard *keyboard, uint32_t serial,
		struct wl_surface *surface, struct wl_array *keys) {
	say("keyboard enter");
}

static void keyboard_handle_leave(void *data, struct wl_keyboard *keyboard, uint32_t serial,
		struct wl_surface *surface) {
	say("keyboard leave");
}

static void keyboard_handle_key(void *data, struct wl_keyboard *keyboard, uint32_t serial,
		uint32_t time, uint32_t key, uint32_t state) {
	say("key %u %s", key, state == WL_KEYBOARD_KEY_STATE_RELEASED ? "released" : "pressed");
}

static void keyboard_handle_modifiers(void *data, struct wl_keyboard *keyboard, uint32_t serial,
		uint32_t depressed, uint32_t latched, uint32_t locked, uint32_t group) {
}

static void keyboard_handle_repeat_info(void *data, struct wl_keyboard *keyboard, int32_t rate,
		int32_t delay) {
}

static const struct wl_keyboard_listener keyboard_listener = {
	.keymap = keyboard_handle_keymap,
	.enter = keyboard_handle_enter,
	.leave = keyboard_handle_leave,
	.key = keyboard_handle_key,
	.modifiers = keyboard_handle_modifiers,
	.repeat_info = keyboard_handle_repeat_info,
};

static void say_position(const char *what, wl_fixed_t x, wl_fixed_t y) {
	say("pointer %s %.2f,%.2f", what, wl_fixed_to_double(x), wl_fixed_to_double(y));
}

static void pointer_handle_enter(void *data, struct wl_pointer *pointer, uint32_t serial,
		struct wl_surface *surface, wl_fixed_t x, wl_fixed_t y) {
	say_position("enter", x, y);
}

static void pointer_handle_leave(void *data, struct wl_pointer *pointer, uint32_t serial,
		struct wl_surface *surface) {
	say("pointer leave");
}

static void pointer_handle_motion(void *data, struct wl_pointer *pointer, uint32_t time,
		wl_fixed_t x, wl_fixed_t y) {
	say_position("motion", x, y);
}

static void pointer_handle_button(void *data, struct wl_pointer *pointer, uint32_t serial,
		uint32_t time, uint32_t button, uint32_t state) {
	say("button %u %s", button,
		state == WL_POINTER_BUTTON_STATE_RELEASED ? "released" : "pressed");
}

static void pointer_handle_axis(void *data, struct wl_pointer *pointer, uint32_t time,
		uint32_t axis, wl_fixed_t value) {
	say("axis %u %.2f", axis, wl_fixed_to_double(value));
}

static void pointer_handle_frame(void *data, struct wl_pointer *pointer) {
}

static void pointer_handle_axis_source(void *data, struct wl_pointer *pointer, uint32_t source) {
}

static void pointer_handle_axis_stop(void *data, struct wl_pointer *pointer, uint32_t time,
		uint32_t axis) {
}

static void pointer_handle_axis_discrete(void *data, struct wl_pointer *pointer, uint32_t axis,
		int32_t discrete) {
}

static const struct wl_pointer_listener pointer_listener = {
	.enter = pointer_handle_enter,
	.leave = pointer_handle_leave,
	.motion = pointer_handle_motion,
	.button = pointer_handle_button,
	.axis = pointer_handle_axis,
	.frame = pointer_handle_frame,
	.axis_source = pointer_handle_axis_source,
	.axis_stop = pointer_handle_axis_stop,
	.axis_discrete = pointer_handle_axis_discrete,
};

/** What the seat has now: what is plugged in later is not heard. */
static void listen_to_seat(struct shm_client *client) {
	struct wl_seat *seat = client->globals.seat;
	if (client->globals.seat_capabilities & WL_SEAT_CAPABILITY_KEYBOARD) {
		client->keyboard = wl_seat_get_keyboard(seat);
		wl_keyboard_add_listener(client->keyboard, &keyboard_listener, client);
	}
	if (client->globals.seat_capabilities & WL_SEAT_CAPABILITY_POINTER) {
		client->pointer = wl_seat_get_pointer(seat);
		wl_pointer_add_listener(client->pointer, &pointer_listener, client);
	}
}

static struct wl_buffer *create_buffer(struct shm_client *client, int width, int height,
		uint32_t frame) {
	size_t size = (size_t)width * (size_t)height * 4;
	int fd = memfd_create("shm-client", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)size) != 0) {
		complain("memfd: %s", strerror(errno));
		return NULL;
	}
	uint32_t *pixels = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (pixels == MAP_FAILED) {
		complain("memfd: cannot map: %s", strerror(errno));
		close(fd);
		return NULL;
	}
	for (int y = 0; y < height; y++) {
		for (int x = 0; x < width; x++) {
			pixels[(size_t)y * (size_t)width + (size_t)x] =
				pattern_pixel(&client->pattern, width, height, frame, x, y);
		}
	}
	munmap(pixels, size);
	struct wl_shm_pool *pool = wl_shm_create_pool(client->globals.shm, fd, (int32_t)size);
	struct wl_buffer *buffer = wl_shm_pool_create_buffer(pool, 0, width, height, width * 4,
		WL_SHM_FORMAT_XRGB8888);
	wl_shm_pool_destroy(pool);
	close(fd);
	return buffer;
}

static void destroy_buffers(struct shm_client *client) {
	for (size_t i = 0; i < 2; i++) {
		if (client->buffers[i] != NULL) {
			wl_buffer_destroy(client->buffers[i]);
			client->buffers[i] = NULL;
		}
	}
}

static void show(struct shm_client *client);

static void handle_frame(void *data, struct wl_callback *callback, uint32_t time) {
	struct shm_client *client = data;
	wl_callback_destroy(callback);
	client->frame = NULL;
	client->shown ^= 1;
	show(client);
}

static const struct wl_callback_listener frame_listener = { .done = handle_frame };

static void show(struct shm_client *client) {
	struct wl_surface *surface = client->window.surface;
	if (client->animate && client->frame == NULL) {
		client->frame = wl_surface_frame(surface);
		wl_callback_add_listener(client->frame, &frame_listener, client);
	}
	wl_surface_attach(surface, client->buffers[client->shown], 0, 0);
	wl_surface_damage_buffer(surface, 0, 0, INT32_MAX, INT32_MAX);
	wl_surface_commit(surface);
}

static bool draw(struct shm_client *client) {
	const struct window *window = &client->window;
	int width = client->width, height = client->height;
	if (width == 0) {
		bool configured = window->width > 0 && window->height > 0;
		width = configured ? window->width : 320;
		height = configured ? window->height : 240;
	}
	struct wl_buffer *old[2] = { client->buffers[0], client->buffers[1] };
	client->buffers[0] = create_buffer(client, width, height, 1);
	client->buffers[1] = client->animate ? create_buffer(client, width, height, 2) : NULL;
	client->shown = 0;
	if (client->buffers[0] == NULL || (client->animate && client->buffers[1] == NULL)) {
		return false;
	}
	show(client);
	for (size_t i = 0; i < 2; i++) {
		if (old[i] != NULL) {
			wl_buffer_destroy(old[i]);
		}
	}
	say("drawn %dx%d", width, height);
	return true;
}

static int parse_options(struct shm_client *client, int argc, char *argv[]) {
	static const struct option long_options[] = {
		{ "size", required_argument, NULL, 's' },
		{ "color", required_argument, NULL, 'c' },
		{ "pattern", required_argument, NULL, 'p' },
		{ "title", required_argument, NULL, 't' },
		{ "app-id", required_argument, NULL, 'a' },
		{ "fullscreen", optional_argument, NULL, 'f' },
		{ "decorated", no_argument, NULL, 'd' },
		{ "fixed", no_argument, NULL, 'x' },
		{ "animate", no_argument, NULL, 'A' },
		{ "timeout", required_argument, NULL, 'T' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;
	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		bool ok = true;
		switch (option) {
		case 's':
			ok = size_parse(optarg, &client->width, &client->height);
			break;
		case 'c':
			client->pattern.kind = PATTERN_SOLID;
			ok = colour_parse(optarg, &client->pattern.colour);
			break;
		case 'p':
			ok = pattern_parse(optarg, &client->pattern);
			break;
		case 't':
			client->window_options.title = optarg;
			break;
		case 'a':
			client->window_options.app_id = optarg;
			break;
		case 'f':
			client->window_options.fullscreen = true;
			client->window_options.fullscreen_output = optarg;
			break;
		case 'd':
			client->window_options.decorated = true;
			break;
		case 'x':
			client->fixed = true;
			break;
		case 'A':
			client->animate = true;
			break;
		case 'T':
			client->timeout = atoi(optarg);
			ok = client->timeout > 0;
			break;
		case 'h':
			fputs(usage, stdout);
			return STATUS_OK;
		default:
			return STATUS_SETUP;
		}
		if (!ok) {
			complain("invalid value %s", optarg);
			return STATUS_SETUP;
		}
	}
	if (client->fixed) {
		client->window_options.fixed_width = client->width;
		client->window_options.fixed_height = client->height;
	}
	if (optind < argc) {
		complain("unexpected argument %s", argv[optind]);
		return STATUS_SETUP;
	}
	return -1;
}

static enum status run(struct shm_client *client) {
	if (!globals_init(&client->globals)) {
		return STATUS_SETUP;
	}
	client->loop.display = client->globals.display;
	if (client->globals.shm == NULL) {
		complain("the compositor has no wl_shm");
		return STATUS_SETUP;
	}
	listen_to_seat(client);
	if (!window_init(&client->window, &client->globals, &client->window_options)) {
		return STATUS_SETUP;
	}
	while (!client->window.closed && loop_turn(&client->loop, -1)) {
		if (client->window.changed) {
			client->window.changed = false;
			if (!draw(client)) {
				return STATUS_SETUP;
			}
		}
	}
	return client->loop.status;
}

int main(int argc, char *argv[]) {
	struct shm_client client = {
		.window_options = { .title = "shm-client", .app_id = "sluice.shm-client" },
		.pattern = { .kind = PATTERN_SOLID, .colour = 0x3366cc },
	};
	int status = parse_options(&client, argc, argv);
	if (status >= 0) {
		return status;
	}
	if (!loop_init(&client.loop, false, client.timeout)) {
		return STATUS_SETUP;
	}
	status = (int)run(&client);
	if (client.keyboard != NULL) {
		wl_keyboard_release(client.keyboard);
	}
	if (client.pointer != NULL) {
		wl_pointer_release(client.pointer);
	}
	if (client.frame != NULL) {
		wl_callback_destroy(client.frame);
	}
	destroy_buffers(&client);
	window_finish(&client.window);
	globals_finish(&client.globals);
	loop_finish(&client.loop);
	return status;
}
