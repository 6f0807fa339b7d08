#include "source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"
#include "sluice-vram-v1-client-protocol.h"

static void handle_device(void *data, struct sluice_vram_source_v1 *wl_source,
		const char *address) {
	struct source *source = data;
	if (source->verbose) {
		say("device %s", *address != '\0' ? address : "-");
	}
}

static void handle_region(void *data, struct sluice_vram_source_v1 *wl_source, uint32_t index,
		uint32_t size_hi, uint32_t size_lo, uint32_t flags) {
	struct source *source = data;
	uint64_t size = (uint64_t)size_hi << 32 | size_lo;
	if (index < SOURCE_REGIONS) {
		source->regions[index].size = size;
		source->regions[index].flags = flags;
	}
	if (source->verbose) {
		say("region %u 0x%" PRIx64 "%s%s", index, size,
			flags & SLUICE_VRAM_SOURCE_V1_REGION_FLAGS_EXPORT ? " export" : "",
			flags & SLUICE_VRAM_SOURCE_V1_REGION_FLAGS_CPU_MAP ? " cpu_map" : "");
	}
}

static void handle_device_ready(void *data, struct sluice_vram_source_v1 *wl_source) {
	struct source *source = data;
	source->answered = source->ready = true;
	if (source->verbose) {
		say("device-ready");
	}
}

static void handle_device_failed(void *data, struct sluice_vram_source_v1 *wl_source,
		uint32_t reason, const char *message) {
	struct source *source = data;
	source->answered = source->failed = true;
	source->failure = reason;
	free(source->message);
	source->message = strdup(message);
	if (source->verbose) {
		say("device-failed %s %s", failure_name(reason), message);
	}
}

static void handle_quiesced(void *data, struct sluice_vram_source_v1 *wl_source,
		uint32_t serial) {
	struct source *source = data;
	source->quiesced = true;
	if (source->verbose) {
		say("quiesced %u", serial);
	}
}

static void handle_revoked(void *data, struct sluice_vram_source_v1 *wl_source,
		uint32_t reason) {
	struct source *source = data;
	source->revoked = source->settled = true;
	source->final = reason == SLUICE_VRAM_SOURCE_V1_REVOKE_REASON_UNPLUGGED ||
		reason == SLUICE_VRAM_SOURCE_V1_REVOKE_REASON_OWNER_GONE;
	if (source->verbose) {
		say("revoked %s", revoke_reason_name(reason));
	}
}

static void handle_resumed(void *data, struct sluice_vram_source_v1 *wl_source) {
	struct source *source = data;
	source->revoked = source->quiesced = false;
	source->settled = true;
	if (source->verbose) {
		say("resumed");
	}
}

static const struct sluice_vram_source_v1_listener source_listener = {
	.device = handle_device,
	.region = handle_region,
	.device_ready = handle_device_ready,
	.device_failed = handle_device_failed,
	.quiesced = handle_quiesced,
	.revoked = handle_revoked,
	.resumed = handle_resumed,
};

void source_init(struct source *source, struct sluice_vram_manager_v1 *manager, const char *name,
		bool verbose) {
	*source = (struct source){ .verbose = verbose };
	source->wl_source = sluice_vram_manager_v1_create_source(manager, name);
	sluice_vram_source_v1_add_listener(source->wl_source, &source_listener, source);
}

void source_finish(struct source *source) {
	if (source->wl_source != NULL) {
		sluice_vram_source_v1_destroy(source->wl_source);
	}
	free(source->message);
	*source = (struct source){ 0 };
}
