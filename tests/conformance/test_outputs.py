"""Clients that change screens (wlr-output-management): all that they ask for, or nothing."""

from __future__ import annotations

import json

import pytest

from lib.acting import Play, play
from lib.headless import Headless

SCREENS = [f"--output={name}:640x480@60" for name in ("A", "B", "C")]
LISTED = ("ctl --json outputs", "run wlr-randr")
# More than a screen of these sessions can be
TOO_LARGE = "--custom-mode 20000x100"


def told(scenes: Play, number: int) -> list:
    """What all that asks is told of the screens; of sluicectl's counters, nothing."""
    outputs = json.loads("".join(scenes.after(LISTED[0], number)))
    keep = ("name", "enabled", "box", "mode", "scale", "transform")
    return [[{key: output[key] for key in keep if key in output} for output in outputs],
            scenes.after(LISTED[1], number)]


def ask(headless: Headless, arguments: str) -> tuple[Play, list, list]:
    """What the screens were before and after; all of the picture is drawn, both times."""
    scenes = play(headless, f"""
        window one 400 300
        {LISTED[0]}
        {LISTED[1]}
        do capture before-a A
        do capture before-b B
        run wlr-randr {arguments}
        {LISTED[0]}
        {LISTED[1]}
        do capture after-a A
        do capture after-b B
    """, *SCREENS)
    return scenes, told(scenes, 0), told(scenes, 1)


CHANGES = {
    "mode": "--custom-mode 800x600",
    "refresh": "--custom-mode 640x480@30Hz",
    "scale": "--scale 2",
    "turned": "--transform 90",
    "off": "--off",
    "place": "--pos 3000,100",
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("first", ["A", "C"])
def test_all_is_undone_when_one_fails(headless: Headless, name: str, first: str) -> None:
    """Whichever comes first: screens are changed one by one where not all go at once."""
    good, bad = f"--output {first} {CHANGES[name]}", f"--output B {TOO_LARGE}"
    scenes, before, after = ask(headless, f"{good} {bad}")
    assert "failed 1" in scenes.after(f"run wlr-randr {good} {bad}")
    assert before == after
    for screen in "ab":
        assert (scenes.result.picture(f"before-{screen}.png") ==
                scenes.result.picture(f"after-{screen}.png")).all()


@pytest.mark.parametrize("name", CHANGES)
def test_what_works_is_changed(headless: Headless, name: str) -> None:
    """What the tests around this one say does not happen."""
    arguments = f"--output A {CHANGES[name]} --output B --custom-mode 800x500"
    scenes, before, after = ask(headless, arguments)
    assert scenes.after(f"run wlr-randr {arguments}") == []
    assert before != after
    assert scenes.result.picture("after-b.png").shape == (500, 800, 3)


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("bad", [False, True], ids=["good", "bad"])
def test_to_ask_changes_nothing(headless: Headless, name: str, bad: bool) -> None:
    arguments = f"--dryrun --output A {CHANGES[name]} --output B " + \
        (TOO_LARGE if bad else "--scale 3")
    scenes, before, after = ask(headless, arguments)
    assert ("failed 1" in scenes.after(f"run wlr-randr {arguments}")) == bad
    assert before == after


@pytest.mark.parametrize("what", [
    "--scale 1000000", "--scale 0.05", "--scale 10.5", "--custom-mode 9x9 --scale 9.5",
    "--custom-mode 20000x100",
])
@pytest.mark.parametrize("dry", ["", "--dryrun"])
def test_what_cannot_be_drawn_is_refused(headless: Headless, what: str, dry: str) -> None:
    arguments = f"{dry} --output A {what}"
    scenes, before, after = ask(headless, arguments)
    assert "failed 1" in scenes.after(f"run wlr-randr {arguments}")
    assert before == after


def test_the_smallest_screen_that_there_is(headless: Headless) -> None:
    scenes = play(headless, """
        window one 400 300
        run wlr-randr --output A --custom-mode 1x1
        run wlr-randr --output B --custom-mode 10x10 --scale 10
        do refresh 2
        do capture a A
        do capture b B
    """, *SCREENS)
    assert scenes.heard("failed") == []
    assert scenes.result.picture("a.png").shape == (1, 1, 3)
    assert scenes.result.picture("b.png").shape == (10, 10, 3)
