#include <stdlib.h>
#include <wlr/types/wlr_drm_lease_v1.h>
#include <wlr/types/wlr_output.h>
#include <wlr/util/log.h>
#include "protocol/lease.h"
#include "server.h"
#include "util/listener.h"

struct lease {
	struct wlr_drm_lease_v1_manager *manager;
	struct wl_listener request, destroy;
};

static void handle_request(struct wl_listener *listener, void *data) {
	struct wlr_drm_lease_request_v1 *request = data;
	if (wlr_drm_lease_request_v1_grant(request) == NULL) {
		wlr_log(WLR_ERROR, "The DRM device refuses the lease");
		wlr_drm_lease_request_v1_reject(request);
	}
}

static void handle_destroy(struct wl_listener *listener, void *data) {
	struct lease *lease = wl_container_of(listener, lease, destroy);
	wl_list_remove(&lease->request.link);
	wl_list_remove(&lease->destroy.link);
	lease->manager = NULL;
}

void lease_offer(struct lease *lease, struct wlr_output *wlr_output) {
	if (lease != NULL && lease->manager != NULL &&
			wlr_drm_lease_v1_manager_offer_output(lease->manager, wlr_output)) {
		wlr_log(WLR_INFO, "%s: no desktop screen, offered for lease", wlr_output->name);
	}
}

struct lease *lease_create(struct server *server) {
	struct wlr_drm_lease_v1_manager *manager =
		wlr_drm_lease_v1_manager_create(server->display, server->backend);
	struct lease *lease = manager != NULL ? calloc(1, sizeof(*lease)) : NULL;
	if (lease == NULL) {
		return NULL;
	}
	lease->manager = manager;
	listener_add(&manager->events.request, &lease->request, handle_request);
	listener_add(&manager->events.destroy, &lease->destroy, handle_destroy);
	return lease;
}

void lease_destroy(struct lease *lease) {
	if (lease == NULL) {
		return;
	}
	if (lease->manager != NULL) {
		wl_list_remove(&lease->request.link);
		wl_list_remove(&lease->destroy.link);
	}
	free(lease);
}
