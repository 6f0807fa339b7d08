#include <stdio.h>
#include <string.h>
#include "vfio/private.h"

static bool parse_hex(const char **text, size_t max_digits, uint32_t *value) {
	static const char digits[] = "0123456789abcdef";
	uint32_t result = 0;
	size_t n = 0;
	for (; n < max_digits && (*text)[n] != '\0'; n++) {
		char c = (*text)[n];
		if (c >= 'A' && c <= 'F') {
			c = (char)(c - 'A' + 'a');
		}
		const char *digit = strchr(digits, c);
		if (digit == NULL) {
			break;
		}
		result = result << 4 | (uint32_t)(digit - digits);
	}
	*text += n;
	*value = result;
	return n > 0;
}

bool pci_address_parse(const char *text, char address[static PCI_ADDRESS_SIZE]) {
	uint32_t domain = 0, bus, slot, function;

	// Bridges that remap their bus (Intel VMD) make domains of more than 16 bits
	if (!parse_hex(&text, 8, &bus) || *text++ != ':') {
		return false;
	}
	if (!parse_hex(&text, 8, &slot)) {
		return false;
	}
	if (*text == ':') {
		text++;
		domain = bus;
		bus = slot;
		if (!parse_hex(&text, 8, &slot)) {
			return false;
		}
	}
	if (*text++ != '.' || !parse_hex(&text, 8, &function) || *text != '\0') {
		return false;
	}
	if (bus > 0xff || slot > 0x1f || function > 7) {
		return false;
	}

	snprintf(address, PCI_ADDRESS_SIZE, "%04x:%02x:%02x.%x",
		domain, bus, slot, function);
	return true;
}

bool sluice_pci_address_parse(const char *text, char address[static SLUICE_PCI_ADDRESS_SIZE]) {
	return pci_address_parse(text, address);
}
