"""X11 programs, through Xwayland: windows, menus, keys, and what is copied."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import numpy
import pytest

from integration.conftest import Programs

from conformance.test_clients import Session, Started, capture, run, wait

RED, GREEN = (0xc0, 0x20, 0x20), (0x20, 0x80, 0x40)
BORDER, TITLE = 2, 24
Box = tuple[int, int, int, int]


class Client:
    """A program of X11 that is written to and read from."""

    def __init__(self, programs: Programs, *command: str, display: str) -> None:
        self.process = subprocess.Popen(
            command, env=programs.environment(DISPLAY=display), text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.lines: list[str] = []
        threading.Thread(target=lambda: self.lines.extend(self.process.stdout),
                         daemon=True).start()

    def tell(self, line: str) -> None:
        self.process.stdin.write(line + "\n")

    def wait_for(self, line: str) -> None:
        wait(f"{line} in {self.lines}", lambda: line + "\n" in self.lines)

    def forget(self) -> None:
        self.lines.clear()


class X11:
    """A session that shows X11 programs."""

    def __init__(self, stack: ExitStack, programs: Programs, configuration: str = "",
                 *arguments: str, screens: int = 1) -> None:
        self.stack = stack
        self.programs = programs
        config = programs.runtime / "config"
        config.write_text(configuration)
        said = programs.runtime / "display"
        self.process = programs.start(
            "sluice", *arguments, "-c", str(config), *([] if "kiosk" in arguments else [
                "--", "sh", "-c", f'echo "${{DISPLAY-none}}" >{said}.new; mv {said}.new {said}']),
            WLR_HEADLESS_OUTPUTS=str(screens), DISPLAY=":77")
        stack.callback(self.end)
        self.session: Session = programs, programs.wait_display()
        if "kiosk" not in arguments:
            wait("DISPLAY", said.exists)
            self.display = said.read_text().strip()

    def end(self) -> None:
        """With whatever windows there are."""
        self.process.terminate()
        assert self.process.wait(20) == 0, self.process.stdout.read()

    def client(self, *command: str) -> Client:
        client = Client(self.programs, *command, display=self.display)
        self.stack.callback(client.process.kill)
        return client

    def ctl(self, *command: str) -> list[dict]:
        return json.loads(run(self.session, "sluicectl", "--json", *command) or "[]")

    def find(self, color: tuple[int, int, int], screen: str | None = None) -> Box | None:
        """The box of all pixels that have a colour, if they fill it."""
        same = (capture(self.session) == color).all(axis=2)
        if not same.any():
            return None
        ys, xs = numpy.nonzero(same)
        box = (int(xs.min()), int(ys.min()), int(xs.max() - xs.min() + 1),
               int(ys.max() - ys.min() + 1))
        return box if len(xs) == box[2] * box[3] else None

    def wait_box(self, color: tuple[int, int, int], box: Box | None) -> None:
        wait(f"#{bytes(color).hex()} at {box}", lambda: self.find(color) == box)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as everything:
        yield everything


@pytest.fixture
def x11(stack: ExitStack, programs: Programs) -> X11:
    return X11(stack, programs)


def has_xwayland(x11: X11) -> bool:
    return subprocess.run(["pgrep", "-f", f"^Xwayland {x11.display} "],
                          stdout=subprocess.DEVNULL, check=False).returncode == 0


def test_a_window_has_its_place_title_and_menus(x11: X11) -> None:
    assert not has_xwayland(x11), "it is started by the first client"
    client = x11.client("x11-client", "208040", "200x100+50+60")
    x, y = 50 + BORDER, 60 + BORDER + TITLE
    x11.wait_box(GREEN, (x, y, 200, 100))
    assert has_xwayland(x11)
    client.wait_for(f"configure 200x100+{x}+{y}")
    client.wait_for("focus in")

    client.tell("title äther")
    wait("the title", lambda: x11.ctl("windows")[0]["title"] == "äther")
    listed, = x11.ctl("windows")
    assert (listed["title"], listed["app_id"], listed["pid"]) == \
        ("äther", "X11Client", client.process.pid)

    with x11.programs.start("sluicectl", "-j", "subscribe", "window") as events:
        x11.stack.callback(events.kill)
        time.sleep(0.3)  # until it listens, nothing is heard
        client.tell("title changed")
        event = json.loads(events.stdout.readline())
        assert (event["data"]["change"], event["data"]["window"]["title"]) == ("title", "changed")
        events.kill()

    # It opens where the window believes to be, be it moved by us or by itself
    client.tell("menu c02020 30x40+10+20")
    x11.wait_box(RED, (x + 10, y + 20, 30, 40))
    client.tell("unmenu")
    x11.wait_box(RED, None)
    client.tell("move 300x150+400+300")
    x11.wait_box(GREEN, (400, 300, 300, 150))
    x11.ctl("tiling", "on")
    x11.wait_box(GREEN, (0, 0, 1280, 720))
    client.tell("menu c02020 30x40+10+20")
    x11.wait_box(RED, (10, 20, 30, 40))
    client.tell("unmenu")
    # What it asks for there it does not get
    client.tell("move 300x150+400+300")
    client.forget()
    client.wait_for("configure 1280x720+0+0")
    x11.ctl("tiling", "off")
    x11.wait_box(GREEN, (400, 300, 300, 150))
    client.tell("fullscreen")
    x11.wait_box(GREEN, (0, 0, 1280, 720))
    assert x11.ctl("windows")[0]["fullscreen"]
    client.tell("fullscreen")
    x11.wait_box(GREEN, (400, 300, 300, 150))


def test_keys_go_to_who_has_the_focus(x11: X11) -> None:
    first = x11.client("x11-client", "208040", "200x100+50+60")
    first.wait_for("focus in")
    second = x11.client("x11-client", "c02020", "200x100+600+60")
    second.wait_for("focus in")
    first.wait_for("focus out")
    # The first symbol of wtype's own keymap has key 1
    run(x11.session, "wtype", "a")
    second.wait_for("window key 1 pressed")
    x11.ctl("focus", "next")
    first.forget()
    run(x11.session, "wtype", "a")
    first.wait_for("window key 1 pressed")
    with x11.programs.drawn("shm-client", display=x11.session[1]):
        first.wait_for("focus out")
        first.forget()
        run(x11.session, "wtype", "a")
    first.wait_for("focus in")
    assert not any("key" in line for line in first.lines)


def test_what_is_copied_crosses(x11: X11) -> None:
    client = x11.client("x11-client", "208040", "200x100")
    client.wait_for("focus in")
    client.tell("copy from X11")
    programs, display = x11.session
    wait("what X11 copied", lambda: programs.run(
        "wl-paste", "--no-newline", WAYLAND_DISPLAY=display).stdout == "from X11")
    with Started(x11.session, "wl-copy", "--foreground", "from Wayland"):
        wait("what Wayland copied", lambda: programs.run(
            "wl-paste", "--no-newline", WAYLAND_DISPLAY=display).stdout == "from Wayland")
        client.tell("paste")
        client.wait_for("pasted from Wayland")


def test_a_program_that_others_wrote(x11: X11) -> None:
    x11.client("xlogo", "-bg", "#208040", "-fg", "#208040", "-geometry", "150x120+700+400")
    x11.wait_box(GREEN, (700 + BORDER, 400 + BORDER + TITLE, 150, 120))


def test_without_it(stack: ExitStack, programs: Programs) -> None:
    x11 = X11(stack, programs, "xwayland off\n")
    assert x11.display == "none", "nor is it the X server that sluice itself is a window of"


def test_a_kiosk_knows_whose_they_are(stack: ExitStack, programs: Programs) -> None:
    """X11 programs come by one socket, and are on the screen of their command all the same."""
    x11 = X11(stack, programs, """
command first {
	run sh -c "x11-client 208040 200x100; :"
}
command second {
	run sh -c "x11-client c02020 200x100+5+5; :"
}
output HEADLESS-1 {
	position 0 0
	show second
}
output HEADLESS-2 {
	position 1280 0
	show first
}
""", "kiosk", screens=2)
    x11.wait_box(RED, (0, 0, 1280, 720))
    x11.wait_box(GREEN, (1280, 0, 1280, 720))
