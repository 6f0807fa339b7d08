#include <stdlib.h>
#include <wlr/types/wlr_gamma_control_v1.h>
#include <wlr/types/wlr_output_layout.h>
#include <wlr/types/wlr_output_management_v1.h>
#include <wlr/types/wlr_output_power_management_v1.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/util/log.h>
#include "output.h"
#include "output_apply.h"
#include "protocol/outputs.h"
#include "server.h"
#include "util/listener.h"

struct outputs {
	struct server *server;
	struct wlr_output_manager_v1 *manager;
	struct wl_event_source *publish; // idle callback, NULL unless pending

	struct wl_listener apply, test, set_power, layout_change;
};

static void publish(void *data) {
	struct outputs *outputs = data;
	outputs->publish = NULL;
	struct wlr_output_configuration_v1 *config = wlr_output_configuration_v1_create();
	if (config == NULL) {
		return;
	}
	struct output *output;
	wl_list_for_each(output, &outputs->server->outputs, link) {
		struct wlr_output_configuration_head_v1 *head =
			wlr_output_configuration_head_v1_create(config, output->wlr_output);
		if (head == NULL) {
			wlr_output_configuration_v1_destroy(config);
			return;
		}
		const struct wlr_output_layout_output *place =
			wlr_output_layout_get(outputs->server->output_layout, output->wlr_output);
		// One that only sleeps is still a part of the desktop
		head->state.enabled = place != NULL;
		if (place != NULL) {
			head->state.x = place->x;
			head->state.y = place->y;
		}
	}
	wlr_output_manager_v1_set_configuration(outputs->manager, config);
}

void outputs_publish(struct outputs *outputs) {
	// Not at once: the layout changes before a new output is in the list
	if (outputs != NULL && outputs->publish == NULL) {
		outputs->publish = wl_event_loop_add_idle(outputs->server->loop, publish, outputs);
	}
}

static void handle_layout_change(struct wl_listener *listener, void *data) {
	struct outputs *outputs = wl_container_of(listener, outputs, layout_change);
	outputs_publish(outputs);
}

/** What is to become of the outputs that are told of; NULL: no memory. */
static struct output_target *create_targets(const struct wl_list *heads, size_t *len_ptr) {
	size_t len = 0, max = (size_t)wl_list_length(heads);
	struct output_target *targets = calloc(max > 0 ? max : 1, sizeof(*targets));
	const struct wlr_output_configuration_head_v1 *head;
	wl_list_for_each(head, heads, link) {
		struct output *output = head->state.output->data;
		if (targets == NULL || output == NULL) {
			continue; // it is gone, or going
		}
		struct output_target *target = &targets[len++];
		*target = (struct output_target){
			.output = output,
			.placed = head->state.enabled,
			.x = head->state.x,
			.y = head->state.y,
		};
		wlr_output_state_init(&target->state);
		wlr_output_head_v1_state_apply(&head->state, &target->state);
	}
	*len_ptr = len;
	return targets;
}

static void destroy_targets(struct output_target *targets, size_t len) {
	for (size_t i = 0; targets != NULL && i < len; i++) {
		wlr_output_state_finish(&targets[i].state);
	}
	free(targets);
}

static void answer(struct wlr_output_configuration_v1 *config, bool ok) {
	if (ok) {
		wlr_output_configuration_v1_send_succeeded(config);
	} else {
		wlr_output_configuration_v1_send_failed(config);
	}
	wlr_output_configuration_v1_destroy(config);
}

static void test_or_apply(struct outputs *outputs, struct wlr_output_configuration_v1 *config,
		bool apply) {
	size_t len;
	struct output_target *targets = create_targets(&config->heads, &len);
	bool ok = targets != NULL && (len == 0 || (apply ?
		outputs_commit(outputs->server, targets, len) :
		outputs_test(outputs->server, targets, len)));
	if (!ok) {
		wlr_log(WLR_INFO, "What a client says of the outputs is refused, by the display driver "
			"perhaps: they stay as they were");
	}
	destroy_targets(targets, len);
	answer(config, ok);
}

static void handle_apply(struct wl_listener *listener, void *data) {
	struct outputs *outputs = wl_container_of(listener, outputs, apply);
	test_or_apply(outputs, data, true);
	outputs_publish(outputs);
}

static void handle_test(struct wl_listener *listener, void *data) {
	struct outputs *outputs = wl_container_of(listener, outputs, test);
	test_or_apply(outputs, data, false);
}

static void handle_set_power(struct wl_listener *listener, void *data) {
	const struct wlr_output_power_v1_set_mode_event *event = data;
	struct output *output = event->output->data;
	if (output != NULL) {
		output_set_power(output, event->mode == ZWLR_OUTPUT_POWER_V1_MODE_ON);
	}
}

struct outputs *outputs_create(struct server *server) {
	struct outputs *outputs = calloc(1, sizeof(*outputs));
	if (outputs == NULL) {
		return NULL;
	}
	outputs->server = server;
	outputs->manager = wlr_output_manager_v1_create(server->display);
	struct wlr_output_power_manager_v1 *power =
		wlr_output_power_manager_v1_create(server->display);
	struct wlr_gamma_control_manager_v1 *gamma =
		wlr_gamma_control_manager_v1_create(server->display);
	if (outputs->manager == NULL || power == NULL || gamma == NULL) {
		free(outputs);
		return NULL;
	}
	wlr_scene_set_gamma_control_manager_v1(server->scene, gamma);
	listener_add(&outputs->manager->events.apply, &outputs->apply, handle_apply);
	listener_add(&outputs->manager->events.test, &outputs->test, handle_test);
	listener_add(&power->events.set_mode, &outputs->set_power, handle_set_power);
	listener_add(&server->output_layout->events.change, &outputs->layout_change,
		handle_layout_change);
	return outputs;
}

void outputs_destroy(struct outputs *outputs) {
	if (outputs == NULL) {
		return;
	}
	wl_list_remove(&outputs->apply.link);
	wl_list_remove(&outputs->test.link);
	wl_list_remove(&outputs->set_power.link);
	wl_list_remove(&outputs->layout_change.link);
	if (outputs->publish != NULL) {
		wl_event_source_remove(outputs->publish);
	}
	free(outputs);
}
