// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peer-to-peer: how one PCI device reaches the memory of another.
 */

#include <linux/pci.h>

#include "vfio_pci_dmabuf.h"

#if CORE_P2PDMA

enum vpdmabuf_route vpdmabuf_route(struct pci_dev *exporter,
				   struct device *importer)
{
	if (!dev_is_pci(importer)) {
		dev_dbg(importer, "not a PCI device: %s is out of reach\n",
			pci_name(exporter));
		return VPDMABUF_UNREACHABLE;
	}
	if (pci_p2pdma_distance(exporter, importer, false) < 0) {
		dev_dbg(importer,
			"no common switch and no listed host bridge: %s is out of reach\n",
			pci_name(exporter));
		return VPDMABUF_UNREACHABLE;
	}
	/* Which of the routes it is, the core finds out when it maps. */
	return VPDMABUF_HOST_BRIDGE;
}

#else /* the same policy, for kernels without CONFIG_PCI_P2PDMA */

#ifdef CONFIG_X86
#include <asm/processor.h>
#endif

/* Host bridges that forward between their ports, by their first device. */
static const struct {
	u16 device;
	/* Only where both devices are below the same one. */
	bool same_only;
} vpdmabuf_intel_bridges[] = {
	{ 0x3c00, true },	/* Xeon E5, Core i7 */
	{ 0x3c01, true },
	{ 0x2f00, true },	/* Xeon E5 and E7 v3 */
	{ 0x2f01, true },
	{ 0x2030, false },	/* Skylake-E */
	{ 0x2031, false },
	{ 0x2032, false },
	{ 0x2033, false },
	{ 0x2020, false },
	{ 0x09a2, false },
};

/* All of AMD's processors since Zen forward. */
static bool vpdmabuf_cpu_forwards(void)
{
#ifdef CONFIG_X86
	return boot_cpu_data.x86_vendor == X86_VENDOR_AMD &&
	       boot_cpu_data.x86 >= 0x17;
#else
	return false;
#endif
}

static bool vpdmabuf_bridge_forwards(struct pci_dev *dev, bool same)
{
	struct pci_host_bridge *bridge = pci_find_host_bridge(dev->bus);
	struct pci_dev *first;
	size_t i;

	first = list_first_entry_or_null(&bridge->bus->devices, struct pci_dev,
					 bus_list);
	if (!first || first->vendor != PCI_VENDOR_ID_INTEL)
		return false;
	if (first->devfn != PCI_DEVFN(0, 0) &&
	    pci_pcie_type(first) != PCI_EXP_TYPE_ROOT_PORT)
		return false;

	for (i = 0; i < ARRAY_SIZE(vpdmabuf_intel_bridges); i++)
		if (first->device == vpdmabuf_intel_bridges[i].device)
			return same || !vpdmabuf_intel_bridges[i].same_only;
	return false;
}

/* Access control services send peer-to-peer requests upstream. */
static bool vpdmabuf_redirects(struct pci_dev *dev)
{
	u16 control;

	if (!dev->acs_cap)
		return false;
	pci_read_config_word(dev, dev->acs_cap + PCI_ACS_CTRL, &control);
	return control & (PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_EC);
}

static bool vpdmabuf_redirected(struct pci_dev *from, struct pci_dev *to)
{
	for (; from != to; from = pci_upstream_bridge(from))
		if (vpdmabuf_redirects(from))
			return true;
	return false;
}

/* The bridge, or the device itself, below which both are. */
static struct pci_dev *vpdmabuf_common(struct pci_dev *a, struct pci_dev *b)
{
	struct pci_dev *bridge;

	for (; a; a = pci_upstream_bridge(a))
		for (bridge = b; bridge; bridge = pci_upstream_bridge(bridge))
			if (a == bridge)
				return a;
	return NULL;
}

/* A DMA device may be a child of the function that does the DMA. */
static struct pci_dev *vpdmabuf_pci_parent(struct device *dev)
{
	for (; dev; dev = dev->parent)
		if (dev_is_pci(dev))
			return to_pci_dev(dev);
	return NULL;
}

/*
 * The caller holds a device below each bridge that is looked at, and so the
 * bridges.
 */
enum vpdmabuf_route vpdmabuf_route(struct pci_dev *exporter,
				   struct device *importer)
{
	struct pci_dev *client = vpdmabuf_pci_parent(importer);
	struct pci_dev *common;
	bool same;

	if (!client) {
		dev_dbg(importer, "not a PCI device: %s is out of reach\n",
			pci_name(exporter));
		return VPDMABUF_UNREACHABLE;
	}

	common = vpdmabuf_common(exporter, client);
	if (common && !vpdmabuf_redirected(exporter, common) &&
	    !vpdmabuf_redirected(client, common))
		return VPDMABUF_BUS;

	same = pci_find_host_bridge(exporter->bus) ==
	       pci_find_host_bridge(client->bus);
	if (vpdmabuf_cpu_forwards() ||
	    (vpdmabuf_bridge_forwards(exporter, same) &&
	     vpdmabuf_bridge_forwards(client, same)))
		return VPDMABUF_HOST_BRIDGE;

	dev_dbg(importer,
		"%s and no listed host bridge: %s is out of reach\n",
		common ? "access control redirects" : "no common switch",
		pci_name(exporter));
	return VPDMABUF_UNREACHABLE;
}

#endif
