"""What the tests of sluice share: starting it, its clients, and what the kernel says of both."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lib.patterns import Pixels

from .guest import Process
from .rig import Rig

#: software renderers in an emulated processor take their time
SLOW = 120
#: until input devices of the rig were read, in seconds
SETTLE = 0.3


class Client:
    """A client in the rig. What it prints is described in tests/clients/README.md."""

    def __init__(self, rig: Rig, process: Process) -> None:
        self.rig = rig
        self.process = process

    def wait_for(self, pattern: str, timeout: float = 30) -> re.Match[str]:
        return self.process.wait_for(pattern, timeout)

    @property
    def paths(self) -> list[tuple[str, str]]:
        """Every path, with its reason, that it was told, the current one last."""
        return re.findall(r"^path (\w+) (\w+) ", self.process.output, re.MULTILINE)

    def wait_path(self, kind: str, reason: str | None = None, timeout: float = 30) -> None:
        """Waits until its current path is of this kind, for this reason if one is named."""
        _wait_last(self.rig, self, (kind, reason), timeout)

    def do(self, command: str, timeout: float = 40) -> str:
        """A step of --step, to its end; what the client printed meanwhile."""
        start = len(self.process.output)
        self.process.write(command + "\n")
        answer = self.wait_for(r"^(ok|error.*)$", timeout).group(1)
        assert answer == "ok", f"{command}: {answer}"
        return self.process.output[start:]

    def quit(self) -> None:
        self.process.terminate()
        self.process.wait()


class Sluice:
    """sluice on the importer. The end of a test ends it, and all its clients."""

    def __init__(self, rig: Rig, *arguments: str, renderer: str = "pixman",
                 env: dict[str, str] | None = None, timeout: float = 30) -> None:
        """Starts it, with a renderer as WLR_RENDERER names it; returns when a screen is lit."""
        self.rig = rig
        self.process = rig.spawn(["sluice", *arguments],
                                 env={"WLR_RENDERER": renderer} | (env or {}))
        self.display = self.process.wait_for(r"WAYLAND_DISPLAY=(\S+)", timeout).group(1)
        self.process.wait_for(r"\] Virtual-1: \d+x\d+ at ", timeout)

    @property
    def log(self) -> str:
        return self.process.output

    def wait_for(self, pattern: str, timeout: float = 30) -> re.Match[str]:
        return self.process.wait_for(pattern, timeout)

    @property
    def paths(self) -> list[tuple[str, str]]:
        """Every path, with its reason, that was logged, the newest last."""
        return re.findall(r"path: \".*\" on .*: ([\w-]+) \(([\w-]+)\)", self.log)

    def wait_path(self, kind: str, reason: str | None = None, timeout: float = 30) -> None:
        """Waits until the newest path in its log is of this kind, for this reason if named."""
        _wait_last(self.rig, self, (kind, reason), timeout)

    def spawn(self, *command: str, env: dict[str, str] | None = None) -> Process:
        return self.rig.spawn(list(command),
                              env={"WAYLAND_DISPLAY": self.display} | (env or {}))

    def vram(self, *arguments: str) -> Client:
        return Client(self.rig, self.spawn("vram-client", *arguments))

    def shm(self, *arguments: str) -> Client:
        return Client(self.rig, self.spawn("shm-client", *arguments))

    def stats(self) -> dict[str, int]:
        """The renderer's counters, asked for by SIGUSR1."""
        # To it alone: to the seatd of libseat, in the same group, it means a switch of consoles
        self.rig.run(["kill", "-USR1", str(self.process.pid)], check=True)
        line = self.wait_for(r"stats: (\S+=\d+(?: \S+=\d+)*)").group(1)
        return {name: int(value) for name, value in
                (word.split("=") for word in line.split())}

    def vram_bytes_read(self) -> int:
        return self.stats()["vram-bytes-read"]


def _wait_last(rig: Rig, teller: Client | Sluice, wanted: tuple[str, str | None],
               timeout: float) -> None:
    kind, reason = wanted

    def there() -> bool:
        last = teller.paths[-1] if teller.paths else ("", "")
        return last[0] == kind and reason in (None, last[1])

    if not rig.guest.wait(lambda: there() or not teller.process.running, timeout) or not there():
        raise AssertionError(f"no path {kind} ({reason or 'for any reason'}), but {teller.paths}; "
                             f"{teller.process.command}:\n{teller.process.output}")


@dataclass(frozen=True)
class Framebuffer:
    """One that a plane scans out, as drm's debugfs tells it."""

    id: int
    allocated_by: str
    format: str
    size: tuple[int, int]
    pitch: int
    imported: bool


def scanned_out(rig: Rig) -> Framebuffer | None:
    """What the primary plane shows now."""
    return parse_state(rig.read("/sys/kernel/debug/dri/0/state").decode())


def parse_state(state: str) -> Framebuffer | None:
    for plane in re.split(r"^(?=plane\[)", state, flags=re.MULTILINE)[1:]:
        plane = re.split(r"^crtc\[", plane, flags=re.MULTILINE)[0]
        fb = re.search(r"\bfb=(\d+)", plane)
        if not plane.split("\n")[0].endswith("plane-0") or fb is None or fb.group(1) == "0":
            continue

        def value(key: str) -> str:
            found = re.search(rf"{re.escape(key)} ?= ?(\S+)", plane)
            assert found is not None, f"no {key} in the state of the plane:\n{plane}"
            return found.group(1)

        width, height = value("size").split("x")
        return Framebuffer(id=int(fb.group(1)), allocated_by=value("allocated by"),
                           format=value("format"), size=(int(width), int(height)),
                           pitch=int(value("pitch[0]")), imported=value("imported") == "yes")
    return None


@dataclass(frozen=True)
class Traced:
    """What the kernel did with the exporter's memory while it was traced."""

    exports: int
    imports: int
    framebuffers: list[int]
    flips: int
    #: how often each was in a commit, by name
    properties: Counter[str]


class Trace:
    """Counts exports, imports and framebuffers in the kernel, where sluice cannot be wrong.

    The importer's own buffers, such as those of a swapchain, are told apart: exports by the name
    of the exporting driver, imports by the attachment to the DMA-BUF, framebuffers by the GEM
    object that they are made of.
    """

    _TRACING = "/sys/kernel/tracing"
    _EVENTS = (
        "f:sluice/import virtgpu_gem_prime_import%return "
        "exporter=buf->exp_name:string object=$retval:x64",
        "f:sluice/framebuffer drm_framebuffer_init object=fb->obj:x64",
        "f:sluice/added drm_mode_addfb2%return status=$retval:s32 id=+0($arg2):u32",
        "f:sluice/flip virtio_gpu_cmd_set_scanout_blob",
        "f:sluice/property drm_atomic_set_property name=prop->name:string",
    )

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        events = "\n".join(self._EVENTS) + "\n"
        rig.run(f"cd {self._TRACING} 2>/dev/null && [ -e dynamic_events ] ||"
                f" mount -t tracefs tracefs {self._TRACING}", check=True)
        rig.run(f"cd {self._TRACING} && [ -e events/sluice ] || cat >dynamic_events",
                stdin=events, check=True)
        rig.run(f"cd {self._TRACING} && echo 4096 >buffer_size_kb && echo >trace && "
                "for event in sluice dma_buf/dma_buf_export dma_buf/dma_buf_dynamic_attach; do "
                "echo 1 >events/$event/enable; done", check=True)

    def clear(self) -> None:
        self.rig.run(f"echo >{self._TRACING}/trace", check=True)

    def read(self) -> Traced:
        text = self.rig.read(f"{self._TRACING}/trace").decode()
        imported: set[str] = set()
        exports = imports = flips = 0
        properties: Counter[str] = Counter()
        framebuffers: list[int] = []
        of_import = False
        for line in text.splitlines():
            if "dma_buf_export: exp_name=vfio" in line:
                exports += 1
            elif "dma_buf_dynamic_attach: exp_name=vfio" in line:
                imports += 1
            elif match := re.search(r'import: .*exporter="(\w+)" object=(\w+)', line):
                # An address is used again when its object is gone
                (imported.add if match.group(1).startswith("vfio") else
                 imported.discard)(match.group(2))
            elif match := re.search(r"framebuffer: .*object=(\w+)", line):
                of_import = match.group(1) in imported
            elif match := re.search(r"added: .*status=(-?\d+) id=(\d+)", line):
                if of_import and match.group(1) == "0":
                    framebuffers.append(int(match.group(2)))
                of_import = False
            elif " flip: " in line:
                flips += 1
            elif match := re.search(r' property: .*name="(.+)"', line):
                properties[match.group(1)] += 1
        return Traced(exports, imports, framebuffers, flips, properties)


def place(picture: Pixels, window: Pixels, x: int, y: int) -> Pixels:
    """A copy of picture with window at (x, y), cut at the edges."""
    result = picture.copy()
    height, width = picture.shape[:2]
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + window.shape[1], width), min(y + window.shape[0], height)
    if left < right and top < bottom:
        result[top:bottom, left:right] = window[top - y:bottom - y, left - x:right - x]
    return result


def point(rig: Rig, x: float, y: float) -> None:
    """Moves the pointer to the middle of a pixel of the screen."""
    width, height = rig.size
    rig.pointer((x + 0.5) / width, (y + 0.5) / height)


def press(rig: Rig, button: str, down: bool) -> None:
    rig.qmp("input-send-event", events=[
        {"type": "btn", "data": {"button": button, "down": down}}])


def click(rig: Rig, x: float, y: float) -> None:
    point(rig, x, y)
    press(rig, "left", True)
    press(rig, "left", False)


@contextmanager
def holding(rig: Rig, key: str) -> Iterator[None]:
    """Holds a key, by QEMU's name."""
    def send(down: bool) -> None:
        rig.qmp("input-send-event", events=[
            {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": key}}}])

    send(True)
    # Keyboard and tablet are devices of their own: what comes first is read first only if it
    # comes alone
    time.sleep(SETTLE)
    try:
        yield
    finally:
        send(False)
        time.sleep(SETTLE)


def drag(rig: Rig, start: tuple[int, int], end: tuple[int, int], button: str = "left") -> None:
    """Logo and a button, from a pixel to a pixel; what moves, moves by just their distance."""
    # The tablet's steps are no pixels, and sluice moves by whole ones: away from the edge of one
    margins = [0.3 if a < b else -0.3 if a > b else 0.0 for a, b in zip(start, end)]
    point(rig, *(place - margin for place, margin in zip(start, margins)))
    with holding(rig, "meta_l"):
        press(rig, button, True)
        time.sleep(SETTLE)
        point(rig, *(place + margin for place, margin in zip(end, margins)))
        time.sleep(SETTLE)
        press(rig, button, False)
        time.sleep(SETTLE)
