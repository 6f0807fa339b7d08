/*
 * x11-client: an ordinary window of X11, that prints what happens to it. See README.md.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xcb/xcb.h>
#include <xcb/xcb_icccm.h>
#include "say.h"

static const char usage[] =
"Usage: x11-client COLOR WxH[+X+Y]\n"
"\n"
"Shows a window of X11 in one colour, and prints what happens to it. Does what it is told on stdin.\n";

enum atom { CLIPBOARD, UTF8_STRING, TARGETS, PASTED, NET_WM_STATE, FULLSCREEN, ATOMS };
static const char *const atom_names[ATOMS] = { "CLIPBOARD", "UTF8_STRING", "TARGETS", "PASTED",
	"_NET_WM_STATE", "_NET_WM_STATE_FULLSCREEN" };

struct x11_client {
	xcb_connection_t *xcb;
	xcb_screen_t *screen;
	xcb_window_t window, menu; // menu: 0 if it is not open
	xcb_atom_t atoms[ATOMS];
	char *copied; // NULL unless it owns the clipboard
};

/** Width, height, x, y; the latter stay 0 if they are not there. false if it is none. */
static bool parse_geometry(const char *text, int g[4]) {
	g[2] = g[3] = 0;
	int n = sscanf(text, "%dx%d%d%d", &g[0], &g[1], &g[2], &g[3]);
	return (n == 2 || n == 4) && g[0] > 0 && g[1] > 0;
}

static xcb_window_t create_window(struct x11_client *client, const int g[4], uint32_t color,
		bool override_redirect) {
	xcb_window_t window = xcb_generate_id(client->xcb);
	const uint32_t values[] = {
		color,
		override_redirect,
		XCB_EVENT_MASK_KEY_PRESS | XCB_EVENT_MASK_BUTTON_PRESS | XCB_EVENT_MASK_FOCUS_CHANGE |
			XCB_EVENT_MASK_STRUCTURE_NOTIFY | XCB_EVENT_MASK_EXPOSURE,
	};
	xcb_create_window(client->xcb, XCB_COPY_FROM_PARENT, window, client->screen->root,
		(int16_t)g[2], (int16_t)g[3], (uint16_t)g[0], (uint16_t)g[1], 0,
		XCB_WINDOW_CLASS_INPUT_OUTPUT, client->screen->root_visual,
		XCB_CW_BACK_PIXEL | XCB_CW_OVERRIDE_REDIRECT | XCB_CW_EVENT_MASK, values);
	return window;
}

static void set_title(struct x11_client *client, const char *title) {
	xcb_icccm_set_wm_name(client->xcb, client->window, XCB_ATOM_STRING, 8,
		(uint32_t)strlen(title), title);
}

static void create_main_window(struct x11_client *client, const int g[4], bool placed,
		uint32_t color) {
	client->window = create_window(client, g, color, false);
	set_title(client, "x11-client");
	static const char class[] = "x11-client\0X11Client";
	xcb_icccm_set_wm_class(client->xcb, client->window, sizeof(class), class);
	xcb_icccm_wm_hints_t hints = {0};
	xcb_icccm_wm_hints_set_input(&hints, 1);
	xcb_icccm_set_wm_hints(client->xcb, client->window, &hints);
	xcb_size_hints_t size_hints = {0};
	if (placed) {
		xcb_icccm_size_hints_set_position(&size_hints, 1, g[2], g[3]);
	}
	xcb_icccm_set_wm_normal_hints(client->xcb, client->window, &size_hints);
	xcb_map_window(client->xcb, client->window);
}

/** Where the window is, as X11 has it. */
static void get_place(struct x11_client *client, int *x, int *y) {
	xcb_translate_coordinates_reply_t *reply = xcb_translate_coordinates_reply(client->xcb,
		xcb_translate_coordinates(client->xcb, client->window, client->screen->root, 0, 0), NULL);
	*x = reply != NULL ? reply->dst_x : 0;
	*y = reply != NULL ? reply->dst_y : 0;
	free(reply);
}

/** COLOR WxH+X+Y, relative to the window. */
static void open_menu(struct x11_client *client, const char *text) {
	char *geometry;
	unsigned long color = strtoul(text, &geometry, 16);
	int g[4], x, y;
	if (client->menu != 0 || !parse_geometry(geometry, g)) {
		say("error menu");
		return;
	}
	get_place(client, &x, &y);
	g[2] += x;
	g[3] += y;
	client->menu = create_window(client, g, (uint32_t)color, true);
	xcb_map_window(client->xcb, client->menu);
}

static void close_menu(struct x11_client *client) {
	if (client->menu != 0) {
		xcb_destroy_window(client->xcb, client->menu);
		client->menu = 0;
	}
}

static void ask_fullscreen(struct x11_client *client) {
	const xcb_client_message_event_t event = {
		.response_type = XCB_CLIENT_MESSAGE,
		.format = 32,
		.window = client->window,
		.type = client->atoms[NET_WM_STATE],
		.data.data32 = { 2, client->atoms[FULLSCREEN] }, // 2: the other way round
	};
	xcb_send_event(client->xcb, 0, client->screen->root,
		XCB_EVENT_MASK_SUBSTRUCTURE_REDIRECT | XCB_EVENT_MASK_SUBSTRUCTURE_NOTIFY,
		(const char *)&event);
}

static void move(struct x11_client *client, const char *text) {
	int g[4];
	if (!parse_geometry(text, g)) {
		say("error move");
		return;
	}
	const uint32_t values[] = { (uint32_t)g[2], (uint32_t)g[3], (uint32_t)g[0], (uint32_t)g[1] };
	xcb_configure_window(client->xcb, client->window, XCB_CONFIG_WINDOW_X |
		XCB_CONFIG_WINDOW_Y | XCB_CONFIG_WINDOW_WIDTH | XCB_CONFIG_WINDOW_HEIGHT, values);
}

static void copy(struct x11_client *client, const char *text) {
	free(client->copied);
	client->copied = strdup(text);
	xcb_set_selection_owner(client->xcb, client->window, client->atoms[CLIPBOARD],
		XCB_CURRENT_TIME);
}

static void handle_line(struct x11_client *client, char *line) {
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, "title ", 6) == 0) {
		set_title(client, line + 6);
	} else if (strncmp(line, "menu ", 5) == 0) {
		open_menu(client, line + 5);
	} else if (strcmp(line, "unmenu") == 0) {
		close_menu(client);
	} else if (strncmp(line, "copy ", 5) == 0) {
		copy(client, line + 5);
	} else if (strcmp(line, "paste") == 0) {
		xcb_convert_selection(client->xcb, client->window, client->atoms[CLIPBOARD],
			client->atoms[UTF8_STRING], client->atoms[PASTED], XCB_CURRENT_TIME);
	} else if (strcmp(line, "fullscreen") == 0) {
		ask_fullscreen(client);
	} else if (strncmp(line, "move ", 5) == 0) {
		move(client, line + 5);
	} else {
		say("error %s", line);
	}
	xcb_flush(client->xcb);
}

/** Another client wants what was copied. */
static void answer_request(struct x11_client *client,
		const xcb_selection_request_event_t *request) {
	xcb_selection_notify_event_t event = {
		.response_type = XCB_SELECTION_NOTIFY,
		.time = request->time,
		.requestor = request->requestor,
		.selection = request->selection,
		.target = request->target,
		.property = request->property,
	};
	if (request->target == client->atoms[TARGETS]) {
		xcb_change_property(client->xcb, XCB_PROP_MODE_REPLACE, request->requestor,
			request->property, XCB_ATOM_ATOM, 32, 1, &client->atoms[UTF8_STRING]);
	} else if (request->target == client->atoms[UTF8_STRING] && client->copied != NULL) {
		xcb_change_property(client->xcb, XCB_PROP_MODE_REPLACE, request->requestor,
			request->property, request->target, 8, (uint32_t)strlen(client->copied),
			client->copied);
	} else {
		event.property = XCB_NONE;
	}
	xcb_send_event(client->xcb, 0, request->requestor, 0, (const char *)&event);
}

static void print_pasted(struct x11_client *client, const xcb_selection_notify_event_t *event) {
	xcb_get_property_reply_t *reply = event->property == XCB_NONE ? NULL :
		xcb_get_property_reply(client->xcb, xcb_get_property(client->xcb, 1, client->window,
			event->property, XCB_ATOM_ANY, 0, 1024), NULL);
	if (reply != NULL) {
		say("pasted %.*s", xcb_get_property_value_length(reply),
			(const char *)xcb_get_property_value(reply));
	} else {
		say("pasted nothing");
	}
	free(reply);
}

static void handle_event(struct x11_client *client, const xcb_generic_event_t *event) {
	switch (event->response_type & 0x7f) {
	case XCB_EXPOSE:
		say("exposed");
		break;
	case XCB_KEY_PRESS: {
		const xcb_key_press_event_t *key = (const xcb_key_press_event_t *)event;
		say("%s key %d pressed", key->event == client->menu ? "menu" : "window",
			key->detail - 8);
		break;
	}
	case XCB_BUTTON_PRESS: {
		const xcb_button_press_event_t *button = (const xcb_button_press_event_t *)event;
		say("%s button %d pressed %d,%d", button->event == client->menu ? "menu" : "window",
			button->detail, button->event_x, button->event_y);
		break;
	}
	case XCB_FOCUS_IN:
		say("focus in");
		break;
	case XCB_FOCUS_OUT:
		say("focus out");
		break;
	case XCB_CONFIGURE_NOTIFY: {
		const xcb_configure_notify_event_t *configure =
			(const xcb_configure_notify_event_t *)event;
		int x, y;
		get_place(client, &x, &y);
		if (configure->window == client->window) {
			say("configure %dx%d+%d+%d", configure->width, configure->height, x, y);
		}
		break;
	}
	case XCB_SELECTION_REQUEST:
		answer_request(client, (const xcb_selection_request_event_t *)event);
		break;
	case XCB_SELECTION_NOTIFY:
		print_pasted(client, (const xcb_selection_notify_event_t *)event);
		break;
	}
}

static void run(struct x11_client *client) {
	struct pollfd fds[] = {
		{ .fd = xcb_get_file_descriptor(client->xcb), .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};
	char line[256];
	while (xcb_connection_has_error(client->xcb) == 0) {
		xcb_generic_event_t *event;
		while ((event = xcb_poll_for_event(client->xcb)) != NULL) {
			handle_event(client, event);
			free(event);
		}
		xcb_flush(client->xcb);
		if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0) {
			return;
		}
		if (fds[1].revents != 0) {
			if (fgets(line, sizeof(line), stdin) != NULL) {
				handle_line(client, line);
			} else {
				fds[1].fd = -1; // nobody has anything to say any more
			}
		}
	}
}

int main(int argc, char *argv[]) {
	struct x11_client client = {0};
	int g[4];
	if (argc != 3 || !parse_geometry(argv[2], g)) {
		fputs(usage, stderr);
		return 2;
	}
	setvbuf(stdin, NULL, _IONBF, 0); // a line at a time, so that poll() sees the next one
	client.xcb = xcb_connect(NULL, NULL);
	if (xcb_connection_has_error(client.xcb) != 0) {
		complain("no X server");
		return 1;
	}
	client.screen = xcb_setup_roots_iterator(xcb_get_setup(client.xcb)).data;
	for (int i = 0; i < ATOMS; i++) {
		xcb_intern_atom_reply_t *reply = xcb_intern_atom_reply(client.xcb,
			xcb_intern_atom(client.xcb, 0, (uint16_t)strlen(atom_names[i]), atom_names[i]), NULL);
		client.atoms[i] = reply != NULL ? reply->atom : XCB_NONE;
		free(reply);
	}
	create_main_window(&client, g, strchr(argv[2], '+') != NULL,
		(uint32_t)strtoul(argv[1], NULL, 16));
	xcb_flush(client.xcb);
	run(&client);
	xcb_disconnect(client.xcb);
	free(client.copied);
	return 0;
}
