#include <stdlib.h>
#include <wlr/types/wlr_alpha_modifier_v1.h>
#include <wlr/types/wlr_color_management_v1.h>
#include <wlr/types/wlr_color_representation_v1.h>
#include <wlr/types/wlr_compositor.h>
#include <wlr/types/wlr_content_type_v1.h>
#include <wlr/types/wlr_ext_image_capture_source_v1.h>
#include <wlr/types/wlr_ext_image_copy_capture_v1.h>
#include <wlr/types/wlr_fixes.h>
#include <wlr/types/wlr_fractional_scale_v1.h>
#include <wlr/types/wlr_linux_dmabuf_v1.h>
#include <wlr/types/wlr_linux_drm_syncobj_v1.h>
#include <wlr/types/wlr_presentation_time.h>
#include <wlr/types/wlr_scene.h>
#include <wlr/types/wlr_screencopy_v1.h>
#include <wlr/types/wlr_single_pixel_buffer_v1.h>
#include <wlr/types/wlr_subcompositor.h>
#include <wlr/types/wlr_tearing_control_v1.h>
#include <wlr/types/wlr_viewporter.h>
#include <wlr/types/wlr_xdg_dialog_v1.h>
#include <wlr/types/wlr_xdg_foreign_registry.h>
#include <wlr/types/wlr_xdg_foreign_v1.h>
#include <wlr/types/wlr_xdg_foreign_v2.h>
#include <wlr/types/wlr_xdg_output_v1.h>
#include <wlr/types/wlr_xdg_toplevel_icon_v1.h>
#include <wlr/types/wlr_xdg_toplevel_tag_v1.h>
#include <wlr/util/log.h>
#include "protocol/activation.h"
#include "protocol/bell.h"
#include "protocol/decoration.h"
#include "protocol/idle.h"
#include "protocol/lease.h"
#include "protocol/outputs.h"
#include "protocol/privilege.h"
#include "protocol/protocol.h"
#include "server.h"

/** The newest versions that wlroots 0.20 implements. */
#define COMPOSITOR_VERSION 6
#define PRESENTATION_VERSION 2
#define LINUX_DMABUF_VERSION 5
#define COLOR_MANAGER_VERSION 2

/** What describes a buffer's colours, where the renderer can do something with it. */
static bool init_color(struct server *server) {
	struct wlr_renderer *renderer = server->renderer;
	if (wlr_color_representation_manager_v1_create_with_renderer(server->display, 1,
			renderer) == NULL) {
		return false;
	}
	if (!renderer->features.input_color_transform) {
		return true;
	}
	static const enum wp_color_manager_v1_render_intent intents[] = {
		WP_COLOR_MANAGER_V1_RENDER_INTENT_PERCEPTUAL,
	};
	struct wlr_color_manager_v1_options options = {
		.features = { .parametric = true, .set_mastering_display_primaries = true },
		.render_intents = intents,
		.render_intents_len = sizeof(intents) / sizeof(intents[0]),
	};
	enum wp_color_manager_v1_transfer_function *functions =
		wlr_color_manager_v1_transfer_function_list_from_renderer(renderer,
			&options.transfer_functions_len);
	enum wp_color_manager_v1_primaries *primaries =
		wlr_color_manager_v1_primaries_list_from_renderer(renderer, &options.primaries_len);
	options.transfer_functions = functions;
	options.primaries = primaries;
	struct wlr_color_manager_v1 *manager = NULL;
	if (functions != NULL && primaries != NULL) {
		manager = wlr_color_manager_v1_create(server->display, COLOR_MANAGER_VERSION, &options);
	}
	free(functions);
	free(primaries);
	if (manager == NULL) {
		return false;
	}
	wlr_scene_set_color_manager_v1(server->scene, manager);
	return true;
}

static bool init_dmabuf(struct server *server) {
	int drm_fd = wlr_renderer_get_drm_fd(server->renderer);
	if (drm_fd < 0) {
		return true; // no device that a buffer could come from
	}
	struct wlr_linux_dmabuf_v1 *dmabuf = wlr_linux_dmabuf_v1_create_with_renderer(
		server->display, LINUX_DMABUF_VERSION, server->renderer);
	if (dmabuf == NULL) {
		return false;
	}
	wlr_scene_set_linux_dmabuf_v1(server->scene, dmabuf);
	if (!server->renderer->features.timeline || !server->backend->features.timeline) {
		return true;
	}
	return wlr_linux_drm_syncobj_manager_v1_create(server->display, 1, drm_fd) != NULL;
}

bool protocols_init_surface(struct server *server) {
	struct wl_display *display = server->display;
	server->compositor =
		wlr_compositor_create(display, COMPOSITOR_VERSION, server->renderer);
	return server->compositor != NULL &&
		wlr_renderer_init_wl_shm(server->renderer, display) &&
		init_dmabuf(server) &&
		init_color(server) &&
		wlr_fixes_create(display, 1) != NULL &&
		wlr_subcompositor_create(display) != NULL &&
		wlr_viewporter_create(display) != NULL &&
		wlr_presentation_create(display, server->backend, PRESENTATION_VERSION) != NULL &&
		wlr_single_pixel_buffer_manager_v1_create(display) != NULL &&
		wlr_alpha_modifier_v1_create(display) != NULL &&
		wlr_fractional_scale_manager_v1_create(display, 1) != NULL &&
		wlr_content_type_manager_v1_create(display, 1) != NULL &&
		wlr_tearing_control_manager_v1_create(display, 1) != NULL;
}

/** What says more about a window, for whoever reads it: nothing here has to answer. */
static bool init_window_notes(struct wl_display *display) {
	struct wlr_xdg_foreign_registry *registry = wlr_xdg_foreign_registry_create(display);
	return registry != NULL &&
		wlr_xdg_foreign_v1_create(display, registry) != NULL &&
		wlr_xdg_foreign_v2_create(display, registry) != NULL &&
		wlr_xdg_wm_dialog_v1_create(display, 1) != NULL &&
		wlr_xdg_toplevel_icon_manager_v1_create(display, 1) != NULL &&
		wlr_xdg_toplevel_tag_manager_v1_create(display, 1) != NULL;
}

static bool init_capture(struct wl_display *display) {
	return wlr_screencopy_manager_v1_create(display) != NULL &&
		wlr_ext_image_copy_capture_manager_v1_create(display, 1) != NULL &&
		wlr_ext_output_image_capture_source_manager_v1_create(display, 1) != NULL;
}

bool protocols_init(struct server *server) {
	struct protocols *protocols = &server->protocols;
	if (wlr_xdg_output_manager_v1_create(server->display, server->output_layout) == NULL ||
			!init_window_notes(server->display) || !init_capture(server->display)) {
		wlr_log(WLR_ERROR, "Cannot create the Wayland globals");
		return false;
	}
	protocols->privilege = privilege_create(server);
	protocols->idle = idle_create(server);
	protocols->activation = activation_create(server);
	protocols->bell = bell_create(server);
	protocols->decorations = decorations_create(server);
	protocols->outputs = outputs_create(server);
	protocols->lease = lease_create(server);
	return protocols->privilege != NULL && protocols->idle != NULL &&
		protocols->activation != NULL && protocols->bell != NULL &&
		protocols->decorations != NULL && protocols->outputs != NULL;
}

void protocols_finish(struct server *server) {
	struct protocols *protocols = &server->protocols;
	lease_destroy(protocols->lease);
	outputs_destroy(protocols->outputs);
	decorations_destroy(protocols->decorations);
	bell_destroy(protocols->bell);
	activation_destroy(protocols->activation);
	idle_destroy(protocols->idle);
	privilege_destroy(protocols->privilege);
	*protocols = (struct protocols){0};
}
