/*
 * actor: has surfaces of each kind, as it is told line by line, and tells what becomes of them.
 *
 *   window NAME WIDTH HEIGHT
 *   panel NAME top|bottom|left|right SIZE [OUTPUT]     with an exclusive zone
 *   popup NAME PARENT X Y WIDTH HEIGHT [grab] [reactive]
 *       its upper left corner at a point of the parent, and slid to where it is in sight
 *   close NAME
 *   lock [NAME] | unlock                               with a surface on each screen, or without
 *   inhibit NAME                                       idleness, as long as it is shown
 *   idle MILLISECONDS                                  notifications of each seat
 *   method                                             takes the keyboard as an input method
 *   end                                                without taking leave of anything
 *
 * Input is told of the first seat only, with the names of the surfaces that it came to.
 */

#define _GNU_SOURCE
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-client.h>
#include "ext-idle-notify-v1-client-protocol.h"
#include "ext-session-lock-v1-client-protocol.h"
#include "idle-inhibit-unstable-v1-client-protocol.h"
#include "wlr-layer-shell-unstable-v1-client-protocol.h"
#include "xdg-shell-client-protocol.h"

#define MAX 64
#define NAME_SIZE 32
#define COLOR 0xff336699

/* wlroots' input-method-unstable-v2, whose description is not installed anywhere. */
enum { GET_INPUT_METHOD };
enum { GRAB_KEYBOARD = 5 };

static const struct wl_interface *no_types[5];
static const struct wl_message method_grab_requests[] = { { "release", "", no_types } };
static const struct wl_message method_grab_events[] = {
	{ "keymap", "uhu", no_types }, { "key", "uuuu", no_types },
	{ "modifiers", "uuuuu", no_types }, { "repeat_info", "ii", no_types },
};
static const struct wl_interface method_grab_interface = {
	"zwp_input_method_keyboard_grab_v2", 1, 1, method_grab_requests, 4, method_grab_events,
};
static const struct wl_interface *grab_types[] = { &method_grab_interface };
static const struct wl_message method_requests[] = {
	{ "commit_string", "s", no_types }, { "set_preedit_string", "sii", no_types },
	{ "delete_surrounding_text", "uu", no_types }, { "commit", "u", no_types },
	{ "get_input_popup_surface", "no", (const struct wl_interface *[]){ NULL, NULL } },
	{ "grab_keyboard", "n", grab_types },
};
static const struct wl_message method_events[] = {
	{ "activate", "", no_types }, { "deactivate", "", no_types },
	{ "surrounding_text", "suu", no_types }, { "text_change_cause", "u", no_types },
	{ "content_type", "uu", no_types }, { "done", "", no_types },
	{ "unavailable", "", no_types },
};
static const struct wl_interface method_interface = {
	"zwp_input_method_v2", 1, 6, method_requests, 7, method_events,
};
static const struct wl_interface *get_method_types[] = { &wl_seat_interface, &method_interface };
static const struct wl_message method_manager_requests[] = {
	{ "get_input_method", "on", get_method_types },
};
static const struct wl_interface method_manager_interface = {
	"zwp_input_method_manager_v2", 1, 1, method_manager_requests, 0, NULL,
};

struct output {
	struct wl_output *wl_output;
	char name[NAME_SIZE];
};

struct seat {
	struct wl_seat *wl_seat;
	char name[NAME_SIZE];
	bool listens;
};

/** A surface with a role. */
struct part {
	char name[NAME_SIZE];
	struct wl_surface *surface;
	struct xdg_surface *xdg;
	struct xdg_toplevel *toplevel;
	struct xdg_popup *popup;
	struct zwlr_layer_surface_v1 *panel;
	struct ext_session_lock_surface_v1 *lock;
	int32_t width, height;
	bool drawn;
};

static struct output outputs[MAX];
static struct seat seats[MAX];
static struct part parts[MAX];
static size_t outputs_len, seats_len, parts_len;

static struct wl_compositor *compositor;
static struct wl_shm *shm;
static struct xdg_wm_base *shell;
static struct zwlr_layer_shell_v1 *layer_shell;
static struct ext_session_lock_manager_v1 *locks;
static struct ext_session_lock_v1 *session_lock;
static struct ext_idle_notifier_v1 *notifier;
static struct zwp_idle_inhibit_manager_v1 *inhibitors;

static struct wl_proxy *method_manager;

static uint32_t last_serial; // of input
static const char *keyboard_focus = "-", *pointer_focus = "-", *touch_focus = "-";

static void fail(const char *message) {
	fprintf(stderr, "actor: %s\n", message);
	exit(EXIT_FAILURE);
}

static size_t take(size_t *len) {
	if (*len == MAX) {
		fail("too many");
	}
	return (*len)++;
}

static int dispatch(const void *interface, void *target, uint32_t opcode,
	const struct wl_message *message, union wl_argument *arguments);

/** Its events go to dispatch(), which so needs no function for each of those that say nothing. */
static void listen_to(void *proxy, const struct wl_interface *interface, void *data) {
	wl_proxy_add_dispatcher(proxy, dispatch, interface, data);
}

static void draw(struct part *part) {
	size_t size = (size_t)part->width * (size_t)part->height * 4;
	int fd = memfd_create("picture", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)size) < 0) {
		fail("no memory for a picture");
	}
	uint32_t *pixels = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (pixels == MAP_FAILED) {
		fail("no memory for a picture");
	}
	for (size_t i = 0; i < size / 4; i++) {
		pixels[i] = COLOR;
	}
	munmap(pixels, size);
	struct wl_shm_pool *pool = wl_shm_create_pool(shm, fd, (int32_t)size);
	struct wl_buffer *buffer = wl_shm_pool_create_buffer(pool, 0, part->width, part->height,
		part->width * 4, WL_SHM_FORMAT_XRGB8888);
	wl_surface_attach(part->surface, buffer, 0, 0);
	wl_surface_damage_buffer(part->surface, 0, 0, part->width, part->height);
	wl_shm_pool_destroy(pool);
	close(fd);
}

static void resize(struct part *part, int32_t width, int32_t height) {
	// A panel for which there is no room at all
	width = width == 0 && part->panel != NULL ? 1 : width;
	height = height == 0 && part->panel != NULL ? 1 : height;
	if (width > 0 && height > 0 && (width != part->width || height != part->height)) {
		part->width = width;
		part->height = height;
		part->drawn = false;
	}
}

/** A configure is complete, and acknowledged. */
static void configured(struct part *part) {
	if (!part->drawn) {
		part->drawn = true;
		draw(part);
		printf("drawn %s %dx%d\n", part->name, part->width, part->height);
	}
	wl_surface_commit(part->surface);
}

static const char *name_of(void *surface) {
	const struct part *part = surface != NULL ? wl_proxy_get_user_data(surface) : NULL;
	return part != NULL ? part->name : "-";
}

static const char *pressed(uint32_t state) {
	return state != 0 ? "pressed" : "released";
}

static void handle_keyboard(const char *event, const union wl_argument *argument) {
	if (strcmp(event, "keymap") == 0) {
		close(argument[1].h);
	} else if (strcmp(event, "enter") == 0) {
		last_serial = argument[0].u;
		keyboard_focus = name_of(argument[1].o);
		printf("keyboard enters %s\n", keyboard_focus);
	} else if (strcmp(event, "leave") == 0) {
		printf("keyboard leaves %s\n", name_of(argument[1].o));
		keyboard_focus = "-";
	} else if (strcmp(event, "key") == 0) {
		last_serial = argument[0].u;
		printf("key %u %s %s\n", argument[2].u, pressed(argument[3].u), keyboard_focus);
	}
}

static void handle_pointer(const char *event, const union wl_argument *argument) {
	if (strcmp(event, "enter") == 0) {
		pointer_focus = name_of(argument[1].o);
		printf("pointer enters %s\n", pointer_focus);
	} else if (strcmp(event, "leave") == 0) {
		printf("pointer leaves %s\n", name_of(argument[1].o));
		pointer_focus = "-";
	} else if (strcmp(event, "button") == 0) {
		last_serial = argument[0].u;
		printf("button %s %s\n", pressed(argument[3].u), pointer_focus);
	} else if (strcmp(event, "axis") == 0) {
		printf("axis %s\n", pointer_focus);
	}
}

static void handle_touch(const char *event, const union wl_argument *argument) {
	if (strcmp(event, "down") == 0) {
		last_serial = argument[0].u;
		touch_focus = name_of(argument[2].o);
		printf("touch down %s\n", touch_focus);
	} else if (strcmp(event, "frame") != 0) {
		printf("touch %s %s\n", event, touch_focus);
	}
}

static void handle_capabilities(struct seat *seat, uint32_t capabilities) {
	if (seat != &seats[0] || seat->listens || capabilities == 0) {
		return;
	}
	seat->listens = true;
	if (capabilities & WL_SEAT_CAPABILITY_KEYBOARD) {
		listen_to(wl_seat_get_keyboard(seat->wl_seat), &wl_keyboard_interface, seat);
	}
	if (capabilities & WL_SEAT_CAPABILITY_POINTER) {
		listen_to(wl_seat_get_pointer(seat->wl_seat), &wl_pointer_interface, seat);
	}
	if (capabilities & WL_SEAT_CAPABILITY_TOUCH) {
		listen_to(wl_seat_get_touch(seat->wl_seat), &wl_touch_interface, seat);
	}
}

static void handle_part(struct part *part, const char *event, const union wl_argument *argument) {
	if (strcmp(event, "closed") == 0 || strcmp(event, "close") == 0 ||
			strcmp(event, "popup_done") == 0) {
		printf("gone %s\n", part->name);
	} else if (strcmp(event, "configure") != 0) {
		return;
	} else if (part->popup != NULL) {
		printf("place %s %d,%d %dx%d\n", part->name, argument[0].i, argument[1].i, argument[2].i,
			argument[3].i);
		resize(part, argument[2].i, argument[3].i);
	} else if (part->toplevel != NULL) {
		resize(part, argument[0].i, argument[1].i);
	} else {
		resize(part, (int32_t)argument[1].u, (int32_t)argument[2].u);
		if (part->panel != NULL) {
			zwlr_layer_surface_v1_ack_configure(part->panel, argument[0].u);
		} else {
			ext_session_lock_surface_v1_ack_configure(part->lock, argument[0].u);
		}
		configured(part);
	}
}

static int dispatch(const void *interface, void *target, uint32_t opcode,
		const struct wl_message *message, union wl_argument *arguments) {
	void *data = wl_proxy_get_user_data(target);
	const char *event = message->name;
	if (interface == &wl_output_interface && strcmp(event, "name") == 0) {
		snprintf(((struct output *)data)->name, NAME_SIZE, "%s", arguments[0].s);
	} else if (interface == &wl_seat_interface && strcmp(event, "name") == 0) {
		snprintf(((struct seat *)data)->name, NAME_SIZE, "%s", arguments[0].s);
	} else if (interface == &wl_seat_interface) {
		handle_capabilities(data, arguments[0].u);
	} else if (interface == &wl_keyboard_interface) {
		handle_keyboard(event, arguments);
	} else if (interface == &method_grab_interface && strcmp(event, "key") == 0) {
		printf("key %u %s method\n", arguments[2].u, pressed(arguments[3].u));
	} else if (interface == &method_grab_interface && strcmp(event, "keymap") == 0) {
		close(arguments[1].h);
	} else if (interface == &wl_pointer_interface) {
		handle_pointer(event, arguments);
	} else if (interface == &wl_touch_interface) {
		handle_touch(event, arguments);
	} else if (interface == &xdg_wm_base_interface) {
		xdg_wm_base_pong(shell, arguments[0].u);
	} else if (interface == &xdg_surface_interface) {
		xdg_surface_ack_configure(target, arguments[0].u);
		configured(data);
	} else if (interface == &xdg_toplevel_interface || interface == &xdg_popup_interface ||
			interface == &zwlr_layer_surface_v1_interface ||
			interface == &ext_session_lock_surface_v1_interface) {
		handle_part(data, event, arguments);
	} else if (interface == &ext_session_lock_v1_interface) {
		printf("lock %s\n", event);
	} else if (interface == &ext_idle_notification_v1_interface) {
		printf("%s %s\n", event, ((struct seat *)data)->name);
	}
	return 0;
}

static void handle_global(void *data, struct wl_registry *registry, uint32_t name,
		const char *interface, uint32_t version) {
	if (strcmp(interface, wl_compositor_interface.name) == 0) {
		compositor = wl_registry_bind(registry, name, &wl_compositor_interface, 4);
	} else if (strcmp(interface, wl_shm_interface.name) == 0) {
		shm = wl_registry_bind(registry, name, &wl_shm_interface, 1);
	} else if (strcmp(interface, xdg_wm_base_interface.name) == 0) {
		shell = wl_registry_bind(registry, name, &xdg_wm_base_interface, 3);
		listen_to(shell, &xdg_wm_base_interface, NULL);
	} else if (strcmp(interface, zwlr_layer_shell_v1_interface.name) == 0) {
		layer_shell = wl_registry_bind(registry, name, &zwlr_layer_shell_v1_interface, 1);
	} else if (strcmp(interface, ext_session_lock_manager_v1_interface.name) == 0) {
		locks = wl_registry_bind(registry, name, &ext_session_lock_manager_v1_interface, 1);
	} else if (strcmp(interface, ext_idle_notifier_v1_interface.name) == 0) {
		notifier = wl_registry_bind(registry, name, &ext_idle_notifier_v1_interface, 1);
	} else if (strcmp(interface, zwp_idle_inhibit_manager_v1_interface.name) == 0) {
		inhibitors = wl_registry_bind(registry, name, &zwp_idle_inhibit_manager_v1_interface, 1);
	} else if (strcmp(interface, method_manager_interface.name) == 0) {
		method_manager = wl_registry_bind(registry, name, &method_manager_interface, 1);
	} else if (strcmp(interface, wl_output_interface.name) == 0) {
		struct output *output = &outputs[take(&outputs_len)];
		output->wl_output = wl_registry_bind(registry, name, &wl_output_interface, 4);
		listen_to(output->wl_output, &wl_output_interface, output);
	} else if (strcmp(interface, wl_seat_interface.name) == 0) {
		struct seat *seat = &seats[take(&seats_len)];
		seat->wl_seat = wl_registry_bind(registry, name, &wl_seat_interface, 2);
		listen_to(seat->wl_seat, &wl_seat_interface, seat);
	}
}

static void handle_global_remove(void *data, struct wl_registry *registry, uint32_t name) {
}

static const struct wl_registry_listener registry_listener = {
	.global = handle_global, .global_remove = handle_global_remove,
};

static struct part *find(const char *name) {
	for (size_t i = 0; i < parts_len; i++) {
		if (parts[i].surface != NULL && strcmp(parts[i].name, name) == 0) {
			return &parts[i];
		}
	}
	fail("no surface of this name");
	return NULL;
}

static struct part *create_part(const char *name, int32_t width, int32_t height) {
	struct part *part = &parts[take(&parts_len)];
	snprintf(part->name, sizeof(part->name), "%s", name);
	part->width = width;
	part->height = height;
	part->surface = wl_compositor_create_surface(compositor);
	listen_to(part->surface, &wl_surface_interface, part);
	return part;
}

static void create_xdg(struct part *part) {
	part->xdg = xdg_wm_base_get_xdg_surface(shell, part->surface);
	listen_to(part->xdg, &xdg_surface_interface, part);
}

static void create_window(const char *name, int width, int height) {
	struct part *part = create_part(name, width, height);
	create_xdg(part);
	part->toplevel = xdg_surface_get_toplevel(part->xdg);
	listen_to(part->toplevel, &xdg_toplevel_interface, part);
	xdg_toplevel_set_title(part->toplevel, name);
	wl_surface_commit(part->surface);
}

static struct wl_output *find_output(const char *name) {
	for (size_t i = 0; i < outputs_len; i++) {
		if (strcmp(outputs[i].name, name) == 0) {
			return outputs[i].wl_output;
		}
	}
	return NULL; // as the compositor likes
}

static void create_panel(const char *name, const char *edge, int size, const char *output) {
	bool across = strcmp(edge, "top") == 0 || strcmp(edge, "bottom") == 0;
	bool first = strcmp(edge, "top") == 0 || strcmp(edge, "left") == 0;
	struct part *part = create_part(name, 0, 0);
	part->panel = zwlr_layer_shell_v1_get_layer_surface(layer_shell, part->surface,
		find_output(output), ZWLR_LAYER_SHELL_V1_LAYER_TOP, name);
	listen_to(part->panel, &zwlr_layer_surface_v1_interface, part);
	uint32_t anchor = ZWLR_LAYER_SURFACE_V1_ANCHOR_TOP | ZWLR_LAYER_SURFACE_V1_ANCHOR_BOTTOM |
		ZWLR_LAYER_SURFACE_V1_ANCHOR_LEFT | ZWLR_LAYER_SURFACE_V1_ANCHOR_RIGHT;
	if (across) {
		anchor ^= first ? ZWLR_LAYER_SURFACE_V1_ANCHOR_BOTTOM : ZWLR_LAYER_SURFACE_V1_ANCHOR_TOP;
	} else {
		anchor ^= first ? ZWLR_LAYER_SURFACE_V1_ANCHOR_RIGHT : ZWLR_LAYER_SURFACE_V1_ANCHOR_LEFT;
	}
	zwlr_layer_surface_v1_set_anchor(part->panel, anchor);
	zwlr_layer_surface_v1_set_size(part->panel, across ? 0 : (uint32_t)size,
		across ? (uint32_t)size : 0);
	zwlr_layer_surface_v1_set_exclusive_zone(part->panel, size);
	wl_surface_commit(part->surface);
}

static void create_popup(const char *name, const char *parent_name, const int box[4],
		const char *options) {
	struct part *parent = find(parent_name), *part = create_part(name, box[2], box[3]);
	struct xdg_positioner *positioner = xdg_wm_base_create_positioner(shell);
	xdg_positioner_set_size(positioner, box[2], box[3]);
	xdg_positioner_set_anchor_rect(positioner, box[0], box[1], 1, 1);
	xdg_positioner_set_anchor(positioner, XDG_POSITIONER_ANCHOR_TOP_LEFT);
	xdg_positioner_set_gravity(positioner, XDG_POSITIONER_GRAVITY_BOTTOM_RIGHT);
	xdg_positioner_set_constraint_adjustment(positioner,
		XDG_POSITIONER_CONSTRAINT_ADJUSTMENT_SLIDE_X |
		XDG_POSITIONER_CONSTRAINT_ADJUSTMENT_SLIDE_Y);
	if (strstr(options, "reactive") != NULL) {
		xdg_positioner_set_reactive(positioner);
	}
	create_xdg(part);
	part->popup = xdg_surface_get_popup(part->xdg, parent->xdg, positioner);
	listen_to(part->popup, &xdg_popup_interface, part);
	if (parent->panel != NULL) {
		zwlr_layer_surface_v1_get_popup(parent->panel, part->popup);
	}
	if (strstr(options, "grab") != NULL) {
		xdg_popup_grab(part->popup, seats[0].wl_seat, last_serial);
	}
	xdg_positioner_destroy(positioner);
	wl_surface_commit(part->surface);
}

static void close_part(const char *name) {
	struct part *part = find(name);
	if (part->popup != NULL) {
		xdg_popup_destroy(part->popup);
	} else if (part->toplevel != NULL) {
		xdg_toplevel_destroy(part->toplevel);
	} else if (part->panel != NULL) {
		zwlr_layer_surface_v1_destroy(part->panel);
	}
	if (part->xdg != NULL) {
		xdg_surface_destroy(part->xdg);
	}
	wl_surface_destroy(part->surface);
	part->surface = NULL;
}

static void lock(const char *name) {
	session_lock = ext_session_lock_manager_v1_lock(locks);
	listen_to(session_lock, &ext_session_lock_v1_interface, NULL);
	for (size_t i = 0; name != NULL && i < outputs_len; i++) {
		struct part *part = create_part(name, 0, 0);
		part->lock = ext_session_lock_v1_get_lock_surface(session_lock, part->surface,
			outputs[i].wl_output);
		listen_to(part->lock, &ext_session_lock_surface_v1_interface, part);
	}
}

static void be_told_of_idleness(uint32_t msec) {
	for (size_t i = 0; i < seats_len; i++) {
		listen_to(ext_idle_notifier_v1_get_idle_notification(notifier, msec, seats[i].wl_seat),
			&ext_idle_notification_v1_interface, &seats[i]);
	}
}

static void be_an_input_method(void) {
	struct wl_proxy *method = wl_proxy_marshal_flags(method_manager, GET_INPUT_METHOD,
		&method_interface, 1, 0, seats[0].wl_seat, NULL);
	listen_to(method, &method_interface, NULL);
	listen_to(wl_proxy_marshal_flags(method, GRAB_KEYBOARD, &method_grab_interface, 1, 0, NULL),
		&method_grab_interface, NULL);
}

static void do_line(const char *line) {
	char name[NAME_SIZE] = "", word[NAME_SIZE] = "", output[NAME_SIZE] = "", options[64] = "";
	int box[4];
	if (sscanf(line, "window %31s %d %d", name, &box[0], &box[1]) == 3) {
		create_window(name, box[0], box[1]);
	} else if (sscanf(line, "panel %31s %31s %d %31s", name, word, &box[0], output) >= 3) {
		create_panel(name, word, box[0], output);
	} else if (sscanf(line, "popup %31s %31s %d %d %d %d %63[a-z ]", name, word, &box[0],
			&box[1], &box[2], &box[3], options) >= 6) {
		create_popup(name, word, box, options);
	} else if (sscanf(line, "close %31s", name) == 1) {
		close_part(name);
	} else if (sscanf(line, "lock %31s", name) == 1) {
		lock(name);
	} else if (strcmp(line, "lock\n") == 0) {
		lock(NULL);
	} else if (strcmp(line, "unlock\n") == 0) {
		ext_session_lock_v1_unlock_and_destroy(session_lock);
	} else if (sscanf(line, "inhibit %31s", name) == 1) {
		zwp_idle_inhibit_manager_v1_create_inhibitor(inhibitors, find(name)->surface);
	} else if (sscanf(line, "idle %d", &box[0]) == 1) {
		be_told_of_idleness((uint32_t)box[0]);
	} else if (strcmp(line, "method\n") == 0) {
		be_an_input_method();
	} else if (strcmp(line, "end\n") == 0) {
		exit(EXIT_SUCCESS);
	} else {
		fail("what is this line to mean?");
	}
}

int main(void) {
	struct wl_display *display = wl_display_connect(NULL);
	if (display == NULL) {
		fail("no Wayland display");
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0); // what poll() knows nothing of would wait
	wl_registry_add_listener(wl_display_get_registry(display), &registry_listener, NULL);
	wl_display_roundtrip(display);
	wl_display_roundtrip(display);
	if (compositor == NULL || shm == NULL || shell == NULL || layer_shell == NULL ||
			locks == NULL || notifier == NULL || inhibitors == NULL ||
			method_manager == NULL || seats_len == 0) {
		fail("the compositor does not have what it needs");
	}
	char line[256];
	struct pollfd fds[] = {
		{ .fd = wl_display_get_fd(display), .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};
	while (wl_display_flush(display) >= 0 && poll(fds, 2, -1) > 0) {
		if (fds[0].revents != 0 && wl_display_dispatch(display) < 0) {
			fail("the compositor has cut the connection");
		}
		if (fds[1].revents != 0) {
			if (fgets(line, sizeof(line), stdin) == NULL) {
				break;
			}
			do_line(line);
			wl_display_roundtrip(display);
		}
	}
	wl_display_disconnect(display);
	return EXIT_SUCCESS;
}
