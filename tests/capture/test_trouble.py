"""Clients, disks and command lines that misbehave: a message, a status, and nothing left."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def nothing_is_left(headless):
    yield
    assert headless.leftovers() == []
    for name in ("weston-simple-shm", "sluice-keeper", "foot"):
        found = subprocess.run(["pgrep", "-l", name[:15]], text=True, capture_output=True,
                               check=False)
        assert found.stdout == ""


@pytest.mark.parametrize("arguments, message", [
    ([], "which command?"),
    (["--nonsense", "--", "true"], "unrecognized option '--nonsense'"),
    (["--frames=0", "--", "true"], '"0" is no number'),
    (["--frames=-1", "--", "true"], '"-1" is no number'),
    (["--output=0x5", "--", "true"], '"0x5" is no size'),
    (["--output=a/b:5x5", "--", "true"], "is no name"),
    (["--output=X:5x5", "--output=X:6x6", "--", "true"], 'two screens named "X"'),
    (["--format=gif", "--", "true"], '"gif" is none of'),
    (["--date=yesterday", "--", "true"], '"yesterday" is no date'),
])
def test_command_lines(headless, arguments: list[str], message: str) -> None:
    result = subprocess.run(["sluice", "headless", *arguments], env=headless.environment(),
                            text=True, capture_output=True, check=False)
    assert result.returncode == 2
    assert message in result.stderr


class TestCommands:
    @pytest.mark.parametrize("command, status", [
        (["true"], 0), (["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill -SEGV $$"], 139),
        (["no-such-program"], 1),
    ])
    def test_exit_status(self, headless, command: list[str], status: int) -> None:
        result = headless.run(["--free-run"], command)
        assert result.status == status, result.output
        if command == ["no-such-program"]:
            assert 'Cannot start "no-such-program"' in result.output

    def test_the_seat(self, headless) -> None:
        result = headless.run(["--free-run"], ["wayland-info"])
        assert "capabilities: pointer keyboard touch" in result.output

    def test_time_is_virtual(self, headless) -> None:
        started = time.monotonic()
        result = headless.run(["--free-run", "--date=2001-02-03T04:05:06"],
                              ["sh", "-c", "date -u +%FT%T; sleep 3600; date -u +%FT%T"])
        assert result.output == "2001-02-03T04:05:06\n2001-02-03T05:05:06\n"
        assert time.monotonic() - started < 120

    def test_what_has_detached_itself_ends_as_well(self, headless) -> None:
        result = headless.run(["--free-run"], ["sh", "-c", "setsid sh -c 'trap \"\" TERM HUP; "
                                               "exec sleep 1234567' & exit 3"])
        assert result.status == 3
        assert subprocess.run(["pgrep", "-f", "sleep 1234567"], check=False).returncode == 1


class TestClients:
    def test_one_that_never_commits(self, headless) -> None:
        started = time.monotonic()
        result = headless.run(["--frames=3"], ["sh", "-c", "mkfifo $XDG_RUNTIME_DIR/nobody; "
                                               "exec cat $XDG_RUNTIME_DIR/nobody"])
        assert result.status == 1
        assert "0 of 3 frames came and no more will: every process sleeps" in result.output
        assert time.monotonic() - started < 60

    def test_one_that_only_waits_for_a_time(self, headless) -> None:
        result = headless.run(["--frames=3", "--limit=5"],
                              ["sh", "-c", "while sleep 1; do :; done"])
        assert result.status == 1
        assert "0 of 3 frames came in 5 s of virtual time" in result.output

    def test_one_that_never_sleeps(self, headless) -> None:
        result = headless.run(["--frames=3", "--patience=1"],
                              ["sh", "-c", "while :; do :; done"])
        assert result.status == 1
        assert "sh (pid" in result.output
        assert "has run for 1 s without going to sleep" in result.output

    def test_one_that_commits_for_ever(self, headless) -> None:
        result = headless.run(["--frames=5"], ["weston-simple-shm"])
        assert result.status == 0
        assert len(result.manifest) == 5

    def test_one_that_crashes(self, headless) -> None:
        result = headless.run(["--frames=1000"], ["sh", "-c", "weston-simple-shm & sleep 0.1; "
                                                  "kill -SEGV $!; wait $!"])
        assert result.status == 139
        assert 4 <= len(result.manifest) <= 7


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "small", small], check=True)
    yield small
    subprocess.run(["umount", small], check=True)


@pytest.mark.parametrize("kind, used", [("png", 120), ("rgb", 0), ("y4m", 0), ("hash", 240)])
def test_a_full_disk(headless, small_disk: Path, kind: str, used: int) -> None:
    (small_disk / "other").write_bytes(bytes(used << 10))
    result = headless.run(["--frames=3000", f"--format={kind}"], ["weston-simple-shm"],
                          directory=small_disk / "capture")
    assert result.status == 1
    assert "cannot be written: No space left on device" in result.output
    # What is there is whole
    for path in (small_disk / "capture").glob("*.rgb"):
        assert path.stat().st_size == 1280 * 720 * 3
    for path in (small_disk / "capture").glob("*.png"):
        with Image.open(path) as image:
            image.load()


def test_a_full_disk_of_a_script(headless, small_disk: Path, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("wait 1\ncapture a\nwait 1\n")
    (small_disk / "other").write_bytes(bytes(252 << 10))
    result = headless.run([f"--script={script}"], ["weston-simple-shm"],
                          directory=small_disk / "capture")
    assert result.status == 1
    assert "No space left on device" in result.output


WHOLE = "wait 1\ncapture whole\n"


def cut_off(length: int) -> str | None:
    """What is to be said of a script that ends after so many bytes of WHOLE, None if it is one."""
    lines = WHOLE[:length].splitlines()
    words = lines[-1].split() if lines else []
    if len(words) != 1:
        return None
    line = len(lines)
    usage = {"wait": "wait takes: N", "capture": "capture takes: NAME [OUTPUT]"}
    return f"script.sluice:{line}: " + usage.get(words[0], f'no verb "{words[0]}"')


@pytest.mark.parametrize("length", range(len(WHOLE) + 1))
def test_a_script_that_was_cut_off(headless, tmp_path: Path, length: int) -> None:
    """Wherever that was: the line is told, and nothing begins. The last newline is not missed."""
    script = tmp_path / "script.sluice"
    script.write_text(WHOLE[:length])
    result = headless.run([f"--script={script}"], ["weston-simple-shm"])
    message = cut_off(length)
    if message is None:
        assert (result.status, result.output) == (0, "")
        name = WHOLE[len("wait 1\ncapture "):length].strip()
        assert sorted(path.name for path in result.directory.glob("*.png")) == \
            ([f"{name}.png"] if name else [])
    else:
        assert result.status == 1
        assert message in result.output
        assert not result.directory.exists()


@pytest.mark.parametrize("end, line", [
    ('type "wo', 2), ('type "wo\n', 2), ("type 'wo", 2), ("wait {", 2), ("wait {\n", 2),
    ("wait 1 {\nwait 1\n", 3), ("wait 1\n}\n", 3), ("move 1", 2), ("wait 1\n\0", 3),
    ("type \xff", 2),
])
def test_a_script_that_was_cut_in_a_word(headless, tmp_path: Path, end: str, line: int) -> None:
    script = tmp_path / "script.sluice"
    script.write_bytes(b"wait 1\n" + end.encode("latin-1"))
    result = headless.run([f"--script={script}"], ["weston-simple-shm"])
    assert result.status == 1
    assert f"script.sluice:{line}: " in result.output, result.output


def test_missing_files(headless, tmp_path: Path) -> None:
    for options, name in (([f"--script={tmp_path / 'none'}"], "none"),
                          ([f"--config={tmp_path / 'none'}"], "none"),
                          (["--capture-into=0000:7f:00.0"], "0000:7f:00.0"),
                          (["--capture-into=simulated"], "no simulated exporter")):
        result = headless.run(options, ["weston-simple-shm"])
        assert result.status == 1, options
        assert name in result.output
    broken = tmp_path / "golden"
    broken.mkdir()
    (broken / "a.png").write_bytes(b"no picture")
    script = tmp_path / "script"
    script.write_text("wait 1\nexpect a\n")
    result = headless.run([f"--script={script}", f"--golden={broken}"], ["weston-simple-shm"])
    assert result.status == 1
    assert f"{broken}/a.png" in result.output


def test_directories_that_cannot_be_used(headless, tmp_path: Path) -> None:
    used = headless.run(["--frames=1"], ["weston-simple-shm"])
    again = headless.run(["--frames=1"], ["weston-simple-shm"], directory=used.directory)
    assert again.status == 1
    assert "holds a capture already" in again.output
    missing = headless.run(["--frames=1"], ["weston-simple-shm"],
                           directory=tmp_path / "no/such")
    assert missing.status == 1
    assert "no/such: cannot be made: No such file or directory" in missing.output


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_is_killed(headless, tmp_path: Path, how: signal.Signals) -> None:
    process = subprocess.Popen(
        ["sluice", "headless", "--free-run", f"--capture={tmp_path / 'capture'}",
         "--format=hash", "--", "weston-simple-shm"], env=headless.environment())
    manifest = tmp_path / "capture/manifest.jsonl"
    while not manifest.exists() or manifest.stat().st_size == 0:
        time.sleep(0.05)
    process.send_signal(how)
    process.wait(60)
    deadline = time.monotonic() + 20
    while subprocess.run(["pgrep", "weston-simple-s"], stdout=subprocess.DEVNULL,
                         check=False).returncode == 0 and time.monotonic() < deadline:
        time.sleep(0.1)
    if how == signal.SIGKILL:
        # Nobody is there to remove it
        subprocess.run(["sh", "-c", f"rm -rf {tmp_path}/runtime/*"], check=True)


def test_a_thousand_are_asked_to_end(headless, tmp_path) -> None:
    """Before they are killed, and nobody else: there are more of them than one page of /proc tells of."""
    ended = tmp_path / "ended"
    child = f"trap 'echo >>{ended}; exit' TERM; read x <{tmp_path}/never"
    text = (f"mkfifo {tmp_path}/never; i=0; while [ $i -lt 1300 ]; do i=$((i+1)); "
            f"sh -c \"{child}\" & done; sluicectl headless refresh 1")
    result = headless.run(["--machine-clock", "--every=1000000"], ["sh", "-c", text])
    assert result.status == 0, result.output
    assert len(ended.read_text().splitlines()) == 1300
