"""The rig from the command line: tests/run rig [OPTION…] -- COMMAND…"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from pathlib import Path

from . import agent
from .guest import RigError
from .qmp import QmpError
from .rig import Rig

USAGE = Path(__file__).with_name("usage")
# An interrupt may come twice for one key press: from the terminal and from a parent process.
SAME_INTERRUPT = 0.3


def split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Our options and, after "--", the command, whose options are none of our business."""
    if "--" not in arguments:
        return arguments, []
    cut = arguments.index("--")
    return arguments[:cut], arguments[cut + 1:]


class Parser(argparse.ArgumentParser):
    """Its help is a file, which tests/run shows without a build root too."""

    def format_help(self) -> str:
        return USAGE.read_text(encoding="utf-8")

    def format_usage(self) -> str:
        return self.format_help().split("\n", 1)[0] + "\n"


def parse() -> argparse.Namespace:
    parser = Parser(prog="tests/run rig")
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--screenshot")
    parser.add_argument("--append", default="")
    parser.add_argument("--kernel")
    parser.add_argument("--driver")
    for name, default in (("heads", 1), ("exporters", 1), ("vram", 256), ("smp", 2),
                          ("memory", 2048)):
        parser.add_argument(f"--{name}", type=int, default=default)
    for name in ("input", "icount", "no-build", "quiet"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--kvm", action="store_true", default=None)
    arguments, command = split(sys.argv[1:])
    options = parser.parse_args(arguments)
    if not command:
        parser.error("no command: give one after --")
    options.command = command
    try:
        width, height = (int(part) for part in options.size.split("x"))
    except ValueError:
        parser.error(f"--size {options.size}: not WIDTHxHEIGHT")
    options.size = (width, height)
    return options


def say(options: argparse.Namespace, text: str) -> None:
    if not options.quiet:
        print(f"==> {text}", file=sys.stderr, flush=True)


def show(kind: int, data: bytes) -> None:
    """Called from the reader's thread with what the command wrote."""
    fd = 1 if kind == agent.STDOUT else 2
    while data:
        data = data[os.write(fd, data):]


def forward_stdin(process) -> None:
    try:
        while data := os.read(0, agent.CHUNK):
            process.write(data)
        process.close_stdin()
    except (OSError, RigError):
        pass


class Interrupts:
    """The first interrupt goes to the command, the second ends the machine."""

    def __init__(self) -> None:
        self.process = None
        self.last = 0.0
        self.terminated = False
        signal.signal(signal.SIGINT, self.interrupt)
        signal.signal(signal.SIGTERM, self.terminate)

    def interrupt(self, *_: object) -> None:
        now = time.monotonic()
        if self.process is None or (self.last and now - self.last > SAME_INTERRUPT):
            raise KeyboardInterrupt
        if not self.last:
            self.last = now
            # Not from here: what was interrupted may hold the lock that sending needs.
            threading.Thread(target=self.process.send_signal, args=(signal.SIGINT,)).start()

    def terminate(self, *_: object) -> None:
        sys.exit(128 + signal.SIGTERM)


def main() -> int:
    options = parse()
    interrupts = Interrupts()
    command = options.command
    if len(command) == 1 and " " in command[0]:
        command = command[0]
    try:
        with Rig(size=options.size, heads=options.heads, vram=options.vram << 20,
                 exporters=options.exporters, smp=options.smp, memory=options.memory << 20,
                 append=options.append, input=options.input, icount=options.icount,
                 kvm=options.kvm, kernel=options.kernel, driver=options.driver,
                 debug_name="command") as rig:
            say(options, f"booted in {rig.boot_seconds:.1f} s; exporters: " +
                (", ".join(f"{e.bdf} (IOMMU group {e.group})" for e in rig.exporters) or "none") +
                f"; /out is {str(rig.out).lstrip('/')}")
            process = rig.spawn(command, env=terminal(), on_output=show)
            interrupts.process = process
            threading.Thread(target=forward_stdin, args=(process,), daemon=True).start()
            while process.running:
                rig.guest.wait(lambda: not process.running, 3600)
            interrupts.process = None
            if options.screenshot:
                for head in range(options.heads):
                    name = options.screenshot if head == 0 else f"{head}-{options.screenshot}"
                    rig.screendump(head, save=name)
                    say(options, f"screen {head}: {str(rig.out / name).lstrip('/')}")
    except KeyboardInterrupt:
        say(options, "interrupted; the machine is gone")
        return 128 + signal.SIGINT
    except (RigError, QmpError, OSError, ValueError) as error:
        print(f"tests/run rig: {error}", file=sys.stderr)
        return 125
    status = process.status
    assert status is not None
    return status if status >= 0 else 128 - status


def terminal() -> dict[str, str]:
    """What the command needs to know of our terminal."""
    return {name: os.environ[name] for name in ("TERM", "NO_COLOR", "COLORTERM")
            if name in os.environ}


if __name__ == "__main__":
    # Not sys.exit: a thread may still wait for standard input.
    STATUS = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(STATUS)
