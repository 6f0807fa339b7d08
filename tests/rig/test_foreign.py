"""Clients that others wrote: what they show is judged by the screens, else by what they say."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import numpy
import pytest
from PIL import Image

from lib import patterns
from lib.patterns import Pixels
from rig import Process, Rig
from rig.session import Sluice

WIDTH, HEIGHT = 640, 480
#: without a keyboard: the first one is wtype's
RIG = {"size": (WIDTH, HEIGHT), "heads": 2, "connectors": True}

GREEN, RED, BLUE = (0x20, 0x80, 0x40), (0xc0, 0x20, 0x20), (0x20, 0x40, 0xc0)
#: GTK and Xwayland, in an emulated processor
SLOW = 90


@pytest.fixture
def sluice(rig: Rig) -> Sluice:
    return Sluice(rig)


def share(screen: Pixels, color: tuple[int, int, int]) -> float:
    """How much of a picture has a colour."""
    return float((screen == color).all(axis=2).mean())


def wait_all(rig: Rig, color: tuple[int, int, int], head: int = 0, timeout: float = SLOW) -> None:
    rig.wait_pixels(lambda screen: share(screen, color) == 1, head=head, timeout=timeout)


def run(sluice: Sluice, *command: str) -> str:
    return sluice.rig.run(list(command), env={"WAYLAND_DISPLAY": sluice.display},
                          check=True).stdout


def background(sluice: Sluice, color: tuple[int, int, int] = GREEN) -> Process:
    """By swaybg, a client of layer-shell, on all screens."""
    process = sluice.spawn("swaybg", "-c", bytes(color).hex())
    for head in range(sluice.rig.heads):
        wait_all(sluice.rig, color, head)
    return process


def test_foot_and_wtype(rig: Rig, sluice: Sluice) -> None:
    """What is typed reaches a terminal that came before there was any keyboard."""
    sluice.spawn("foot", "--fullscreen", "--override", "colors-dark.background=208040",
                 "--override", "colors-dark.foreground=c02020",
                 "sh", "-c", "cat >/tmp/typed")
    rig.wait_pixels(lambda screen: share(screen, GREEN) > 0.98, timeout=SLOW)
    for line in ("it's Ärger", "twice"):
        run(sluice, "wtype", line, "-k", "Return")
    assert rig.guest.wait(lambda: rig.read("/tmp/typed").decode() == "it's Ärger\ntwice\n", 20), \
        rig.read("/tmp/typed")
    # The terminal shows it, too
    rig.wait_pixels(lambda screen: share(screen, GREEN) > 0.9 and share(screen, RED) > 0)


def test_weston_presentation_shm(sluice: Sluice) -> None:
    """Each frame is presented once, later than the one before, by the display's clock."""
    client = sluice.spawn("weston-presentation-shm", "-f")
    client.wait_for(r"^ *21: ", SLOW)
    frames = re.findall(r"^ *(\d+): f2c .*, p2p +(\d+) us, t2p +-?\d+, \[(\S+)\]", client.output,
                        re.MULTILINE)
    assert [int(frame[0]) for frame in frames] == list(range(1, len(frames) + 1))
    assert len(frames) >= 20 and all(int(frame[1]) > 0 for frame in frames[1:])
    # In time with the screen, by its clock and its word that the frame is there; it was drawn
    assert {frame[2] for frame in frames} == {"sce_"}, client.output


def test_weston_simple_damage(rig: Rig, sluice: Sluice) -> None:
    """A ball that jumps, drawn by damage alone."""
    client = sluice.spawn("weston-simple-damage", "--width=300", "--height=200")
    seen: list[Pixels] = []

    def changed(screen: Pixels) -> bool:
        if screen.any() and not any((screen == other).all() for other in seen):
            seen.append(screen)
        return len(seen) >= 4

    rig.wait_pixels(changed, timeout=SLOW)
    assert client.running


def test_weston_simple_dmabuf_feedback(rig: Rig, sluice: Sluice) -> None:
    """By what it says: it would draw with the GPU, and this one does not."""
    client = sluice.spawn("weston-simple-dmabuf-feedback")
    client.wait_for("end of dma-buf feedback$", SLOW)
    node = re.search(r"renderD\d+", rig.run("ls /sys/class/drm/card0/device/drm").stdout).group()
    assert f"feedback: main device /dev/dri/{node}\n" in client.output
    assert f"target device /dev/dri/{node}, " in client.output
    assert "format XRGB8888, modifier LINEAR (0x0)" in client.output


def test_grim_and_the_screens(rig: Rig, sluice: Sluice) -> None:
    background(sluice)
    sluice.shm("--pattern", "gradient", "--size", "300x200").wait_for("^drawn")
    rig.wait_pixels(lambda screen: 0 < share(screen, GREEN) < 1)
    screens = [rig.screendump(head) for head in range(2)]
    for head, screen in enumerate(screens):
        run(sluice, "grim", "-o", f"Virtual-{head + 1}", "/tmp/grim.png")
        with Image.open(io.BytesIO(rig.read("/tmp/grim.png"))) as image:
            assert (numpy.array(image.convert("RGB")) == screen).all()


def has_size(width: int, height: int) -> Callable[[Pixels], bool]:
    return lambda screen: screen.shape == (height, width, 3)


def test_wlr_randr_and_kanshi(rig: Rig, sluice: Sluice) -> None:
    background(sluice)
    run(sluice, "wlr-randr", "--output", "Virtual-1", "--mode", "800x600",
        "--output", "Virtual-2", "--mode", "1024x768", "--transform", "90", "--scale", "2")
    rig.wait_pixels(has_size(800, 600))
    rig.wait_pixels(has_size(1024, 768), head=1)
    for head in range(2):
        wait_all(rig, GREEN, head)
    listed = run(sluice, "wlr-randr").split("Virtual-2")[-1]
    assert "Transform: 90" in listed and "Scale: 2.0" in listed
    run(sluice, "wlr-randr", "--output", "Virtual-2", "--off")
    assert "Enabled: no" in run(sluice, "wlr-randr")

    rig.write("/tmp/kanshi", """
profile two {
	output Virtual-1 enable mode 640x480 position 0,0
	output Virtual-2 enable mode 800x600 position 640,0 transform normal scale 1
}
profile one {
	output Virtual-1 enable mode 1024x768 position 0,0
}
""")
    sluice.spawn("kanshi", "-c", "/tmp/kanshi")
    rig.wait_pixels(has_size(640, 480))
    rig.wait_pixels(has_size(800, 600), head=1)
    wait_all(rig, GREEN, 1)
    # It hears of the cable
    rig.disconnect(1)
    rig.wait_pixels(has_size(1024, 768))
    rig.connect(1)
    rig.wait_pixels(has_size(640, 480))


def test_swaylock(rig: Rig, sluice: Sluice) -> None:
    background(sluice)
    sluice.shm("--color", "2040c0", "--size", "300x200").wait_for("^drawn")
    rig.wait_pixels(lambda screen: share(screen, BLUE) > 0)
    lock = sluice.spawn("swaylock", "--no-unlock-indicator", "-c", "c02020")
    for head in range(2):
        wait_all(rig, RED, head)
    # It dies, and still nothing is to be seen
    lock.kill()
    for head in range(2):
        wait_all(rig, (0, 0, 0), head)


def test_waybar(rig: Rig, sluice: Sluice) -> None:
    """Windows keep off its bar."""
    run(sluice, "sluicectl", "tiling", "on")
    sluice.shm("--color", "208040").wait_for("^drawn")
    rig.write("/tmp/waybar", '{"output": "Virtual-1", "position": "top", "height": 30, '
              '"modules-left": [], "modules-center": [], "modules-right": []}')
    rig.write("/tmp/waybar.css", "window#waybar { background: #c02020; border: none }")
    # It does nothing without a bus
    sluice.spawn("dbus-run-session", "--", "waybar", "-c", "/tmp/waybar", "-s", "/tmp/waybar.css")
    expected = patterns.picture("solid:208040", WIDTH, HEIGHT)
    expected[:30] = RED
    rig.wait_pixels(expected, timeout=SLOW)


def test_wl_clipboard(sluice: Sluice) -> None:
    for option in ([], ["--primary"]):
        text = f"copied {option}"
        copy = sluice.spawn("wl-copy", "--foreground", *option, text)
        paste = ["wl-paste", "--no-newline", *option]
        assert sluice.rig.guest.wait(lambda: sluice.rig.run(
            paste, env={"WAYLAND_DISPLAY": sluice.display}).stdout == text, 20)
        copy.terminate()
        copy.wait()


def test_xlogo(rig: Rig, sluice: Sluice) -> None:
    """A program of X11, through Xwayland."""
    display = re.findall(r"\bDISPLAY=(:\d+)$", sluice.log, re.MULTILINE)[0]
    assert rig.run("pgrep -x Xwayland").status != 0
    sluice.spawn("xlogo", "-bg", "#c02020", "-fg", "#c02020", "-geometry", "200x100+40+50",
                 env={"DISPLAY": display})
    left, top = 40 + 2, 50 + 2 + 24  # what is around it
    rig.wait_pixels(lambda screen: bool(
        (screen[top:top + 100, left:left + 200] == RED).all()) and
        share(screen, RED) == 200 * 100 / (WIDTH * HEIGHT), timeout=SLOW)
