#ifndef KIOSK_STAGE_H
#define KIOSK_STAGE_H

#include <wayland-server-core.h>

struct command;
struct fixed_source;
struct kiosk;
struct output;

/** A screen, and what is to be shown on it. Where there is nothing, it says so in words. */
struct stage {
	struct wl_list link; // kiosk.stages
	struct kiosk *kiosk;
	struct output *output;
	/** At most one of these; neither if nothing is assigned, or what is has another name. */
	struct command *command;
	struct fixed_source *source;

	struct wlr_scene_buffer *placeholder; // disabled while there is something to be seen
	char *text; // of the placeholder, NULL if there is none
};

struct stage *stage_create(struct kiosk *kiosk, struct output *output);
void stage_destroy(struct stage *stage);
/** Something changed: put everything in its place. */
void stage_update(struct stage *stage);

#endif
