"""A lock screen is for every kind of input, whatever was going on when it came."""

from __future__ import annotations

import json

import pytest

from lib.acting import Play, play
from lib.headless import Headless

WINDOW = "window below 400 300"
MIDDLE = "640 360"
CORNER = "5 5"

# One of each kind; none of it may be heard of by another surface
INPUT = f"""
    do move {CORNER}
    do key b
    do click {MIDDLE}
    do scroll 0 1
    do tap {MIDDLE}
"""
HEARD = {"key 48 pressed", "key 48 released", "button pressed", "button released", "axis",
         "touch down", "touch up"}


def input_while_locked(scenes: Play) -> tuple[set[str], set[str]]:
    """What was heard of input between the lock and its end, and by which surfaces."""
    first = next(n for n, scene in enumerate(scenes.scenes) if scene[0].endswith("lock screen"))
    last = next(n for n, scene in enumerate(scenes.scenes) if scene[0].endswith("unlock"))
    lines = [line.rpartition(" ") for scene in scenes.scenes[first + 1:last]
             for line in scene[1:] if line.split()[0] in ("key", "button", "axis", "touch")]
    return {what for what, _, _ in lines}, {name for _, _, name in lines}


@pytest.mark.parametrize("parent", [
    f"{WINDOW}\ndo move {MIDDLE}",
    # Nothing but the popup has the keyboard
    "panel below top 40\ndo move 640 10",
], ids=["of-a-window", "of-a-panel"])
def test_a_popup_that_is_open_goes(headless: Headless, parent: str) -> None:
    scenes = play(headless, f"""
        {parent}
        popup menu below 50 10 100 80 grab
        do key a
        other lock screen
        {INPUT}
        other unlock
        do key c
    """)
    assert scenes.after("do key a") == ["key 30 pressed menu", "key 30 released menu"]
    # Before the lock screen has drawn, and be it never: nobody else has the keyboard
    lock = scenes.after("other lock screen")
    assert {"gone menu", "keyboard leaves menu", "keyboard enters screen"} <= set(lock)
    assert input_while_locked(scenes) == (HEARD, {"screen"})
    assert {"menu"} & {line.split()[-1] for line in scenes.after("do key c")} == set()


def test_a_popup_that_is_open_goes_though_nothing_is_drawn(headless: Headless) -> None:
    """The session is locked from the beginning, and not from the lock screen's first frame."""
    scenes = play(headless, """
        panel below top 40
        do move 640 10
        popup menu below 50 10 100 80 grab
        other lock
        do key a
        do click 640 10
        other unlock
    """)
    assert {"gone menu", "keyboard leaves menu", "lock locked"} <= set(scenes.after("other lock"))
    assert scenes.after("do key a") == scenes.after("do click 640 10") == []


def test_a_popup_does_not_open_over_it(headless: Headless) -> None:
    """One that grabs would keep the pointer, and then the keyboard, from the lock screen."""
    scenes = play(headless, f"""
        {WINDOW}
        do move {MIDDLE}
        other lock screen
        popup menu below 50 10 100 80 grab
        {INPUT}
        other unlock
        do key c
    """)
    assert scenes.after("popup menu below 50 10 100 80 grab") == ["gone menu"]
    assert input_while_locked(scenes) == (HEARD, {"screen"})
    assert scenes.after("do key c") == ["key 46 pressed below", "key 46 released below"]


WINDOWS = "ctl --json windows"


def windows(scenes: Play, number: int = 0) -> dict[str, dict]:
    """What sluicectl told of the windows, by their titles."""
    listed = json.loads("".join(scenes.after(WINDOWS, number)))
    return {window["title"]: window for window in listed}


BINDINGS = """
bind-pointer Logo+middle close
bind-pointer Logo+side fullscreen
"""


def test_nothing_is_bound_to_buttons_and_keys(headless: Headless) -> None:
    """Neither what the configuration binds, nor moving and resizing windows."""
    buttons = "\n".join(f"do button {button} down\ndo move {CORNER}\ndo move 700 400\n"
                        f"do button {button} up\ndo move {MIDDLE}"
                        for button in ("left", "right", "middle", "side"))
    scenes = play(headless, f"""
        {WINDOW}
        do move {MIDDLE}
        {WINDOWS}
        other lock screen
        do press logo
        {buttons}
        do key f
        do scroll 0 1
        do release logo
        other unlock
        {WINDOWS}
    """, config=BINDINGS)
    assert input_while_locked(scenes)[1] == {"screen"}
    assert windows(scenes) == windows(scenes, 1)
    assert "gone below" not in scenes.heard("gone")


def test_without_it_they_are_bound(headless: Headless) -> None:
    """What the test above says does not happen."""
    scenes = play(headless, f"""
        {WINDOW}
        do move {MIDDLE}
        do press logo
        do button left down
        do move 700 400
        do button left up
        do button side down
        {WINDOWS}
        do button middle down
    """, config=BINDINGS)
    window = windows(scenes)["below"]
    assert window["fullscreen"] and scenes.after("do button middle down") == ["gone below"]


def test_what_was_being_moved_is_let_go(headless: Headless) -> None:
    scenes = play(headless, f"""
        {WINDOW}
        do move {MIDDLE}
        do press logo
        do button left down
        do move 650 370
        {WINDOWS}
        other lock screen
        do move 100 100
        do button left up
        do release logo
        other unlock
        {WINDOWS}
    """)
    assert windows(scenes) == windows(scenes, 1)


@pytest.mark.parametrize("down, move, up, cancelled", [
    (f"touch down 0 {MIDDLE}", "touch move 0 650 350", "touch up 0", {"touch cancel below"}),
    # Buttons have no such event: the pointer leaves
    ("button left down", "move 650 350", "button left up", {"pointer leaves below"}),
], ids=["finger", "button"])
def test_what_is_held_down_is_let_go(headless: Headless, down: str, move: str, up: str,
                                     cancelled: set[str]) -> None:
    """A surface keeps what came down on it, wherever it goes, but not past a lock screen."""
    scenes = play(headless, f"""
        {WINDOW}
        do move {MIDDLE}
        do {down}
        other lock screen
        do {move}
        do {up}
        other unlock
    """)
    assert cancelled <= set(scenes.after("other lock screen"))
    assert "below" not in input_while_locked(scenes)[1]


def test_an_input_method_does_not_hear_the_password(headless: Headless) -> None:
    """Though it has grabbed the keyboard."""
    scenes = play(headless, f"""
        {WINDOW}
        method
        do key a
        other lock screen
        do key b
        other unlock
        do key c
    """)
    assert scenes.after("do key a") == ["key 30 pressed method", "key 30 released method"]
    assert scenes.after("do key b") == ["key 48 pressed screen", "key 48 released screen"]
    assert scenes.after("do key c") == ["key 46 pressed method", "key 46 released method"]


def test_a_screen_is_switched_off_and_on(headless: Headless) -> None:
    """The lock screen there is not asked for a picture of no size, which would be its end."""
    scenes = play(headless, f"""
        {WINDOW}
        other lock screen
        run wlr-randr --output B --off
        run wlr-randr --output B --on --custom-mode 400x300
        do click {MIDDLE}
        other unlock
    """, "--output=A:1280x720", "--output=B:320x200")
    assert "drawn screen 400x300" in scenes.after(
        "run wlr-randr --output B --on --custom-mode 400x300")
    assert input_while_locked(scenes)[1] == {"screen"}


def test_clicks_beside_it_choose_no_workspace(headless: Headless) -> None:
    """Where no lock screen is drawn, a click is for nobody; else it takes the focus to a screen."""
    workspaces = "ctl --json workspaces"

    def focused(lines: str) -> list[str]:
        scenes = play(headless, f"do move 5 5\ndo click 5 5\n{lines}\n{workspaces}",
                      "--output=A:640x480", "--output=B:640x480")
        listed = json.loads("".join(scenes.after(workspaces)))
        return [one["output"] for one in listed if one["focused"]]

    assert focused("do click 700 100") == ["B"]
    assert focused("other lock\ndo click 700 100\nother unlock") == ["A"]
