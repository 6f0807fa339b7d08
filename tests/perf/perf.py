"""The cost of a frame, beside others', in one run.

CPU time of the compositor's process, its time in the kernel included, for each frame of a client
that flips between two full-screen buffers in VRAM. The machine counts instructions instead of time
(-icount, 2 ns each), so that the figures repeat on a busy host.

A second table has what a frame costs in system calls, messages on the wire and allocations; a third,
what it costs to look: latencies, a trace, the overlay.

recorded.json has the figures of when the cost of a frame was last looked into, beside the floor's of
then: a frame that has become dearer since is told of. It is made of what --json writes.

    tests/run perf [--frames N] [--size WxH] [--only NAME] [--json FILE]
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
from rig.steady import Steady, count_steady  # noqa: E402

SIZES = [(1280, 720), (3840, 2160)]
ENVIRONMENT = {"WLR_RENDERER": "pixman", "WLR_LIBINPUT_NO_DEVICES": "1"}
# cage has linux-dmabuf with gles2 only; what it scans out it does not draw.
CAGE_ENVIRONMENT = {"WLR_RENDERER": "gles2", "WLR_RENDERER_ALLOW_SOFTWARE": "1",
                    "WLR_LIBINPUT_NO_DEVICES": "1"}


# A busy host emulates a software renderer's start for minutes: seconds
PATIENCE = 1200
RECORDED = Path(__file__).with_name("recorded.json")
#: how much a frame may cost of what was recorded; one run may differ from another by half of it
DEARER = 1.1
FLOOR = "bare flip loop"
CAGE = "cage, linux-dmabuf"
SLUICE = "sluice, sluice-vram"
NO_LONGER = "no longer"


@dataclass
class Program:
    """A compositor with a client of one protocol."""

    name: str
    command: str
    process: str
    protocol: str
    env: dict[str, str]
    #: what is run once frames come, and what has the figures be about
    look: str = ""

    def client(self, size: tuple[int, int]) -> str:
        return (f"vram-client --protocol {self.protocol} --fullscreen --buffers 2 --no-redraw "
                f"--size {size[0]}x{size[1]}")


PROGRAMS = [
    Program(CAGE, "cage -d", "cage", "dmabuf", CAGE_ENVIRONMENT),
    Program("sluice, linux-dmabuf", "sluice kiosk", "sluice", "dmabuf", ENVIRONMENT),
    Program(SLUICE, "sluice kiosk", "sluice", "sluice", ENVIRONMENT),
]


def looking(name: str, look: str) -> Program:
    return Program(f"{SLUICE}, {name}", "sluice kiosk", "sluice", "sluice", ENVIRONMENT, look)


LOOKS = [
    looking("metrics", "sluicectl metrics"),
    looking("trace", "sluicectl trace /tmp/perf-trace.json"),
    # What it lies on is composited
    looking("overlay", "sluicectl overlay on"),
    # Nobody has asked for so long that latencies are not taken any more
    looking(NO_LONGER, "timeout 1 sluicectl watch 0.5; sleep 8; sluicectl overlay on; "
            "sluicectl overlay off"),
]


@dataclass
class Figures:
    """Of one program at one size."""

    name: str
    size: tuple[int, int]
    ns_per_frame: int
    rss_kib: int | None = None
    first_frame_ms: int | None = None
    look: bool = False
    steady: Steady | None = None


def measure_floor(rig: Rig, size: tuple[int, int], frames: int) -> Figures:
    floor = rig.run(f"bare-flip {rig.exporters[0].bdf} {size[0]} {size[1]} {frames}",
                    timeout=600, check=True)
    return Figures(FLOOR, size, int(floor.stdout.split()[-1]))


def measure(rig: Rig, program: Program, size: tuple[int, int], frames: int,
            steady: bool = True) -> Figures:
    """Run a compositor with the flipping client; sample after a warm-up, and again later."""
    process, env = program.process, program.env
    client = program.client(size)
    # One process reads both numbers, so that nothing comes between them.
    sample = (f"cat /proc/$(pgrep -xo {process})/task/*/schedstat | awk '{{n+=$1}} END {{print n}}';"
              "grep -c callback /tmp/client.log;"
              f"awk '/^VmRSS/ {{print $2}}' /proc/$(pgrep -xo {process})/status")

    def take() -> tuple[int, int, int]:
        run, shown, rss = map(int, rig.run(sample, check=True).stdout.split())
        return run, shown, rss

    # Once for nothing, so that whoever comes first does not pay for reading it all in
    warm_up = f"exec timeout 60 {program.command} -- {client} --quiet --frames 5 >/dev/null 2>&1"
    rig.run(warm_up, env=env, timeout=PATIENCE)
    rig.run(f"rm -f /tmp/client.log; while pgrep -x {process} || pgrep -x vram-client; "
            "do sleep 0.1; done >/dev/null", timeout=PATIENCE)
    start = rig.run("cut -d' ' -f1 /proc/uptime", check=True)
    with rig.spawn(f"exec {program.command} -- sh -c 'exec {client} >/tmp/client.log 2>&1'", env=env):
        deadline = time.monotonic() + PATIENCE
        while int(rig.run("cat /tmp/client.log 2>/dev/null | grep -c callback").stdout) < frames:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{program.name}: no frames:\n"
                                   + rig.run("tail -20 /tmp/client.log").stdout)
            time.sleep(0.5)
        if program.look:
            rig.run(f"({program.look}) >/dev/null; sleep 2", check=True, timeout=PATIENCE)
        before, after = take(), take()
        while after[1] - before[1] < frames:
            time.sleep(0.5)
            after = take()
        first = rig.run("grep -m1 callback /tmp/client.log", check=True).stdout.split()[-1]
    first_ms = int(first) - round(float(start.stdout) * 1000)
    counted = count_steady(rig, program.command, process, client, env) if steady else None
    return Figures(program.name, size, (after[0] - before[0]) // (after[1] - before[1]), after[2],
                   first_ms, bool(program.look), counted)


def measure_size(size: tuple[int, int], frames: int, only: str) -> list[Figures]:
    figures: list[Figures] = []

    def add(new: Figures) -> None:
        print(f"  {new.name}: {new.ns_per_frame / 1000:.1f} us a frame", flush=True)
        figures.append(new)

    with Rig(size=size, icount=True, debug_name=f"perf-{size[0]}") as rig:
        print(f"{size[0]}x{size[1]}", flush=True)
        if only in FLOOR:
            add(measure_floor(rig, size, frames))
        for program in PROGRAMS + LOOKS:
            if only in program.name:
                add(measure(rig, program, size, frames, steady=not program.look))
    return figures


def find(figures: list[Figures], name: str) -> Figures | None:
    return next((f for f in figures if f.name == name), None)


def table(results: list[list[Figures]]) -> None:
    print(f"\n{'':24}{'size':>11}{'us/frame':>10}{'of floor':>10}{'of cage':>9}"
          f"{'RSS KiB':>10}{'first ms':>10}")

    def ratio(f: Figures, other: Figures | None) -> str:
        return "" if other is None else f"{f.ns_per_frame / other.ns_per_frame:.2f}"

    for figures in results:
        floor, cage = find(figures, FLOOR), find(figures, CAGE)
        for f in (f for f in figures if not f.look):
            rss = "" if f.rss_kib is None else str(f.rss_kib)
            first = "" if f.first_frame_ms is None else str(f.first_frame_ms)
            print(f"{f.name:24}{f.size[0]:>6}x{f.size[1]:<4}{f.ns_per_frame / 1000:>10.1f}"
                  f"{ratio(f, floor):>10}{ratio(f, cage):>9}{rss:>10}{first:>10}")


def steady_table(results: list[list[Figures]]) -> None:
    """What strace, the client's WAYLAND_DEBUG and a preloaded counter see."""
    print(f"\n{'for each frame':24}{'size':>11}{'atomic':>8}{'other':>7}{'system':>8}"
          f"{'wire':>10}{'allocations':>13}{'of its own':>12}")
    print(f"{'':35}{'ioctls':>8}{'ioctls':>7}{'calls':>8}{'messages':>10}{'':13}{'code':>12}")
    for f in (f for figures in results for f in figures if f.steady is not None):
        s = f.steady
        print(f"{f.name:24}{f.size[0]:>6}x{f.size[1]:<4}{s.atomic:>8.2f}"
              f"{sum(s.ioctls.values()) / s.flips:>7.2f}{s.all_calls:>8.1f}{s.messages:>10.2f}"
              f"{s.allocations:>13.1f}{s.own_allocations:>12.2f}")
    for f in (f for f in results[0] if f.steady is not None):
        calls = sorted(f.steady.calls.items(), key=lambda item: -item[1])
        print(f"{f.name}: " + ", ".join(f"{name} {number:.2f}" for name, number in calls))


def look_table(results: list[list[Figures]]) -> None:
    """What it costs to look, beside the same that nobody looks at."""
    print(f"\n{'':34}{'size':>11}{'us/frame':>10}{'of unseen':>11}")
    for figures in results:
        unseen = find(figures, SLUICE)
        for f in (f for f in figures if f.look):
            ratio = "" if unseen is None else f"{f.ns_per_frame / unseen.ns_per_frame:.2f}"
            print(f"{f.name:34}{f.size[0]:>6}x{f.size[1]:<4}{f.ns_per_frame / 1000:>10.1f}{ratio:>11}")


def times_then(size: tuple[int, int]) -> dict[str, float]:
    """How many times the floor each row took when it was recorded, where that was at this size."""
    rows = {row["name"]: row["ns_per_frame"] for row in json.loads(RECORDED.read_text())
            if row["size"] == list(size)}
    return {name: ns / rows[FLOOR] for name, ns in rows.items()}


def goals(results: list[list[Figures]]) -> None:
    """What we reach for; falling short is printed, and is no error."""

    def goal(what: str, value: float, limit: float) -> None:
        print(f"{'reached ' if value <= limit else 'SHORT   '} {what}: {value:.3g} "
              f"(at most {limit:.3g})")

    print()
    for figures in results:
        floor, cage, then = find(figures, FLOOR), find(figures, CAGE), times_then(figures[0].size)
        for f in (f for f in figures if f.name not in (FLOOR, CAGE) and not f.look):
            what = f"{f.name}, {f.size[0]}x{f.size[1]}"
            if floor is not None:
                times = f.ns_per_frame / floor.ns_per_frame
                goal(f"{what}, of the bare loop", times, 4)
                if f.name in then:
                    goal(f"{what}, of what was recorded", times / then[f.name], DEARER)
            if cage is not None:
                goal(f"{what}, of cage", f.ns_per_frame / cage.ns_per_frame, 0.5)
                goal(f"{what}, resident memory of cage's", f.rss_kib / cage.rss_kib, 1)
                goal(f"{what}, time to the first frame of cage's",
                     f.first_frame_ms / cage.first_frame_ms, 1)
            goal(f"{what}, atomic ioctls a frame", round(f.steady.atomic, 1), 1)
            goal(f"{what}, other ioctls", sum(f.steady.ioctls.values()), 0)
            goal(f"{what}, allocations of its own code", f.steady.own_allocations, 0)
        unseen, no_longer = find(figures, SLUICE), find(figures, f"{SLUICE}, {NO_LONGER}")
        if unseen is not None and no_longer is not None:
            goal(f"{no_longer.name} looked at, of never", no_longer.ns_per_frame /
                 unseen.ns_per_frame, 1.02)
    if len(results) > 1:
        for a, b in zip(results[0], results[-1]):
            if a.name not in (FLOOR, CAGE) and not a.look:
                goal(f"{a.name}, large of small", b.ns_per_frame / a.ns_per_frame, 1.02)


def parse_size(text: str) -> tuple[int, int]:
    width, height = (int(number) for number in text.split("x"))
    return width, height


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests/run perf", description=__doc__.split("\n")[0])
    parser.add_argument("--frames", type=int, default=300, help="to measure (default: 300)")
    parser.add_argument("--size", type=parse_size, action="append", metavar="WxH",
                        help="of the screen; may be given several times (default: two sizes)")
    parser.add_argument("--only", default="", metavar="NAME",
                        help="rows with this in their name, such as \"cage\"")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    arguments = parser.parse_args()
    results = [measure_size(size, arguments.frames, arguments.only)
               for size in arguments.size or SIZES]
    if not any(results):
        parser.error(f"no row has \"{arguments.only}\" in its name")
    table(results)
    steady_table(results)
    look_table(results)
    goals(results)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(f) for fs in results for f in fs], indent=1))


if __name__ == "__main__":
    main()
