#include <string.h>
#include <pci/pci.h>
#include "doctor/p2p.h"

/** AMD's processors pass such requests from Zen on; the kernel looks at nothing else of them. */
static bool trusts_processor(const struct machine *machine) {
	return strcmp(machine->cpu_vendor, "AuthenticAMD") == 0 && machine->cpu_family >= 0x17;
}

/**
 * What the kernel knows a host bridge by: the first device on its bus, if that is device 0 function
 * 0, or a root port.
 */
static const struct pci_device *find_root(const struct machine *machine,
		const struct pci_device *device) {
	for (size_t i = 0; i < machine->pci.len; i++) {
		const struct pci_device *first = &machine->pci.devices[i];
		if (first->upstream == NULL && strcmp(first->host, device->host) == 0) {
			bool is_root = first->devfn == 0 || first->pcie_type == PCI_EXP_TYPE_ROOT_PORT;
			return is_root ? first : NULL;
		}
	}
	return NULL;
}

static bool is_listed(const struct machine *machine, const struct limits *limits,
		const struct pci_device *a, const struct pci_device *b) {
	const struct pci_device *root_a = find_root(machine, a), *root_b = find_root(machine, b);
	if (root_a == NULL || root_b == NULL) {
		return false;
	}
	bool same = root_a == root_b;
	return limits_has_host_bridge(limits, machine, root_a->vendor, root_a->device, same) &&
		limits_has_host_bridge(limits, machine, root_b->vendor, root_b->device, same);
}

static bool is_above(const struct pci_device *device, const struct pci_device *other) {
	for (; other != NULL; other = other->upstream) {
		if (other == device) {
			return true;
		}
	}
	return false;
}

static const struct pci_device *find_bridge(const struct pci_device *a,
		const struct pci_device *b) {
	for (; a != NULL; a = a->upstream) {
		if (is_above(a, b)) {
			return a;
		}
	}
	return NULL;
}

/** The first port on the way whose ACS redirects. *readable is cleared if one cannot be read. */
static const struct pci_device *find_redirect(const struct pci_device *from,
		const struct pci_device *end, bool *readable) {
	for (; from != end; from = from->upstream) {
		*readable &= from->capabilities_readable;
		if (from->acs_redirects) {
			return from;
		}
	}
	return NULL;
}

struct p2p_verdict p2p_decide(const struct machine *machine, const struct limits *limits,
		const struct pci_device *exporter, const struct pci_device *importer) {
	struct p2p_verdict verdict = {
		.trust = trusts_processor(machine) ? P2P_TRUST_PROCESSOR :
			is_listed(machine, limits, exporter, importer) ? P2P_TRUST_LISTED :
			P2P_TRUST_NONE,
		.bridge = find_bridge(exporter, importer),
		.root = find_root(machine, importer),
	};
	const enum p2p_way by_root = verdict.trust != P2P_TRUST_NONE ? P2P_ROOT : P2P_REFUSED;
	if (verdict.bridge == NULL) {
		verdict.way = by_root;
		return verdict;
	}

	// The kernel counts the common bridge with the exporter's side
	bool readable = true;
	verdict.redirect = find_redirect(exporter, verdict.bridge->upstream, &readable);
	if (verdict.redirect == NULL) {
		verdict.redirect = find_redirect(importer, verdict.bridge, &readable);
	}
	if (verdict.redirect != NULL) {
		verdict.way = by_root;
	} else if (readable || by_root == P2P_ROOT) {
		verdict.way = P2P_BUS;
	} else {
		verdict.way = P2P_UNKNOWN;
	}
	return verdict;
}
