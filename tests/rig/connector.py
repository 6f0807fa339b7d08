"""The cables of the importer's screens, pulled and put back as a person would.

QEMU's virtio-gpu tells the guest that a screen is connected when the user interface that shows it
has a size, and raises a real hotplug event when that changes. So the interface is VNC, of which
just enough is spoken to set a size (RFB 3.8, RFC 6143; SetDesktopSize is message 251).
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path

_VERSION = b"RFB 003.008\n"
_NO_AUTHENTICATION = 1
_SET_DESKTOP_SIZE = 251


def vnc_path(out: Path, head: int) -> Path:
    return out / f"vnc-{head}.sock"


def arguments(out: Path, device: str, heads: int) -> list[str]:
    """For QEMU: an interface for each screen."""
    result = []
    for head in range(heads):
        result += ["-vnc", f"unix:{vnc_path(out, head)},display={device},head={head}"]
    return result


def _receive(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionError("QEMU's VNC server hung up")
        data += part
    return data


def set_size(path: Path, width: int, height: int) -> None:
    """Gives a screen a size; 0x0 pulls its cable."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        if _receive(connection, len(_VERSION)) != _VERSION:
            raise ConnectionError("QEMU's VNC server speaks another version")
        connection.sendall(_VERSION)
        kinds = _receive(connection, _receive(connection, 1)[0])
        if _NO_AUTHENTICATION not in kinds:
            raise ConnectionError("QEMU's VNC server wants a password")
        connection.sendall(bytes([_NO_AUTHENTICATION]))
        if _receive(connection, 4) != bytes(4):
            raise ConnectionError("QEMU's VNC server refuses")
        connection.sendall(b"\1")  # share the screen with others
        name_size = struct.unpack("!20xI", _receive(connection, 24))[0]
        _receive(connection, name_size)
        connection.sendall(struct.pack("!BxHHBx", _SET_DESKTOP_SIZE, width, height, 0))
        # A size that was asked for and not read would be lost with the connection: ask for
        # something that is answered
        connection.sendall(struct.pack("!BxHHHH", 3, 0, 0, 0, 1))
        connection.settimeout(2)
        try:
            connection.recv(1)
        except TimeoutError:
            pass
