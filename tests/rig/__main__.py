"""The rig from the command line: tests/run rig [OPTION…] -- COMMAND…"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time

from . import agent
from .guest import RigError
from .qmp import QmpError
from .rig import Rig

# An interrupt may come twice for one key press: from the terminal and from a parent process.
SAME_INTERRUPT = 0.3


def split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Our options and, after "--", the command, whose options are none of our business."""
    if "--" not in arguments:
        return arguments, []
    cut = arguments.index("--")
    return arguments[:cut], arguments[cut + 1:]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests/run rig", usage="%(prog)s [OPTION…] -- COMMAND…", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Boots the machine with two GPUs and runs COMMAND in it as root. Its output\n"
                    "and exit status are passed through, and what comes on standard input goes\n"
                    "to it. Ctrl-C goes to the command; a second one ends the machine.",
        epilog="In the machine, the source is /src, the build directory is /build (both read-only)\n"
               "and /out is a new directory below build/out, which stays. A COMMAND of one word\n"
               "with spaces is for the shell.")
    parser.add_argument("--size", default="1280x720", metavar="WxH", help="of each screen")
    parser.add_argument("--heads", type=int, default=1, help="number of screens")
    parser.add_argument("--vram", type=int, default=256, metavar="MIB", help="of each exporter")
    parser.add_argument("--exporters", type=int, default=1, help="number of exporters")
    parser.add_argument("--smp", type=int, default=2, help="number of processors")
    parser.add_argument("--memory", type=int, default=2048, metavar="MIB", help="of the machine")
    parser.add_argument("--append", default="", metavar="ARGS", help="more kernel arguments")
    parser.add_argument("--input", action="store_true", help="with a keyboard and a tablet")
    parser.add_argument("--icount", action="store_true",
                        help="time counts instructions: slow, and repeats")
    parser.add_argument("--kvm", action="store_true", default=None, help="use /dev/kvm")
    parser.add_argument("--screenshot", metavar="NAME.png",
                        help="write each screen's last picture into the run's directory")
    parser.add_argument("--no-build", action="store_true", help="do not build the tree before")
    parser.add_argument("--quiet", action="store_true", help="only the command's output")
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
                 kvm=options.kvm, debug_name="command") as rig:
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
