"""Input that goes other ways than from a device to a window."""

from __future__ import annotations

from lib.acting import play
from lib.headless import Headless


def test_an_input_method_ends(headless: Headless) -> None:
    """With the keyboard in its hands; it is in those of the window again."""
    scenes = play(headless, """
        window one 400 300
        other method
        do key a
        other end
        do key b
    """)
    assert scenes.after("do key a") == ["key 30 pressed method", "key 30 released method"]
    assert scenes.after("do key b") == ["key 48 pressed one", "key 48 released one"]
