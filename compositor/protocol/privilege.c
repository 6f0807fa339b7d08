#include <stdlib.h>
#include <string.h>
#include <wlr/types/wlr_security_context_v1.h>
#include "protocol/privilege.h"
#include "server.h"
#include "shell/xwayland.h"

/**
 * What a sandboxed client may have. Everything else is withheld, so that a protocol which somebody
 * adds and does not think about is not given away. By name: sorted.
 */
static const char *const harmless[] = {
	"org_kde_kwin_server_decoration_manager",
	"wl_compositor",
	"wl_data_device_manager",
	"wl_fixes",
	"wl_output",
	"wl_seat",
	"wl_shm",
	"wl_subcompositor",
	"wp_alpha_modifier_v1",
	"wp_color_manager_v1",
	"wp_color_representation_manager_v1",
	"wp_content_type_manager_v1",
	"wp_cursor_shape_manager_v1",
	"wp_fractional_scale_manager_v1",
	"wp_linux_drm_syncobj_manager_v1",
	"wp_presentation",
	"wp_single_pixel_buffer_manager_v1",
	"wp_tearing_control_manager_v1",
	"wp_viewporter",
	"xdg_activation_v1",
	"xdg_system_bell_v1",
	"xdg_toplevel_icon_manager_v1",
	"xdg_toplevel_tag_manager_v1",
	"xdg_wm_base",
	"xdg_wm_dialog_v1",
	"zwp_idle_inhibit_manager_v1",
	"zwp_linux_dmabuf_v1",
	"zwp_pointer_constraints_v1",
	"zwp_pointer_gestures_v1",
	"zwp_primary_selection_device_manager_v1",
	"zwp_relative_pointer_manager_v1",
	"zwp_tablet_manager_v2",
	"zwp_text_input_manager_v3",
	"zxdg_decoration_manager_v1",
	"zxdg_exporter_v1",
	"zxdg_exporter_v2",
	"zxdg_importer_v1",
	"zxdg_importer_v2",
	"zxdg_output_manager_v1",
};

struct privilege {
	struct server *server;
	struct wlr_security_context_manager_v1 *contexts;
};

static int compare(const void *name, const void *entry) {
	return strcmp(name, *(const char *const *)entry);
}

static bool filter_global(const struct wl_client *client, const struct wl_global *global,
		void *data) {
	const struct privilege *privilege = data;
	if (xwayland_hides(privilege->server->xwayland, client, global)) {
		return false;
	}
	if (wlr_security_context_manager_v1_lookup_client(privilege->contexts, client) == NULL) {
		return true;
	}
	return bsearch(wl_global_get_interface(global)->name, harmless,
		sizeof(harmless) / sizeof(harmless[0]), sizeof(harmless[0]), compare) != NULL;
}

struct privilege *privilege_create(struct server *server) {
	struct privilege *privilege = calloc(1, sizeof(*privilege));
	if (privilege == NULL) {
		return NULL;
	}
	privilege->server = server;
	privilege->contexts = wlr_security_context_manager_v1_create(server->display);
	if (privilege->contexts == NULL) {
		free(privilege);
		return NULL;
	}
	wl_display_set_global_filter(server->display, filter_global, privilege);
	return privilege;
}

void privilege_destroy(struct privilege *privilege) {
	if (privilege == NULL) {
		return;
	}
	wl_display_set_global_filter(privilege->server->display, NULL, NULL);
	free(privilege);
}
