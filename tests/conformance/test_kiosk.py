"""Kiosks of two screens in virtual time: also by a sluice that tells of each error of memory."""

from __future__ import annotations

import json

import pytest

from capture.test_sanitized import check_clean, sanitized
from integration.conftest import sanitized_build
from lib import patterns
from lib.acting import Play, play
from lib.headless import Headless

__all__ = ["sanitized", "sanitized_build"]

SIZE = 320, 200
SCREENS = [f"--output={name}:{SIZE[0]}x{SIZE[1]}" for name in ("A", "B")]
RED, GREEN, BLUE = "c02020", "20c020", "2020c0"


def command(name: str, run: str) -> str:
    return f"command {name} {{\n\trun {run}\n\tbackoff 0.2 1\n\thealthy 2\n}}\n"


def shows(colour: str) -> str:
    return f"shm-client --pattern solid:{colour}"


def config(first: str = shows(RED), second: str = shows(BLUE), a: str = "red",
           b: str = "blue") -> str:
    return (command("red", first) + command("blue", second) +
            f"output A {{\n\tshow {a}\n}}\noutput B {{\n\tshow {b}\n}}\n")


class Shots:
    """Pictures of the screens, in the order in which they were taken."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def of(self, *screens: str) -> str:
        lines = []
        for screen in screens:
            self.names.append(f"shot-{len(self.names)}")
            lines.append(f"do capture {self.names[-1]} {screen}")
        return "\n".join(lines)

    def colours(self, scenes: Play) -> list[str]:
        """Of each, if it is one all over; else nothing."""
        found = []
        for name in self.names:
            picture = scenes.result.picture(f"{name}.png")
            corner = bytes(picture[0, 0]).hex()
            same = (picture == patterns.picture(f"solid:{corner}", picture.shape[1],
                                                picture.shape[0])).all()
            found.append(corner if same else "")
        return found


def commands(scenes: Play, number: int) -> dict[str, dict]:
    # Clients may say something meanwhile
    text, = (line for line in scenes.after("ctl --json commands", number) if line[0] == "[")
    return {one["name"]: one for one in json.loads(text)}


@pytest.fixture(params=["plain", "sanitizers"])
def sessions(request: pytest.FixtureRequest, headless: Headless) -> Headless:
    """Sessions of either build."""
    if request.param == "sanitizers":
        return request.getfixturevalue("sanitized")
    return headless


def run(sessions: Headless, lines: str, text: str, *options: str) -> Play:
    scenes = play(sessions, lines, *(options or SCREENS), config=text)
    check_clean(scenes.result.status, 0, scenes.result.output)
    return scenes


def test_they_change_places_and_screens_come_and_go(sessions: Headless) -> None:
    shots = Shots()
    scenes = run(sessions, f"""
        do sleep 1
        {shots.of("A", "B")}
        ctl assign A blue
        {shots.of("A", "B")}
        do output remove A
        {shots.of("B")}
        do output add A 400x300
        do sleep 0.1
        {shots.of("A", "B")}
        do output remove A
        do output remove B
        do sleep 0.1
        do output add B 320x200
        do output add A 320x200
        do sleep 0.1
        {shots.of("A", "B")}
        ctl assign A
        ctl assign B
        ctl --json commands
        ctl assign B red
        {shots.of("B")}
        ctl assign A green
    """, config())
    assert shots.colours(scenes) == [RED, BLUE, BLUE, RED, RED, BLUE, RED, BLUE, RED, RED]
    assert {one["state"] for one in commands(scenes, 0).values()} == {"running"}
    assert any("green" in line for line in scenes.after("ctl assign A green"))


def test_they_are_started_again(sessions: Headless) -> None:
    """With pauses that become longer, also what cannot be started."""
    dies = f'sh -c "{shows(RED)} & sleep 0.5; kill $!; exit 5"'
    shots = Shots()
    scenes = run(sessions, f"""
        do sleep 0.3
        {shots.of("A", "B")}
        do sleep 4
        ctl --json commands
        do sleep 0.1
    """, config(first=dies) + command("nothing", "no-such-program"))
    assert shots.colours(scenes) == [RED, BLUE]
    listed = commands(scenes, 0)
    # 0.5 s each, and pauses of 0.2, 0.4, 0.8 and 1 s
    assert listed["red"]["status"] == 5 and 4 <= listed["red"]["runs"] <= 5
    assert listed["blue"]["runs"] == 1
    assert listed["nothing"]["runs"] == 0 and listed["nothing"]["state"] == "waiting"


def test_time_waits_for_them(sessions: Headless) -> None:
    """As for the session's own command: also before they are clients."""
    slow = f'sh -c "i=0; while [ $i -lt 600000 ]; do i=$((i+1)); done; exec {shows(RED)}"'
    shots = Shots()
    scenes = run(sessions, f"do refresh 1\n{shots.of('A')}", config(first=slow))
    assert shots.colours(scenes) == [RED]


def test_time_waits_for_what_they_leave_behind(sessions: Headless) -> None:
    """Which does not heed SIGTERM, and is killed after half a second of the machine's time."""
    leaves = """sh -c "(trap '' TERM; exec sleep 1000) & exit 5\""""
    scenes = run(sessions, """
        do sleep 1
        ctl --json commands
    """, f"command red {{\n\trun {leaves}\n\tbackoff 0.2 1\n\tgrace 0.5\n}}\n")
    # With pauses of 0.2 and 0.4 s
    assert commands(scenes, 0)["red"]["runs"] == 3


def test_pauses_are_of_the_sessions_time(sessions: Headless) -> None:
    """Who ran for long enough is started again soon, though it took no time outside."""
    scenes = run(sessions, """
        do sleep 10
        ctl --json commands
    """, config(first='sh -c "sleep 2; exit 5"'))
    assert commands(scenes, 0)["red"]["runs"] == 5


def test_a_screen_is_meant_by_its_name(sessions: Headless) -> None:
    """Though the configuration means several at once."""
    text = command("red", shows(RED)) + command("blue", shows(BLUE)) + \
        'output "*" {\n\tshow red\n}\n'
    shots = Shots()
    scenes = run(sessions, f"""
        do sleep 1
        {shots.of("A")}
        ctl assign B blue
        do sleep 1
        {shots.of("A", "B")}
        ctl assign A blue
        do sleep 1
        {shots.of("A")}
        ctl assign B red
        do sleep 1
        {shots.of("A", "B")}
    """, text)
    assert shots.colours(scenes) == [RED, RED, BLUE, BLUE, BLUE, RED]


def test_restart_changes(sessions: Headless) -> None:
    """For commands that do not run: who was not to be started again is, and the other way round."""
    def text(first: str, second: str) -> str:
        return "".join(
            f'command {name} {{\n\trun sh -c "exit {status}"\n\trestart {restart}\n'
            "\tbackoff 20 20\n}\n"
            for name, status, restart in (("one", 3, first), ("two", 3, second)))

    path = sessions.tmp / "next"
    path.write_text(text("on-failure", "never"))
    scenes = run(sessions, f"""
        do sleep 1
        ctl --json commands
        run cp {path} {sessions.tmp}/config
        ctl reload
        do sleep 1
        ctl --json commands
        do sleep 30
        ctl --json commands
    """, text("never", "always"))
    states = [{name: (one["state"], one["runs"]) for name, one in commands(scenes, n).items()}
              for n in range(3)]
    assert states == [{"one": ("ended", 1), "two": ("waiting", 1)},
                      {"one": ("waiting", 2), "two": ("ended", 1)},
                      {"one": ("waiting", 3), "two": ("ended", 1)}]


def test_what_is_read_again(sessions: Headless) -> None:
    """A broken file changes nothing, and is told with its line; a good one what it says."""
    path = sessions.tmp / "config"
    shots = Shots()

    def write(text: str) -> str:
        sessions.tmp.joinpath(f"text-{len(text)}").write_text(text)
        return f"run cp {sessions.tmp}/text-{len(text)} {path}"

    broken = config() + "output A {\n\tshow nothing\n}\n"
    scenes = run(sessions, f"""
        do sleep 1
        ctl --json commands
        {write(broken)}
        ctl reload
        ctl --json commands
        {shots.of("A", "B")}
        {write(config(first=shows(GREEN)))}
        ctl reload
        do sleep 1
        {shots.of("A", "B")}
        {write(config(a="blue", b="red") + "# once more")}
        ctl reload
        do sleep 1
        {shots.of("A", "B")}
        {write("# empty")}
        ctl reload
        do sleep 1
        ctl --json commands
    """, config())
    assert any(":18: show: there is no command or source" in line
               for line in scenes.after("ctl reload")), scenes.after("ctl reload")
    assert commands(scenes, 0) == commands(scenes, 1)
    assert shots.colours(scenes) == [RED, BLUE, GREEN, BLUE, BLUE, RED]
    assert commands(scenes, 2) == {}
