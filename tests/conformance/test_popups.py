"""Where popups are: on their screen, and off panels, also when these change."""

from __future__ import annotations

import pytest

from lib.acting import play
from lib.headless import Headless

SCREEN = "--output=A:800x600"
# In the middle of the screen, at 200,150
WINDOW = "window one 400 300"
KINDS = pytest.mark.parametrize("reactive", ["reactive", ""], ids=["reactive", "not-reactive"])


def places(headless: Headless, lines: str, *options: str) -> list[str]:
    """The places that the popup was told, in the coordinates of what it belongs to."""
    scenes = play(headless, lines, *(options or (SCREEN,)))
    return [line.split()[2] for line in scenes.heard("place") if line.split()[1] == "menu"]


def expected(reactive: str, *every: str) -> list[str]:
    """Others than reactive ones stay where they were."""
    return list(every if reactive else every[:1])


@KINDS
def test_a_panel_comes_and_goes(headless: Headless, reactive: str) -> None:
    assert places(headless, f"""
        {WINDOW}
        popup menu one 10 -400 100 80 {reactive}
        other panel bar top 40
        other close bar
    """) == expected(reactive, "10,-150", "10,-110", "10,-150")


def test_a_panel_is_there(headless: Headless) -> None:
    """A popup of a window does not open below it, one of a fullscreen window is above it."""
    for full, place in (("", "10,-130"), ("ctl fullscreen on", "10,0")):
        assert places(headless, f"""
            other panel bar top 40
            {WINDOW}
            {full}
            popup menu one 10 -400 100 80
        """) == [place]


@KINDS
def test_a_screen_has_another_size(headless: Headless, reactive: str) -> None:
    assert places(headless, f"""
        {WINDOW}
        popup menu one 900 10 100 80 {reactive}
        do output resize A 700x600
        do output resize A 800x600
    """) == expected(reactive, "500,10", "400,10", "500,10")


@KINDS
def test_a_screen_goes(headless: Headless, reactive: str) -> None:
    """Its windows are on another one then, in the same place, if that is on it."""
    assert places(headless, f"""
        do move 900 300
        do click 900 300
        {WINDOW}
        popup menu one 900 10 100 80 {reactive}
        do output remove B
    """, SCREEN, "--output=B:1000x600") == expected(reactive, "600,10", "400,10")


@KINDS
def test_a_popup_of_a_panel(headless: Headless, reactive: str) -> None:
    assert places(headless, f"""
        other panel dock left 50
        panel bar top 40
        popup menu bar 900 30 100 80 {reactive}
        do output resize A 700x600
        other close dock
    """) == expected(reactive, "650,30", "550,30", "600,30")


@KINDS
def test_a_popup_of_a_popup(headless: Headless, reactive: str) -> None:
    assert places(headless, f"""
        {WINDOW}
        popup outer one 10 10 100 80
        popup menu outer 10 -400 100 80 {reactive}
        other panel bar top 40
    """) == expected(reactive, "10,-160", "10,-120")


def test_a_popup_is_gone_but_not_all_of_it(headless: Headless) -> None:
    """A client may keep the xdg_surface of a popup; the actor does, of those that are closed for it."""
    scenes = play(headless, """
        panel bar top 40
        do move 640 10
        popup menu bar 10 30 100 80 grab reactive
        other lock
        other unlock
        panel dock left 40
        close dock
        close bar
    """, SCREEN)
    assert "gone menu" in scenes.after("other lock")
    assert scenes.after("panel dock left 40") == ["drawn dock 40x560"]
