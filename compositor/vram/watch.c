#include <sluice/watch.h>
#include <wayland-server-core.h>
#include "path/ladder.h"
#include "vram/vram.h"

/*
 * When the kernel takes memory away, it tells the importers and nobody else: no event reaches the
 * holder of a device fd or of a DMA-BUF, interrupts belong to the owner, and what vfio-pci puts
 * into /sys cannot be waited for. So what screens show is looked at now and then. One timer does it
 * for all sources. It stands still while no image is on a screen, and slows down while none
 * changes, so that an idle screen costs one wake-up in LONGEST_MS.
 */

/** While frames come: how long a screen may stay black after a reset, which no commit notices. */
#define SHORTEST_MS 250
/** How long it may take until a picture that stands still says that it is not true any more. */
#define LONGEST_MS 2000
/** Not at once: the ladder may be in the middle of its work. */
#define SOON_MS 1

/**
 * Returns whether a screen shows images of it. Of a source that has but adopted buffers, it is not known
 * which region they lie in, and reading in the wrong one might be an order to the device: whether its
 * memory is switched on is all that is looked at.
 */
static bool look(struct vram_source *source, uint64_t *frames) {
	if (!ladder_shows_source(source->manager->server->ladder, source, frames)) {
		return false;
	}
	if (source->watch == NULL ? vram_source_has_memory(source) :
			sluice_watch_look(source->watch) == SLUICE_WATCH_INTACT) {
		return true;
	}
	vram_source_lost(source); // and with it the watch
	return false;
}

static void handle_timer(void *data) {
	struct vram_manager *manager = data;
	bool shown = false;
	uint64_t frames = 0;
	struct vram_source *source;
	wl_list_for_each(source, &manager->sources, link) {
		shown = look(source, &frames) || shown;
	}

	int ms = 0;
	if (shown && (frames != manager->watched_frames || manager->watch_ms < SHORTEST_MS)) {
		ms = SHORTEST_MS;
	} else if (shown) {
		ms = 2 * manager->watch_ms < LONGEST_MS ? 2 * manager->watch_ms : LONGEST_MS;
	}
	manager->watched_frames = frames;
	manager->watch_ms = ms;
	if (ms > 0) {
		timer_set(&manager->watch_timer, ms);
	}
}

bool vram_manager_is_watching(const struct vram_manager *manager) {
	return manager->watch_ms > 0;
}

void vram_manager_watch(struct vram_manager *manager) {
	if (manager->watch_timer.server != NULL ||
			timer_init(&manager->watch_timer, manager->server, handle_timer, manager)) {
		timer_set(&manager->watch_timer, SOON_MS);
		manager->watch_ms = SOON_MS;
	}
}

void vram_manager_unwatch(struct vram_manager *manager) {
	timer_finish(&manager->watch_timer);
}
