"""What sluice counts of frames, beside what the kernel counts."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rig import Rig
from rig.session import SLOW, Sluice

TRACING = "/sys/kernel/tracing"
#: seconds for 1,000 frames that a busy host draws in software
PATIENCE = 400


class Commits:
    """Counts what the kernel commits to screens: a test commit is none."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        rig.run(f"cd {TRACING} 2>/dev/null && [ -e kprobe_events ] ||"
                f" mount -t tracefs tracefs {TRACING}", check=True)
        rig.run(f"cd {TRACING} && [ -e events/commits ] || "
                "{ echo p:commits/nonblocking drm_atomic_nonblocking_commit; "
                "echo p:commits/blocking drm_atomic_commit; } >kprobe_events", check=True)
        # A histogram has no buffer that could overflow
        rig.run(f"cd {TRACING}/events/commits && for i in nonblocking blocking; do "
                "echo 'hist:keys=common_pid' >$i/trigger; done", check=True)

    def count(self) -> int:
        text = self.rig.run(f"cd {TRACING}/events/commits && cat */hist", check=True).stdout
        return sum(map(int, re.findall(r"hitcount: *(\d+)", text)))

    def close(self) -> None:
        """Out of the way of other traces."""
        self.rig.run(f"cd {TRACING}/events/commits && for i in nonblocking blocking; do "
                     "echo '!hist:keys=common_pid' >$i/trigger; done; echo >../../kprobe_events",
                     check=True)


def status(rig: Rig) -> Any:
    return json.loads(rig.run(["sluicectl", "--json", "status"], check=True).stdout)


def output_of(answer: Any) -> Any:
    return next(output for output in answer["outputs"] if output["name"] == "Virtual-1")


def wait_frames(rig: Rig, path: str, count: int, timeout: float = PATIENCE) -> None:
    deadline = time.monotonic() + timeout
    while output_of(status(rig))["frames"][path] < count:
        assert time.monotonic() < deadline, status(rig)
        time.sleep(0.5)


@contextmanager
def counting(rig: Rig) -> Iterator[Commits]:
    counter = Commits(rig)
    yield counter
    counter.close()


def check_thousand(rig: Rig, sluice: Sluice, path: str, drawn: str) -> None:
    """The producer of a session goes on for 1,000 frames: sluice counts what the kernel does.

    path is that of its surface, drawn that of the whole screen."""
    sluice.wait_path(path, timeout=SLOW)
    pid = rig.run("pgrep -xo vram-client", check=True).stdout.strip()

    def stop() -> tuple[int, Any]:
        """What was counted, with the producer at rest and its last frame shown."""
        rig.run(f"kill -STOP {pid}; sleep 1", check=True)
        return commits.count(), status(rig)

    with counting(rig) as commits:
        kernel_before, before = stop()
        rig.run(f"kill -CONT {pid}", check=True)
        wait_frames(rig, drawn, output_of(before)["frames"][drawn] + 1000)
        kernel_after, after = stop()
        rig.run(f"kill -CONT {pid}", check=True)

    def difference(key: str, find: Callable[[Any], Any]) -> Any:
        if isinstance(find(after)[key], dict):
            return {name: count - find(before)[key][name]
                    for name, count in find(after)[key].items()}
        return find(after)[key] - find(before)[key]

    def surface_of(answer: Any) -> Any:
        surface, = answer["surfaces"]
        return surface

    counted = difference("frames", output_of)
    frames = counted.pop(drawn)
    assert frames >= 1000
    assert kernel_after - kernel_before == frames
    assert not any(counted.values()), counted
    assert output_of(after)["path"] == drawn
    assert output_of(after)["failed"] == output_of(after)["retried"] == 0

    assert (surface_of(after)["path"], surface_of(after)["output"]) == (path, "Virtual-1")
    shown = difference("frames", surface_of)
    assert shown.pop(path) == frames
    assert not any(shown.values()), shown
    # The damage of each frame, and not a pixel more; and once imported, for ever
    read = frames * DAMAGE[2] * DAMAGE[3] * 4 if path == "cpu" else 0
    for find in (output_of, surface_of, lambda answer: answer["counters"]):
        assert difference("vram_bytes_read", find) == read
        assert difference("imports", find) == 0
    assert difference("gpu_imports", lambda answer: answer["counters"]) == 0
    imports = 2 if path == "scanout" else 0
    assert surface_of(after)["imports"] == after["counters"]["imports"] == imports
    assert after["counters"]["exports"] == after["sources"][0]["exports"] == 2


DAMAGE = (0, 0, 16, 16)
WINDOW = ["--size", "64x48", "--damage", ",".join(map(str, DAMAGE))]


def producer(*arguments: str) -> list[str]:
    return ["--", "vram-client", "--buffers", "2", "--quiet", *arguments]
