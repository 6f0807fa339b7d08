"""The kernel's interfaces as they are, for what runs in the rig: no library of ours in between."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import signal
import struct
from collections.abc import Sequence

PAGE = 4096
BAR = 2
CONFIG = 7

_TYPE = ord(";") << 8
SET_IOMMU, GROUP_SET_CONTAINER, GROUP_GET_DEVICE_FD = (_TYPE | 100 + n for n in (2, 4, 6))
REGION_INFO, SET_IRQS, DEVICE_RESET, HOT_RESET = (_TYPE | 100 + n for n in (8, 10, 11, 13))
FEATURE = _TYPE | 100 + 17
TYPE1V2 = 3
IRQ_EVENTFD, IRQ_TRIGGER, REQUEST_IRQ = 1 << 2, 1 << 5, 4
GET, SET, PROBE = 1 << 16, 1 << 17, 1 << 18
DMA_BUF, LOW_POWER_ENTRY, LOW_POWER_EXIT = 11, 3, 5

DMA_BUF_SYNC = 1 << 30 | 8 << 16 | ord("b") << 8

COMMAND, COMMAND_MEMORY = 4, 2
CAPABILITY_PM, CAPABILITY_EXPRESS = 1, 16

libc = ctypes.CDLL(None, use_errno=True)


def name(error: int) -> str:
    if error == errno.EOPNOTSUPP:
        return "EOPNOTSUPP"  # one number has two names
    return errno.errorcode.get(error, str(error)) if error else "ok"


def ioctl(fd: int, request: int, data: bytearray | int = 0) -> int:
    """The result, or a negative errno; data is changed in place."""
    argument = (ctypes.c_char * len(data)).from_buffer(data) if isinstance(data, bytearray) \
        else ctypes.c_long(data)
    result = libc.ioctl(fd, ctypes.c_ulong(request), argument)
    return -ctypes.get_errno() if result < 0 else result


class Device:
    """An open vfio device, by group and container."""

    def __init__(self, bdf: str) -> None:
        self.bdf = bdf
        self.sysfs = f"/sys/bus/pci/devices/{bdf}"
        group = os.path.basename(os.readlink(f"{self.sysfs}/iommu_group"))
        self.container = os.open("/dev/vfio/vfio", os.O_RDWR)
        self.group = os.open(f"/dev/vfio/{group}", os.O_RDWR)
        fcntl.ioctl(self.group, GROUP_SET_CONTAINER, struct.pack("i", self.container))
        fcntl.ioctl(self.container, SET_IOMMU, TYPE1V2)
        self.fd = ioctl(self.group, GROUP_GET_DEVICE_FD, bytearray(bdf.encode() + b"\0"))
        if self.fd < 0:
            raise OSError(-self.fd, bdf)
        # Where the kernel asks for the device back; it complains of owners that do not listen
        self.request = os.eventfd(0)
        fcntl.ioctl(self.fd, SET_IRQS, struct.pack(
            "IIIIIi", 24, IRQ_EVENTFD | IRQ_TRIGGER, REQUEST_IRQ, 0, 1, self.request))
        self.set_memory(True)

    def close(self) -> None:
        for fd in (self.fd, self.group, self.container, self.request):
            os.close(fd)

    def region(self, index: int) -> tuple[int, int]:
        """Offset in the device's file, and size."""
        info = bytearray(struct.pack("IIIIQQ", 32, 0, index, 0, 0, 0))
        result = ioctl(self.fd, REGION_INFO, info)
        if result < 0:
            raise OSError(-result, f"region {index}")
        *_, size, offset = struct.unpack("IIIIQQ", info)
        return offset, size

    def map(self, index: int) -> mmap.mmap:
        offset, size = self.region(index)
        return mmap.mmap(self.fd, size, offset=offset)

    def config(self, at: int, size: int = 2) -> int:
        offset, _ = self.region(CONFIG)
        return int.from_bytes(os.pread(self.fd, size, offset + at), "little")

    def set_config(self, at: int, value: int, size: int = 2) -> None:
        offset, _ = self.region(CONFIG)
        os.pwrite(self.fd, value.to_bytes(size, "little"), offset + at)

    def set_memory(self, on: bool) -> None:
        command = self.config(COMMAND)
        self.set_config(COMMAND,
                        command | COMMAND_MEMORY if on else command & ~COMMAND_MEMORY)

    def capability(self, wanted: int) -> int | None:
        at = self.config(0x34, 1)
        while at:
            if self.config(at, 1) == wanted:
                return at
            at = self.config(at + 1, 1)
        return None

    def feature(self, flags: int, payload: bytes = b"", argsz: int | None = None) -> int:
        data = bytearray(struct.pack("II", 8 + len(payload) if argsz is None else argsz, flags))
        data += payload
        return ioctl(self.fd, FEATURE, data)

    def export(self, ranges: Sequence[tuple[int, int]], region: int = BAR,
               open_flags: int = os.O_RDWR | os.O_CLOEXEC, flags: int = 0,
               count: int | None = None) -> int:
        """A file descriptor, or a negative errno."""
        payload = struct.pack("IIII", region, open_flags, flags,
                              len(ranges) if count is None else count)
        for offset, length in ranges:
            payload += struct.pack("QQ", offset, length)
        return self.feature(GET | DMA_BUF, payload)

    def reset(self) -> int:
        return ioctl(self.fd, DEVICE_RESET)

    def hot_reset(self) -> int:
        return ioctl(self.fd, HOT_RESET, bytearray(struct.pack("IIIi", 16, 0, 1, self.group)))

    def physical(self, bar: int) -> int:
        with open(f"{self.sysfs}/resource", encoding="ascii") as file:
            return int(file.read().splitlines()[bar].split()[0], 16)


DYNAMIC, PEER2PEER, STUBBORN, NO_PCI = 1, 2, 4, 8


class Importer:
    """/dev/dmabuf-importer, on behalf of a PCI device."""

    def __init__(self, bdf: str) -> None:
        _, bus, rest = bdf.split(":")
        slot, function = rest.split(".")
        self.address = int(bus, 16), int(slot, 16) << 3 | int(function)
        self.fd = os.open("/dev/dmabuf-importer", os.O_RDWR)

    def attach(self, fd: int, flags: int = DYNAMIC | PEER2PEER) -> int:
        return ioctl(self.fd, 1 << 30 | 16 << 16 | ord("S") << 8 | 1,
                     bytearray(struct.pack("iIII", fd, flags, *self.address)))

    def _plain(self, number: int) -> int:
        return ioctl(self.fd, ord("S") << 8 | number)

    def detach(self) -> int:
        return self._plain(2)

    def map(self) -> int:
        return self._plain(3)

    def unmap(self) -> int:
        return self._plain(4)

    def entries(self) -> tuple[list[tuple[int, int]], int]:
        """Addresses and lengths of the DMA list, and how many entries the CPU list has."""
        room = 4096
        table = (ctypes.c_uint64 * (2 * room))()
        data = bytearray(struct.pack("QII", ctypes.addressof(table), room, 0))
        result = ioctl(self.fd, 3 << 30 | 16 << 16 | ord("S") << 8 | 5, data)
        if result < 0:
            raise OSError(-result, "entries")
        _, count, pages = struct.unpack("QII", data)
        return [(table[2 * i], table[2 * i + 1]) for i in range(count)], pages

    def status(self) -> tuple[int, bool, int]:
        """How often it was told, whether it has a mapping, and what mapping returned then."""
        data = bytearray(16)
        result = ioctl(self.fd, 2 << 30 | 16 << 16 | ord("S") << 8 | 6, data)
        if result < 0:
            raise OSError(-result, "status")
        notified, mapped, again, _ = struct.unpack("IIiI", data)
        return notified, bool(mapped), -again

    def translate(self, address: int) -> int:
        """Where what the device addresses lies, by its IOMMU; 0 where that leads nowhere."""
        data = bytearray(struct.pack("Q", address))
        result = ioctl(self.fd, 3 << 30 | 8 << 16 | ord("S") << 8 | 7, data)
        if result < 0:
            raise OSError(-result, "translate")
        return struct.unpack("Q", data)[0]

    def close(self) -> None:
        os.close(self.fd)


def read_outcome(area: mmap.mmap, at: int = 0) -> str:
    """What reading a byte of a mapping comes to: SIGBUS ends the process that tries."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGBUS, signal.SIG_DFL)
        _ = area[at]
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return "ok"


def map_outcome(fd: int, size: int, flags: int = mmap.MAP_SHARED,
                protection: int = mmap.PROT_READ | mmap.PROT_WRITE,
                offset: int = 0) -> tuple[str, mmap.mmap | None]:
    # Python asks for the size of the file first, unless it is told
    try:
        return "ok", mmap.mmap(fd, size, flags, protection, offset=offset)
    except OSError as error:
        return name(error.errno or 0), None
