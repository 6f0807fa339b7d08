/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/dmabuf-importer: each open file is an importer, which attaches to one
 * DMA-BUF on behalf of a PCI device.
 */
#ifndef DMABUF_IMPORTER_H
#define DMABUF_IMPORTER_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* What kind of importer it is. */
#define IMPORTER_DYNAMIC	1	/* can be told to give mappings back */
#define IMPORTER_PEER2PEER	2	/* does without struct page */
#define IMPORTER_STUBBORN	4	/* keeps its mapping when told */
#define IMPORTER_NO_PCI		8	/* is no PCI device */

struct importer_attach {
	__s32 fd;
	__u32 flags;
	/* The PCI device: domain 0, bus, and devfn. */
	__u32 bus;
	__u32 devfn;
};

struct importer_entries {
	__u64 entries;		/* where to write struct importer_entry */
	__u32 count;		/* in: room for; out: how many there are */
	__u32 cpu_entries;	/* out: of those, with struct pages */
};

struct importer_entry {
	__u64 address;
	__u64 length;
};

/* Where a page that the device addresses lies, by its IOMMU if it has one. */
struct importer_translate {
	__u64 address;		/* in: of the device; out: physical, or 0 */
};

struct importer_status {
	__u32 notified;		/* how often it was told */
	__u32 mapped;
	/* What mapping again from within the last notification returned. */
	__s32 map_in_notify;
	__u32 pad;
};

#define IMPORTER_ATTACH		_IOW('S', 1, struct importer_attach)
#define IMPORTER_DETACH		_IO('S', 2)
#define IMPORTER_MAP		_IO('S', 3)
#define IMPORTER_UNMAP		_IO('S', 4)
#define IMPORTER_ENTRIES	_IOWR('S', 5, struct importer_entries)
#define IMPORTER_STATUS		_IOR('S', 6, struct importer_status)
#define IMPORTER_TRANSLATE	_IOWR('S', 7, struct importer_translate)

#endif /* DMABUF_IMPORTER_H */
