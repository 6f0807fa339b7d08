#!/usr/bin/env python3
"""Shows frames that lie in VRAM on the screen of another GPU, and judges them.

usage: demo.py (tests/run demo runs it, in the build root)

Writes build/out/demo/scanout.png and composited.png. The last line says what was shown, by which
path, and whether the pixels were right; the exit status is 0 if they were.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from lib import patterns
from lib.patterns import Pixels
from rig import Rig, RigError
from rig.session import Client, Sluice, drag, place, scanned_out

WIDTH, HEIGHT = 1280, 720
OUT = Path("/build/out/demo")


@dataclass(frozen=True)
class Window:
    """One of the desktop's. Those of an exporter lie in its VRAM, the others in system memory."""

    pattern: str
    size: tuple[int, int]
    place: tuple[int, int]
    exporter: int | None = None

    @property
    def pixels(self) -> Pixels:
        return patterns.picture(self.pattern, *self.size)


TITLE_BAR = 26


def framed(pattern: str, size: tuple[int, int], at: tuple[int, int], colour: str,
           exporter: int | None = None) -> list[Window]:
    """A window with one of wl_shm below it, which looks like its frame."""
    (width, height), (x, y) = size, at
    return [Window(f"solid:{colour}", (width + 2, height + TITLE_BAR + 1),
                   (x - 1, y - TITLE_BAR)),
            Window(pattern, size, at, exporter)]


def lines(at: tuple[int, int], step: int, *drawn: tuple[int, str]) -> list[Window]:
    """Something like text: (width, colour) of each line."""
    return [Window(f"solid:{colour}", (width, 8), (at[0], at[1] + i * step))
            for i, (width, colour) in enumerate(drawn)]


# From the lowest to the topmost
DESKTOP = [
    Window("solid:24364b", (WIDTH, HEIGHT), (0, 0)),
    Window("solid:16212e", (WIDTH, 30), (0, 0)),
    *framed("solid:fbf7ef", (420, 500), (56, 92), "c8d0da"),
    *lines((84, 124), 22, (150, "3a4a5c"), (330, "b9b4aa"), (132, "b9b4aa"), (118, "b9b4aa")),
    *framed("gradient", (704, 416), (250, 196), "e4e9ef", exporter=0),
    *framed("solid:1d2733", (330, 160), (120, 500), "3d4f63"),
    *lines((140, 522), 22, (180, "8fbf7f"), (250, "9fb2c6"), (96, "9fb2c6")),
    *framed("checker", (416, 256), (816, 410), "e4e9ef", exporter=1),
]


def say(text: str) -> None:
    print(f"==> {text}", flush=True)


def judge(rig: Rig, name: str, expected: Pixels) -> None:
    """Waits until this is on the screen; the file is written whether or not it comes."""
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"{name}.png"
    path.unlink(missing_ok=True)
    try:
        rig.wait_pixels(expected, timeout=30)
    finally:
        Image.fromarray(rig.screendump()).save(path)
        say(str(path).lstrip("/"))


def show_scanout(rig: Rig) -> str:
    """A kiosk whose one client fills the screen."""
    sluice = Sluice(rig, "kiosk", "--", "vram-client", "--fullscreen", "--ranges", "3:7",
                    "--pattern", "gradient", "--frames", "-1",
                    "--device", rig.exporters[0].bdf)
    Client(rig, sluice.process).wait_path("scanout")
    judge(rig, "scanout", patterns.picture("gradient", WIDTH, HEIGHT))
    framebuffer = scanned_out(rig)
    assert framebuffer is not None and framebuffer.imported, \
        f"the plane shows a framebuffer of the importer's own memory: {framebuffer}"
    sluice.process.terminate()
    sluice.process.wait()
    return f"scanout {WIDTH}x{HEIGHT} pixel-exact (framebuffer {framebuffer.id}, imported)"


def open_window(rig: Rig, sluice: Sluice, window: Window) -> str | None:
    """Opens it where it belongs; the path of one that lies in VRAM."""
    width, height = window.size
    shape = ("--size", f"{width}x{height}", "--pattern", window.pattern)
    if window.exporter is None:
        sluice.shm(*shape).wait_for("^drawn")
    else:
        client = sluice.vram(*shape, "--device", rig.exporters[window.exporter].bdf,
                             "--ranges", "3:7", "--frames", "-1")
        client.wait_for("^frame 1 callback")
    middle = ((WIDTH - width) // 2, (HEIGHT - height) // 2)
    if window.place != middle:
        # New windows are on top, so the middle of the screen is this one
        grip = (WIDTH // 2, HEIGHT // 2)
        drag(rig, grip, (grip[0] + window.place[0] - middle[0],
                         grip[1] + window.place[1] - middle[1]))
    return client.paths[-1][0] if window.exporter is not None else None


def show_composited(rig: Rig) -> str:
    """A session with windows of both kinds, one over the other."""
    sluice = Sluice(rig)
    expected = patterns.picture("solid:000000", WIDTH, HEIGHT)
    paths = set()
    for window in DESKTOP:
        paths.add(open_window(rig, sluice, window))
        expected = place(expected, window.pixels, *window.place)
    paths.discard(None)
    judge(rig, "composited", expected)
    assert sluice.vram_bytes_read() > 0 or "cpu" not in paths
    return f"composited by {' and '.join(sorted(paths))} pixel-exact"


def main() -> int:
    started = time.monotonic()
    try:
        say("booting a machine with two GPUs …")
        with Rig(size=(WIDTH, HEIGHT), exporters=2, vram=64 << 20, input=True,
                 debug_name="demo-rig") as rig:
            say(f"booted in {rig.boot_seconds:.0f} s; vfio-pci owns "
                f"{' and '.join(exporter.bdf for exporter in rig.exporters)}")
            say("a fullscreen frame in VRAM, in three ranges …")
            scanout = show_scanout(rig)
            say("windows in the VRAM of both, and ordinary ones …")
            composited = show_composited(rig)
    except (AssertionError, RigError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        print("\n".join(lines), file=sys.stderr, flush=True)
        print(f"demo: failed: {lines[0]}", flush=True)
        return 1
    print(f"demo: {scanout}; {composited}; {time.monotonic() - started:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
