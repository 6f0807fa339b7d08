"""What panels are told of workspaces and windows, and what they can have done to them."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from integration.conftest import Programs

PANEL = "/build/meson/tests/conformance/panel"


def panel(programs: Programs, display: str, *words: str) -> set[str]:
    result = programs.run(PANEL, *words, WAYLAND_DISPLAY=display)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.splitlines())


def wait(what: str, condition: Callable[[], bool], timeout: float = 20) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def test_workspaces_are_listed_shown_and_moved(programs: Programs) -> None:
    with programs.start("sluice", WLR_HEADLESS_OUTPUTS="2") as process:
        try:
            check_workspaces(programs, programs.wait_display())
        finally:
            process.terminate()
        assert process.wait(10) == 0


def check_workspaces(programs: Programs, display: str) -> None:
    def listed() -> dict[str, tuple[str, bool]]:
        """Of each workspace the output, and whether it is shown."""
        lines = (line.split() for line in panel(programs, display, "workspaces"))
        return {name: (output, state == "active") for name, output, state in lines}

    def told(what: str) -> list[dict]:
        return json.loads(programs.run("sluicectl", "--json", what).stdout)

    wait("two screens", lambda: len(listed()) == 2)
    assert {output for output, _ in listed().values()} == {"HEADLESS-1", "HEADLESS-2"}
    with programs.drawn("shm-client", display=display):
        here = told("windows")[0]["workspace"]
        home = listed()[here][0]
        other, = {"HEADLESS-1", "HEADLESS-2"} - {home}
        assert programs.run("sluicectl", "workspace", "mail").returncode == 0
        assert listed()[here] == (home, False) and listed()["mail"] == (home, True)

        panel(programs, display, "workspaces", "activate", here)
        assert listed()[here] == (home, True) and "mail" not in listed()
        assert {one["name"] for one in told("workspaces") if one["focused"]} == {here}

        panel(programs, display, "workspaces", "assign", here, other)
        assert listed()[here] == (other, True)
        assert {one["output"] for one in told("workspaces") if one["name"] == here} == {other}


def test_windows_are_listed(session: tuple[Programs, str]) -> None:
    programs, display = session
    assert panel(programs, display, "toplevels") == set()
    with programs.drawn("shm-client", "--title", "one", display=display):
        with programs.drawn("shm-client", "--title", "two", display=display):
            both = {line.split()[-1]: line.split()[0]
                    for line in panel(programs, display, "toplevels")}
            assert set(both) == {"one", "two"} and both["one"] != both["two"]
        wait("one is gone", lambda: len(panel(programs, display, "toplevels")) == 1)
        line, = panel(programs, display, "toplevels")
        assert line.split()[0] == both["one"], "a window keeps its identifier"
    wait("none is left", lambda: panel(programs, display, "toplevels") == set())


def test_a_terminal_rings(session: tuple[Programs, str], tmp_path: Path) -> None:
    """By xdg-system-bell; subscribers are told which window it was."""
    programs, display = session
    ring = tmp_path / "ring"

    def windows() -> list[dict]:
        return json.loads(programs.run("sluicectl", "--json", "windows").stdout)

    with programs.start("timeout", "60", "sluicectl", "subscribe", "window") as listener, \
            programs.start("foot", "--title", "rings", "sh", "-c",
                           f"until [ -e {ring} ]; do sleep 0.1; done; printf '\\a'; sleep 60",
                           WAYLAND_DISPLAY=display) as foot:
        wait("foot's window", lambda: len(windows()) == 1)
        number = windows()[0]["id"]
        ring.touch()
        heard = next((line for line in listener.stdout if line.startswith("window bell")), None)
        assert heard == f'window bell: {number} "rings"\n'
        foot.terminate()
        listener.terminate()


def are_apart(a: dict, b: dict) -> bool:
    """Whether one of the boxes is left of the other."""
    return a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]


SECOND_SEAT = "/build/meson/tests/conformance/second-seat"
KEY_B, KEY_ENTER = 48, 28


def test_a_second_person_has_a_seat_of_their_own(session: tuple[Programs, str],
                                                 tmp_path: Path) -> None:
    """By ext-transient-seat: whom they click and type to does not change who has the focus."""
    programs, display = session

    def windows() -> dict[str, dict]:
        listed = json.loads(programs.run("sluicectl", "--json", "windows").stdout)
        return {window["title"]: window for window in listed}

    def reader(title: str) -> subprocess.Popen[str]:
        """A terminal that writes the first line that has something in it to a file."""
        script = f'until read -r x && [ "$x" ]; do :; done; echo "$x" >{tmp_path / title}; sleep 60'
        return programs.start("foot", "--title", title, "sh", "-c", script,
                              WAYLAND_DISPLAY=display)

    def text(title: str) -> str:
        path = tmp_path / title
        return path.read_text().strip() if path.exists() else ""

    with ExitStack() as stack:
        for title in ("theirs", "mine"):
            stack.callback(stack.enter_context(reader(title)).kill)
        wait("both windows", lambda: len(windows()) == 2)
        assert programs.run("sluicectl", "focus", str(windows()["mine"]["id"])).returncode == 0
        assert programs.run("sluicectl", "tiling", "on").returncode == 0
        wait("both side by side", lambda: are_apart(*(one["box"] for one in windows().values())))
        screen, = json.loads(programs.run("sluicectl", "--json", "outputs").stdout)
        box, whole = windows()["theirs"]["box"], screen["box"]
        x = (box["x"] + box["width"] // 2) * 1000 // whole["width"]
        y = (box["y"] + box["height"] // 2) * 1000 // whole["height"]
        second = stack.enter_context(subprocess.Popen(
            [SECOND_SEAT], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=programs.environment(WAYLAND_DISPLAY=display)))
        stack.callback(second.kill)
        assert second.stdout.readline() == "ready transient1\n"

        def do(line: str) -> None:
            second.stdin.write(line + "\n")
            second.stdin.flush()
            assert second.stdout.readline() == "ok\n"

        def type_a_line() -> bool:
            do(f"key {KEY_B}")
            do(f"key {KEY_ENTER}")
            return text("theirs") + text("mine") != ""

        do(f"click {x} {y}")
        # The terminal takes a while to notice that there is another keyboard
        wait("what was typed", type_a_line)
        assert set(text("theirs")) == {"b"}
        assert windows()["mine"]["focused"]
        second.stdin.close()
        assert second.wait(10) == 0
        # The seat is gone, and the other one types on
        assert text("mine") == ""
        assert programs.run("wtype", "mine", "-k", "Return",
                            WAYLAND_DISPLAY=display).returncode == 0
        wait("what the first one typed", lambda: text("mine") == "mine")


def test_a_lock_screen_is_for_all_seats(session: tuple[Programs, str], tmp_path: Path) -> None:
    """What a second person types does not get past it either."""
    programs, display = session
    written = tmp_path / "written"
    with ExitStack() as stack:
        foot = stack.enter_context(programs.start("foot", "sh", "-c", f"cat >{written}",
                                                  WAYLAND_DISPLAY=display))
        stack.callback(foot.kill)
        second = stack.enter_context(subprocess.Popen(
            [SECOND_SEAT], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=programs.environment(WAYLAND_DISPLAY=display)))
        stack.callback(second.kill)
        assert second.stdout.readline().startswith("ready")

        def do(line: str) -> None:
            second.stdin.write(line + "\n")
            second.stdin.flush()
            assert second.stdout.readline() == "ok\n"

        def type_a_line() -> bool:
            do(f"key {KEY_B}")
            do(f"key {KEY_ENTER}")
            return written.exists() and written.stat().st_size > 0

        wait("a terminal", lambda: "foot" in programs.run("sluicectl", "--json",
                                                          "windows").stdout)
        do("click 500 500")
        wait("what was typed", type_a_line)
        # It goes on in the background when the session is locked, until the session ends
        subprocess.run(["swaylock", "-f"], check=True, timeout=20, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env=programs.environment(WAYLAND_DISPLAY=display))
        time.sleep(1)
        before = written.read_text()
        do("click 500 500")
        type_a_line()
        time.sleep(1)
        assert written.read_text() == before
