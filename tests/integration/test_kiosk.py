"""Commands on screens of their own, by configuration, on screens that exist in memory only."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator

import numpy
import pytest
from PIL import Image

from lib import patterns

WIDTH, HEIGHT = 1280, 720
RED = "shm-client --pattern solid:c02020"
BLUE = "shm-client --pattern solid:2020c0"


class Kiosk:
    def __init__(self, programs, process) -> None:
        self.programs = programs
        self.process = process
        self.display = programs.wait_display()

    def ctl(self, *arguments: str):
        return self.programs.run("sluicectl", *arguments, WAYLAND_DISPLAY=self.display)

    def commands(self) -> dict[str, dict]:
        return {command["name"]: command
                for command in json.loads(self.ctl("--json", "commands").stdout)}

    def screen(self, number: int) -> numpy.ndarray:
        path = self.programs.runtime / f"screen-{number}.png"
        result = self.programs.run("grim", "-o", f"HEADLESS-{number}", str(path),
                                   WAYLAND_DISPLAY=self.display)
        assert result.returncode == 0, result.stderr
        with Image.open(path) as image:
            return numpy.array(image.convert("RGB"))

    def shows(self, number: int, colour: str) -> bool:
        return bool((self.screen(number) == patterns.picture(f"solid:{colour}", WIDTH,
                                                             HEIGHT)).all())

    def wait(self, condition: Callable[[], bool], what: str, timeout: float = 30) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, f"not in time: {what}"
            time.sleep(0.1)


@contextlib.contextmanager
def kiosk(programs, config: str, mode: str = "kiosk") -> Iterator[Kiosk]:
    path = programs.runtime / "config"
    path.write_text(config)
    with programs.start("sluice", *([mode] if mode else []), "--config", str(path),
                        WLR_HEADLESS_OUTPUTS="2") as process:
        try:
            yield Kiosk(programs, process)
            process.terminate()
            output = process.communicate(timeout=30)[0]
            assert process.returncode == 0, output
        finally:
            process.kill()


def two(first: str = RED, second: str = BLUE) -> str:
    return f"""
command red {{
	run {first}
	backoff 0.2 1
}}
command blue {{
	run {second}
	backoff 0.2 1
}}
output HEADLESS-1 {{
	show red
}}
output HEADLESS-2 {{
	show blue
}}
"""


@pytest.mark.parametrize("mode", ["kiosk", ""], ids=["kiosk", "session"])
def test_each_command_is_on_its_screen(programs, mode: str) -> None:
    with kiosk(programs, two(), mode) as it:
        it.wait(lambda: it.shows(1, "c02020") and it.shows(2, "2020c0"), "red and blue")
        commands = it.commands()
        assert commands["red"]["output"] == "HEADLESS-1"
        assert commands["blue"]["output"] == "HEADLESS-2"


def test_they_change_places(programs) -> None:
    with kiosk(programs, two()) as it:
        it.wait(lambda: it.shows(1, "c02020") and it.shows(2, "2020c0"), "red and blue")
        assert it.ctl("assign", "HEADLESS-1", "blue").returncode == 0
        it.wait(lambda: it.shows(1, "2020c0") and it.shows(2, "c02020"), "blue and red")
        assert it.ctl("assign", "HEADLESS-1").returncode == 0
        it.wait(lambda: not it.shows(1, "2020c0"), "nothing")
        assert it.shows(2, "c02020")
        assert it.commands()["blue"]["state"] == "running"
        assert it.ctl("assign", "HEADLESS-1", "blue").returncode == 0
        it.wait(lambda: it.shows(1, "2020c0"), "blue again")


@pytest.mark.parametrize("arguments, message", [
    (["HEADLESS-1", "green"], 'no command or source "green"'),
    (["HEADLESS-3", "red"], 'no output "HEADLESS-3"'),
])
def test_what_cannot_be_assigned_is_told(programs, arguments: list[str], message: str) -> None:
    with kiosk(programs, two()) as it:
        result = it.ctl("assign", *arguments)
        assert result.returncode == 1
        assert message in result.stderr


def has_words(screen: numpy.ndarray) -> bool:
    """Light text in the middle of black."""
    middle = screen[HEIGHT // 2 - 40:HEIGHT // 2 + 40]
    return bool(screen[:HEIGHT // 2 - 40].max() == 0 and screen[HEIGHT // 2 + 40:].max() == 0 and
                middle.max() > 0xb0 and (middle > 0x80).mean() < 0.2)


def test_a_command_that_dies_is_started_again(programs) -> None:
    with kiosk(programs, two(first=f'sh -c "{RED} & sleep 3; kill $!; exit 5"')) as it:
        it.wait(lambda: it.shows(1, "c02020"), "red")
        it.wait(lambda: it.commands()["red"]["runs"] >= 2, "a second run")
        it.wait(lambda: it.shows(1, "c02020"), "red again")
        assert it.commands()["red"]["status"] == 5
        assert it.shows(2, "2020c0")
        assert it.commands()["blue"]["runs"] == 1


def test_words_say_what_is_missing(programs) -> None:
    config = two(first="no-such-program")
    with kiosk(programs, config) as it:
        it.wait(lambda: it.shows(2, "2020c0"), "blue")
        it.wait(lambda: has_words(it.screen(1)), "words")
        red = it.commands()["red"]
        assert red["state"] == "waiting" and red["status"] == -1 and red["runs"] == 0


def test_a_reload_changes_only_what_is_different(programs) -> None:
    with kiosk(programs, two()) as it:
        it.wait(lambda: it.shows(1, "c02020") and it.shows(2, "2020c0"), "red and blue")
        before = it.commands()
        (programs.runtime / "config").write_text(
            two(first="shm-client --pattern solid:20c020"))
        assert it.ctl("reload").returncode == 0
        it.wait(lambda: it.shows(1, "20c020"), "green")
        assert it.commands()["blue"]["pid"] == before["blue"]["pid"]
        (programs.runtime / "config").write_text(two().replace("show red", ""))
        assert it.ctl("reload").returncode == 0
        it.wait(lambda: it.commands()["red"]["output"] is None, "red without a screen")
        assert it.shows(2, "2020c0")


def test_other_clients_do_not_get_in_between(programs) -> None:
    """Where a window belongs is known by the socket it came by, and not by what it says."""
    with kiosk(programs, two()) as it:
        it.wait(lambda: it.shows(1, "c02020") and it.shows(2, "2020c0"), "red and blue")
        assert it.ctl("assign", "HEADLESS-2").returncode == 0
        with programs.start("shm-client", "--pattern", "solid:20c020",
                            WAYLAND_DISPLAY=it.display) as other:
            it.wait(lambda: it.shows(2, "20c020"), "the other on the free screen")
            assert it.shows(1, "c02020")
            other.terminate()


@pytest.mark.parametrize("config, message", [
    ("output X {\n\tshow nothing\n}", ':2: show: there is no command or source "nothing"'),
    ("command a {\n}", ":1: command a: what is it to run?"),
    ("command a {\n\trun true\n}\ncommand a {\n\trun true\n}", 'command or a source "a" already'),
    ("command a/b {\n\trun true\n}", '"a/b" cannot be a name'),
    ("command a {\n\trun true\n\tbackoff 5 1\n}", "the longest pause is shorter"),
    ("source v {\n\tsize 640x480\n}", ":1: source v: which device?"),
    ("source v {\n\tdevice 03:00.0\n}", ":1: source v: which size?"),
    ("source v {\n\tdevice pci\n\tsize 640x480\n}", '"pci" is no PCI address'),
    ("source v {\n\tdevice 03:00.0\n\tsize 640\n}", '"640" is no size'),
    ("source v {\n\tdevice 03:00.0\n\tsize 640x480\n\toffset 100\n}", "not at the start of a page"),
    ("source v {\n\tdevice 03:00.0\n\tsize 640x480\n\toffset 99999999999999999999\n}",
     "is no number of bytes"),
    ("source v {\n\tdevice 03:00.0\n\tsize 640x480\n\toffset 99999999999G\n}",
     "is no number of bytes"),
    ("source v {\n\tdevice 03:00.0\n\tsize 640x480\n\tstride 2559\n}", "too small for 640 pixels"),
    ("source v {\n\tdevice 03:00.0\n\tsize 640x480\n\tformat XRGB888\n}", 'is "XRGB8888" meant?'),
    ("kiosk {\n\tvt-switch perhaps\n}", '"perhaps" is neither on nor off'),
])
def test_mistakes_are_told_with_their_line(programs, config: str, message: str) -> None:
    path = programs.runtime / "config"
    path.write_text(config)
    result = programs.run("sluice", "--check", str(path))
    assert result.returncode == 1
    assert message in result.stderr
