"""Flipping costs one import per buffer, once, and never shows half a frame or an old one."""

from __future__ import annotations

import random
import re
import time

from lib import patterns
from rig import Rig
from rig.session import Sluice, Trace

# A small screen: in an emulated processor, drawing the frames takes most of the time.
RIG = {"size": (640, 480)}

FRAMES = 600
SAMPLES = 20


def last(pattern: str, text: str) -> int:
    numbers = re.findall(pattern, text, re.MULTILINE)
    return int(numbers[-1]) if numbers else 0


def sample(rig: Rig, client) -> int:
    """The number of the frame on the screen, which is a whole one, and not older than presented."""
    presented = last(r"^frame (\d+) presented", client.process.output)
    screen = rig.screendump()
    n = patterns.read_number(screen)
    if n is None or (screen != patterns.picture("frame-number", *rig.size, n)).any():
        path = rig.save_png("torn.png", screen)
        raise AssertionError(f"not one whole frame after frame {presented} was presented: {path}")
    assert n >= presented, f"frame {n} is on the screen, but {presented} was presented before"
    # It was committed, and what was committed before it is presented or on its way
    assert rig.guest.wait(
        lambda: last(r"^frame (\d+) committed", client.process.output) >= n, 10), n
    return n


def expect_late_releases(lines: str) -> None:
    """A buffer is the client's again when another one is shown, and not before."""
    newest = None
    for committed, released in re.findall(
            r"^(?:frame \d+ committed buffer=(\d+)|release (\d+))", lines, re.MULTILINE):
        assert not released or released != newest, f"buffer {released} was released too early"
        newest = committed or newest


def test_600_frames_of_two_buffers_are_imported_twice(rig: Rig) -> None:
    trace = Trace(rig)
    sluice = Sluice(rig)
    chance = random.Random(1)
    client = sluice.vram("--fullscreen", "--buffers", "2", "--ranges", "3:2",
                         "--frames", str(FRAMES + 1), "--presentation")
    client.wait_path("scanout")
    client.wait_for(r"^frame 20 presented", 60)

    seen: list[int] = []
    while len(seen) < SAMPLES:
        time.sleep(chance.uniform(0.05, 1))
        seen.append(sample(rig, client))
    assert seen == sorted(seen)
    assert len(set(seen)) > SAMPLES * 3 // 4, f"the screen stood still: {seen}"
    assert client.process.running and seen[-1] < FRAMES, f"sampled too late: {seen}"

    client.wait_for(rf"^frame {FRAMES} presented", 240)
    flags = re.findall(r"^frame \d+ presented flags=(\w+)", client.process.output, re.MULTILINE)
    assert len(flags) >= FRAMES
    assert "discarded" not in client.process.output
    expect_late_releases(client.process.output)
    traced = trace.read()
    assert traced.exports == 2
    assert traced.imports == 2
    assert len(traced.framebuffers) == 2
    assert traced.flips >= FRAMES
    assert set(sluice.paths[:1]) == {("scanout", "ok")}
    assert sluice.vram_bytes_read() == 0
