"""Random layouts of ranges: every page that is mapped, by the CPU or for DMA, is the right one.

usage: layouts.py EXPORTER IMPORTER SEED
"""

from __future__ import annotations

import mmap
import os
import random
import struct
import sys

from vfio import (BAR, DYNAMIC, NO_PCI, PAGE, PEER2PEER, Device, Importer, map_outcome, name,
                  read_outcome)

COUNTS = (1, 2, 3, 5, 8, 13, 21, 34, 64)


def mark(page: int, salt: int) -> bytes:
    return struct.pack("<QQ", page, salt)


def check_layout(device: Device, importer_bdf: str, bar: mmap.mmap, pages: int,
                 count: int, choose: random.Random) -> None:
    lengths = [choose.randint(1, 9) for _ in range(count)]
    ranges = [(choose.randrange(pages - length), length) for length in lengths]
    salt = choose.getrandbits(63)
    order = [start + n for start, length in ranges for n in range(length)]
    for page in order:
        bar[page * PAGE:page * PAGE + 16] = mark(page, salt)

    fd = device.export([(start * PAGE, length * PAGE) for start, length in ranges])
    assert fd >= 0, name(-fd)
    size = len(order) * PAGE
    assert os.lseek(fd, 0, os.SEEK_END) == size

    # Read through all of it; then write, and look at it in the BAR
    outcome, area = map_outcome(fd, size)
    assert area is not None, outcome
    for n, page in enumerate(order):
        assert area[n * PAGE:n * PAGE + 16] == mark(page, salt), f"page {n} is not page {page}"
        if order.index(page) == n:
            area[n * PAGE + 16:n * PAGE + 32] = mark(page, ~salt & (1 << 63) - 1)
    for page in order:
        assert bar[page * PAGE + 16:page * PAGE + 32] == mark(page, ~salt & (1 << 63) - 1)

    # A mapping that begins in the middle
    first = choose.randrange(len(order))
    outcome, part = map_outcome(fd, size - first * PAGE, offset=first * PAGE)
    assert part is not None, outcome
    for n, page in enumerate(order[first:]):
        assert part[n * PAGE:n * PAGE + 16] == mark(page, salt), f"{first} + {n}: not {page}"

    check_dma(device, importer_bdf, fd, ranges)
    os.close(fd)
    # The file descriptor is not what keeps a mapping
    assert area[0:16] == mark(order[0], salt)


def check_dma(device: Device, importer_bdf: str, fd: int, ranges: list[tuple[int, int]]) -> None:
    importer = Importer(importer_bdf)
    assert importer.attach(fd) == 0
    assert importer.map() == 0
    entries, pages = importer.entries()
    assert pages == 0, "there is a CPU list"
    assert [entry for address, length in entries
            for entry in range(address, address + length, PAGE)] == \
        [device.physical(BAR) + (start + n) * PAGE
         for start, length in ranges for n in range(length)]
    assert importer.status()[:2] == (0, True)
    device.set_memory(False)
    notified, mapped, again = importer.status()
    assert notified == 1 and not mapped and name(again) == "ENODEV", (notified, mapped, again)
    assert name(-importer.map()) == "ENODEV"
    device.set_memory(True)
    assert importer.map() == 0
    importer.close()


def check_refusals(device: Device, importer_bdf: str) -> None:
    """Who must not attach, and what cannot be mapped."""
    fd = device.export([(0, 2 * PAGE)])
    for flags, title in ((0, "static"), (DYNAMIC, "without peer2peer"),
                         (DYNAMIC | PEER2PEER | NO_PCI, "no PCI device")):
        importer = Importer(importer_bdf)
        assert name(-importer.attach(fd, flags)) == "EOPNOTSUPP", title
        importer.close()
    assert map_outcome(fd, PAGE, mmap.MAP_PRIVATE)[0] == "EINVAL"
    assert map_outcome(fd, 3 * PAGE)[0] == "EINVAL"
    assert map_outcome(fd, PAGE, offset=2 * PAGE)[0] == "EINVAL"
    assert map_outcome(fd, 2 * PAGE, offset=PAGE)[0] == "EINVAL"
    os.close(fd)

    fd = device.export([(0, PAGE)], open_flags=os.O_RDONLY | os.O_CLOEXEC)
    outcome, area = map_outcome(fd, PAGE, protection=mmap.PROT_READ)
    assert area is not None and read_outcome(area) == "ok", outcome
    assert map_outcome(fd, PAGE)[0] == "EACCES"
    os.close(fd)


def main() -> None:
    exporter, importer, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
    choose = random.Random(seed)
    device = Device(exporter)
    bar = device.map(BAR)
    for count in COUNTS:
        check_layout(device, importer, bar, len(bar) // PAGE, count, choose)
    check_refusals(device, importer)
    print(f"{len(COUNTS)} layouts are right")


if __name__ == "__main__":
    main()
