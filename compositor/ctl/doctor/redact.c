#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ctl/doctor/report.h"

#define REMOVED "[removed]"
#define SECRETS_MAX 128
#define SECRET_SIZE 128
/** Shorter ones are words of everybody's: "None", "0", a host called "pc". */
#define SECRET_MIN 5

struct secrets {
	const struct files *files;
	char values[SECRETS_MAX][SECRET_SIZE];
	size_t len;
};

/** What looks the same on every machine: names and UUIDs of disks, and hardware addresses. */
static const char *const patterns[] = {
	"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}",
	"PARTUUID=[0-9A-Fa-f]{8}-[0-9A-Fa-f]{2}",
	"disk/by-id/[A-Za-z0-9._:+-]+", // model and serial number
	"([0-9A-Fa-f]{2}[:-]){5,7}[0-9A-Fa-f]{2}",
};

static void add_secret(struct secrets *secrets, const char *path) {
	if (secrets->len == SECRETS_MAX) {
		return;
	}
	char *value = secrets->values[secrets->len];
	int len = files_read(secrets->files, path, value, SECRET_SIZE);
	while (len > 0 && value[len - 1] == ' ') {
		value[--len] = '\0';
	}
	secrets->len += len >= SECRET_MIN;
}

static int add_pci_serial(const char *name, void *data) {
	char path[256];
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/serial_number", name);
	add_secret(data, path);
	return 0;
}

static int add_network_address(const char *name, void *data) {
	char path[256];
	snprintf(path, sizeof(path), "sys/class/net/%s/address", name);
	add_secret(data, path);
	return 0;
}

static void find_secrets(struct secrets *secrets) {
	static const char *const paths[] = {
		"sys/class/dmi/id/product_serial", "sys/class/dmi/id/product_uuid",
		"sys/class/dmi/id/board_serial", "sys/class/dmi/id/chassis_serial",
		"sys/class/dmi/id/board_asset_tag", "sys/class/dmi/id/chassis_asset_tag",
		"etc/machine-id", "proc/sys/kernel/hostname",
	};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		add_secret(secrets, paths[i]);
	}
	files_list(secrets->files, "sys/bus/pci/devices", add_pci_serial, secrets);
	files_list(secrets->files, "sys/class/net", add_network_address, secrets);
}

/** Replace part of a text. Takes it over. */
static char *replace(char *text, size_t start, size_t len) {
	if (text == NULL) {
		return NULL;
	}
	size_t rest = strlen(text) - start - len;
	char *result = malloc(start + sizeof(REMOVED) + rest);
	if (result != NULL) {
		memcpy(result, text, start);
		memcpy(result + start, REMOVED, sizeof(REMOVED) - 1);
		memcpy(result + start + sizeof(REMOVED) - 1, text + start + len, rest + 1);
	}
	free(text);
	return result;
}

static char *remove_secret(char *text, const char *secret) {
	for (char *found; text != NULL && (found = strstr(text, secret)) != NULL;) {
		text = replace(text, (size_t)(found - text), strlen(secret));
	}
	return text;
}

static char *remove_pattern(char *text, const char *pattern) {
	regex_t regex;
	if (regcomp(&regex, pattern, REG_EXTENDED) != 0) {
		free(text); // nothing is better than too much
		return NULL;
	}
	regmatch_t match;
	while (text != NULL && regexec(&regex, text, 1, &match, 0) == 0) {
		text = replace(text, (size_t)match.rm_so, (size_t)(match.rm_eo - match.rm_so));
	}
	regfree(&regex);
	return text;
}

char *doctor_redact(const struct files *files, const char *text) {
	struct secrets *secrets = calloc(1, sizeof(*secrets));
	char *result = strdup(text);
	if (secrets == NULL) {
		free(result);
		return NULL;
	}
	secrets->files = files;
	find_secrets(secrets);
	for (size_t i = 0; i < secrets->len; i++) {
		// It would be found in itself for ever
		if (strstr(REMOVED, secrets->values[i]) == NULL) {
			result = remove_secret(result, secrets->values[i]);
		}
	}
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		result = remove_pattern(result, patterns[i]);
	}
	free(secrets);
	return result;
}
