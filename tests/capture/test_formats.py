"""What is written holds each frame once, in every format, with the same pixels."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import numpy
import pytest
from PIL import Image

from lib import patterns
from lib.headless import Headless, without_global

FRAMES = 250
SIZE = "320x200"
# Decodes the 10 bits of YCbCr exactly
FROM_Y4M = "zscale=matrixin=709:rangein=full:matrix=gbr:range=full:d=none,format=gbrp"


def decode(*arguments: str | Path) -> bytes:
    """What ffmpeg makes of something, as RGB bytes."""
    return subprocess.run(["ffmpeg", "-v", "error", *map(str, arguments), "-fps_mode",
                           "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
                          stdout=subprocess.PIPE, check=True).stdout


def hashes_of(data: bytes, size: int) -> list[str]:
    assert len(data) % size == 0
    return [hashlib.sha256(data[at:at + size]).hexdigest() for at in range(0, len(data), size)]


@pytest.fixture(scope="module")
def every_format(tmp_path_factory):
    """250 frames, in all formats at once."""
    headless = Headless(tmp_path_factory.mktemp("formats"))
    result = headless.run([f"--frames={FRAMES}", f"--output={SIZE}", "--format=png,rgb,y4m"],
                          ["weston-simple-shm"])
    assert result.status == 0, result.output
    return result


FRAME_SIZE = 320 * 200 * 3


class TestExactlyN:
    def test_each_has_its_own_number(self, every_format) -> None:
        assert [line["seq"] for line in every_format.manifest] == list(range(1, FRAMES + 1))

    def test_each_has_its_own_time(self, every_format) -> None:
        times = [line["time"] for line in every_format.manifest]
        assert times == sorted(set(times))

    def test_png(self, every_format) -> None:
        names = sorted(path.name for path in every_format.directory.glob("*.png"))
        assert names == [f"frame-{n:06d}.png" for n in range(1, FRAMES + 1)]
        data = decode("-i", every_format.directory / "frame-%06d.png")
        assert hashes_of(data, FRAME_SIZE) == every_format.hashes

    def test_rgb(self, every_format) -> None:
        paths = sorted(every_format.directory.glob("*.rgb"))
        assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths] == \
            every_format.hashes

    def test_y4m(self, every_format) -> None:
        data = decode("-i", every_format.directory / "HEADLESS-1.y4m", "-vf", FROM_Y4M)
        assert hashes_of(data, FRAME_SIZE) == every_format.hashes

    def test_only_hashes(self, headless, every_format) -> None:
        result = headless.run([f"--frames={FRAMES}", f"--output={SIZE}", "--format=hash"],
                              ["weston-simple-shm"])
        assert result.hashes == every_format.hashes
        assert [path.name for path in result.directory.iterdir()] == ["manifest.jsonl"]


def test_each_third(headless) -> None:
    options = ["--frames=10", "--format=hash"]
    every = headless.run(["--frames=30", "--format=hash"], ["weston-simple-shm"])
    third = headless.run([*options, "--every=3"], ["weston-simple-shm"])
    assert third.hashes == every.hashes[2::3]
    assert [line["seq"] for line in third.manifest] == list(range(1, 11))


def test_the_pixels_are_those_of_the_client(headless) -> None:
    """By a picture that is computed without it."""
    result = headless.run(["--kiosk", "--frames=1", "--output=500x301"],
                          ["shm-client", "--pattern", "gradient"])
    assert result.status == 0, result.output
    expected = patterns.picture("gradient", 500, 301)
    assert (result.picture("frame-000001.png") == expected).all()
    assert result.hashes == [hashlib.sha256(expected.tobytes()).hexdigest()]


def test_every_colour_survives_y4m(headless, tmp_path: Path) -> None:
    """The conversion, done here, for all 2^24 colours: back by exact arithmetic."""
    kr, kb = 0.2126, 0.0722
    rgb = numpy.stack(numpy.meshgrid(*[numpy.arange(256.0)] * 3, indexing="ij"), -1)
    shift, scale = 18, 1023 / 255
    factor = lambda k: numpy.trunc(k * scale * 2**shift + numpy.copysign(0.5, k))
    rounded = lambda weights: numpy.floor(
        (sum(factor(w) * rgb[..., i] for i, w in enumerate(weights)) + 2**(shift - 1)) / 2**shift)
    kg = 1 - kr - kb
    luma = rounded((kr, kg, kb))
    cb = numpy.clip(rounded((-kr / (2 * (1 - kb)), -kg / (2 * (1 - kb)), 0.5)) + 512, 0, 1023)
    cr = numpy.clip(rounded((0.5, -kg / (2 * (1 - kr)), -kb / (2 * (1 - kr)))) + 512, 0, 1023)
    y, u, v = luma / 1023, (cb - 512) / 1023, (cr - 512) / 1023
    red, blue = y + 2 * (1 - kr) * v, y + 2 * (1 - kb) * u
    green = (y - kr * red - kb * blue) / kg
    back = numpy.rint(numpy.clip(numpy.stack([red, green, blue], -1), 0, 1) * 255)
    assert (back == rgb).all()


def grim(headless, command: str, tmp_path: Path):
    """Captures by a script while grim does."""
    script = tmp_path / "grim.sluice"
    script.write_text("window shm-client\nrefresh 2\ncapture ours\nrefresh 30\ncapture later\n")
    return headless.run([f"--script={script}"], ["sh", "-c", command])


@pytest.mark.parametrize("protocol", ["ext-image-copy-capture", "wlr-screencopy"])
def test_grim_agrees(headless, tmp_path: Path, protocol: str) -> None:
    picture, log = tmp_path / "grim.png", tmp_path / "grim.log"
    command = f"WAYLAND_DEBUG=client grim {picture} 2>{log}"
    if protocol == "wlr-screencopy":
        command = without_global(command, "ext_output_image_capture_source_manager_v1")
    result = grim(headless, f"shm-client --pattern gradient --size 400x300 & sleep 0.1; "
                  f"{command}; wait", tmp_path)
    assert result.status == 0, result.output
    assert f"{protocol.replace('-', '_')}_frame_v1#" in log.read_text().replace("@", "#")
    ours = result.picture("later.png")
    with Image.open(picture) as image:
        theirs = numpy.array(image.convert("RGB"))
    assert (ours == theirs).all()
    assert len(numpy.unique(ours.reshape(-1, 3), axis=0)) > 100


def test_into_vram(headless) -> None:
    """Each frame is where the manifest says, until there is no more room: then from the start."""
    copy = headless.tmp / "vram"
    result = headless.run(
        ["--simulate-exporter=2", "--capture-into=simulated", "--format=hash", "--every=1",
         f"--output={SIZE}"], ["sh", "-c", "weston-simple-shm & sluicectl headless wait 10; "
                               f"sluicectl headless time; cat $SLUICE_EXPORTER >{copy}; kill $!"])
    assert result.status == 0, result.output
    memory = copy.read_bytes()
    assert len(result.manifest) == 10
    offsets = [line["vram"]["offset"] for line in result.manifest]
    assert offsets[0] == offsets[8] == 0 and len(set(offsets)) == 8
    for line in result.manifest[2:]:
        start = line["vram"]["offset"]
        pixels = numpy.frombuffer(memory[start:start + 320 * 200 * 4], numpy.uint8)
        rgb = pixels.reshape(200, 320, 4)[:, :, 2::-1].tobytes()
        assert hashlib.sha256(rgb).hexdigest() == line["sha256"]
