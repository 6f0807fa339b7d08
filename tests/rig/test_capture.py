"""Captures of VRAM frames equal what the producer drew, whichever way they took to the screen."""

from __future__ import annotations

import io

import numpy
import pytest
from PIL import Image

from lib import patterns
from lib.headless import without_global
from rig import Rig
from rig.captured import HEIGHT, RIG_SIZE, WIDTH, capture, check_hashes, digest, on_screen
from rig.session import SLOW, Sluice

RIG = {"size": RIG_SIZE, "vram": 64 << 20}
WINDOW = 320, 240
FRAMES = 4


@pytest.mark.parametrize("path, arguments, size", [
    ("scanout", ["--fullscreen"], RIG_SIZE),
    ("cpu", ["--size", f"{WINDOW[0]}x{WINDOW[1]}"], WINDOW),
])
def test_hashes_are_those_of_the_producer(rig: Rig, path: str, arguments: list[str],
                                          size: tuple[int, int]) -> None:
    check_hashes(rig, path, arguments, size, FRAMES)


def test_captured_into_vram(rig: Rig) -> None:
    """The host finds each frame in the exporter's memory, where the manifest says it is."""
    rig.vram(0)[:] = 0xa5
    bdf = rig.exporters[0].bdf
    manifest, _ = capture(rig, [f"--frames={FRAMES}", f"--capture-into={bdf}"],
                          ["weston-simple-shm"])
    memory = rig.vram(0)
    hashes = set()
    for line in manifest:
        vram = line["vram"]
        assert (vram["exporter"], vram["region"], vram["format"]) == (bdf, 2, "XRGB8888")
        start, stride = vram["offset"], vram["stride"]
        rows = numpy.array(memory[start:start + HEIGHT * stride]).reshape(HEIGHT, stride)
        pixels = rows[:, :WIDTH * 4].reshape(HEIGHT, WIDTH, 4)[:, :, 2::-1]
        assert digest(pixels) == line["sha256"]
        hashes.add(line["sha256"])
    assert len(hashes) == FRAMES
    # And nothing else was written to
    end = max(line["vram"]["offset"] for line in manifest) + WIDTH * HEIGHT * 4
    assert (numpy.array(memory[end:end + (1 << 20)]) == 0xa5).all()


def test_drawn_and_captured_in_vram(rig: Rig) -> None:
    bdf = rig.exporters[0].bdf
    rig.vram(0)[:] = 0xa5
    window = patterns.picture("gradient", *WINDOW)
    manifest, _ = capture(rig, ["--frames=1", f"--render-vram={bdf}"],
                          ["shm-client", "--pattern", "gradient", "--size", "320x240"])
    expected = on_screen(window)
    assert manifest[0]["sha256"] == digest(expected)
    # Wherever the screen's buffers were laid
    size, page = WIDTH * HEIGHT * 4, 4096
    memory = numpy.array(rig.vram(0)[:8 * size])
    places = (memory[start:start + size].reshape(HEIGHT, WIDTH, 4)[:, :, 2::-1]
              for start in range(0, 7 * size, page))
    assert any((place[HEIGHT // 2] == expected[HEIGHT // 2]).all() and (place == expected).all()
               for place in places)


@pytest.mark.parametrize("protocol", ["ext-image-copy-capture", "wlr-screencopy"])
@pytest.mark.parametrize("path, arguments, size", [
    ("scanout", ["--fullscreen"], RIG_SIZE),
    ("cpu", ["--size", f"{WINDOW[0]}x{WINDOW[1]}"], WINDOW),
])
def test_grim(rig: Rig, protocol: str, path: str, arguments: list[str],
              size: tuple[int, int]) -> None:
    """In a session on the importer's screen, by both protocols."""
    sluice = Sluice(rig)
    client = sluice.vram("--pattern", "gradient", *arguments)
    client.wait_path(path, timeout=60)
    expected = on_screen(patterns.picture("gradient", *size))
    rig.wait_pixels(expected, timeout=60)
    command = "WAYLAND_DEBUG=client grim -t ppm /tmp/grim.ppm"
    if protocol == "wlr-screencopy":
        command = without_global(command, "ext_output_image_capture_source_manager_v1")
    result = rig.run(command, env={"WAYLAND_DISPLAY": sluice.display}, timeout=SLOW, check=True)
    assert f"{protocol.replace('-', '_')}_frame_v1#" in result.stderr.replace("@", "#")
    with Image.open(io.BytesIO(rig.read("/tmp/grim.ppm"))) as image:
        assert (numpy.array(image.convert("RGB")) == expected).all()
    # Captures draw the screen meanwhile; then all is as before
    client.wait_path(path, timeout=60)
