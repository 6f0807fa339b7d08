"""sluice without a screen: its command line, clients, and an end without a trace."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from pathlib import Path

import numpy
import pytest
from PIL import Image

from lib import patterns

SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99",
    "UBSAN_OPTIONS": "halt_on_error=1:exitcode=99:print_stacktrace=1",
}


class TestCommandLine:
    def test_help_and_version(self, programs) -> None:
        helped = programs.run("sluice", "--help")
        assert helped.returncode == 0
        assert helped.stdout.startswith("Usage: sluice")
        version = programs.run("sluice", "--version")
        assert version.returncode == 0
        assert re.fullmatch(r"sluice \d+\.\d+\.\d+\S*\n", version.stdout)

    @pytest.mark.parametrize("arguments, status, message", [
        (["--nonsense"], 2, "unrecognized option '--nonsense'"),
        (["kiosk"], 2, "kiosk needs a command"),
        (["kiosk", "--nonsense", "--", "true"], 2, "unrecognized option '--nonsense'"),
        (["--", "no-such-program"], 1, 'Cannot start "no-such-program"'),
    ])
    def test_what_cannot_be_done_is_told(self, programs, arguments: list[str], status: int,
                                         message: str) -> None:
        result = programs.run("sluice", *arguments)
        assert result.returncode == status
        assert message in result.stderr

    def test_without_a_runtime_directory(self, programs) -> None:
        result = programs.run("sluice", "--", "true", cleared=("XDG_RUNTIME_DIR",))
        assert result.returncode == 1
        assert "XDG_RUNTIME_DIR" in result.stderr

    @pytest.mark.parametrize("variables, message", [
        ({"WLR_BACKENDS": "nonsense"}, "No backend works here"),
        ({"WLR_RENDERER": "gles2"}, "No renderer works here"),
    ])
    def test_without_what_it_needs(self, programs, variables: dict[str, str],
                                   message: str) -> None:
        result = programs.run("sluice", "kiosk", "--", "true", **variables)
        assert result.returncode == 1
        assert message in result.stderr

    def test_quiet_and_debug(self, programs) -> None:
        assert programs.run("sluice", "kiosk", "-q", "--", "true").stderr == ""
        assert "[DEBUG]" in programs.run("sluice", "kiosk", "-d", "--", "true").stderr


class TestClients:
    def test_a_kiosk_fills_its_screen(self, programs) -> None:
        result = programs.run("sluice", "kiosk", "--", "sh", "-c",
                              "shm-client --pattern gradient & "
                              "sleep 1; grim screen.png; kill $!; exit 9".replace(
                                  "screen.png", str(programs.runtime / "screen.png")))
        assert result.returncode == 9, result.stderr
        with Image.open(programs.runtime / "screen.png") as image:
            screen = numpy.array(image.convert("RGB"))
        assert (screen == patterns.picture("gradient", 1280, 720)).all()

    def test_every_bad_request_that_needs_no_device(self, session) -> None:
        programs, display = session
        result = programs.run("vram-client", "--bad", "all", WAYLAND_DISPLAY=display)
        assert result.returncode == 0, result.stdout
        assert "unexpected=0" in result.stdout
        assert result.stdout.count("protocol error") >= 5
        # And it still serves others
        ordinary = programs.run("shm-client", "--timeout", "1", WAYLAND_DISPLAY=display)
        assert "drawn 320x240" in ordinary.stdout

    def test_it_runs_in_another(self, session) -> None:
        programs, display = session
        inner = programs.run("sluice", "kiosk", "--", "sh", "-c",
                             "shm-client --timeout 1; exit 5",
                             WLR_BACKENDS="wayland", WAYLAND_DISPLAY=display)
        assert inner.returncode == 5, inner.stderr
        assert "WL-1" in inner.stderr
        assert "drawn 1280x720" in inner.stdout

    def test_many_clients_come_and_go(self, session) -> None:
        programs, display = session
        clients = [programs.start("shm-client", "--size", f"{50 + n}x50", WAYLAND_DISPLAY=display)
                   for n in range(20)]
        for n, client in enumerate(clients):
            with client:
                for line in client.stdout:
                    if line.startswith("drawn"):
                        break
                client.send_signal(signal.SIGKILL if n % 2 else signal.SIGTERM)


def test_started_and_stopped_20_times_without_an_error_of_memory(sanitized) -> None:
    """By address and undefined behaviour sanitizers, with clients in every state at the end."""
    for n in range(20):
        delay = 0.02 * n
        command = ["sluice", "--", "sh", "-c",
                   "shm-client & shm-client --fullscreen & vram-client --bad name-long & wait"]
        with sanitized.start(*command, **SANITIZERS) as process:
            try:
                sanitized.wait_display()
                time.sleep(delay)
                process.terminate()
                output = process.communicate(timeout=20)[0]
            finally:
                process.kill()
        assert "Sanitizer" not in output and "runtime error" not in output, output
        assert process.returncode == 0, output


def leftovers(runtime: Path) -> list[str]:
    return [path.name for path in runtime.iterdir() if path.name.startswith("wayland-")]


def test_nothing_is_left_behind(programs) -> None:
    result = programs.run("sluice", "kiosk", "--", "true")
    assert result.returncode == 0
    assert leftovers(programs.runtime) == []
    assert subprocess.run(["pgrep", "-x", "sluice"], check=False).returncode == 1
