#include <stdlib.h>
#include <string.h>
#include <wlr/util/log.h>
#include "config/config.h"
#include "config/reload.h"
#include "desktop/desktop.h"
#include "ipc/events.h"
#include "kiosk/kiosk.h"
#include "output_apply.h"
#include "seat/seat.h"
#include "server.h"
#include "system/notify.h"

/** Returns NULL, and what is wrong, if it is broken. */
static struct config *load(const struct server *server, char **error_ptr) {
	const struct server_options *options = &server->options;
	// The user's configuration is none of another program's business
	// A test shall not depend on what its user has configured
	bool find = options->config_path == NULL && !options->embedded && options->headless == NULL;
	char *found = find ? config_find() : NULL;
	const char *path = found != NULL ? found : options->config_path;
	struct config_report report;
	*error_ptr = NULL;
	if (!config_report_init(&report)) {
		free(found);
		return NULL;
	}
	struct config *config = config_load(path, &report);
	if (config == NULL) {
		*error_ptr = strdup(config_report_get_text(&report));
	} else if (path != NULL) {
		wlr_log(WLR_INFO, "configuration: %s", path);
	}
	config_report_finish(&report);
	free(found);
	return config;
}

bool config_init(struct server *server) {
	char *error;
	server->config = load(server, &error);
	if (server->config == NULL) {
		wlr_log(WLR_ERROR, "The configuration is broken:\n%s",
			error != NULL ? error : "out of memory");
	}
	free(error);
	return server->config != NULL;
}

/** Returns false, and what did not work, if not all of the configuration could be applied. */
static bool apply(struct server *server, char **error_ptr) {
	struct config_report report;
	if (!config_report_init(&report)) {
		return false;
	}
	desktop_apply_config(server);
	outputs_apply_config(server, &report);
	seat_apply_config(server->seat, &report);
	bool ok = report.errors == 0;
	if (!ok) {
		*error_ptr = strdup(config_report_get_text(&report));
		wlr_log(WLR_ERROR, "Not all of the configuration works here:\n%s",
			config_report_get_text(&report));
	}
	config_report_finish(&report);
	return ok;
}

static bool reload(struct server *server, char **error_ptr) {
	if (server->quitting) {
		*error_ptr = strdup("sluice is ending"); // and must not start anything again
		return false;
	}
	struct config *config = load(server, error_ptr);
	if (config == NULL) {
		wlr_log(WLR_ERROR, "The configuration is broken; the former one stays:\n%s",
			*error_ptr != NULL ? *error_ptr : "out of memory");
		ipc_tell_config(server, "failed", *error_ptr);
		return false;
	}
	struct config *former = server->config;
	server->config = config;
	if (config->xwayland != former->xwayland) {
		wlr_log(WLR_INFO, "xwayland %s: from the next start on",
			config->xwayland ? "on" : "off");
	}
	kiosk_reload(server->kiosk);
	config_destroy(former);
	bool ok = apply(server, error_ptr);
	ipc_tell_config(server, "reloaded", *error_ptr);
	return ok;
}

bool config_reload(struct server *server, char **error_ptr) {
	notify_reloading();
	bool ok = reload(server, error_ptr);
	notify_reloaded();
	return ok;
}

int config_handle_signal(int signal, void *data) {
	char *error;
	if (!config_reload(data, &error)) {
		free(error); // it was logged
	}
	return 0;
}
