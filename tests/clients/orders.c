#include "orders.h"

#include <drm_fourcc.h>
#include <stdio.h>
#include <string.h>

#include "loop.h"
#include "memory.h"
#include "say.h"
#include "sluice-vram-v1-client-protocol.h"
#include "source.h"
#include "window.h"

// How long the compositor may take for an answer, ms.
#define PATIENCE 60000

#define PAGE UINT64_C(4096)

/** What there is to destroy. */
enum object {
	OBJECT_SOURCE,
	OBJECT_PARAMS, // the one that made the buffer, and one that was not used yet
	OBJECT_BUFFER,
	OBJECT_WINDOW,
	OBJECT_PATH,
	OBJECTS,
};

static const char *const object_names[] = { "source", "params", "buffer", "window", "path" };

/** When it is destroyed. */
enum situation {
	SITUATION_IDLE, // the frame is on the screen
	SITUATION_FRAME, // it was committed, and is not on the screen yet
	SITUATION_QUIESCE, // quiesce was sent
	SITUATION_QUIESCED,
	SITUATION_REVOKED, // the memory is off, which the compositor may not know
	SITUATIONS,
};

static const char *const situation_names[] = { "idle", "frame", "quiesce", "quiesced", "revoked" };

struct orders {
	const struct options *options;
	struct loop loop;
	struct memory memory;
	struct globals globals;

	struct window window;
	struct source source;
	struct sluice_surface_path_v1 *path;
	struct sluice_vram_buffer_params_v1 *params, *late;
	struct wl_buffer *buffer;
	struct wl_callback *callback;
	int width, height;
	bool answered; // the params were
	bool drawn; // the frame callback came
};

static void handle_created(void *data, struct sluice_vram_buffer_params_v1 *params,
		struct wl_buffer *buffer) {
	struct orders *orders = data;
	orders->buffer = buffer;
	orders->answered = true;
}

static void handle_failed(void *data, struct sluice_vram_buffer_params_v1 *params,
		uint32_t reason, const char *message) {
	struct orders *orders = data;
	orders->answered = true;
}

static const struct sluice_vram_buffer_params_v1_listener params_listener = {
	.created = handle_created,
	.failed = handle_failed,
};

static void handle_path(void *data, struct sluice_surface_path_v1 *path, uint32_t kind,
		uint32_t reason, struct wl_output *output) {
}

static const struct sluice_surface_path_v1_listener path_listener = {
	.path = handle_path,
};

static void handle_done(void *data, struct wl_callback *callback, uint32_t time) {
	struct orders *orders = data;
	orders->drawn = true;
}

static const struct wl_callback_listener callback_listener = {
	.done = handle_done,
};

static struct sluice_vram_buffer_params_v1 *begin_buffer(struct orders *orders, uint32_t stride) {
	struct sluice_vram_buffer_params_v1 *params =
		sluice_vram_source_v1_create_params(orders->source.wl_source, orders->memory.region);
	sluice_vram_buffer_params_v1_add_listener(params, &params_listener, orders);
	uint64_t size = (uint64_t)stride * (uint64_t)orders->height;
	size = (size + PAGE - 1) / PAGE * PAGE;
	sluice_vram_buffer_params_v1_add_range(params, 0, 0, 0, (uint32_t)size);
	return params;
}

/** Bring a frame as far as the situation wants it. Returns NULL, or what went wrong. */
static const char *set_up(struct orders *orders, enum situation situation) {
	struct loop *loop = &orders->loop;
	sluice_vfio_device_set_memory(orders->memory.device, true);
	if (!window_init(&orders->window, &orders->globals, &orders->options->window)) {
		return "no window";
	}
	orders->path = sluice_vram_manager_v1_get_surface_path(orders->globals.vram_manager,
		orders->window.surface);
	sluice_surface_path_v1_add_listener(orders->path, &path_listener, orders);
	source_init(&orders->source, orders->globals.vram_manager, "orders", false);
	sluice_vram_source_v1_set_device(orders->source.wl_source,
		sluice_vfio_device_get_fd(orders->memory.device));
	if (!loop_wait(loop, &orders->source.answered, PATIENCE) || !orders->source.ready ||
			!loop_wait(loop, &orders->window.configured, PATIENCE)) {
		return "no device, or no configure";
	}
	orders->width = orders->window.width > 0 ? orders->window.width : 160;
	orders->height = orders->window.height > 0 ? orders->window.height : 120;
	orders->answered = orders->drawn = false;
	uint32_t stride = (uint32_t)orders->width * 4;
	orders->params = begin_buffer(orders, stride);
	sluice_vram_buffer_params_v1_create(orders->params, orders->width, orders->height, stride,
		DRM_FORMAT_XRGB8888, 0, 0);
	if (!loop_wait(loop, &orders->answered, PATIENCE) || orders->buffer == NULL) {
		return "no buffer";
	}
	orders->callback = wl_surface_frame(orders->window.surface);
	wl_callback_add_listener(orders->callback, &callback_listener, orders);
	wl_surface_attach(orders->window.surface, orders->buffer, 0, 0);
	wl_surface_damage_buffer(orders->window.surface, 0, 0, orders->width, orders->height);
	wl_surface_commit(orders->window.surface);
	if (situation != SITUATION_FRAME && !loop_wait(loop, &orders->drawn, PATIENCE)) {
		return "no frame callback";
	}
	orders->late = begin_buffer(orders, stride);
	switch (situation) {
	case SITUATION_QUIESCE:
	case SITUATION_QUIESCED:
		sluice_vram_source_v1_quiesce(orders->source.wl_source, 1);
		if (situation == SITUATION_QUIESCED &&
				!loop_wait(loop, &orders->source.quiesced, PATIENCE)) {
			return "no answer to quiesce";
		}
		break;
	case SITUATION_REVOKED:
		sluice_vfio_device_set_memory(orders->memory.device, false);
		break;
	default:
		break;
	}
	return NULL;
}

static void destroy(struct orders *orders, enum object object) {
	switch (object) {
	case OBJECT_SOURCE:
		source_finish(&orders->source);
		break;
	case OBJECT_PARAMS:
		if (orders->params != NULL) {
			sluice_vram_buffer_params_v1_destroy(orders->params);
		}
		if (orders->late != NULL) {
			sluice_vram_buffer_params_v1_destroy(orders->late);
		}
		orders->params = orders->late = NULL;
		break;
	case OBJECT_BUFFER:
		if (orders->buffer != NULL) {
			wl_buffer_destroy(orders->buffer);
		}
		orders->buffer = NULL;
		break;
	case OBJECT_WINDOW:
		window_finish(&orders->window);
		break;
	default:
		if (orders->path != NULL) {
			sluice_surface_path_v1_destroy(orders->path);
		}
		orders->path = NULL;
		break;
	}
}

/** Returns whether the compositor took it. */
static bool run_order(struct orders *orders, enum situation situation,
		const enum object order[OBJECTS], bool slowly) {
	struct loop *loop = &orders->loop;
	const char *error = set_up(orders, situation);
	char name[64] = "";
	for (size_t i = 0; i < OBJECTS; i++) {
		destroy(orders, order[i]);
		if (slowly) {
			loop_roundtrip(loop);
		}
		size_t used = strlen(name);
		snprintf(name + used, sizeof(name) - used, " %s", object_names[order[i]]);
	}
	if (orders->callback != NULL) {
		wl_callback_destroy(orders->callback);
		orders->callback = NULL;
	}
	if (error == NULL && !loop_roundtrip(loop)) {
		error = "disconnected";
	}
	if (error != NULL) {
		say("orders %s:%s: %s", situation_names[situation], name, error);
		loop_say_protocol_error(loop, "");
	}
	return error == NULL;
}

/** The next permutation in lexicographic order; false after the last one. */
static bool next_order(enum object order[OBJECTS]) {
	size_t i = OBJECTS - 1;
	while (i > 0 && order[i - 1] >= order[i]) {
		i--;
	}
	if (i == 0) {
		return false;
	}
	size_t j = OBJECTS - 1;
	while (order[j] <= order[i - 1]) {
		j--;
	}
	enum object swap = order[i - 1];
	order[i - 1] = order[j];
	order[j] = swap;
	for (size_t k = OBJECTS - 1; i < k; i++, k--) {
		swap = order[i];
		order[i] = order[k];
		order[k] = swap;
	}
	return true;
}

static bool run_situation(struct orders *orders, enum situation situation) {
	enum object order[OBJECTS];
	for (size_t i = 0; i < OBJECTS; i++) {
		order[i] = (enum object)i;
	}
	unsigned count = 0;
	do {
		// Every second one in a single message, the others one after the other
		if (!run_order(orders, situation, order, count % 2 == 0)) {
			return false;
		}
		count++;
	} while (!orders->loop.stop && next_order(order));
	say("orders %s: %u", situation_names[situation], count);
	return !orders->loop.stop;
}

int orders_run(const struct options *options) {
	struct orders orders = { .options = options, .memory = { .memfd = -1 } };
	bool all = strcmp(options->orders, "all") == 0, known = all;
	for (size_t i = 0; i < SITUATIONS; i++) {
		known = known || strcmp(options->orders, situation_names[i]) == 0;
	}
	if (!known) {
		complain("there is no situation %s", options->orders);
		return STATUS_SETUP;
	}
	int status = STATUS_SETUP;
	if (loop_init(&orders.loop, false, options->timeout) &&
			memory_init_vfio(&orders.memory, options->device, options->device_fd,
			options->region) && globals_init(&orders.globals)) {
		orders.loop.display = orders.globals.display;
		status = STATUS_OK;
		for (size_t i = 0; i < SITUATIONS && status == STATUS_OK; i++) {
			if ((all || strcmp(options->orders, situation_names[i]) == 0) &&
					!run_situation(&orders, (enum situation)i)) {
				status = STATUS_DISCONNECTED;
			}
		}
		sluice_vfio_device_set_memory(orders.memory.device, true);
		say("done");
	}
	globals_finish(&orders.globals);
	memory_finish(&orders.memory);
	loop_finish(&orders.loop);
	return status;
}
