// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peer-to-peer: how one PCI device reaches the memory of another. The policy is
 * the kernel's, whose pci_p2pdma_map_type() is not for modules.
 */

#include <linux/pci.h>
#include <linux/pci-p2pdma.h>
#ifdef CONFIG_X86
#include <asm/processor.h>
#endif

#include "vfio_pci_dmabuf.h"

#ifdef CONFIG_PCI_P2PDMA

static bool vpdmabuf_forwarded(struct pci_dev *exporter, struct pci_dev *client)
{
	return pci_p2pdma_distance(exporter, &client->dev, false) >= 0;
}

#else

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

/* Whether the host bridges send on what one device wants of the other. */
static bool vpdmabuf_forwarded(struct pci_dev *exporter, struct pci_dev *client)
{
	bool same = pci_find_host_bridge(exporter->bus) ==
		    pci_find_host_bridge(client->bus);

	return vpdmabuf_cpu_forwards() ||
	       (vpdmabuf_bridge_forwards(exporter, same) &&
		vpdmabuf_bridge_forwards(client, same));
}

#endif

/* Access control services send peer-to-peer requests upstream. */
static bool vpdmabuf_redirects(struct pci_dev *dev)
{
	u16 control;

	if (!dev->acs_cap)
		return false;
	pci_read_config_word(dev, dev->acs_cap + PCI_ACS_CTRL, &control);
	return control & (PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_EC);
}

/*
 * On the way up to the bridge that both are below, and in that one: it may
 * redirect what one function of a device wants of another.
 */
static bool vpdmabuf_redirected(struct pci_dev *from, struct pci_dev *to)
{
	for (; from != to; from = pci_upstream_bridge(from))
		if (vpdmabuf_redirects(from))
			return true;
	return vpdmabuf_redirects(to);
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

	if (!client) {
		dev_dbg(importer, "not a PCI device: %s is out of reach\n",
			pci_name(exporter));
		return VPDMABUF_UNREACHABLE;
	}

	common = vpdmabuf_common(exporter, client);
	if (common && !vpdmabuf_redirected(exporter, common) &&
	    !vpdmabuf_redirected(client, common))
		return VPDMABUF_BUS;
	if (vpdmabuf_forwarded(exporter, client))
		return VPDMABUF_HOST_BRIDGE;

	dev_dbg(importer,
		"%s and no listed host bridge: %s is out of reach\n",
		common ? "access control redirects" : "no common switch",
		pci_name(exporter));
	return VPDMABUF_UNREACHABLE;
}
