"""What a desktop does around an image in VRAM, and consoles that come and go: none costs scanout."""

from __future__ import annotations

import json
import time

import pytest

from lib import patterns
from rig import Rig
from rig.session import (SETTLE, Client, Sluice, click, holding, place, point, press,
                         scanned_out)

RIG = {"size": (800, 600), "input": True}

WIDTH, HEIGHT = 800, 600
GRADIENT = patterns.picture("gradient", WIDTH, HEIGHT)
LOSE = ("import os, socket; s = socket.socket(socket.AF_UNIX); s.connect(os.environ['SOCK']); "
        "s.sendall(b'{\"command\":\"test-lose-renderer\"}\\n'); assert b'true' in s.recv(999)")


def ctl(sluice: Sluice, *command: str) -> list[dict]:
    result = sluice.rig.run(["sluicectl", "--json", *command],
                            env={"WAYLAND_DISPLAY": sluice.display})
    assert result.status == 0, result.output
    return json.loads(result.stdout) if result.stdout.strip() else []


def fullscreen(sluice: Sluice) -> Client:
    client = sluice.vram("--step", "--pattern", "gradient", "--fullscreen")
    client.wait_for("^ready$")
    client.do("frame")
    client.wait_path("scanout", "ok")
    return client


def expect_scanout(rig: Rig, client: Client) -> None:
    client.do("frame")
    client.wait_path("scanout", "ok")
    rig.wait_pixels(GRADIENT)
    assert scanned_out(rig).imported


def test_what_is_below_or_hidden_does_not_cost_scanout(rig: Rig) -> None:
    sluice = Sluice(rig)
    below = sluice.shm("--size", "300x200", "--color", "ff8800", "--decorated")
    below.wait_for("^drawn")
    client = fullscreen(sluice)
    expect_scanout(rig, client)

    ctl(sluice, "workspace", "2")
    client.wait_path("none")
    sluice.shm("--fullscreen", "--color", "0000ff").wait_for("^drawn")
    rig.wait_pixels(patterns.picture("solid:0000ff", WIDTH, HEIGHT))
    assert not scanned_out(rig).imported
    ctl(sluice, "workspace", "1")
    expect_scanout(rig, client)

    # In front of it, a window with its title is seen; behind it, it costs nothing
    windows = {window["app_id"]: str(window["id"]) for window in ctl(sluice, "windows")
               if window["workspace"] == "1"}
    ctl(sluice, "focus", windows["sluice.shm-client"])
    client.wait_path("cpu")
    assert tuple(rig.screendump()[HEIGHT // 2, WIDTH // 2]) == (0xff, 0x88, 0)
    ctl(sluice, "focus", windows["sluice.vram-client"])
    expect_scanout(rig, client)


def test_a_border_alone_covers_an_image(rig: Rig) -> None:
    """Of a window that is next to the screen, but for its border."""
    sluice = Sluice(rig)
    client = fullscreen(sluice)
    sluice.shm("--size", "100x100", "--color", "ff8800", "--decorated").wait_for("^drawn")
    ctl(sluice, "move", "798", "300")
    client.do("frame")
    client.wait_path("cpu")
    screen = rig.screendump()
    assert (screen[300:400, 796:798] == (0x33, 0x66, 0x99)).all()
    client.do("frame")
    assert (rig.screendump()[300:400, 796:798] == (0x33, 0x66, 0x99)).all()


def test_another_console_and_back(rig: Rig) -> None:
    sluice = Sluice(rig)
    sluice.shm("--size", "300x200", "--color", "ff8800").wait_for("^keyboard enter$")
    client = fullscreen(sluice)
    for _ in range(2):
        with holding(rig, "ctrl"), holding(rig, "alt"), holding(rig, "f2"):
            pass
        sluice.wait_for("DRM FD paused")
        client.wait_path("none", "no_output")
        with holding(rig, "ctrl"), holding(rig, "alt"), holding(rig, "f1"):
            pass
        sluice.wait_for("DRM FD resumed")
        expect_scanout(rig, client)
        assert len(ctl(sluice, "windows")) == 2
    # Keys reach windows again, and none of those that switched is still down. A new one: devices
    # went and came, and the client does not hear of those that come later
    window = sluice.shm("--size", "300x200", "--color", "ff8800")
    window.wait_for("^keyboard enter$")
    rig.key("q")
    window.wait_for("^key 16 pressed$")
    window.wait_for("^key 16 released$")
    assert window.process.running


@pytest.mark.parametrize("shape", ["fullscreen", "windowed"])
def test_the_loss_of_the_renderer(rig: Rig, shape: str) -> None:
    sluice = Sluice(rig, env={"SLUICE_TEST_COMMANDS": "1"})
    if shape == "fullscreen":
        client = fullscreen(sluice)
    else:
        client = sluice.vram("--step", "--pattern", "gradient", "--size", "400x300")
        client.wait_for("^ready$")
        client.do("frame")
    for _ in range(3):
        rig.run(["python3", "-c", LOSE], env={"SOCK": f"/run/user/0/sluice-{sluice.display}.sock"},
                check=True)
        sluice.wait_for("making a new one")
        client.do("frame")
        if shape == "fullscreen":
            expect_scanout(rig, client)
        else:
            client.wait_path("cpu")
            rig.wait_pixels(place(patterns.picture("solid:000000", WIDTH, HEIGHT),
                                  patterns.picture("gradient", 400, 300), 200, 150))
    assert sluice.process.running


def press_and_move(rig: Rig, start: tuple[int, int], end: tuple[int, int]) -> None:
    """With a button. The tablet's steps are no pixels: away from the edge of one, as in drag()."""
    margins = [0.3 if a < b else -0.3 for a, b in zip(start, end)]
    point(rig, start[0] - margins[0], start[1] - margins[1])
    press(rig, "left", True)
    time.sleep(SETTLE)
    point(rig, end[0] + margins[0], end[1] + margins[1])
    time.sleep(SETTLE)
    press(rig, "left", False)
    time.sleep(SETTLE)


def box_of(sluice: Sluice, title: str) -> tuple[int, int, int, int]:
    box, = (window["box"] for window in ctl(sluice, "windows") if window["title"] == title)
    return box["x"], box["y"], box["width"], box["height"]


def expect_box(sluice: Sluice, title: str, box: tuple[int, int, int, int]) -> None:
    """Waits for it: input takes its time in a busy machine."""
    sluice.rig.guest.wait(lambda: box_of(sluice, title) == box, 10)
    assert box_of(sluice, title) == box


def test_title_border_and_button_are_for_the_pointer(rig: Rig) -> None:
    sluice = Sluice(rig)
    window = sluice.shm("--title", "it", "--color", "ff8800", "--decorated")
    window.wait_for("^drawn 320x240$")
    x, y, width, height = box_of(sluice, "it")
    press_and_move(rig, (x + 50, y - 10), (x + 90, y + 20))
    expect_box(sluice, "it", (x + 40, y + 30, width, height))
    x, y = x + 40, y + 30
    # The right border, and then a corner
    press_and_move(rig, (x + width, y + 100), (x + width + 60, y + 120))
    window.wait_for("^drawn 380x240$")
    expect_box(sluice, "it", (x, y, 380, 240))
    press_and_move(rig, (x - 1, y + 240), (x - 21, y + 270))
    window.wait_for("^drawn 400x270$")
    expect_box(sluice, "it", (x - 20, y, 400, 270))
    assert "button" not in window.process.output
    click(rig, x - 20 + 400 - 12, y - 12)
    window.wait_for("^close$")
    assert window.process.wait() == 0


@pytest.mark.parametrize("way", ["click", "pointer"])
def test_the_focus_follows_the_pointer_if_it_is_told_to(rig: Rig, way: str) -> None:
    rig.run(f"printf 'windows {{\\n\\tlayout tile\\n\\tfocus {way}\\n}}\\n' >/tmp/config",
            check=True)
    sluice = Sluice(rig, "-c", "/tmp/config")
    left = sluice.shm("--title", "left")
    left.wait_for("^keyboard enter$")
    right = sluice.shm("--title", "right")
    right.wait_for("^keyboard enter$")
    left.wait_for("^keyboard leave$")
    point(rig, 600, 300)
    right.wait_for("^pointer enter")
    point(rig, 100, 300)
    left.wait_for("^pointer (enter|motion) 100")
    time.sleep(SETTLE)
    focused = [window["title"] for window in ctl(sluice, "windows") if window["focused"]]
    assert focused == (["left"] if way == "pointer" else ["right"])
    click(rig, 100, 300)
    left.wait_for("^button 272 released$")
    assert [window["title"] for window in ctl(sluice, "windows") if window["focused"]] == ["left"]
