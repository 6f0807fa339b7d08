"""Clients that others wrote, in a session without a screen; judged by captures and by what they say."""

from __future__ import annotations

import io
import subprocess
import time
from collections.abc import Callable

import numpy
from PIL import Image

from integration.conftest import Programs

Session = tuple[Programs, str]

BLUE = (0x33, 0x66, 0x99)
BLACK = (0, 0, 0)


class Started:
    """A client that runs until the end of a with block."""

    def __init__(self, session: Session, *command: str) -> None:
        programs, display = session
        self.process = programs.start(*command, WAYLAND_DISPLAY=display)

    def __enter__(self) -> subprocess.Popen[str]:
        return self.process

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)


def run(session: Session, *command: str) -> str:
    programs, display = session
    result = programs.run(*command, WAYLAND_DISPLAY=display)
    assert result.returncode == 0, f"{command}: {result.stderr}"
    return result.stdout


def capture(session: Session) -> numpy.ndarray:
    programs, _ = session
    path = programs.runtime / "capture.png"
    run(session, "grim", str(path))
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        return numpy.array(image.convert("RGB"))


def wait(what: str, condition: Callable[[], bool], timeout: float = 30) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def is_all(session: Session, color: tuple[int, int, int]) -> bool:
    return bool((capture(session) == color).all())


def test_swaybg_is_below_everything(session: Session) -> None:
    """A panel of the background, by layer-shell."""
    with Started(session, "swaybg", "-c", "336699"):
        wait("swaybg's colour everywhere", lambda: is_all(session, BLUE))
        with Started(session, "shm-client", "--color", "804020", "--size", "200x100"):
            wait("a window above it",
                 lambda: bool((capture(session) == (0x80, 0x40, 0x20)).all(axis=2).sum() == 200 * 100))
    wait("nothing left", lambda: is_all(session, BLACK))


def test_a_lock_screen_hides_everything_even_when_it_dies(session: Session) -> None:
    with Started(session, "swaybg", "-c", "804020"):
        wait("something to hide", lambda: is_all(session, (0x80, 0x40, 0x20)))
        lock = ("swaylock", "--no-unlock-indicator", "-c", "336699")
        with Started(session, *lock) as locker:
            wait("swaylock's colour everywhere", lambda: is_all(session, BLUE))
            locker.kill()
            locker.wait(10)
        wait("nothing to be seen without it", lambda: is_all(session, BLACK))
        # Another may take over, and what is new stays hidden, too
        with Started(session, "shm-client", "--fullscreen", "--color", "ff8800"):
            time.sleep(0.5)
            assert is_all(session, BLACK)
            with Started(session, *lock):
                wait("the next one", lambda: is_all(session, BLUE))


def test_the_clipboard_goes_from_one_to_another(session: Session) -> None:
    """wl-clipboard, by data-control: neither has a window."""
    for option in ([], ["--primary"]):
        text = f"copied {option}"
        with Started(session, "wl-copy", "--foreground", *option, text):
            wait("the text", lambda: session[0].run(
                "wl-paste", "--no-newline", *option, WAYLAND_DISPLAY=session[1]).stdout == text)


def test_wlr_randr_changes_an_output(session: Session) -> None:
    run(session, "wlr-randr", "--output", "HEADLESS-1", "--custom-mode", "800x600")
    wait("the size", lambda: capture(session).shape == (600, 800, 3))
    run(session, "wlr-randr", "--output", "HEADLESS-1", "--transform", "90", "--scale", "2")
    listed = run(session, "wlr-randr")
    assert "Transform: 90" in listed and "Scale: 2.0" in listed
    wait("the picture turned", lambda: capture(session).shape == (800, 600, 3))
    run(session, "wlr-randr", "--output", "HEADLESS-1", "--off")
    assert "Enabled: no" in run(session, "wlr-randr")
    run(session, "wlr-randr", "--output", "HEADLESS-1", "--on")
    assert "Enabled: yes" in run(session, "wlr-randr")
