"""Fixtures of the tests that need no machine: sluice in the build root, on no screen."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

BUILD = Path("/build")
MESON = BUILD / "meson"

@dataclass(frozen=True)
class Programs:
    """The tree's programs in one build of it, and how they are run."""

    build: Path
    runtime: Path

    def environment(self, **more: str) -> dict[str, str]:
        directories = [self.build / "compositor", self.build / "tests/clients"]
        return os.environ | {
            "PATH": ":".join(map(str, directories)) + ":" + os.environ["PATH"],
            "XDG_RUNTIME_DIR": str(self.runtime),
            "SLUICE_LIBEXECDIR": str(self.build / "backend/probe/program"),
            "WLR_BACKENDS": "headless",
            "WLR_RENDERER": "pixman",
        } | more

    def run(self, *command: str, timeout: float = 30, cleared: tuple[str, ...] = (),
            **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs to the end; cleared are variables that it does not get."""
        variables = {name: value for name, value in self.environment(**environment).items()
                     if name not in cleared}
        return subprocess.run(command, env=variables, timeout=timeout, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, check=False)

    def start(self, *command: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(command, env=self.environment(**environment), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                stdin=subprocess.DEVNULL)

    @contextmanager
    def drawn(self, *command: str, display: str) -> Iterator[subprocess.Popen[str]]:
        """A client that has drawn its window, until the block ends, however it does."""
        with self.start(*command, WAYLAND_DISPLAY=display) as client:
            try:
                assert any(line.startswith("drawn") for line in client.stdout)
                yield client
            finally:
                client.kill()

    def wait_display(self, timeout: float = 10) -> str:
        """Waits until a compositor listens, to sluicectl too; the name of its display."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for path in self.runtime.glob("wayland-*"):
                # The display's comes first
                if path.is_socket() and (self.runtime / f"sluice-{path.name}.sock").exists():
                    return path.name
            time.sleep(0.02)
        raise AssertionError(f"no sockets of a compositor in {self.runtime}")


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    tmp_path.chmod(0o700)
    return Programs(MESON, tmp_path)


@pytest.fixture(scope="session")
def sanitized_build() -> Path:
    """A build of its own, with the address and undefined behaviour sanitizers."""
    build = BUILD / "sanitized"
    if not (build / "build.ninja").exists():
        subprocess.run(["meson", "setup", "-Db_sanitize=address,undefined", "-Db_lundef=false",
                        str(build), "/src"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", str(build), "compositor/sluice", "tests/clients/vram-client",
                    "tests/clients/shm-client"], check=True, stdout=subprocess.DEVNULL)
    return build


@pytest.fixture
def sanitized(sanitized_build: Path, tmp_path: Path) -> Programs:
    tmp_path.chmod(0o700)
    return Programs(sanitized_build, tmp_path)


@pytest.fixture
def session(programs: Programs) -> Iterator[tuple[Programs, str]]:
    """A session that runs, and the name of its display."""
    with programs.start("sluice") as process:
        try:
            yield programs, programs.wait_display()
        finally:
            process.terminate()
            assert process.wait(10) == 0, process.stdout.read()
