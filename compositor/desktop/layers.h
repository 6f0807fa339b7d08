#ifndef DESKTOP_LAYERS_H
#define DESKTOP_LAYERS_H

#include <stdbool.h>

struct server;

/**
 * What is above what, lowest first. Each layer is a tree right below the scene's root, and nothing
 * else is there.
 *
 * A fullscreen window is above the panels (LAYER_TOP): nothing of the desktop may keep it from
 * being scanned out. It is there only as long as no other window of its workspace was focused
 * after it; those cover it otherwise, and it waits in LAYER_FLOATING.
 */
enum layer {
	LAYER_BACKGROUND, // wallpapers: layer-shell's background
	LAYER_BOTTOM, // layer-shell's bottom
	LAYER_TILED,
	LAYER_FLOATING,
	LAYER_TOP, // panels: layer-shell's top
	LAYER_FULLSCREEN, // with the dialogs of what is there
	LAYER_UNMANAGED, // what places itself: X11's menus
	LAYER_OVERLAY, // layer-shell's overlay
	LAYER_DRAG, // what the pointer carries
	LAYER_LOCK, // a locked session shows nothing else
	LAYERS,
};

/** Make server.layers of server.scene. */
bool layers_init(struct server *server);

#endif
