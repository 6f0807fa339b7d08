"""How importers reach an exporter, with access control (ACS) on and off in the bridges between.

usage: routes.py EXPORTER IMPORTER [SEED]

Says for each setting what became of it, as JSON: "unreachable", or what the addresses are: "bus",
the exporter's own, or "host bridge", those of the IOMMU, which must translate for the importer. Each
page is looked up there, and compared with the one of the ranges, for 1 to 64 ranges.
"""

from __future__ import annotations

import json
import os
import random
import sys

from vfio import BAR, PAGE, Device, Importer, name

SYSFS = "/sys/bus/pci/devices"
EXPRESS_ACS = 0x000d
# Request and completion redirect, egress control
ACS_CONTROL, REDIRECT = 6, 4 | 8 | 32
COUNTS = (1, 2, 3, 5, 8, 13, 21, 34, 64)


def bridges(bdf: str) -> list[str]:
    """What is above a device, the nearest first."""
    parts = os.path.realpath(f"{SYSFS}/{bdf}").split("/")
    return [part for part in reversed(parts[:-1]) if part.count(":") == 2]


def group(bdf: str) -> str:
    return os.path.realpath(f"{SYSFS}/{bdf}/iommu_group")


class Bridge:
    def __init__(self, bdf: str) -> None:
        self.fd = os.open(f"{SYSFS}/{bdf}/config", os.O_RDWR)
        self.control = self._find()
        self.before = self.get()

    def _find(self) -> int:
        at = 0x100
        while at:
            header = int.from_bytes(os.pread(self.fd, 4, at), "little")
            if header & 0xffff == EXPRESS_ACS:
                return at + ACS_CONTROL
            at = header >> 20
        return 0

    def get(self) -> int:
        return int.from_bytes(os.pread(self.fd, 2, self.control), "little") if self.control else 0

    def set(self, value: int) -> None:
        if self.control:
            os.pwrite(self.fd, value.to_bytes(2, "little"), self.control)

    def redirect(self, on: bool) -> None:
        self.set(self.before | REDIRECT & ~32 if on else self.before & ~REDIRECT)
        assert not self.control or bool(self.get() & REDIRECT) == on


def layout(choose: random.Random, count: int, pages: int) -> list[tuple[int, int]]:
    lengths = [choose.randint(1, 9) for _ in range(count)]
    return [(choose.randrange(pages - length), length) for length in lengths]


def route(device: Device, importer_bdf: str, ranges: list[tuple[int, int]]) -> str:
    fd = device.export([(start * PAGE, length * PAGE) for start, length in ranges])
    assert fd >= 0, name(-fd)
    importer = Importer(importer_bdf)
    try:
        error = -importer.attach(fd)
        if error:
            return "unreachable" if name(error) == "EOPNOTSUPP" else f"attach {name(error)}"
        error = -importer.map()
        if error:
            return f"map {name(error)}"
        entries, _ = importer.entries()
        got = [page for address, length in entries
               for page in range(address, address + length, PAGE)]
        base = device.physical(BAR)
        wanted = [base + (start + n) * PAGE for start, length in ranges for n in range(length)]
        if got == wanted:
            return "bus"
        assert not set(got) & set(wanted), "some are bus addresses, and others are not"
        assert len(set(got)) == len(wanted), "two pages have one address"
        # One that shares the exporter's group has that domain now, and not the one it maps in
        known = group(importer_bdf) != group(device.bdf)
        if not known or [importer.translate(address) for address in got] == wanted:
            return "host bridge"
        return "wrong pages"
    finally:
        importer.close()
        os.close(fd)


def main() -> None:
    exporter, importer = sys.argv[1:3]
    choose = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    device = Device(exporter)
    pages = device.region(BAR)[1] // PAGE
    above = {bdf: Bridge(bdf) for bdf in {*bridges(exporter), *bridges(importer)}}
    shared = [bdf for bdf in bridges(exporter) if bdf in bridges(importer)]
    own = {"exporter's": [bdf for bdf in bridges(exporter) if bdf not in shared],
           "importer's": [bdf for bdf in bridges(importer) if bdf not in shared],
           # The first is where their ways part
           "common": shared[:1], "above": shared[1:]}
    outcomes = {}
    for title, parts in {
        "as it is": None, "off": (), "exporter's": ("exporter's",), "importer's": ("importer's",),
        "common": ("common",), "above": ("above",),
    }.items():
        for bdf, bridge in above.items():
            if parts is None:
                bridge.set(bridge.before)
            else:
                bridge.redirect(any(bdf in own[part] for part in parts))
        outcomes[title] = sorted({route(device, importer, layout(choose, count, pages))
                                  for count in COUNTS})
    for bridge in above.values():
        bridge.set(bridge.before)
    print(json.dumps({
        title: outcome[0] if len(outcome) == 1 else outcome for title, outcome in outcomes.items()}))


if __name__ == "__main__":
    main()
