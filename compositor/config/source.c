#include <drm_fourcc.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sluice/buffer.h>
#include "config/kiosk.h"
#include "util/suggest.h"

/** Images are not larger: rows and their number fit into 32 bits, and the product into 64. */
#define MAX_EXTENT 65535
/** Where Intel GPUs, and the rig's, have their VRAM. */
#define DEFAULT_REGION 2

uint64_t source_config_get_length(const struct source_config *source) {
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t bytes = (uint64_t)source->stride * (uint64_t)source->height;
	return (bytes + page - 1) / page * page;
}

bool source_config_equal(const struct source_config *a, const struct source_config *b) {
	return strcmp(a->name, b->name) == 0 && strcmp(a->device, b->device) == 0 &&
		a->region == b->region && a->offset == b->offset && a->width == b->width &&
		a->height == b->height && a->stride == b->stride && a->format == b->format;
}

/** Decimal, or hexadecimal with 0x before it; K, M or G behind it stand for powers of 1024. */
static bool get_bytes(struct config_parser *parser, const struct scfg_directive *directive,
		uint64_t max, uint64_t *result) {
	const char *param = directive->params[0];
	char *end;
	errno = 0;
	bool hexadecimal = param[0] == '0' && (param[1] == 'x' || param[1] == 'X');
	unsigned long long value = strtoull(param, &end, hexadecimal ? 16 : 10);
	bool ok = param[0] >= '0' && param[0] <= '9' && errno == 0;
	static const char units[] = "KMG";
	const char *unit = *end != '\0' ? strchr(units, *end) : NULL;
	for (int i = 0; ok && unit != NULL && i <= unit - units; i++) {
		ok = !__builtin_mul_overflow(value, 1024ULL, &value);
	}
	end += unit != NULL;
	if (!ok || *end != '\0' || value > max) {
		config_error(parser, directive->lineno, "%s: \"%s\" is no number of bytes up to %llu; it "
			"is written like 4096, 0x1000 or 4K", directive->name, param,
			(unsigned long long)max);
		return false;
	}
	*result = value;
	return true;
}

static void parse_device(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct source_config *source = target;
	char address[SLUICE_PCI_ADDRESS_SIZE];
	if (!sluice_pci_address_parse(directive->params[0], address)) {
		config_error(parser, directive->lineno, "device: \"%s\" is no PCI address; one looks like "
			"0000:03:00.0", directive->params[0]);
		return;
	}
	source->device = strdup(address);
	if (source->device == NULL) {
		config_error(parser, directive->lineno, "device: out of memory");
	}
}

static void parse_region(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct source_config *source = target;
	config_get_int(parser, directive, 0, 0, 5, &source->region);
}

static void parse_offset(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct source_config *source = target;
	// So that no sum with the length of an image leaves 64 bits
	if (!get_bytes(parser, directive, INT64_MAX, &source->offset)) {
		return;
	}
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	if (source->offset % page != 0) {
		config_error(parser, directive->lineno, "offset: 0x%llx is not at the start of a page; "
			"the kernel exports whole pages of %llu bytes",
			(unsigned long long)source->offset, (unsigned long long)page);
	}
}

static void parse_size(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct source_config *source = target;
	const char *param = directive->params[0];
	unsigned width, height;
	int end = 0;
	if (strspn(param, "0123456789x") != strlen(param) ||
			sscanf(param, "%6ux%6u%n", &width, &height, &end) != 2 || param[end] != '\0' ||
			width < 1 || width > MAX_EXTENT || height < 1 || height > MAX_EXTENT) {
		config_error(parser, directive->lineno, "size: \"%s\" is no size; it is written "
			"WIDTHxHEIGHT, each up to %d pixels", param, MAX_EXTENT);
		return;
	}
	source->width = (int)width;
	source->height = (int)height;
}

static void parse_stride(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct source_config *source = target;
	uint64_t stride;
	if (get_bytes(parser, directive, INT32_MAX, &stride)) {
		source->stride = (uint32_t)stride;
		if (stride == 0) {
			config_error(parser, directive->lineno, "stride: rows of 0 bytes have no pixels");
		}
	}
}

/** Those that screens are likely to take; sluice_format_bytes_per_pixel() knows all of them. */
static const struct {
	const char *name;
	uint32_t format;
} formats[] = {
	{ "XRGB8888", DRM_FORMAT_XRGB8888 },
	{ "ARGB8888", DRM_FORMAT_ARGB8888 },
	{ "XBGR8888", DRM_FORMAT_XBGR8888 },
	{ "ABGR8888", DRM_FORMAT_ABGR8888 },
	{ "RGBX8888", DRM_FORMAT_RGBX8888 },
	{ "BGRX8888", DRM_FORMAT_BGRX8888 },
	{ "XRGB2101010", DRM_FORMAT_XRGB2101010 },
	{ "XBGR2101010", DRM_FORMAT_XBGR2101010 },
	{ "RGB565", DRM_FORMAT_RGB565 },
};
#define FORMATS_LEN (sizeof(formats) / sizeof(formats[0]))

static void parse_format(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	struct source_config *source = target;
	const char *choices[FORMATS_LEN + 1] = { 0 };
	for (size_t i = 0; i < FORMATS_LEN; i++) {
		choices[i] = formats[i].name;
	}
	int index;
	if (config_get_choice(parser, directive, 0, choices, &index)) {
		source->format = formats[index].format;
	}
}

/** What can be checked without the device. Its regions are looked at when it is opened. */
static void check(struct config_parser *parser, struct source_config *source) {
	if (source->device == NULL || source->width == 0) {
		config_error(parser, source->line, "source %s: which %s? It is written \"%s\"",
			source->name, source->device == NULL ? "device" : "size",
			source->device == NULL ? "device ADDRESS" : "size WIDTHxHEIGHT");
		return;
	}
	uint64_t row = (uint64_t)source->width * sluice_format_bytes_per_pixel(source->format);
	if (source->stride == 0) {
		source->stride = (uint32_t)row;
	} else if (source->stride < row) {
		config_error(parser, source->line, "source %s: a stride of %u bytes is too small for %d "
			"pixels, which take %llu", source->name, source->stride, source->width,
			(unsigned long long)row);
	}
}

void source_config_parse(struct config_parser *parser, const struct scfg_directive *directive,
		void *target) {
	static const struct config_directive words[] = {
		{ "device", "ADDRESS", 1, 1, 0, parse_device },
		{ "region", "0…5", 1, 1, 0, parse_region },
		{ "offset", "BYTES", 1, 1, 0, parse_offset },
		{ "size", "WIDTHxHEIGHT", 1, 1, 0, parse_size },
		{ "stride", "BYTES", 1, 1, 0, parse_stride },
		{ "format", "XRGB8888|…", 1, 1, 0, parse_format },
		{ 0 },
	};
	struct config *config = target;
	struct source_config *source = calloc(1, sizeof(*source));
	if (source == NULL || !kiosk_config_get_name(parser, directive, &source->name)) {
		free(source);
		return;
	}
	source->line = directive->lineno;
	source->region = DEFAULT_REGION;
	source->format = DRM_FORMAT_XRGB8888;
	wl_list_insert(config->sources.prev, &source->link);
	size_t errors = parser->report->errors;
	config_parse_block(parser, &directive->children, words, source);
	if (parser->report->errors == errors) {
		check(parser, source);
	}
}

void source_config_destroy(struct source_config *source) {
	wl_list_remove(&source->link);
	free(source->name);
	free(source->device);
	free(source);
}
