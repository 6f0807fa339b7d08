/*
 * A sluice_vram_source_v1 and what the compositor said about it.
 */
#ifndef TESTS_CLIENTS_SOURCE_H
#define TESTS_CLIENTS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sluice_vram_manager_v1;
struct sluice_vram_source_v1;

#define SOURCE_REGIONS 16

struct source {
	struct sluice_vram_source_v1 *wl_source; // NULL: there is none
	bool verbose; // print what arrives

	bool answered; // set_device was, as ready or failed
	bool ready;
	bool failed;
	uint32_t failure;
	char *message; // of the failure

	struct {
		uint64_t size;
		uint32_t flags;
	} regions[SOURCE_REGIONS];

	bool quiesced;
	bool revoked;
	bool final; // revoked for a reason that resume does not help against
	bool settled; // resume was answered, as resumed or revoked
};

/** Create a source. Every event is printed if verbose. */
void source_init(struct source *source, struct sluice_vram_manager_v1 *manager, const char *name,
	bool verbose);
void source_finish(struct source *source);

#endif
