"""VRAM windows beside others are drawn right, and the CPU reads no pixel of VRAM in vain."""

from __future__ import annotations

import pytest

from lib import patterns
from lib.patterns import Pixels
from rig import Rig
from rig.session import SLOW, Client, Sluice, click, drag, place, scanned_out

RIG = {"size": (640, 480), "input": True}

WIDTH, HEIGHT = 240, 160
# New windows are placed in the middle
HOME = ((640 - WIDTH) // 2, (480 - HEIGHT) // 2)
SHM_SIZE = (200, 240)
SHM_HOME = ((640 - SHM_SIZE[0]) // 2, (480 - SHM_SIZE[1]) // 2)
NOTHING = patterns.picture("solid:000000", 640, 480)
PLACEHOLDER = "14141a"


def frame(n: int) -> Pixels:
    return patterns.picture("checker", WIDTH, HEIGHT, n)


def shm_window(sluice: Sluice) -> tuple[Client, Pixels]:
    client = sluice.shm("--size", f"{SHM_SIZE[0]}x{SHM_SIZE[1]}", "--pattern", "gradient")
    client.wait_for("^drawn")
    return client, patterns.picture("gradient", *SHM_SIZE)


def vram_window(sluice: Sluice, *arguments: str, timeout: float = 30) -> Client:
    client = sluice.vram("--size", f"{WIDTH}x{HEIGHT}", "--pattern", "checker", "--ranges", "3:9",
                         "--step", *arguments)
    client.wait_for("^ready$", timeout)
    client.do("frame", timeout)
    return client


class Reads:
    """How much VRAM the CPU has read since it was last asked."""

    def __init__(self, sluice: Sluice) -> None:
        self.sluice = sluice
        self.total = 0

    def pixels(self) -> int:
        before, self.total = self.total, self.sluice.vram_bytes_read()
        assert (self.total - before) % 4 == 0
        return (self.total - before) // 4


def test_each_visible_pixel_is_read_once(rig: Rig) -> None:
    sluice = Sluice(rig)
    reads = Reads(sluice)
    client = vram_window(sluice)
    client.wait_path("cpu", "no_gpu_import")
    rig.wait_pixels(place(NOTHING, frame(1), *HOME))
    assert reads.pixels() == WIDTH * HEIGHT

    # A window on top of it: nothing new to see
    _, gradient = shm_window(sluice)
    rig.wait_pixels(place(place(NOTHING, frame(1), *HOME), gradient, *SHM_HOME))
    assert reads.pixels() == 0

    # A new frame, of which only what is not covered is needed
    client.do("frame")
    rig.wait_pixels(place(place(NOTHING, frame(2), *HOME), gradient, *SHM_HOME))
    assert reads.pixels() == (WIDTH - SHM_SIZE[0]) * HEIGHT

    # The rest when it is uncovered, column by column
    left = (WIDTH - SHM_SIZE[0]) // 2
    grip = (SHM_HOME[0] + 10, SHM_HOME[1] + 10)
    drag(rig, grip, (grip[0] + 60, grip[1]))
    rig.wait_pixels(place(place(NOTHING, frame(2), *HOME), gradient, SHM_HOME[0] + 60,
                          SHM_HOME[1]))
    assert reads.pixels() == 60 * HEIGHT
    drag(rig, (grip[0] + 60, grip[1]), (grip[0] + 210, grip[1]))
    rig.wait_pixels(place(place(NOTHING, frame(2), *HOME), gradient, SHM_HOME[0] + 210,
                          SHM_HOME[1]))
    assert reads.pixels() == (WIDTH - left - 60 - left) * HEIGHT


def test_only_damage_is_read(rig: Rig) -> None:
    sluice = Sluice(rig)
    reads = Reads(sluice)
    client = vram_window(sluice)
    rig.wait_pixels(place(NOTHING, frame(1), *HOME))
    reads.pixels()
    picture = frame(1)
    for n, rect in enumerate([(10, 20, 30, 40), (0, 0, 1, 1), (WIDTH - 7, HEIGHT - 3, 7, 3)], 2):
        client.do("damage " + ",".join(map(str, rect)))
        picture = patterns.replace(picture, rect, frame(n))
        rig.wait_pixels(place(NOTHING, picture, *HOME))
        assert reads.pixels() == rect[2] * rect[3]
    client.do("commit")
    assert reads.pixels() == 0


def test_moving_and_raising_read_nothing(rig: Rig) -> None:
    sluice = Sluice(rig)
    _, gradient = shm_window(sluice)
    reads = Reads(sluice)
    vram_window(sluice)
    rig.wait_pixels(place(place(NOTHING, gradient, *SHM_HOME), frame(1), *HOME))
    assert reads.pixels() == WIDTH * HEIGHT
    x, y = HOME
    drag(rig, (x + 5, y + 5), (x + 105, y + 155))
    x, y = x + 100, y + 150
    rig.wait_pixels(place(place(NOTHING, gradient, *SHM_HOME), frame(1), x, y))
    # Under the other window, and over the edge of the screen
    click(rig, SHM_HOME[0] + 5, SHM_HOME[1] + 5)
    rig.wait_pixels(place(place(NOTHING, frame(1), x, y), gradient, *SHM_HOME))
    drag(rig, (x + 50, y + 60), (x + 230, y + 80))
    rig.wait_pixels(place(place(NOTHING, gradient, *SHM_HOME), frame(1), x + 180, y + 20))
    drag(rig, (x + 230, y + 80), (x + 50, y + 60))
    rig.wait_pixels(place(place(NOTHING, gradient, *SHM_HOME), frame(1), x, y))
    assert reads.pixels() == 0


def test_vram_that_changed_without_damage_is_not_seen(rig: Rig) -> None:
    """The proof from outside: what would be seen if more were read than the damage."""
    sluice = Sluice(rig)
    client = vram_window(sluice)
    rig.wait_pixels(place(NOTHING, frame(1), *HOME))
    client.do("poison 50,50,20,20 ff00ff")
    client.do("damage 45,45,10,10")
    # The poison inside the damage was overwritten: the client draws what it damages
    expected = patterns.replace(frame(1), (45, 45, 10, 10), frame(2))
    rig.wait_pixels(place(NOTHING, expected, *HOME))
    drag(rig, (HOME[0] + 5, HOME[1] + 5), (HOME[0] + 55, HOME[1] + 5))
    rig.wait_pixels(place(NOTHING, expected, HOME[0] + 50, HOME[1]))


@pytest.mark.parametrize("renderer", ["gles2", "vulkan"])
def test_a_renderer_that_crashes_on_vram_does_not_end_sluice(rig: Rig, renderer: str) -> None:
    """Cage and Weston die of it when they draw VRAM; sluice tells why it does not use it."""
    software = {"WLR_RENDERER_ALLOW_SOFTWARE": "1"}
    try:
        sluice = Sluice(rig, renderer=renderer, env=software, timeout=SLOW)
    except AssertionError as error:
        if renderer == "vulkan" and "Could not match drm and vulkan device" in str(error):
            pytest.skip("the software Vulkan of this Mesa belongs to no DRM device, and wlroots "
                        "takes only those that do")
        raise
    _, gradient = shm_window(sluice)
    below = place(NOTHING, gradient, *SHM_HOME)

    client = vram_window(sluice, timeout=SLOW)
    client.wait_path("cpu", "gpu_import_crashed", timeout=SLOW)
    rig.wait_pixels(place(below, frame(1), *HOME), timeout=SLOW, tolerance=1)
    assert "not sampled by the GPU (gpu-import-crashed)" in sluice.log
    client.do("damage 8,8,16,16", SLOW)
    expected = patterns.replace(frame(1), (8, 8, 16, 16), frame(2))
    rig.wait_pixels(place(below, expected, *HOME), timeout=SLOW, tolerance=1)
    client.quit()

    client = vram_window(sluice, "--protocol", "dmabuf", timeout=SLOW)
    client.wait_path("none", "no_cpu_map", timeout=SLOW)
    dark = patterns.picture(f"solid:{PLACEHOLDER}", WIDTH, HEIGHT)
    rig.wait_pixels(place(below, dark, *HOME), timeout=SLOW, tolerance=3)
    client.quit()

    client = sluice.vram("--protocol", "dmabuf", "--fullscreen", "--pattern", "gradient",
                         "--frames", "-1")
    client.wait_path("scanout", "ok", timeout=SLOW)
    rig.wait_pixels(patterns.picture("gradient", 640, 480), timeout=SLOW)
    assert scanned_out(rig).imported
    assert sluice.process.running
