"""Scripts: input and expectations on one time line, over real clients."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import numpy
import pytest
from PIL import Image

from lib import patterns

FOOT = ["foot", "sh"]
SHM = ["weston-simple-shm"]
# Drawing with GL takes llvmpipe seconds
GTK = ["env", "GSK_RENDERER=cairo", "gtk4-demo"]

# Ten scripts over three clients: what is typed, clicked and so on, and what must be seen to change
SUITE = {
    "typing": (FOOT, 'window foot\nstill 3\ncapture a\ntype "echo Hello, World!\\n"\nstill 3\n'
                     'capture b\nexpect typed\n'),
    "keys": (FOOT, "window foot\nstill 3\ncapture a\nkey l s Return\nstill 3\ncapture b\n"),
    "held": (FOOT, "window foot\nstill 3\ncapture a\npress shift\nkey a\nrelease shift\nstill 3\n"
                   "capture b\n"),
    "selection": (FOOT, 'window foot\ntype "0123456789"\nstill 3\ncapture a\nmove 306 131\n'
                        "button left down\nmove 350 131\nbutton left up\nstill 3\ncapture b\n"),
    "animation": (SHM, "wait 3\ncapture a\nwait 1\ncapture b\nexpect frame-4\n"),
    "outputs": (SHM, "wait 2\ncapture a\noutput resize HEADLESS-1 800x600@30\nwait 2\ncapture b\n"
                     "output add SECOND 640x480\nrefresh 4\ncapture second SECOND\n"
                     "output remove SECOND\nwait 1\n"),
    "time": (SHM, "wait 1\ncapture a\nsleep 0.5\ncapture b\n"),
    "entry": ([*GTK, "--run=entry_undo"], 'window gtk4-demo\nsleep 1\ncapture a\ntype "abc"\n'
                                          "sleep 1\ncapture b\n"),
    "click": ([*GTK, "--run=expander"], "window gtk4-demo\nsleep 1\ncapture a\nclick 640 386\n"
                                        "sleep 1\ncapture b\n"),
    "touch": ([*GTK, "--run=expander"], "window gtk4-demo\nsleep 1\ncapture a\ntap 640 386\n"
                                        "sleep 1\ncapture b\n"),
}


def run(headless, text: str, command: list[str], *options: str, name: str = "test"):
    script = headless.tmp / f"{name}.sluice"
    script.write_text(text)
    return headless.run([f"--script={script}", f"--golden={headless.tmp / 'golden'}", *options],
                        command)


def test_ten_scripts_over_three_clients_in_a_minute(headless) -> None:
    started = time.monotonic()
    for name, (command, text) in SUITE.items():
        result = run(headless, text, command, "--bless", name=name)
        assert result.status == 0, f"{name}: {result.output}"
        a, b = result.picture("a.png"), result.picture("b.png")
        assert not numpy.array_equal(a, b), name
    assert time.monotonic() - started < 60
    assert headless.leftovers() == []


@pytest.mark.parametrize("name", ["typing", "animation"])
def test_the_same_again(headless, name: str) -> None:
    command, text = SUITE[name]
    first = run(headless, text, command, "--bless")
    again = run(headless, text, command)
    assert (first.status, again.status) == (0, 0), again.output
    assert "1 of 1 pictures as expected" in again.output
    assert again.hashes == first.hashes


class TestFailures:
    def test_a_picture_that_differs(self, headless) -> None:
        good = "wait 3\nexpect circle\n"
        assert run(headless, good, SHM, "--bless").status == 0
        result = run(headless, "wait 4\nexpect circle\nwait 1\ncapture after\n", SHM)
        assert result.status == 1
        golden = headless.tmp / "golden/circle.png"
        difference = result.directory / "circle-difference.png"
        assert "test.sluice:2: expect: what is shown is not circle: " in result.output
        assert " pixels differ, within 2" in result.output
        assert f"expected: {golden}\n" in result.output
        assert f"seen: {result.directory / 'circle.png'}\n" in result.output
        assert f"difference: {difference}\n" in result.output
        assert "0 of 1 pictures as expected" in result.output
        assert difference.exists()
        # And it went on
        assert (result.directory / "after.png").exists()

    def test_no_golden_image(self, headless) -> None:
        result = run(headless, "wait 1\nexpect nothing\n", SHM)
        assert result.status == 1
        assert "there is no golden image" in result.output and "--bless" in result.output

    @pytest.mark.parametrize("option", ["tolerance 255", "ssim 0.5", "mask 0,0,1280,720"])
    def test_what_is_let_pass(self, headless, option: str) -> None:
        assert run(headless, "wait 3\nexpect circle\n", SHM, "--bless").status == 0
        result = run(headless, f"wait 4\nexpect circle {option}\n", SHM)
        assert result.status == 0, result.output

    @pytest.mark.parametrize("text, message", [
        ("wait\n", "test.sluice:1: wait takes: N"),
        ("wait 1\nwiat 2\n", 'test.sluice:2: no verb "wiat"; is "wait" meant?'),
        ("wait {\n}\n", "test.sluice:1: "),
        ('type "open\n', "test.sluice:1: "),
        ("wait x\n", 'test.sluice:1: wait: "x" is no number'),
        ("move 5000 1\n", "test.sluice:1: move: "),
        ("key nokey\n", 'no key "nokey"'),
        ('type "\u4e00"\n', "no key of the layout"),
        ("click nobutton 1 1\n", 'no button "nobutton"'),
        ("output remove NONE\n", "there is no output NONE"),
        ("output add ../x 10x10\n", "is no name"),
        ("output add X 99999x1\n", "is no size"),
        ("capture ../x\n", "is no name of a picture"),
        ("release a\n", "a is not held"),
    ])
    def test_bad_scripts(self, headless, text: str, message: str) -> None:
        result = run(headless, text, SHM)
        assert result.status == 1
        assert message in result.output
        assert headless.leftovers() == []


SCREENS = {"LEFT": (200, 150), "MIDDLE": (220, 150), "RIGHT": (260, 150)}
PATTERNS = {"LEFT": "gradient", "MIDDLE": "checker", "RIGHT": "frame-number"}
LOOK = "refresh 3\n" + "".join(f"capture {{0}}-{name} {name}\n" for name in SCREENS)


def without(name: str, when: str) -> str:
    """Look at the other screens."""
    return "".join(f"{line}\n" for line in LOOK.format(when).splitlines() if name not in line)


def check_windows(result, when: str, sizes: dict[str, tuple[int, int]]) -> None:
    for name, size in sizes.items():
        assert numpy.array_equal(result.picture(f"{when}-{name}.png"),
                                 patterns.picture(PATTERNS[name], *size)), (when, name)


def others(name: str) -> dict[str, tuple[int, int]]:
    return {other: size for other, size in SCREENS.items() if other != name}


class TestScreens:
    """What happens to one is not seen on its neighbours."""

    @pytest.fixture
    def run_three(self, headless):
        """Runs a script over three screens, with a window on some of them."""
        def run_three(text: str, shown: Iterable[str], *options: str):
            command = "".join(
                f"shm-client --title {name} --pattern {PATTERNS[name]} --fullscreen={name} & "
                for name in shown) + "wait"
            windows = "".join(f"window {name}\n" for name in shown)
            outputs = [f"--output={name}:{width}x{height}"
                       for name, (width, height) in SCREENS.items()]
            result = run(headless, windows + text, ["sh", "-c", command], *outputs, *options)
            assert result.status == 0, result.output
            return result
        return run_three

    @pytest.mark.parametrize("name", SCREENS)
    def test_one_leaves_and_comes_back(self, run_three, name: str) -> None:
        width, height = SCREENS[name]
        result = run_three(f"{LOOK.format('before')}output remove {name}\n"
                           f"{without(name, 'gone')}output add {name} {width}x{height}\n"
                           f"{LOOK.format('back')}", others(name))
        for when in ("before", "gone", "back"):
            check_windows(result, when, others(name))
        for when in ("before", "back"):
            assert not result.picture(f"{when}-{name}.png").any()

    @pytest.mark.parametrize("name", SCREENS)
    def test_one_is_resized(self, run_three, name: str) -> None:
        result = run_three(f"output resize {name} 300x180\n{LOOK.format('after')}", SCREENS)
        check_windows(result, "after", SCREENS | {name: (300, 180)})

    @pytest.mark.parametrize("name", SCREENS)
    def test_places(self, headless, name: str) -> None:
        """By a picture of all screens: those that stay are where they are configured to be."""
        config, picture = headless.tmp / "config", headless.tmp / "all.png"
        places = dict(zip(SCREENS, (0, 200, 420)))
        config.write_text("".join(f"output {screen} {{\n\tposition {x} 0\n}}\n"
                                  for screen, x in places.items()))
        command = "".join(f"shm-client --pattern {PATTERNS[other]} --fullscreen={other} & "
                          for other in others(name)) + f"sleep 0.5; grim {picture}; wait"
        options = [f"--output={screen}:{width}x{height}"
                   for screen, (width, height) in SCREENS.items()]
        result = run(headless, f"sleep 0.2\noutput remove {name}\nsleep 1\n",
                     ["sh", "-c", command], f"--config={config}", *options)
        assert result.status == 0, result.output
        with Image.open(picture) as image:
            seen = numpy.array(image.convert("RGB"))
        start = min(places[other] for other in others(name))
        expected = numpy.zeros_like(seen)
        for other, (width, height) in others(name).items():
            x = places[other] - start
            expected[:height, x:x + width] = patterns.picture(PATTERNS[other], width, height)
        assert numpy.array_equal(seen, expected)


NO_OUTPUT = "wait 1\noutput remove HEADLESS-1\n"


class TestWithoutOutputs:
    """There is nothing that is refreshed, and time goes on."""

    @pytest.mark.parametrize("options", [[], ["--machine-clock"]])
    def test_time_goes_on(self, headless, options: list[str]) -> None:
        result = run(headless, NO_OUTPUT + "sleep 0.5\noutput add NEW 640x480\nwait 2\n"
                     "capture new NEW\n", SHM, *options)
        assert result.status == 0, result.output
        assert result.picture("new.png").shape == (480, 640, 3)

    def test_by_what_was_asked_for(self, headless) -> None:
        """Though the next timer of a process is far away."""
        text = ("ctl() { sluicectl headless \"$@\"; }; ctl output remove HEADLESS-1; "
                "sleep 1000 & ctl time; ctl sleep 1.5; ctl time; kill $!")
        result = headless.run([], ["sh", "-c", text])
        assert result.status == 0, result.output
        before, after = (int(time) for time in re.findall(r'"time":(\d+)', result.output))
        assert after - before == 1_500_000_000

    @pytest.mark.parametrize("verb, message", [
        ("refresh 2", "there is no output: 0 of 2 refreshes came"),
        ("still 2", "there is no output: 0 of 2 refreshes came"),
        ("wait 2", "0 of 2 frames came"),
    ])
    def test_what_never_comes(self, headless, verb: str, message: str) -> None:
        result = run(headless, f"{NO_OUTPUT}{verb}\n", SHM)
        assert result.status == 1
        assert f"test.sluice:3: {verb.split()[0]}: {message} and no more will" in result.output
        assert headless.leftovers() == []

    @pytest.mark.parametrize("options, command", [
        ([], ["sh", "-c", "weston-simple-shm & while sleep 1; do :; done"]),
        # Whose programs' timers are not known
        (["--machine-clock"], SHM),
    ])
    def test_nor_while_time_goes_on(self, headless, options: list[str],
                                    command: list[str]) -> None:
        result = run(headless, f"{NO_OUTPUT}refresh 2\n", command, "--limit=3", *options)
        assert result.status == 1
        assert ("test.sluice:3: refresh: there is no output: 0 of 2 refreshes came in 3 s of "
                "virtual time (--limit)") in result.output


class TestSluicectl:
    """The same verbs from a program in the session, in whatever language."""

    def test_a_shell_script(self, headless) -> None:
        text = ("weston-simple-shm & ctl() { sluicectl headless \"$@\" || exit 9; }; "
                "ctl window simple-shm; ctl wait 3; ctl capture a; ctl wait 1; ctl capture b; "
                "ctl time; kill $!")
        result = headless.run(["--every=1000"], ["sh", "-c", text])
        assert result.status == 0, result.output
        assert '"frames":4' in result.output
        script = run(headless, "wait 3\ncapture a\nwait 1\ncapture b\n", SHM)
        assert result.hashes == script.hashes

    def test_what_goes_wrong_is_told(self, headless) -> None:
        result = headless.run([], ["sh", "-c", "sluicectl headless nonsense; echo $?; "
                                   "sluicectl headless move a b; echo $?"])
        assert result.output.count("\n1\n") == 2
        assert 'no verb "nonsense"' in result.output

    def test_the_end(self, headless) -> None:
        started = time.monotonic()
        result = headless.run([], ["sh", "-c", "sluicectl headless end; exec sleep 1000"])
        assert result.status == 0
        assert time.monotonic() - started < 30
