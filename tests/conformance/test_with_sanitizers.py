"""Lock screens, popups and input once more, by a sluice that tells of each error of memory; and acts
in no sensible order."""

from __future__ import annotations

import random

import pytest

from capture.test_sanitized import sanitized
from conformance.test_input import *  # noqa: F403
from conformance.test_lock import *  # noqa: F403
from conformance.test_popups import *  # noqa: F403
from integration.conftest import sanitized_build
from lib.acting import play
from lib.headless import Headless

__all__ = ["sanitized", "sanitized_build"]


@pytest.fixture
def headless(sanitized: Headless) -> Headless:
    return sanitized


class Acts:
    """Lines that make sense one by one: what they name is there."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.surfaces: dict[str, tuple[str, str | None]] = {}  # kind, and parent
        self.outputs = {"A", "B"}
        self.locked = False
        self.count = 0

    def name(self) -> str:
        self.count += 1
        return f"s{self.count}"

    def close(self, name: str) -> list[str]:
        """Its popups first."""
        lines = []
        for child in [child for child, (_, parent) in self.surfaces.items() if parent == name]:
            lines += self.close(child)
        del self.surfaces[name]
        return [*lines, f"close {name}"]

    def forget_panels(self) -> None:
        """Those of the screen that goes are closed, and what opens popups on them is cut off."""
        self.surfaces = {name: ("closed" if kind in ("panel", "popup") else kind, parent)
                         for name, (kind, parent) in self.surfaces.items()}

    def act(self) -> list[str]:
        choose = self.random.choice
        kind = choose(["window", "panel", "popup", "popup", "close", "close", "lock", "output",
                       "input", "input", "input", "ctl"])
        if kind == "window":
            name = self.name()
            self.surfaces[name] = ("window", None)
            return [f"window {name} {choose([1, 200, 400])} {choose([1, 100, 300])}"]
        if kind == "panel" and self.outputs:
            name = self.name()
            self.surfaces[name] = ("panel", None)
            return [f"panel {name} {choose(['top', 'bottom', 'left', 'right'])} "
                    f"{choose([1, 20, 300])}"]
        parents = sorted(name for name, (of, _) in self.surfaces.items() if of != "closed")
        if kind == "popup" and parents and self.outputs:
            name, parent = self.name(), choose(parents)
            self.surfaces[name] = ("popup", parent)
            return [f"popup {name} {parent} {choose([-500, 0, 50, 900])} {choose([-500, 0, 50])} "
                    f"100 80 {choose(['', 'reactive', 'reactive'])}"]
        if kind == "close" and self.surfaces:
            return self.close(choose(sorted(self.surfaces)))
        if kind == "lock":
            self.locked = not self.locked
            return ["other lock screen" if self.locked else "other unlock"]
        if kind == "output":
            name = choose(["A", "B"])
            there = name in self.outputs
            self.outputs ^= {name}
            if there:
                self.forget_panels()
            return [f"do output remove {name}" if there else
                    f"do output add {name} {choose(['640x480', '300x200'])}"]
        if kind == "input" and self.outputs:
            return [choose(["do key a", "do key logo+f", "do key logo+t", "do key logo+m",
                            "do key alt+Tab", "do key logo+2", "do key logo+1", "do click 100 100",
                            "do move 250 150", "do tap 50 50", "do button left down",
                            "do button left up", "do scroll 0 1", "do touch down 1 20 20",
                            "do touch up 1", "do press logo", "do release logo"])]
        return [choose(["ctl focus next", "ctl tiling on", "ctl tiling off", "ctl reload",
                        "ctl workspace 3", "ctl workspace 1", "ctl fullscreen"])]


@pytest.mark.parametrize("seed", range(24))
def test_acts_in_no_order(headless: Headless, seed: int) -> None:
    acts = Acts(seed)
    lines = [line for _ in range(80) for line in acts.act()]
    if not acts.outputs:
        lines.append("do output add A 640x480")
    # What makes no sense, such as to release a key that is not held, is told, and no more
    scenes = play(headless, "\n".join(lines), "--output=A:640x480", "--output=B:640x480")
    assert "Sanitizer" not in scenes.result.output
    assert "runtime error" not in scenes.result.output
