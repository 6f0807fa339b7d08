"""sluice headless, run as its users run it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy
from PIL import Image

MESON = Path("/build/meson")


@dataclass
class Result:
    """What became of a session, and what it captured."""

    status: int
    output: str
    directory: Path

    @property
    def manifest(self) -> list[dict]:
        path = self.directory / "manifest.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]

    @property
    def hashes(self) -> list[str]:
        return [line["sha256"] for line in self.manifest]

    def digest(self) -> str:
        return hashlib.sha256((self.directory / "manifest.jsonl").read_bytes()).hexdigest()

    def picture(self, name: str) -> numpy.ndarray:
        with Image.open(self.directory / name) as image:
            assert image.mode == "RGB"
            return numpy.array(image)


@dataclass
class Headless:
    """Runs sluice headless below a directory of its own."""

    tmp: Path
    runs: int = 0
    sluice: str = "sluice"
    extra: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        runtime = self.tmp / "runtime"
        runtime.mkdir(mode=0o700, exist_ok=True)
        directories = [MESON / "compositor", MESON / "tests/clients"]
        return os.environ | {
            "PATH": ":".join(map(str, directories)) + ":" + os.environ["PATH"],
            "XDG_RUNTIME_DIR": str(runtime),
            "SLUICE_LIBDIR": str(MESON / "compositor/headless/preload"),
            "SLUICE_LIBEXECDIR": str(MESON / "backend/probe/program"),
        } | self.extra

    def run(self, options: list[str], command: list[str], timeout: float = 120,
            directory: Path | None = None) -> Result:
        self.runs += 1
        directory = directory or self.tmp / f"capture-{self.runs}"
        process = subprocess.run(
            [self.sluice, "headless", f"--capture={directory}", *options, "--", *command],
            env=self.environment(), timeout=timeout, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return Result(process.returncode, process.stdout, directory)

    def leftovers(self) -> list[str]:
        """What a session left in the runtime directory."""
        return [path.name for path in (self.tmp / "runtime").iterdir()]


def without_global(command: str, name: str) -> str:
    """A shell command whose Wayland client does not see a global."""
    return (f"LD_PRELOAD=$LD_PRELOAD:{MESON / 'tests/clients/hide-global.so'} "
            f"HIDE_GLOBAL={name} {command}")
