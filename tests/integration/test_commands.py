"""The commands that sluice runs: how they end, and what of them is left."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

#: a command that does not listen to SIGTERM, nor do its children
STUBBORN = "trap '' TERM; echo started; sleep 1000.75 & while :; do sleep 1; done"


def left(pattern: str) -> str:
    return subprocess.run(["pgrep", "-af", pattern], text=True, capture_output=True,
                          check=False).stdout


@contextlib.contextmanager
def started(programs, script: str) -> Iterator[subprocess.Popen[str]]:
    """sluice, whose command is a script that has said "started"."""
    with programs.start("sluice", "--", "sh", "-c", script) as process:
        try:
            next(line for line in process.stdout if line == "started\n")
            yield process
        finally:
            process.kill()


def test_sigterm_ends_the_command_before_the_display(programs) -> None:
    """A client that is told to end can still say good-bye."""
    script = ("trap 'shm-client --timeout 1; echo said good-bye; exit 0' TERM; "
              "echo started; while :; do sleep 0.1; done")
    with started(programs, script) as process:
        process.terminate()
        output = process.communicate(timeout=20)[0]
    assert process.returncode == 0
    assert "drawn 320x240\n" in output
    assert "said good-bye\n" in output


def test_a_command_that_does_not_end_is_killed(programs) -> None:
    with started(programs, STUBBORN) as process:
        begun = time.monotonic()
        process.terminate()
        output = process.communicate(timeout=20)[0]
    assert process.returncode == 0
    assert 4 < time.monotonic() - begun < 15
    assert "does not end: killing it" in output
    assert left(r"sleep 1000\.75") == ""


def test_a_second_signal_ends_it_at_once(programs) -> None:
    with started(programs, STUBBORN) as process:
        begun = time.monotonic()
        process.terminate()
        time.sleep(0.5)
        process.terminate()
        process.wait(10)
    assert process.returncode == 0
    assert time.monotonic() - begun < 4
    assert left(r"sleep 1000\.75") == ""


@pytest.mark.parametrize("how, status", [("exit 0", 0), ("exit 130", 130),
                                         ("kill -KILL $$", 128 + signal.SIGKILL)])
def test_a_kiosk_takes_what_its_command_started_along(programs, how: str, status: int) -> None:
    result = programs.run("sluice", "kiosk", "--", "sh", "-c", f"sleep 1000.75 & {how}")
    assert result.returncode == status, result.stderr
    assert left(r"sleep 1000\.75") == ""
