#ifndef SEAT_INPUT_POPUP_H
#define SEAT_INPUT_POPUP_H

#include <wayland-server-core.h>

struct server;
struct wlr_input_popup_surface_v2;
struct wlr_text_input_v3;

/** An input method's list of candidates: put in the list; it goes with its surface. */
void input_popup_create(struct server *server, struct wl_list *popups,
	struct wlr_input_popup_surface_v2 *wlr_popup);
/** Show them at the cursor of a text input; hide them if there is none (NULL). */
void input_popups_place(struct wl_list *popups, const struct wlr_text_input_v3 *text);

#endif
