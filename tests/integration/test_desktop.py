"""Windows on workspaces on screens: tiled, decorated, sent around, and never lost."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy
import pytest
from PIL import Image

from lib import patterns

WIDTH, HEIGHT = 1280, 720
BORDER, TITLE = 2, 24
ACTIVE, INACTIVE = (0x33, 0x66, 0x99), (0x33, 0x33, 0x33)


def wait_for(condition: Callable[[], object], timeout: float = 10) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be so"
        time.sleep(0.05)


class Desktop:
    """A session of two screens side by side, unless configured otherwise."""

    def __init__(self, programs, stack: ExitStack, configuration: str, screens: int) -> None:
        self.programs = programs
        self.stack = stack
        self.file = programs.runtime / "config"
        self.file.write_text(configuration)
        self.process = stack.enter_context(
            programs.start("sluice", "-c", str(self.file), WLR_HEADLESS_OUTPUTS=str(screens)))
        self.display = programs.wait_display()
        self.clients: list[subprocess.Popen[str]] = []

    def ask(self, command: str) -> list[dict]:
        result = self.programs.run("sluicectl", "--json", command)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def do(self, *command: str) -> None:
        result = self.programs.run("sluicectl", *map(str, command))
        assert result.returncode == 0, result.stderr

    def fails(self, *command: str) -> str:
        result = self.programs.run("sluicectl", *map(str, command))
        assert result.returncode == 1
        return result.stderr

    def reload(self, configuration: str) -> None:
        self.file.write_text(configuration)
        self.do("reload")

    def open(self, title: str, *arguments: str) -> subprocess.Popen[str]:
        client = self.stack.enter_context(self.programs.start(
            "shm-client", "--title", title, *arguments, WAYLAND_DISPLAY=self.display))
        self.clients.append(client)
        wait_for(lambda: title in self.windows())
        return client

    def close(self, client: subprocess.Popen[str]) -> str:
        client.terminate()
        return client.communicate(timeout=10)[0]

    def windows(self) -> dict[str, dict]:
        return {window["title"]: window for window in self.ask("windows")}

    def box(self, title: str) -> tuple[int, int, int, int]:
        box = self.windows()[title]["box"]
        return box["x"], box["y"], box["width"], box["height"]

    def workspaces(self) -> dict[str, dict]:
        return {workspace["name"]: workspace for workspace in self.ask("workspaces")}

    def focused(self) -> str | None:
        return next((title for title, window in self.windows().items() if window["focused"]), None)

    def screen(self, output: str = "HEADLESS-1") -> patterns.Pixels:
        path: Path = self.programs.runtime / "screen.png"
        result = self.programs.run("grim", "-o", output, str(path), WAYLAND_DISPLAY=self.display)
        assert result.returncode == 0, result.stderr
        with Image.open(path) as image:
            return numpy.array(image.convert("RGB"))


@contextmanager
def session(programs, configuration: str = "", screens: int = 1) -> Iterator[Desktop]:
    with ExitStack() as stack:
        desktop = Desktop(programs, stack, configuration, screens)
        try:
            yield desktop
        finally:
            for client in desktop.clients:
                client.terminate()
            desktop.process.terminate()
            output = desktop.process.communicate(timeout=20)[0]
    assert desktop.process.returncode == 0, output


SCREENS = "output HEADLESS-1 {\n\tposition 0 0\n}\noutput HEADLESS-2 {\n\tposition 1280 0\n%s}\n"


class TestTiles:
    def test_master_and_stack(self, programs) -> None:
        with session(programs, "windows {\n\tlayout tile\n}\n") as desktop:
            desktop.open("one", "--color", "ff0000")
            assert desktop.box("one") == (0, 0, WIDTH, HEIGHT)
            desktop.open("two", "--color", "00ff00")
            client = desktop.open("three", "--color", "0000ff")
            master = 704  # 55 percent
            wait_for(lambda: desktop.box("two") == (master, 0, WIDTH - master, HEIGHT // 2))
            assert desktop.box("one") == (0, 0, master, HEIGHT)
            assert desktop.box("three") == (master, 360, WIDTH - master, HEIGHT // 2)
            screen = desktop.screen()
            assert (screen[:, :master] == (255, 0, 0)).all()
            assert (screen[:360, master:] == (0, 255, 0)).all()
            assert (screen[360:, master:] == (0, 0, 255)).all()

            desktop.do("master-width", "-5")
            wait_for(lambda: desktop.box("one") == (0, 0, 640, HEIGHT))
            desktop.do("master-count", "1")
            wait_for(lambda: desktop.box("two") == (0, 360, 640, 360))
            assert desktop.box("three") == (640, 0, 640, HEIGHT)
            desktop.close(client)
            wait_for(lambda: desktop.box("two") == (0, 360, WIDTH, 360))

    def test_focus_and_swap(self, programs) -> None:
        with session(programs, "windows {\n\tlayout tile\n}\n") as desktop:
            for title in ("one", "two", "three"):
                desktop.open(title)
            assert desktop.focused() == "three"
            desktop.do("focus", "up")
            assert desktop.focused() == "two"
            desktop.do("focus", "left")
            assert desktop.focused() == "one"
            desktop.do("focus", "left")
            assert desktop.focused() == "one"
            desktop.do("swap", "right")
            wait_for(lambda: desktop.box("one")[0] > 0 and desktop.box("one")[1] == 0)
            assert desktop.box("two")[:2] == (0, 0)
            desktop.do("swap", "master")
            wait_for(lambda: desktop.box("one")[:2] == (0, 0))
            assert "no tile to swap with" in desktop.fails("swap", "left")

    def test_what_floats_among_tiles(self, programs) -> None:
        with session(programs, "windows {\n\tlayout tile\n\tgap 10\n}\n") as desktop:
            desktop.open("one")
            desktop.open("two")
            wait_for(lambda: desktop.box("two")[1] == 10)
            desktop.open("fixed", "--size", "200x100", "--fixed", "--color", "ffff00")
            assert not desktop.windows()["fixed"]["tiled"]
            assert desktop.box("fixed") == (540, 310, 200, 100)
            assert (desktop.screen()[310:410, 540:740] == (255, 255, 0)).all()
            assert "is tiled" in desktop.fails("move", "0", "0", desktop.windows()["one"]["id"])
            desktop.do("float", "on", desktop.windows()["two"]["id"])
            wait_for(lambda: desktop.box("one") == (0, 0, WIDTH, HEIGHT))
            desktop.do("tiling", "off")
            assert not desktop.windows()["one"]["tiled"]
            desktop.do("tiling", "on")
            assert desktop.windows()["two"]["tiled"] and not desktop.windows()["fixed"]["tiled"]

    def test_a_client_that_does_not_take_its_size_is_cut(self, programs) -> None:
        with session(programs, "windows {\n\tlayout tile\n}\n") as desktop:
            desktop.open("large", "--size", "1280x720", "--color", "ff0000")
            desktop.open("other", "--color", "00ff00")
            wait_for(lambda: (desktop.screen()[:, 704:] == (0, 255, 0)).all())
            desktop.do("focus", desktop.windows()["large"]["id"])
            screen = desktop.screen()
            assert (screen[:, :704] == (255, 0, 0)).all()
            assert (screen[:, 704:] == (0, 255, 0)).all()


class TestHolding:
    def test_the_old_stays_until_the_client_has_drawn_or_the_time_is_over(self, programs) -> None:
        with session(programs, "windows {\n\tlayout tile\n}\n") as desktop:
            client = desktop.open("one", "--color", "ff0000")
            desktop.open("two", "--color", "00ff00")
            wait_for(lambda: desktop.box("one")[2] == 704)
            client.send_signal(signal.SIGSTOP)
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(programs.runtime / f"sluice-{desktop.display}.sock"))
                replies = connection.makefile()

                def ask(*requests: str) -> dict:
                    connection.sendall("".join(f"{line}\n" for line in requests).encode())
                    answers = [json.loads(replies.readline()) for _ in requests]
                    assert all(answer["ok"] for answer in answers)
                    return next(window["box"] for window in answers[-1]["data"]
                                if window["title"] == "one")

                # At once, it has not answered: it is where it was, and as large
                start = time.monotonic()
                box = ask('{"command": "swap", "arguments": ["master"]}', '{"command": "windows"}')
                assert (box["x"], box["width"]) == (0, 704)
                while ask('{"command": "windows"}')["x"] != 704:
                    assert time.monotonic() - start < 10
                assert time.monotonic() - start >= 0.19
            client.send_signal(signal.SIGCONT)
            wait_for(lambda: desktop.box("one") == (704, 0, WIDTH - 704, HEIGHT))


class TestWorkspaces:
    def test_shown_and_hidden(self, programs) -> None:
        with session(programs) as desktop:
            desktop.open("one", "--fullscreen", "--color", "ff0000")
            desktop.do("workspace", "2")
            assert set(desktop.workspaces()) == {"1", "2"}
            assert desktop.focused() is None
            assert (desktop.screen() == 0).all()
            desktop.open("two", "--color", "00ff00")
            assert desktop.windows()["two"]["workspace"] == "2"
            assert not desktop.windows()["one"]["visible"]
            desktop.do("send-to-workspace", "1")
            assert desktop.focused() is None
            desktop.do("workspace", "previous")
            assert set(desktop.workspaces()) == {"1"}
            assert desktop.focused() == "two"
            desktop.do("focus", desktop.windows()["one"]["id"])
            assert (desktop.screen() == (255, 0, 0)).all()

    def test_names_and_order(self, programs) -> None:
        with session(programs) as desktop:
            desktop.open("one")
            desktop.do("workspace", "mail")
            desktop.open("two")
            desktop.do("workspace", "next")
            assert desktop.workspaces()["1"]["focused"]
            desktop.do("workspace", "next")
            assert desktop.workspaces()["mail"]["focused"]
            # A window that is focused by its number shows its workspace
            desktop.do("focus", desktop.windows()["one"]["id"])
            assert desktop.workspaces()["1"]["visible"]


class TestScreens:
    def test_sent_from_one_to_the_other(self, programs) -> None:
        with session(programs, SCREENS % "", 2) as desktop:
            desktop.do("focus-output", "HEADLESS-1")
            desktop.open("one", "--size", "200x100")
            assert desktop.box("one") == (540, 310, 200, 100)
            desktop.do("send-to-output", "right")
            assert desktop.box("one") == (1280 + 540, 310, 200, 100)
            desktop.do("focus-output", "HEADLESS-2")
            assert desktop.focused() == "one"
            assert "no screen right of here" in desktop.fails("focus-output", "right")
            assert 'no screen "DP-7"' in desktop.fails("send-to-output", "DP-7")
            desktop.do("workspace-to-output", "left")
            assert desktop.box("one") == (540, 310, 200, 100)

    def test_nothing_is_lost_with_a_screen_and_all_comes_back(self, programs) -> None:
        with session(programs, SCREENS % "", 2) as desktop:
            desktop.do("focus-output", "HEADLESS-1")
            desktop.open("stays", "--size", "100x100")
            desktop.do("focus-output", "right")
            desktop.open("floats", "--size", "300x200")
            desktop.do("move", "2200", "500")
            desktop.open("fills", "--fullscreen", "--color", "00ff00")
            before = {title: desktop.box(title) for title in ("stays", "floats", "fills")}
            assert before["fills"] == (1280, 0, WIDTH, HEIGHT)

            desktop.reload(SCREENS % "\tdisable\n")
            workspaces = desktop.workspaces()
            assert {workspace["output"] for workspace in workspaces.values()} == {"HEADLESS-1"}
            # What had the focus is still in sight
            assert desktop.focused() == "fills"
            assert desktop.box("fills") == (0, 0, WIDTH, HEIGHT)
            assert (desktop.screen() == (0, 255, 0)).all()
            x, y, width, height = desktop.box("floats")
            assert (x, y, width, height) == (920, 500, 300, 200)

            desktop.reload(SCREENS % "")
            wait_for(lambda: desktop.box("fills") == before["fills"])
            assert {title: desktop.box(title) for title in before} == before
            assert desktop.windows()["stays"]["visible"]

    def test_without_any_screen(self, programs) -> None:
        off = "output * {\n\tdisable\n}\n"
        with session(programs, "output * {\n\tenable\n}\n") as desktop:
            desktop.open("one", "--size", "200x100", "--color", "ff0000")
            desktop.reload(off)
            assert desktop.workspaces()["1"]["output"] is None
            desktop.open("two", "--size", "100x50", "--color", "00ff00")
            desktop.reload("")
            wait_for(lambda: desktop.windows()["two"]["visible"])
            screen = desktop.screen()
            assert tuple(screen[360, 640]) == (0, 255, 0)
            assert tuple(screen[315, 545]) == (255, 0, 0)

    def test_a_window_out_of_sight_is_brought_back(self, programs) -> None:
        with session(programs, SCREENS % "", 2) as desktop:
            desktop.do("focus-output", "HEADLESS-1")
            desktop.open("one", "--size", "200x100")
            desktop.do("move-by", "10", "-1000")
            assert desktop.box("one") == (550, 0, 200, 100)


def text_in(part: patterns.Pixels, bar: tuple[int, int, int]) -> bool:
    """Light text, and nothing else, on a bar of one colour."""
    different = (part != bar).any(axis=2)
    return 0 < different.mean() < 0.5 and bool((part[different].min(axis=1) >= min(bar)).all())


class TestDecorations:
    def test_around_a_floating_window(self, programs) -> None:
        with session(programs) as desktop:
            client = desktop.open("Title", "--size", "300x200", "--color", "ffff00", "--decorated")
            desktop.open("bare", "--size", "50x40", "--color", "ff00ff")
            # In the middle with what is around it
            left, top = (WIDTH - 304) // 2, (HEIGHT - 200 - TITLE - 2 * BORDER) // 2
            inner = left + BORDER, top + TITLE + BORDER
            assert desktop.box("Title") == (*inner, 300, 200)
            desktop.do("focus", desktop.windows()["Title"]["id"])
            for colour in (ACTIVE, INACTIVE):
                screen = desktop.screen()
                frame = screen[top:top + 228, left:left + 304]
                assert (frame[:BORDER] == colour).all() and (frame[-BORDER:] == colour).all()
                assert (frame[:, :BORDER] == colour).all() and (frame[:, -BORDER:] == colour).all()
                assert text_in(frame[BORDER:BORDER + TITLE, BORDER:100], colour)
                assert text_in(frame[BORDER:BORDER + TITLE, -TITLE:-BORDER], colour)
                assert (frame[BORDER:BORDER + TITLE, 150:-TITLE - BORDER] == colour).all()
                assert (frame[TITLE + BORDER:-BORDER, BORDER:60] == (255, 255, 0)).all()
                rest = screen.copy()
                rest[top:top + 228, left:left + 304] = 0
                assert (rest == 0).all()
                desktop.do("focus", desktop.windows()["bare"]["id"])
            assert "decoration server" in desktop.close(client)

    def test_only_where_something_else_is_to_be_told_apart(self, programs) -> None:
        with session(programs, "windows {\n\tlayout tile\n\tborder 3\n\ttitle 20\n"
                               "\tactive-color 00ffff\n\tinactive-color 0000ff\n}\n") as desktop:
            desktop.open("one", "--color", "ff0000", "--decorated")
            assert (desktop.screen() == (255, 0, 0)).all()
            client = desktop.open("two", "--color", "00ff00", "--decorated")
            wait_for(lambda: desktop.box("one") == (3, 23, 704 - 6, HEIGHT - 26))
            screen = desktop.screen()
            assert (screen[23:717, 3:701] == (255, 0, 0)).all()
            assert (screen[:, :3] == (0, 0, 255)).all()
            assert (screen[-3:, 704:] == (0, 255, 255)).all()
            desktop.do("fullscreen")
            wait_for(lambda: (desktop.screen() == (0, 255, 0)).all())
            desktop.close(client)
            wait_for(lambda: (desktop.screen() == (255, 0, 0)).all())
            desktop.do("maximize")
            wait_for(lambda: desktop.box("one") == (0, 20, WIDTH, HEIGHT - 20))
            assert (desktop.screen()[:2] == (0, 255, 255)).all()

    @pytest.mark.parametrize("scale", ["1.5", "2"])
    def test_crisp_on_a_screen_of_many_pixels(self, programs, scale: str) -> None:
        with session(programs, f"output * {{\n\tscale {scale}\n}}\n") as desktop:
            desktop.open("illi", "--size", "200x100", "--decorated")
            screen = desktop.screen()
            x, y, _, _ = desktop.box("illi")
            factor = float(scale)
            bar = screen[int((y - TITLE) * factor):int(y * factor), int(x * factor):][:, :int(60 * factor)]
            assert text_in(bar, ACTIVE)
            if factor == 2:
                # If it were drawn at half the size and stretched, pixels would come in pairs
                assert (bar[0::2] != bar[1::2]).any() and (bar[:, 0::2] != bar[:, 1::2]).any()


def test_decorations_survive_the_loss_of_the_renderer(programs, monkeypatch) -> None:
    monkeypatch.setenv("SLUICE_TEST_COMMANDS", "1")
    with session(programs) as desktop:
        client = desktop.open("Title", "--size", "300x200", "--color", "ffff00", "--decorated")
        x, y, _, _ = desktop.box("Title")
        for _ in range(3):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(programs.runtime / f"sluice-{desktop.display}.sock"))
                connection.sendall(b'{"command":"test-lose-renderer"}\n')
                assert json.loads(connection.recv(4096))["ok"]
            # Clients draw again when something asks them to
            desktop.do("fullscreen")
            desktop.do("fullscreen")
            wait_for(lambda: desktop.box("Title") == (x, y, 300, 200))
            screen = desktop.screen()
            assert text_in(screen[y - TITLE:y, x:x + 100], ACTIVE)
            assert text_in(screen[y - TITLE:y, x + 300 - TITLE:x + 300], ACTIVE)
            assert (screen[y:y + 200, x:x + 300] == (255, 255, 0)).all()
        assert client.poll() is None
