/*
 * Whether one PCI device reaches another's memory, by the rules of the kernel's
 * drivers/pci/p2pdma.c (Linux 7.2).
 */
#ifndef SLUICE_DOCTOR_P2P_H
#define SLUICE_DOCTOR_P2P_H

#include "doctor/known_limits.h"
#include "doctor/machine.h"

enum p2p_way {
	P2P_BUS, // by a bridge above both, without going up to the root
	P2P_ROOT, // through the host bridge, which is trusted with it
	P2P_REFUSED, // the kernel refuses to map it: EINVAL
	P2P_UNKNOWN, // it depends on what only root can read
};

enum p2p_trust {
	P2P_TRUST_NONE,
	P2P_TRUST_PROCESSOR, // AMD's Zen and later
	P2P_TRUST_LISTED, // the kernel's list of host bridges
};

struct p2p_verdict {
	enum p2p_way way;
	/** Why the root is trusted with it, whether the way goes through it or not. */
	enum p2p_trust trust;
	const struct pci_device *bridge; // the nearest above both, NULL if there is none
	const struct pci_device *root; // what the kernel knows the importer's host bridge by, or NULL
	/** A port that sends requests up to the root although a bridge is above both, or NULL. */
	const struct pci_device *redirect;
};

struct p2p_verdict p2p_decide(const struct machine *machine, const struct limits *limits,
	const struct pci_device *exporter, const struct pci_device *importer);

#endif
