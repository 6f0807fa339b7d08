"""What is captured in the rig, and what should have been."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import numpy

from lib import patterns

from .rig import Rig
from .session import SLOW, place

WIDTH, HEIGHT = RIG_SIZE = 640, 480


def capture(rig: Rig, options: list[str], command: list[str],
            env: Mapping[str, str] | None = None) -> tuple[list[dict], str]:
    """The manifest of a headless session in the rig, and what it printed."""
    rig.run("rm -rf /tmp/capture", check=True)
    result = rig.run(["sluice", "headless", f"--output={WIDTH}x{HEIGHT}", "--capture=/tmp/capture",
                      "--format=hash", *options, "--", *command], env=env, timeout=2 * SLOW)
    assert result.status == 0, result.stderr
    lines = rig.read("/tmp/capture/manifest.jsonl").decode().splitlines()
    return [json.loads(line) for line in lines], result.stdout


def digest(picture: patterns.Pixels) -> str:
    return hashlib.sha256(numpy.ascontiguousarray(picture).tobytes()).hexdigest()


def on_screen(picture: patterns.Pixels) -> patterns.Pixels:
    """In the middle of a black screen."""
    height, width = picture.shape[:2]
    return place(numpy.zeros((HEIGHT, WIDTH, 3), numpy.uint8), picture, (WIDTH - width) // 2,
                 (HEIGHT - height) // 2)


def check_hashes(rig: Rig, path: str, arguments: list[str], size: tuple[int, int], frames: int,
                 env: Mapping[str, str] | None = None) -> None:
    """The producer's frames are captured as it draws them, each by this path."""
    manifest, told = capture(rig, [f"--frames={frames}"], ["vram-client", *arguments], env)
    assert f"device {rig.exporters[0].bdf}" in told
    paths = [[surface["path"] for surface in line["surfaces"]] for line in manifest]
    assert paths == [[path]] * frames, paths
    assert "simulated" not in str(manifest)
    for n, line in enumerate(manifest, 1):
        expected = digest(on_screen(patterns.picture("frame-number", *size, n)))
        assert line["sha256"] == expected, f"frame {n} is not the producer's: {line}"
