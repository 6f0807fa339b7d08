"""The cost of a frame, beside others', in one run.

CPU time of the compositor's process, its time in the kernel included, for each frame of a client
that flips between two full-screen buffers in VRAM. The machine counts instructions instead of time
(-icount, 2 ns each), so that the figures repeat on a busy host.

    tests/run perf [--frames N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from rig import Rig  # noqa: E402

SIZES = [(1280, 720), (3840, 2160)]
ENVIRONMENT = {"WLR_RENDERER": "pixman", "WLR_LIBINPUT_NO_DEVICES": "1"}
# cage has linux-dmabuf with gles2 only; what it scans out it does not draw.
CAGE_ENVIRONMENT = {"WLR_RENDERER": "gles2", "WLR_RENDERER_ALLOW_SOFTWARE": "1",
                    "WLR_LIBINPUT_NO_DEVICES": "1"}


@dataclass
class Figures:
    """Of one program at one size."""

    name: str
    size: tuple[int, int]
    ns_per_frame: int
    rss_kib: int | None = None
    first_frame_ms: int | None = None


def measure(rig: Rig, name: str, size: tuple[int, int], command: str, process: str,
            protocol: str, env: dict[str, str], frames: int) -> Figures:
    """Run a compositor with the flipping client; sample after a warm-up, and again later."""
    client = (f"vram-client --protocol {protocol} --fullscreen --buffers 2 --no-redraw "
              f"--size {size[0]}x{size[1]}")
    # One process reads both numbers, so that nothing comes between them.
    sample = (f"cat /proc/$(pgrep -xo {process})/task/*/schedstat | awk '{{n+=$1}} END {{print n}}';"
              "grep -c callback /tmp/client.log;"
              f"awk '/^VmRSS/ {{print $2}}' /proc/$(pgrep -xo {process})/status")

    def take() -> tuple[int, int, int]:
        run, shown, rss = map(int, rig.run(sample, check=True).stdout.split())
        return run, shown, rss

    # Once for nothing, so that whoever comes first does not pay for reading it all in
    warm_up = f"exec timeout 60 {command} -- {client} --quiet --frames 5 >/dev/null 2>&1"
    rig.run(warm_up, env=env, timeout=300)
    rig.run(f"rm -f /tmp/client.log; while pgrep -x {process} || pgrep -x vram-client; do sleep 0.1; done >/dev/null", timeout=60)
    start = rig.run("cut -d' ' -f1 /proc/uptime", check=True)
    with rig.spawn(f"exec {command} -- sh -c 'exec {client} >/tmp/client.log 2>&1'", env=env):
        deadline = time.monotonic() + 300
        while int(rig.run("cat /tmp/client.log 2>/dev/null | grep -c callback").stdout) < frames:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{name}: no frames:\n"
                                   + rig.run("tail -20 /tmp/client.log").stdout)
            time.sleep(0.5)
        before, after = take(), take()
        while after[1] - before[1] < frames:
            time.sleep(0.5)
            after = take()
        first = rig.run("grep -m1 callback /tmp/client.log", check=True).stdout.split()[-1]
    first_ms = int(first) - round(float(start.stdout) * 1000)
    return Figures(name, size, (after[0] - before[0]) // (after[1] - before[1]), after[2],
                   first_ms)


def measure_size(size: tuple[int, int], frames: int) -> list[Figures]:
    with Rig(size=size, icount=True, debug_name=f"perf-{size[0]}") as rig:
        def say(figures: Figures) -> Figures:
            print(f"  {figures.name}: {figures.ns_per_frame / 1000:.1f} us a frame", flush=True)
            return figures

        bdf = rig.exporters[0].bdf
        print(f"{size[0]}x{size[1]}", flush=True)
        floor = rig.run(f"bare-flip {bdf} {size[0]} {size[1]} {frames}", timeout=600, check=True)
        return [
            say(Figures("bare flip loop", size, int(floor.stdout.split()[-1]))),
            say(measure(rig, "cage, linux-dmabuf", size, "cage -d", "cage", "dmabuf",
                        CAGE_ENVIRONMENT, frames)),
            say(measure(rig, "sluice, linux-dmabuf", size, "sluice kiosk", "sluice", "dmabuf",
                        ENVIRONMENT, frames)),
            say(measure(rig, "sluice, sluice-vram", size, "sluice kiosk", "sluice", "sluice",
                        ENVIRONMENT, frames)),
        ]


def table(results: list[list[Figures]]) -> None:
    print(f"\n{'':24}{'size':>11}{'us/frame':>10}{'of floor':>10}{'of cage':>9}"
          f"{'RSS KiB':>10}{'first ms':>10}")
    for figures in results:
        floor, cage = figures[0].ns_per_frame, figures[1].ns_per_frame
        for f in figures:
            rss = "" if f.rss_kib is None else str(f.rss_kib)
            first = "" if f.first_frame_ms is None else str(f.first_frame_ms)
            print(f"{f.name:24}{f.size[0]:>6}x{f.size[1]:<4}{f.ns_per_frame / 1000:>10.1f}"
                  f"{f.ns_per_frame / floor:>10.2f}{f.ns_per_frame / cage:>9.2f}"
                  f"{rss:>10}{first:>10}")


def goals(results: list[list[Figures]]) -> None:
    """What we reach for; falling short is printed, and is no error."""
    small, large = results[0], results[-1]

    def goal(what: str, value: float, limit: float) -> None:
        print(f"{'reached ' if value <= limit else 'SHORT   '} {what}: {value:.3g} "
              f"(at most {limit:.3g})")

    print()
    for figures in results:
        size = f"{figures[0].size[0]}x{figures[0].size[1]}"
        for f in figures[2:]:
            goal(f"{f.name}, {size}, of cage", f.ns_per_frame / figures[1].ns_per_frame, 0.5)
            goal(f"{f.name}, {size}, of the bare loop",
                 f.ns_per_frame / figures[0].ns_per_frame, 4)
            goal(f"{f.name}, {size}, resident memory of cage's", f.rss_kib / figures[1].rss_kib, 1)
            goal(f"{f.name}, {size}, time to the first frame of cage's",
                 f.first_frame_ms / figures[1].first_frame_ms, 1)
    for a, b in zip(small[2:], large[2:]):
        goal(f"{a.name}, large of small", b.ns_per_frame / a.ns_per_frame, 1.02)


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests/run perf", description=__doc__.split("\n")[0])
    parser.add_argument("--frames", type=int, default=300, help="to measure (default: 300)")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    arguments = parser.parse_args()
    results = [measure_size(size, arguments.frames) for size in SIZES]
    table(results)
    goals(results)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(f) for fs in results for f in fs], indent=1))


if __name__ == "__main__":
    main()
