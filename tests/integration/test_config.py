"""The configuration: found, checked, and told about when it is wrong."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest


@dataclass
class Configured:
    """A session with a configuration that a test may change."""

    programs: object
    file: Path
    log: Path
    process: subprocess.Popen


@dataclass
class Screens:
    """A session on two headless screens, with a configuration that a test may change."""

    programs: object
    file: Path
    display: str

    @classmethod
    def run(cls, programs, configuration: str) -> Iterator[Screens]:
        file = programs.runtime / "config"
        file.write_text(configuration)
        with programs.start("sluice", "-c", str(file), WLR_HEADLESS_OUTPUTS="2") as process:
            try:
                yield cls(programs, file, programs.wait_display())
            finally:
                process.terminate()
                output = process.communicate(timeout=10)[0]
            assert process.returncode == 0, output

    def ask(self, command: str) -> list[dict]:
        result = self.programs.run("sluicectl", "--json", command)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def outputs(self) -> list[dict]:
        return sorted(self.ask("outputs"), key=lambda output: output["name"])

    def reload(self, configuration: str) -> None:
        self.file.write_text(configuration)
        result = self.programs.run("sluicectl", "reload")
        assert (result.returncode, result.stderr) == (0, "")


class Socket:
    """The compositor's socket, as sluicectl uses it."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.stream = self.socket.makefile("rw")

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self.socket.close()

    def send(self, command: str, **arguments: object) -> None:
        print(json.dumps({"command": command} | arguments), file=self.stream, flush=True)

    def receive(self) -> dict:
        return json.loads(self.stream.readline())

    def ask(self, command: str, **arguments: object) -> dict:
        self.send(command, **arguments)
        return self.receive()


def wait_for(condition: Callable[[], bool], timeout: float = 10) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class TestCheck:
    def test_good(self, programs) -> None:
        file = programs.runtime / "good"
        file.write_text("cursor-theme default 32\n")
        result = programs.run("sluice", "--check", str(file))
        assert (result.returncode, result.stdout) == (0, f"{file}: good\n")
        assert programs.run("sluice", "--check", "-c", str(file)).returncode == 0

    def test_broken(self, programs) -> None:
        file = programs.runtime / "broken"
        file.write_text("outptu * { }\n\ncursor-theme a 0\n")
        result = programs.run("sluice", "--check", str(file))
        assert result.returncode == 1
        assert result.stderr == (
            f'{file}:1: unknown directive "outptu"; is "output" meant?\n'
            f'{file}:3: cursor-theme: "0" is no whole number from 1 to 512\n')

    def test_the_one_that_is_found(self, programs) -> None:
        nowhere = {"HOME": str(programs.runtime), "XDG_CONFIG_DIRS": str(programs.runtime)}
        result = programs.run("sluice", "--check", cleared=("XDG_CONFIG_HOME",), **nowhere)
        assert result.returncode == 0
        assert "There is no configuration" in result.stderr
        file = programs.runtime / "sluice/config"
        file.parent.mkdir()
        file.write_text("nonsense\n")
        result = programs.run("sluice", "--check", cleared=("XDG_CONFIG_HOME",), **nowhere)
        assert result.returncode == 1
        assert result.stderr.startswith(f"{file}:1: ")


class TestStart:
    def test_with_a_broken_file(self, programs) -> None:
        file = programs.runtime / "broken"
        file.write_text("\nnonsense\n")
        result = programs.run("sluice", "-c", str(file), "--", "true")
        assert result.returncode == 1
        assert f'{file}:2: unknown directive "nonsense" here' in result.stderr

    @pytest.mark.parametrize("arguments", [["-c", "/nonexistent"], ["--config=/nonexistent"]])
    def test_without_the_file_that_was_named(self, programs, arguments: list[str]) -> None:
        result = programs.run("sluice", *arguments, "--", "true")
        assert result.returncode == 1
        assert "/nonexistent: cannot be opened: No such file or directory" in result.stderr


class TestReload:
    @pytest.fixture
    def configured(self, programs) -> Iterator[Configured]:
        file = programs.runtime / "config"
        file.write_text("bind Logo+x exit\n")
        log = programs.runtime / "log"
        with log.open("w") as stream, subprocess.Popen(
                ["sluice", "-c", str(file)], env=programs.environment(),
                stdout=stream, stderr=stream) as process:
            try:
                programs.wait_display()
                yield Configured(programs, file, log, process)
            finally:
                process.terminate()
                assert process.wait(10) == 0, log.read_text()

    def test_by_sluicectl(self, configured) -> None:
        configured.file.write_text("bind Logo+x nonsense\n\ncursor-theme\n")
        result = configured.programs.run("sluicectl", "reload")
        assert result.returncode == 1
        assert f'{configured.file}:1: there is no action "nonsense"\n' in result.stderr
        assert f"{configured.file}:3: " in result.stderr
        assert configured.file.name in configured.log.read_text()
        configured.file.write_text("bind Logo+x reload\n")
        result = configured.programs.run("sluicectl", "reload")
        assert (result.returncode, result.stderr) == (0, "")
        configured.file.unlink()
        result = configured.programs.run("sluicectl", "reload")
        assert result.returncode == 1
        assert "cannot be opened: No such file or directory" in result.stderr

    def test_by_signal(self, configured) -> None:
        configured.file.write_text("nonsense\n")
        configured.process.send_signal(signal.SIGHUP)
        wait_for(lambda: f'{configured.file}:1: unknown directive "nonsense" here' in
                 configured.log.read_text())
        configured.file.write_text("")
        configured.process.send_signal(signal.SIGHUP)
        wait_for(lambda: configured.log.read_text().count(f"configuration: {configured.file}") == 2)


class TestOutputs:
    """Applied when a screen appears, and when the configuration is read again."""

    @pytest.fixture
    def screens(self, programs) -> Iterator[Screens]:
        yield from Screens.run(programs, """
            output HEADLESS-1 {
                mode 800x600@75
                scale 2
                position 100 50
            }
            output HEADLESS-2 {
                transform 90
            }
        """)

    def test_when_it_appears(self, screens) -> None:
        one, two = screens.outputs()
        assert one["mode"] == {"width": 800, "height": 600, "refresh_mhz": 75000}
        assert one["box"] == {"x": 100, "y": 50, "width": 400, "height": 300}
        assert one["scale"] == 2
        # What has no place is right of what has one
        assert two["transform"] == "90"
        assert two["box"] == {"x": 500, "y": 50, "width": 720, "height": 1280}

    def test_when_it_is_read_again(self, screens) -> None:
        with screens.programs.drawn("shm-client", "--fullscreen", display=screens.display):
            screens.reload("""
                output HEADLESS-* {
                    transform flipped-270
                }
                output HEADLESS-1 {
                    scale 1.25
                }
            """)
            one, two = screens.outputs()
            assert one["mode"]["width"] == 800  # a headless one has no mode to go back to
            assert (one["scale"], two["scale"]) == (1.25, 1)
            assert one["transform"] == two["transform"] == "flipped-270"
            # The window is still there, and fills what is now the screen
            windows = screens.ask("windows")
            assert len(windows) == 1 and windows[0]["fullscreen"]
            screens.reload("output HEADLESS-1 {\n disable\n}\noutput HEADLESS-2 {\n position 0 0\n}\n")
            one, two = screens.outputs()
            assert not one["enabled"] and two["enabled"]
            assert two["box"] == {"x": 0, "y": 0, "width": 1280, "height": 720}
            wait_for(lambda: screens.ask("windows")[0]["box"] == two["box"])
            screens.reload("")
            assert all(output["enabled"] for output in screens.outputs())

    def test_no_screen_at_all(self, screens) -> None:
        with screens.programs.drawn("shm-client", display=screens.display):
            screens.reload("output * {\n disable\n}\n")
            assert not any(output["enabled"] for output in screens.outputs())
            assert len(screens.ask("windows")) == 1
            screens.reload("")
            assert all(output["enabled"] for output in screens.outputs())

    def test_what_cannot_be_done(self, screens) -> None:
        before = screens.outputs()
        # More than any renderer allocates
        screens.file.write_text("output HEADLESS-2 {\n mode 65535x65535\n}\n")
        result = screens.programs.run("sluicectl", "reload")
        assert result.returncode == 1
        assert "they stay as they were" in result.stderr
        assert screens.outputs() == before
        screens.file.write_text("output HEADLESS-2 {\n adaptive-sync on\n}\n")
        result = screens.programs.run("sluicectl", "reload")
        assert result.returncode == 1
        assert "HEADLESS-2: it has no adaptive sync" in result.stderr


EXAMPLE = Path("/src/compositor/config/config.example")


class TestExample:
    def test_it_is_good(self, programs) -> None:
        result = programs.run("sluice", "--check", str(EXAMPLE))
        assert (result.returncode, result.stderr) == (0, "")

    def test_what_it_shows_is_good(self, programs) -> None:
        file = programs.runtime / "shown"
        file.write_text(re.sub(r"^#(?=[^ \n])", "", EXAMPLE.read_text(), flags=re.MULTILINE))
        result = programs.run("sluice", "--check", str(file))
        assert (result.returncode, result.stderr) == (0, "")

    def test_it_has_every_action(self, programs) -> None:
        listed = programs.run("sluicectl", "--help").stdout.split("To have it do something:")[1]
        actions = re.findall(r"^  ([a-z-]+) ", listed, re.MULTILINE)
        assert len(actions) > 20
        for action in (*actions, "drag-move", "drag-resize"):
            assert re.search(rf"^#?bind(-pointer)? \S+ {action}\b", EXAMPLE.read_text(),
                             re.MULTILINE), action


def broken_files(kind: str, count: int, seed: int) -> Iterator[bytes]:
    """The example, each time with something in it that makes it wrong, in syntax or in meaning."""
    random = Random(seed)
    lines = re.sub(r"^#(?=[^ \n])", "", EXAMPLE.read_text(), flags=re.MULTILINE).splitlines()
    words = ("bind", "output", "input", "cursor-theme", "mode", "tap")

    def junk(alphabet: str = "abc xyz{}\"'\\#\n\t$%&/()=?€ß\x01\x7f") -> str:
        return "".join(random.choice(alphabet) for _ in range(random.randrange(1, 60)))

    def bytes_of(*text: str) -> bytes:
        return "\n".join(text).encode() + b"\n"

    syntax = (
        lambda at: bytes_of(*lines[:at], "}", "}", *lines[at:]),
        lambda at: bytes_of(*lines[:at], "output A {" * random.randrange(1, 3000), *lines[at:]),
        lambda at: bytes_of(*lines[:at], 'bind "Logo+x exit', *lines[at:]),
        lambda at: bytes_of(*lines[:at]) + b"\0" + bytes_of(*lines[at:]),
        lambda at: bytes_of(*lines) + random.randbytes(random.randrange(1, 5000)) + b"\nzebra {",
    )
    meaning = (
        lambda at: bytes_of(*lines, f"{random.choice(words)}{random.choice('xqz')} 1"),
        lambda at: bytes_of(*lines, f"bind {junk('abc+LogoShift')} zebra"),
        lambda at: bytes_of(*lines, "output A {", f"scale {random.choice(('0', '1e999', '-1'))}", "}"),
        lambda at: bytes_of(*lines, "input A {", f"repeat-rate {random.randrange(1001, 10 ** 30)}",
                            "}"),
        lambda at: bytes_of(*lines, "output A {", f"mode {junk('0123456789x@.-+e')}x", "}"),
        lambda at: bytes_of(*lines, "cursor-theme " + "a " * random.randrange(3, 5000)),
        lambda at: bytes_of(*lines, "zebra " + junk("abc ä") * random.randrange(1, 2000)),
    )
    breakers = syntax if kind == "syntax" else meaning
    for number in range(count):
        yield breakers[number % len(breakers)](random.randrange(len(lines)))


SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99",
    "UBSAN_OPTIONS": "halt_on_error=1:exitcode=99:print_stacktrace=1",
}


@pytest.mark.parametrize("build", ["programs", "sanitized"])
@pytest.mark.parametrize("kind, suppressions", [("syntax", "/src/tests/lib/libscfg.supp"),
                                                ("meaning", "/dev/null")])
def test_a_hundred_broken_files(build: str, kind: str, suppressions: str,
                                request: pytest.FixtureRequest) -> None:
    """Each has a message with the place, harms no window, and leaves the configuration as it was."""
    programs = request.getfixturevalue(build)
    file = programs.runtime / "config"
    good = "output HEADLESS-1 {\n scale 2\n}\n"
    file.write_text(good)
    with programs.start("sluice", "-q", "-c", str(file), **SANITIZERS,
                        LSAN_OPTIONS=f"suppressions={suppressions}") as process:
        display = programs.wait_display()
        with programs.drawn("shm-client", "--fullscreen", display=display), Socket(
                programs.runtime / f"sluice-{display}.sock") as sluice:
            for number, content in enumerate(broken_files(kind, 50, 2718)):
                file.write_bytes(content)
                answer = sluice.ask("reload")
                assert not answer["ok"], f"file {number}: {content!r}"
                assert re.match(rf"{re.escape(str(file))}:(\d+: )?.", answer["error"]), answer
            assert len(sluice.ask("windows")["data"]) == 1
            assert sluice.ask("outputs")["data"][0]["scale"] == 2
            file.write_text(good)
            assert sluice.ask("reload")["ok"]
        process.terminate()
        output = process.communicate(timeout=30)[0]
    assert "Sanitizer" not in output and "runtime error" not in output, output
    assert process.returncode == 0, output
