"""Places for windows of the tests in which the exporter's memory goes away, and how to judge them.

A VRAM window is either scanned out, on all of the screen, or composited in the middle of it. An
ordinary window is below, and in the second case seen around it.
"""

from __future__ import annotations

import numpy

from lib import patterns
from lib.patterns import Pixels

from .rig import Rig
from .session import Client, Sluice, place

SIZE = (640, 480)
RIG = {"size": SIZE}
VIEWS = ["scanout", "composited"]

WINDOW = (400, 160)
HOME = ((SIZE[0] - WINDOW[0]) // 2, (SIZE[1] - WINDOW[1]) // 2)
AROUND = (500, 320)
AROUND_HOME = ((SIZE[0] - AROUND[0]) // 2, (SIZE[1] - AROUND[1]) // 2)

_DARK = numpy.array((0x14, 0x14, 0x1a))
_BRIGHT = 120


class Desk:
    """sluice, an ordinary window and where VRAM windows are."""

    def __init__(self, rig: Rig, view: str, sluice: Sluice | None = None) -> None:
        self.rig = rig
        self.view = view
        self.sluice = sluice or Sluice(rig)
        self.pid = self.sluice.process.pid
        background = patterns.picture("solid:000000", *SIZE)
        self.box = (0, 0, *SIZE) if view == "scanout" else (*HOME, *WINDOW)
        self.path = "scanout" if view == "scanout" else "cpu"
        self.other = self.sluice.shm("--size", "{}x{}".format(*AROUND), "--pattern", "gradient")
        self.background = place(background, patterns.picture("gradient", *AROUND), *AROUND_HOME)
        self.other.wait_for("^drawn")
        self.expect_background()

    def client(self, *arguments: str, step: bool = True) -> Client:
        """A VRAM window, with no frame yet when it is driven by steps."""
        where = ["--fullscreen"] if self.view == "scanout" else \
            ["--size", "{}x{}".format(*WINDOW)]
        client = self.sluice.vram(*where, "--pattern", "checker",
                                  *(["--step"] if step else []), *arguments)
        client.wait_for("^ready$", 60)
        return client

    def picture(self, n: int) -> Pixels:
        """The first screen, with frame n of a VRAM window."""
        x, y, width, height = self.box
        return place(self.background, patterns.picture("checker", width, height, n), x, y)

    def expect_frame(self, n: int, timeout: float = 30) -> None:
        self.rig.wait_pixels(self.picture(n), timeout=timeout, interval=0.02)

    def expect_producer(self, client: Client, n: int) -> None:
        """A client gets its frame onto the screen, by the path that it should have."""
        client.do("frame")
        client.wait_path(self.path)
        self.expect_frame(n)

    def new_producer(self, *arguments: str) -> Client:
        client = self.client(*arguments)
        self.expect_producer(client, 1)
        return client

    def expect_placeholder(self, timeout: float = 15, words: bool = True) -> Pixels:
        """The VRAM window is dark, with words on it, and all else is as it was."""
        x, y, width, height = self.box

        def is_placeholder(screen: Pixels) -> bool:
            window = screen[y:y + height, x:x + width]
            rest = screen.copy()
            rest[y:y + height, x:x + width] = self.background[y:y + height, x:x + width]
            return is_dark(window, words) and bool((rest == self.background).all())

        return self.rig.wait_pixels(is_placeholder, timeout=timeout)

    def expect_background(self) -> None:
        """The VRAM window is gone, and the ordinary one is as it was."""
        self.rig.wait_pixels(self.background)

    def expect_alive(self) -> None:
        assert self.sluice.process.running, self.sluice.log
        assert self.other.process.running


def is_dark(window: Pixels, words: bool) -> bool:
    """Whether this is what takes the place of lost frames; grey, with words in light grey on it."""
    dark = (numpy.abs(window.astype(int) - _DARK) <= 2).all(axis=2)
    grey = (window.max(axis=2).astype(int) - window.min(axis=2)) <= 24
    bright = window.min(axis=2) > _BRIGHT
    has_words = 50 < int(bright.sum()) < window.shape[0] * window.shape[1] // 8
    return bool(dark.mean() > 0.8 and grey.all() and (has_words or not words))
