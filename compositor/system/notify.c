#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <wlr/util/log.h>
#include "system/notify.h"

/** A bus that does not answer must not keep the screens dark. */
#define BUS_TIMEOUT_USEC (2 * UINT64_C(1000000))

static const char *const variables[] = {
	"WAYLAND_DISPLAY",
	"DISPLAY",
	"SLUICE_SOCK",
	"XDG_CURRENT_DESKTOP",
	"XDG_SESSION_TYPE",
};
#define VARIABLES_LEN (sizeof(variables) / sizeof(variables[0]))

/** Whether a user's service manager started this as a session: systemd.exec(5). */
static bool is_user_service(const struct server *server) {
	return server->options.mode == MODE_SESSION && getenv("NOTIFY_SOCKET") != NULL &&
		getenv("MANAGERPID") != NULL;
}

/** a{ss}; D-Bus' daemon cannot unset, and is given empty values. */
static int append_pairs(sd_bus_message *message, bool set) {
	int ret = sd_bus_message_open_container(message, 'a', "{ss}");
	for (size_t i = 0; ret >= 0 && i < VARIABLES_LEN; i++) {
		const char *value = getenv(variables[i]);
		if (value != NULL) {
			ret = sd_bus_message_append(message, "{ss}", variables[i], set ? value : "");
		}
	}
	return ret < 0 ? ret : sd_bus_message_close_container(message);
}

/** as: NAME=value to set, NAME to unset. */
static int append_assignments(sd_bus_message *message, bool set) {
	int ret = sd_bus_message_open_container(message, 'a', "s");
	for (size_t i = 0; ret >= 0 && i < VARIABLES_LEN; i++) {
		const char *value = getenv(variables[i]);
		if (value == NULL) {
			continue;
		}
		char *assignment = NULL;
		size_t len = strlen(variables[i]) + strlen(value) + 2;
		if (set && (assignment = malloc(len)) == NULL) {
			return -ENOMEM;
		}
		if (set) {
			strcpy(assignment, variables[i]);
			strcat(assignment, "=");
			strcat(assignment, value);
		}
		ret = sd_bus_message_append(message, "s", set ? assignment : variables[i]);
		free(assignment);
	}
	return ret < 0 ? ret : sd_bus_message_close_container(message);
}

static void call(sd_bus *bus, const char *service, const char *path, const char *interface,
		const char *member, int (*append)(sd_bus_message *message, bool set), bool set) {
	sd_bus_message *message = NULL;
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int ret = sd_bus_message_new_method_call(bus, &message, service, path, interface, member);
	if (ret >= 0) {
		ret = append(message, set);
	}
	if (ret >= 0) {
		ret = sd_bus_call(bus, message, BUS_TIMEOUT_USEC, &error, NULL);
	}
	if (ret < 0) {
		wlr_log(WLR_INFO, "What %s starts will not find this compositor by itself: %s", service,
			error.message != NULL ? error.message : strerror(-ret));
	}
	sd_bus_error_free(&error);
	sd_bus_message_unref(message);
}

static void share_environment(bool set) {
	sd_bus *bus = NULL;
	int ret = sd_bus_open_user(&bus);
	if (ret < 0) {
		wlr_log(WLR_INFO, "No user bus: %s", strerror(-ret));
		return;
	}
	call(bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
		"org.freedesktop.systemd1.Manager", set ? "SetEnvironment" : "UnsetEnvironment",
		append_assignments, set);
	call(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
		"UpdateActivationEnvironment", append_pairs, set);
	sd_bus_flush_close_unref(bus);
}

void notify_ready(const struct server *server) {
	if (is_user_service(server)) {
		share_environment(true);
	}
	sd_notifyf(false, "READY=1\nSTATUS=On %s", getenv("WAYLAND_DISPLAY"));
}

void notify_reloading(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%lld",
		now.tv_sec * 1000000LL + now.tv_nsec / 1000);
}

void notify_reloaded(void) {
	sd_notify(false, "READY=1");
}

void notify_stopping(const struct server *server) {
	if (is_user_service(server)) {
		share_environment(false);
	}
	sd_notify(false, "STOPPING=1");
}
