"""What each frame costs in system calls, messages and allocations, once nothing changes but it."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from .machine import BUILD
from .rig import Rig

COUNTER = BUILD / "meson/tests/perf/count-allocations.so"
FRAMES = 60
WARM_UP = 60
#: software renderers in an emulated processor that strace slows down take their time
PATIENCE = 600


@dataclass
class Steady:
    """Numbers for each frame, where they are not said to be for all; those of system calls are of
    the compositor alone."""

    #: how many frames that were
    flips: int
    #: atomic ioctls: commits, and what only asks whether one would be good
    atomic: float
    #: all other ioctls by name, in all frames: an export, import or framebuffer would be here
    ioctls: dict[str, int]
    calls: dict[str, float]
    #: requests and events between client and compositor
    messages: float
    #: by all of the compositor's process, and by its own code
    allocations: float
    own_allocations: float

    @property
    def all_calls(self) -> float:
        return sum(self.calls.values())


def _wait_frames(rig: Rig, count: str, frames: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while int(rig.run(count).stdout) < frames:
        if time.monotonic() > deadline:
            raise AssertionError(f"no {frames} frames:\n"
                                 + rig.run("tail -20 /tmp/steady.log").stdout)
        time.sleep(0.3)


def _count_messages(log: str) -> float:
    """Of the frames that the client's log has from their callback to the next one's."""
    frames = re.split(r"^frame \d+ callback .*$", log, flags=re.MULTILINE)[1:-1][-FRAMES:]
    message = re.compile(r"^\[[ \d:.]+\].*[#@]\d+\.\w+\(", re.MULTILINE)
    return sum(len(message.findall(frame)) for frame in frames) / len(frames)


def count_steady(rig: Rig, command: str, process: str, client: str,
                 env: Mapping[str, str]) -> Steady:
    """Of a compositor, started by a command to which -- and its client's are added."""
    callbacks = "cat /tmp/steady.log 2>/dev/null | grep -c ' callback '"
    sample = f"od -An -tu8 -N16 /tmp/allocations; {callbacks}"
    inner = f"exec env -u LD_PRELOAD WAYLAND_DEBUG=client {client} >/tmp/steady.log 2>&1"
    rig.run("rm -f /tmp/steady.log /tmp/steady.trace /tmp/allocations", check=True)
    counted = f"env LD_PRELOAD={COUNTER} ALLOCATIONS=/tmp/allocations {command}"
    with rig.spawn(f"exec {counted} -- sh -c '{inner}'", env=env):
        _wait_frames(rig, callbacks, WARM_UP)
        before = list(map(int, rig.run(sample, check=True).stdout.split()))
        _wait_frames(rig, callbacks, before[2] + FRAMES)
        after = list(map(int, rig.run(sample, check=True).stdout.split()))

        pid = rig.run(f"pgrep -xo {process}", check=True).stdout.strip()
        tracer = rig.spawn(["strace", "-f", "-qq", "-o", "/tmp/steady.trace", "-p", pid])
        _wait_frames(rig, "cat /tmp/steady.trace 2>/dev/null | grep -c MODE_ATOMIC", 2 * FRAMES)
        tracer.send_signal(2)
        tracer.wait(20)
        trace = rig.read("/tmp/steady.trace").decode()
        log = rig.read("/tmp/steady.log").decode()

    # strace does not look into atomic ioctls; but a commit is one that a page flip answers
    flips = len(re.findall(r'read\(\d+, "\\2\\0\\0\\0 \\0\\0\\0', trace))
    ioctls = Counter(re.findall(r"ioctl\(\d+, (\w+)", trace))
    atomic = ioctls.pop("DRM_IOCTL_MODE_ATOMIC")
    calls = Counter(re.findall(r"^\d+ +(\w+)\(", trace, re.MULTILINE))
    frames = after[2] - before[2]
    return Steady(
        flips=flips, atomic=atomic / flips, ioctls=dict(ioctls),
        calls={name: number / flips for name, number in calls.items()},
        messages=_count_messages(log), allocations=(after[0] - before[0]) / frames,
        own_allocations=(after[1] - before[1]) / frames)
