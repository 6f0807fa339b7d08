"""In the guest: takes the memory of the vfio device away that another process owns.

usage: take_memory.py PID reset|memory-off

As nobody else can open the device, it borrows the owner's file descriptor.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import sys

SYS_PIDFD_GETFD = 438
VFIO_DEVICE_GET_REGION_INFO = 0x3b6c
VFIO_DEVICE_RESET = 0x3b6f
CONFIG_REGION = 7
PCI_COMMAND, PCI_COMMAND_MEMORY = 4, 2


def borrow(pid: int) -> int:
    """The first vfio device of a process."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    for name in os.listdir(f"/proc/{pid}/fd"):
        if "vfio-device" in os.readlink(f"/proc/{pid}/fd/{name}"):
            fd = libc.syscall(SYS_PIDFD_GETFD, pidfd, int(name), 0)
            if fd < 0:
                raise OSError(ctypes.get_errno(), "pidfd_getfd")
            return fd
    raise SystemExit(f"process {pid} has no vfio device")


def main() -> None:
    pid, trouble = int(sys.argv[1]), sys.argv[2]
    device = borrow(pid)
    if trouble == "reset":
        fcntl.ioctl(device, VFIO_DEVICE_RESET)
        return
    info = bytearray(struct.pack("=IIIIQQ", 32, 0, CONFIG_REGION, 0, 0, 0))
    fcntl.ioctl(device, VFIO_DEVICE_GET_REGION_INFO, info)
    place = struct.unpack("=IIIIQQ", info)[5] + PCI_COMMAND
    command, = struct.unpack("<H", os.pread(device, 2, place))
    os.pwrite(device, struct.pack("<H", command & ~PCI_COMMAND_MEMORY), place)


main()
