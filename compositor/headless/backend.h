#ifndef HEADLESS_BACKEND_H
#define HEADLESS_BACKEND_H

#include <wayland-server-core.h>
#include <wlr/backend.h>
#include <wlr/types/wlr_keyboard.h>
#include <wlr/types/wlr_output.h>
#include <wlr/types/wlr_pointer.h>
#include <wlr/types/wlr_touch.h>

#define HEADLESS_MAX_EXTENT 16384 // pixels
#define HEADLESS_DEFAULT_REFRESH 60000 // mHz

/**
 * A wlr_backend whose outputs are refreshed when somebody says so, instead of by a timer as those
 * of wlroots' headless backend are, and which always has a keyboard, a pointer and a touch screen.
 */
struct headless_backend {
	struct wlr_backend base;
	struct wl_event_loop *loop;
	struct wl_list outputs; // headless_output.link, in the order in which they were added
	struct wlr_keyboard keyboard;
	struct wlr_pointer pointer;
	struct wlr_touch touch;
	bool started;
	unsigned last_output; // number in the name of the newest output
};

struct headless_output {
	struct wlr_output base;
	struct wl_list link; // headless_backend.outputs
	struct headless_backend *backend;
	uint64_t epoch; // virtual time of refresh 0, ns
	uint64_t refreshes; // since then
	uint32_t committed_seq; // commit_seq of a buffer that is not yet presented
	bool presenting;
};

struct headless_backend *headless_backend_create(struct wl_event_loop *loop);
/**
 * Add an output. name NULL chooses HEADLESS-n; refresh is in mHz. now is the virtual time, of
 * which the first refresh is one period away. NULL, logged, on failure.
 */
struct headless_output *headless_backend_add_output(struct headless_backend *backend,
	const char *name, int width, int height, int refresh, uint64_t now);
struct headless_output *headless_backend_find_output(struct headless_backend *backend,
	const char *name);

/** When the output's next refresh is due, virtual ns. */
uint64_t headless_output_next_refresh(const struct headless_output *output);
/** The time of the next refresh has come: draw, and present what was drawn. */
void headless_output_refresh(struct headless_output *output, uint64_t now);
/** Leave out refreshes that would show nothing new: the next one is the first that is not before. */
void headless_output_skip(struct headless_output *output, uint64_t until);
/** Ask the compositor for another mode, as a user would. */
void headless_output_request_mode(struct headless_output *output, int width, int height,
	int refresh);

#endif
