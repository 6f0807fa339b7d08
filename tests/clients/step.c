#include "step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "producer.h"
#include "say.h"
#include "sluice-vram-v1-client-protocol.h"

// How long a command waits for the compositor, ms.
#define PATIENCE 30000

typedef const char *(*command_func)(struct producer *producer, const char *args);

static const char *wait_for_buffer(struct producer *producer) {
	int64_t end = now_ms() + PATIENCE;
	bool never = false;
	while (producer->set.buffers != NULL && !buffer_set_has_free(&producer->set)) {
		if (producer->loop.stop || now_ms() > end) {
			return "no buffer was released";
		}
		loop_wait(&producer->loop, &never, 20);
	}
	return NULL;
}

// A configure that came since the last command is followed now, so that a test sees it happen
// where it expects it.
static const char *follow_configure(struct producer *producer) {
	const struct window *window = &producer->window;
	bool follows = producer->options.width == 0 && window->width > 0 && window->height > 0;
	bool changed = window->changed;
	producer->window.changed = false;
	if (changed && follows && !producer->source.revoked && producer->set.buffers != NULL &&
			(window->width != producer->set.width ||
			window->height != producer->set.height)) {
		return producer_make_buffers(producer) ? NULL : "no buffers";
	}
	return NULL;
}

static const char *present(struct producer *producer, const struct pattern *pattern,
		const struct rect *damage) {
	const char *error = follow_configure(producer);
	error = error != NULL ? error : wait_for_buffer(producer);
	if (error != NULL) {
		return error;
	}
	bool part = damage != NULL && !producer->full;
	error = producer_present(producer, pattern, part ? *damage : producer_all(producer));
	if (error != NULL) {
		return error;
	}
	return loop_wait(&producer->loop, &producer->answered, PATIENCE) ? NULL :
		"frame was not answered";
}

static const char *do_frame(struct producer *producer, const char *args) {
	return present(producer, &producer->options.pattern, NULL);
}

static const char *do_damage(struct producer *producer, const char *args) {
	struct rect rect;
	if (!rect_parse(args, &rect)) {
		return "damage needs X,Y,W,H";
	}
	return present(producer, &producer->options.pattern, &rect);
}

static const char *do_fill(struct producer *producer, const char *args) {
	struct pattern solid = { .kind = PATTERN_SOLID };
	if (!colour_parse(args, &solid.colour)) {
		return "fill needs RRGGBB";
	}
	return present(producer, &solid, NULL);
}

static const char *do_poison(struct producer *producer, const char *args) {
	char text[64], colour_text[16];
	struct rect rect;
	uint32_t colour;
	if (sscanf(args, "%63s %15s", text, colour_text) != 2 || !rect_parse(text, &rect) ||
			!colour_parse(colour_text, &colour)) {
		return "poison needs X,Y,W,H RRGGBB";
	}
	if (!memory_is_on(&producer->memory)) {
		return "memory is off";
	}
	for (size_t i = 0; i < producer->set.len; i++) {
		vram_buffer_poison(&producer->set.buffers[i], rect, colour);
	}
	return NULL;
}

static const char *do_pattern(struct producer *producer, const char *args) {
	return pattern_parse(args, &producer->options.pattern) ? NULL : "no such pattern";
}

static const char *do_flip(struct producer *producer, const char *args) {
	const char *error = wait_for_buffer(producer);
	error = error != NULL ? error : producer_flip(producer);
	if (error != NULL) {
		return error;
	}
	return loop_wait(&producer->loop, &producer->answered, PATIENCE) ? NULL :
		"frame was not answered";
}

static const char *do_sync(struct producer *producer, const char *args) {
	return loop_roundtrip(&producer->loop) ? NULL : "disconnected";
}

static const char *do_commit(struct producer *producer, const char *args) {
	wl_surface_commit(producer->window.surface);
	return do_sync(producer, args);
}

static const char *do_unmap(struct producer *producer, const char *args) {
	// An unmapped toplevel has to be configured again before it may have content.
	wl_surface_attach(producer->window.surface, NULL, 0, 0);
	wl_surface_commit(producer->window.surface);
	producer->window.configured = false;
	producer->full = true;
	return do_sync(producer, args);
}

static const char *do_map(struct producer *producer, const char *args) {
	wl_surface_commit(producer->window.surface);
	if (!loop_wait(&producer->loop, &producer->window.configured, PATIENCE)) {
		return "not configured";
	}
	return do_frame(producer, args);
}

static const char *reshape(struct producer *producer, bool fullscreen, const char *output) {
	producer->window.changed = false;
	if (!window_set_fullscreen(&producer->window, fullscreen, output)) {
		return "no such output";
	}
	if (!loop_wait(&producer->loop, &producer->window.changed, PATIENCE)) {
		return "not configured";
	}
	return do_frame(producer, "");
}

static const char *do_fullscreen(struct producer *producer, const char *args) {
	return reshape(producer, true, *args != '\0' ? args : NULL);
}

static const char *do_windowed(struct producer *producer, const char *args) {
	return reshape(producer, false, NULL);
}

static const char *do_quiesce(struct producer *producer, const char *args) {
	if (strcmp(args, "first") == 0) {
		buffer_set_finish(&producer->set);
	} else if (*args != '\0' && strcmp(args, "keep") != 0) {
		return "quiesce needs nothing, first or keep";
	}
	return producer_quiesce(producer, strcmp(args, "keep") == 0);
}

static const char *do_resume(struct producer *producer, const char *args) {
	return producer_resume(producer);
}

static const char *do_reset(struct producer *producer, const char *args) {
	return memory_reset(&producer->memory) ? NULL : "the device could not be reset";
}

static const char *do_drop(struct producer *producer, const char *args) {
	buffer_set_finish(&producer->set);
	return do_sync(producer, args);
}

static const char *do_make(struct producer *producer, const char *args) {
	return producer_make_buffers(producer) ? NULL : "no buffers";
}

static const char *do_params(struct producer *producer, const char *args) {
	if (producer->source.wl_source == NULL) {
		return "no source";
	}
	sluice_vram_source_v1_create_params(producer->source.wl_source,
		(uint32_t)producer->options.region);
	return do_sync(producer, args);
}

static const char *do_memory(struct producer *producer, const char *args) {
	bool on = strcmp(args, "on") == 0;
	if (!on && strcmp(args, "off") != 0) {
		return "memory needs on or off";
	}
	if (producer->memory.device == NULL) {
		return "no device";
	}
	int ret = sluice_vfio_device_set_memory(producer->memory.device, on);
	return ret < 0 ? strerror(-ret) : NULL;
}

static const char *do_quit(struct producer *producer, const char *args) {
	producer->loop.stop = true;
	return NULL;
}

static const struct {
	const char *name;
	command_func func;
} commands[] = {
	{ "frame", do_frame },
	{ "damage", do_damage },
	{ "fill", do_fill },
	{ "poison", do_poison },
	{ "pattern", do_pattern },
	{ "commit", do_commit },
	{ "flip", do_flip },
	{ "sync", do_sync },
	{ "unmap", do_unmap },
	{ "map", do_map },
	{ "fullscreen", do_fullscreen },
	{ "windowed", do_windowed },
	{ "quiesce", do_quiesce },
	{ "reset", do_reset },
	{ "drop", do_drop },
	{ "params", do_params },
	{ "make", do_make },
	{ "memory", do_memory },
	{ "resume", do_resume },
	{ "quit", do_quit },
};

static const char *run_line(struct producer *producer, char *line) {
	line[strcspn(line, "\n")] = '\0';
	char *args = line + strcspn(line, " ");
	if (*args != '\0') {
		*args++ = '\0';
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(line, commands[i].name) == 0) {
			return commands[i].func(producer, args);
		}
	}
	return "no such command";
}

void step_run(struct producer *producer) {
	struct loop *loop = &producer->loop;
	char *line = NULL;
	size_t size = 0;
	// A line that stdio had read ahead would not wake the loop.
	setvbuf(stdin, NULL, _IONBF, 0);
	while (!loop->stop && !producer->window.closed) {
		loop_turn(loop, -1);
		producer_answer_request(producer);
		if (!loop->input || loop->stop) {
			continue;
		}
		if (getline(&line, &size, stdin) < 0) {
			break;
		}
		const char *error = run_line(producer, line);
		if (error != NULL) {
			say("error %s", error);
		} else {
			say("ok");
		}
	}
	free(line);
	say("done frames=%u", producer->frame);
}
