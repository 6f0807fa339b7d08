"""Every malformed call of the feature, and what comes of it: JSON, a name and an errno a line."""

from __future__ import annotations

import json
import os
import struct
import sys

from vfio import BAR, DMA_BUF, GET, PAGE, PROBE, SET, Device, name

END = 1 << 64
ONE = [(0, PAGE)]


def cases(device: Device, size: int) -> dict[str, object]:
    head = struct.pack("IIII", BAR, os.O_RDWR, 0, 1)
    one = head + struct.pack("QQ", 0, PAGE)

    def ranges(*pairs: tuple[int, int]):
        return lambda: device.export(pairs)

    def feature(flags: int, payload: bytes = one, argsz: int | None = None):
        return lambda: device.feature(flags, payload, argsz)

    return {
        "probe": feature(PROBE | GET | DMA_BUF, b""),
        "probe set": feature(PROBE | SET | DMA_BUF, b""),
        "probe get and set": feature(PROBE | GET | SET | DMA_BUF, b""),
        "set": feature(SET | DMA_BUF),
        "get and set": feature(GET | SET | DMA_BUF),
        "neither": feature(DMA_BUF),
        "unknown bits": feature(GET | DMA_BUF | 1 << 24),
        "argsz without the payload": feature(GET | DMA_BUF, b""),
        "argsz within the payload": feature(GET | DMA_BUF, one, 8 + 15),
        "argsz without the ranges": feature(GET | DMA_BUF, one, 8 + 16),
        "argsz 0": feature(GET | DMA_BUF, one, 0),
        "argsz huge": feature(GET | DMA_BUF, one, 0xffffffff),
        "good": ranges((0, PAGE)),
        "last page": ranges((size - PAGE, PAGE)),
        "whole BAR": ranges((0, size)),
        "the same range twice": ranges((0, PAGE), (0, PAGE)),
        "no ranges": lambda: device.export([]),
        "flags 1": lambda: device.export(ONE, flags=1),
        "flags all": lambda: device.export(ONE, flags=0xffffffff),
        "open_flags read only": lambda: device.export(ONE, open_flags=os.O_RDONLY),
        "open_flags append": lambda: device.export(ONE, open_flags=os.O_RDWR | os.O_APPEND),
        "open_flags all": lambda: device.export(ONE, open_flags=0xffffffff),
        "ROM": lambda: device.export(ONE, region=6),
        "config space": lambda: device.export(ONE, region=7),
        "VGA": lambda: device.export(ONE, region=8),
        "region 9": lambda: device.export(ONE, region=9),
        "region huge": lambda: device.export(ONE, region=0xffffffff),
        "no such BAR": lambda: device.export(ONE, region=5),
        "small BAR": lambda: device.export(ONE, region=0),
        "length 0": ranges((0, 0)),
        "second length 0": ranges((0, PAGE), (PAGE, 0)),
        "length 1": ranges((0, 1)),
        "offset 1": ranges((1, PAGE)),
        "length unaligned": ranges((0, PAGE + 512)),
        "past the end": ranges((size, PAGE)),
        "across the end": ranges((size - PAGE, 2 * PAGE)),
        "longer than the BAR": ranges((0, size + PAGE)),
        "second past the end": ranges((0, PAGE), (size, PAGE)),
        "offset wraps": ranges((END - PAGE, PAGE)),
        "offset and length wrap": ranges((PAGE, END - PAGE)),
        "length half of all": ranges((0, END // 2)),
        "lengths wrap": ranges((0, END - PAGE), (0, 2 * PAGE)),
        "lengths reach the top bit": ranges((0, END // 4), (0, END // 4)),
        "2**32-1 ranges": lambda: device.export(ONE, count=0xffffffff),
        "2**20 ranges announced": lambda: device.export(ONE, count=1 << 20),
        "a page of ranges": lambda: device.export(ONE * 256),
        "bad pointer": lambda: bad_pointer(device),
    }


def bad_pointer(device: Device) -> int:
    """The head lies at the very end of a page, behind which there is none."""
    import ctypes
    import mmap
    area = mmap.mmap(-1, 2 * PAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(area))
    from vfio import FEATURE, libc
    if libc.munmap(ctypes.c_void_p(start + PAGE), PAGE) != 0:
        raise OSError("munmap")
    payload = struct.pack("IIIIII", 8 + 16 + 16, GET | DMA_BUF, BAR, os.O_RDWR, 0, 1)
    at = PAGE - len(payload)
    ctypes.memmove(start + at, payload, len(payload))
    result = libc.ioctl(device.fd, ctypes.c_ulong(FEATURE), ctypes.c_void_p(start + at))
    error = ctypes.get_errno()
    # What is not there any more cannot be unmapped again
    _KEEP.append(area)
    return -error if result < 0 else result


_KEEP: list[object] = []


def fds() -> int:
    return len(os.listdir("/proc/self/fd"))


def main() -> None:
    device = Device(sys.argv[1])
    _, size = device.region(BAR)
    outcomes = {}
    for title, call in cases(device, size).items():
        before = fds()
        result = call()
        outcomes[title] = name(-result) if result < 0 else "ok"
        if result > 0:
            os.close(result)
        assert fds() == before, f"{title} leaks a file descriptor"
    print(json.dumps(outcomes))
    sys.stdout.flush()
    device.close()
    # Without the interpreter's tidying up, which knows nothing of the hole
    os._exit(0)


if __name__ == "__main__":
    main()
