"""How many frames a second are captured, beside what people use today, in one run.

A client that moves in a 1920×1080 screen, its frames captured by sluice headless, by grim in a
headless sway, and by weston-screenshooter in a headless Weston; by hash (grim: uncompressed, to
sha256sum) and as PNG. All of them draw with pixman.

    tests/run perf capture [--frames N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

MESON = Path("/build/meson")
SIZE = (1920, 1080)

# A small animation, and one that changes each pixel of each frame
CLIENTS = {
    "a window of 250x250": (["weston-simple-shm"], []),
    "the whole screen": (["shm-client", "--fullscreen", "--animate", "--pattern", "checker"], []),
}


@dataclass
class Figures:
    name: str
    client: str
    frames: int
    seconds: float
    cpu_seconds: float
    peak_mib: float
    written_mib: float

    @property
    def per_second(self) -> float:
        return self.frames / self.seconds


def environment(runtime: Path) -> dict[str, str]:
    return os.environ | {
        "PATH": f"{MESON / 'compositor'}:{MESON / 'tests/clients'}:{os.environ['PATH']}",
        "XDG_RUNTIME_DIR": str(runtime),
        "SLUICE_LIBDIR": str(MESON / "compositor/headless/preload"),
        "WLR_BACKENDS": "headless",
        "WLR_RENDERER": "pixman",
        "WLR_LIBINPUT_NO_DEVICES": "1",
    }


def measure(name: str, client: str, frames: int, command: list[str], directory: Path,
            variables: dict[str, str], clock: Path | None = None) -> Figures:
    """All of a command: its processes' time, and the largest of them.

    clock is a file with the times at which the first picture was begun and the last one ended. Of
    ours, start and end are counted as well.
    """
    # A process of its own, so that what has ended is counted by itself
    program = ("import json,resource,subprocess,sys,time\n"
               "start = time.monotonic()\n"
               "status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL,"
               " stderr=subprocess.DEVNULL)\n"
               "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
               "print(json.dumps([status, time.monotonic() - start,"
               " used.ru_utime + used.ru_stime, used.ru_maxrss]))\n")
    told = subprocess.run([sys.executable, "-c", program, *command], env=variables, text=True,
                          stdout=subprocess.PIPE, check=True, timeout=1200).stdout
    status, seconds, cpu, peak = json.loads(told)
    if status != 0:
        raise RuntimeError(f"{name}: status {status}: {' '.join(command)}")
    written = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    if clock is not None:
        first, last = map(float, clock.read_text().split())
        # While it is waited for the start, next to nothing is used
        seconds = last - first
    figures = Figures(name, client, frames, seconds, cpu, peak / 1024, written / 2**20)
    print(f"  {name}: {figures.per_second:.1f} frames a second", flush=True)
    return figures


def sluice(client: str, kind: str, frames: int, tmp: Path) -> Figures:
    command, options = CLIENTS[client]
    output = tmp / "out"
    return measure(f"sluice headless, {kind}", client, frames,
                   ["sluice", "headless", f"--output={SIZE[0]}x{SIZE[1]}", *options,
                    f"--frames={frames}", f"--capture={output}", f"--format={kind}", "--",
                    *command], output, environment(tmp))


def shots(tmp: Path, frames: int, shot: str) -> Path:
    """A shell script that takes pictures, and tells when it began and ended."""
    script = tmp / "shots"
    script.write_text(f"#!/bin/sh\nsleep 2\ncd {tmp / 'out'}\ndate +%s.%N >{tmp / 'clock'}\n"
                      f"for i in $(seq {frames}); do {shot}; done\n"
                      f"date +%s.%N >>{tmp / 'clock'}\n")
    script.chmod(0o755)
    return script


def sway(client: str, kind: str, frames: int, tmp: Path) -> Figures:
    output, config = tmp / "out", tmp / "config"
    output.mkdir()
    script = shots(tmp, frames,
                   "grim $i.png" if kind == "png" else "grim -t ppm - | sha256sum")
    config.write_text(f"output HEADLESS-1 resolution {SIZE[0]}x{SIZE[1]}\n"
                      "for_window [app_id=.*] floating enable\n"
                      f"exec {' '.join(CLIENTS[client][0])}\nexec sh -c '{script}; swaymsg exit'\n")
    return measure(f"sway and grim, {kind}", client, frames, ["sway", "-c", str(config)], output,
                   environment(tmp), tmp / "clock")


def weston(client: str, frames: int, tmp: Path) -> Figures:
    output = tmp / "out"
    output.mkdir()
    script = tmp / "script"
    script.write_text(f"#!/bin/sh\n{' '.join(CLIENTS[client][0])} &\n"
                      f"{shots(tmp, frames, 'weston-screenshooter')}\nkill $!\nkill $PPID\n")
    script.chmod(0o755)
    return measure("weston-screenshooter, png", client, frames,
                   ["sh", "-c", f"weston --backend=headless --renderer=pixman --debug "
                    f"--width={SIZE[0]} --height={SIZE[1]} --idle-time=0 -- {script}; true"],
                   output, environment(tmp), tmp / "clock")


def in_directory(function, *arguments) -> Figures:
    tmp = Path(tempfile.mkdtemp(prefix="sluice-perf-", dir="/tmp"))
    tmp.chmod(0o700)
    try:
        return function(*arguments, tmp)
    finally:
        shutil.rmtree(tmp)


def table(results: list[Figures]) -> None:
    print(f"\n{'':28}{'frames/s':>10}{'of grim':>9}{'CPU ms':>8}{'peak MiB':>10}"
          f"{'KiB/frame':>11}")
    for client in CLIENTS:
        rows = [f for f in results if f.client == client]
        print(client)
        for f in rows:
            kind = f.name.split(", ")[1]
            peers = [g for g in rows if g.name == f"sway and grim, {kind}"]
            ratio = f.per_second / peers[0].per_second if peers else float("nan")
            print(f"  {f.name:26}{f.per_second:>10.1f}{ratio:>9.1f}"
                  f"{f.cpu_seconds / f.frames * 1000:>8.1f}{f.peak_mib:>10.1f}"
                  f"{f.written_mib * 1024 / f.frames:>11.1f}")


def goals(results: list[Figures]) -> None:
    """What we reach for; falling short is printed, and is no error."""
    print()
    for f in results:
        if not f.name.startswith("sluice"):
            continue
        kind = f.name.split(", ")[1]
        peer = next(g for g in results
                    if g.client == f.client and g.name == f"sway and grim, {kind}")
        ratio = f.per_second / peer.per_second
        print(f"{'reached ' if ratio >= 10 else 'SHORT   '} {f.name}, {f.client}: "
              f"{ratio:.1f} times sway and grim (at least 10)")


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests/run perf capture",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("--frames", type=int, default=600, help="of ours (default: 600)")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    arguments = parser.parse_args()
    # Those who take a picture at a time are given a twentieth
    few = max(arguments.frames // 20, 5)
    results = []
    for client in CLIENTS:
        print(client, flush=True)
        for kind in ("hash", "png"):
            results.append(in_directory(sluice, client, kind, arguments.frames))
            results.append(in_directory(sway, client, kind, few))
        results.append(in_directory(weston, client, few))
    table(results)
    goals(results)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(f) for f in results], indent=1))


if __name__ == "__main__":
    main()
