"""A fullscreen VRAM buffer is what the importer scans out: no copy, at every size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy
import pytest

from lib import patterns
from rig import Rig
from rig.session import Client, Framebuffer, Sluice, Trace, scanned_out

SIZES = [(1280, 720), (1920, 1080), (3840, 2160)]

# What does not depend on the size is tested at the first.
one_size = pytest.mark.parametrize("rig", SIZES[:1], indirect=True, ids=["1280x720"])


@pytest.fixture(scope="module", params=SIZES, ids="{0[0]}x{0[1]}".format)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with Rig(size=request.param, debug_name="scanout") as machine:
        yield machine


def expect_scanout(rig: Rig, sluice: Sluice, client: Client, timeout: float = 60) -> Framebuffer:
    """The client, sluice and the kernel agree that the screen shows a buffer of the exporter's."""
    client.wait_path("scanout", "ok", timeout)
    sluice.wait_path("scanout", "ok")
    framebuffer = scanned_out(rig)
    assert framebuffer is not None
    assert framebuffer.allocated_by == "sluice"
    assert framebuffer.imported, "the plane shows a framebuffer of the importer's own memory"
    assert framebuffer.size == rig.size
    return framebuffer


def vram_offset(client: Client, buffer: int, offset: int) -> int:
    """Where in the region a byte of a buffer lies, as the client was told to lay it out."""
    ranges = client.wait_for(rf"^buffer {buffer} ranges (\S+)$").group(1)
    for part in ranges.split(","):
        start, length = (int(number, 16) for number in part.split("+"))
        if offset < length:
            return start + offset
        offset -= length
    raise AssertionError(f"buffer {buffer} has no byte {offset} in {ranges}")


@pytest.mark.parametrize("ranges", [1, 3])
def test_a_fullscreen_buffer_is_scanned_out(rig: Rig, ranges: int) -> None:
    trace = Trace(rig)
    sluice = Sluice(rig, "kiosk", "--", "vram-client", "--fullscreen", "--buffers", "1",
                    "--pattern", "gradient", "--frames", "-1", "--ranges", f"{ranges}:7")
    width, height = rig.size
    sluice.wait_for(rf"^image {width}x{height} stride {width * 4} format XRGB8888")
    assert sluice.wait_for(r"^buffer 0 ranges (\S+)").group(1).count(",") == ranges - 1
    framebuffer = expect_scanout(rig, sluice, Client(rig, sluice.process))
    rig.wait_pixels(patterns.picture("gradient", width, height), timeout=60)
    # The framebuffer on the plane is the one that the kernel made of what it imported
    traced = trace.read()
    assert (traced.exports, traced.imports) == (1, 1)
    assert traced.framebuffers == [framebuffer.id]
    assert f"{width}x{height} @" in sluice.log.split("(preferred)")[0].splitlines()[-1]


@one_size
def test_a_padded_stride(rig: Rig) -> None:
    sluice = Sluice(rig)
    client = sluice.vram("--fullscreen", "--pattern", "gradient", "--frames", "-1",
                         "--stride", "5632", "--ranges", "2:3")
    assert expect_scanout(rig, sluice, client).pitch == 5632
    rig.wait_pixels(patterns.picture("gradient", 1280, 720))


@one_size
@pytest.mark.parametrize("adopt", [False, True], ids=["not adopted", "adopted"])
def test_a_buffer_of_linux_dmabuf(rig: Rig, adopt: bool) -> None:
    trace = Trace(rig)
    sluice = Sluice(rig)
    client = sluice.vram("--protocol", "dmabuf", *(["--adopt"] if adopt else []), "--fullscreen",
                         "--pattern", "gradient", "--frames", "-1", "--ranges", "3:5")
    framebuffer = expect_scanout(rig, sluice, client)
    rig.wait_pixels(patterns.picture("gradient", 1280, 720))
    assert trace.read().framebuffers == [framebuffer.id]


@one_size
@pytest.mark.parametrize("name", ["ARGB8888", "XBGR8888", "RGB565"])
def test_other_formats_are_shown_right(rig: Rig, name: str) -> None:
    """By scanout where the importer takes them, else by another path: never wrong, never none."""
    sluice = Sluice(rig)
    client = sluice.vram("--fullscreen", "--pattern", "gradient", "--frames", "-1",
                         "--format", name)
    client.wait_for(r"^path (scanout|cpu) ")
    expected = patterns.as_format(patterns.picture("gradient", 1280, 720), name)
    rig.wait_pixels(expected, tolerance=0 if name != "RGB565" else 4)


@one_size
def test_the_screen_shows_the_vram_itself(rig: Rig) -> None:
    """What is written to VRAM from outside, behind everybody's back, is on the screen."""
    sluice = Sluice(rig)
    client = sluice.vram("--fullscreen", "--buffers", "2", "--pattern", "gradient", "--step",
                         "--ranges", "3:11")
    x, y, width, height = 700, 250, 40, 1
    offset = (y * 1280 + x) * 4
    places = [vram_offset(client, index, offset) for index in range(2)]
    client.wait_for("^ready$")
    client.do("frame")
    client.do("damage 0,0,1,1")
    expect_scanout(rig, sluice, client)
    gradient = patterns.picture("gradient", 1280, 720)
    rig.wait_pixels(gradient)

    white = numpy.full(width * 4, 255, numpy.uint8)
    rig.vram()[places[0]:places[0] + width * 4] = white
    # Frame 2 lies in buffer 1
    assert (rig.screendump() == gradient).all()
    poisoned = patterns.fill(gradient, (x, y, width, height), "ffffff")
    client.do("damage 0,0,1,1")
    rig.wait_pixels(poisoned)
    client.do("damage 0,0,1,1")
    rig.wait_pixels(gradient)
    rig.vram()[places[1]:places[1] + width * 4] = white
    rig.wait_pixels(poisoned)
    assert sluice.vram_bytes_read() == 0
