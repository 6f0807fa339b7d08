"""A client that does as it is told (tests/conformance/actor.c), in a session in virtual time."""

from __future__ import annotations

import re
import shlex
import subprocess
import threading
import time
from collections.abc import Callable

from lib.headless import MESON, Headless, Result

ACTOR = MESON / "tests/conformance/actor"
MARK = re.compile(r"^-- \d+\n", re.MULTILINE)


class Actor:
    """The same in a session that goes on by itself, for what takes its time."""

    def __init__(self, environment: dict[str, str], *command: str) -> None:
        self.process = subprocess.Popen(
            command or [str(ACTOR)], env=environment, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.heard: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self.process.stdout:
            self.heard.append(line.strip())

    def tell(self, line: str) -> None:
        self.process.stdin.write(line + "\n")

    def wait(self, condition: Callable[[list[str]], bool], timeout: float = 20) -> None:
        deadline = time.monotonic() + timeout
        while not condition(self.heard):
            assert time.monotonic() < deadline, self.heard
            time.sleep(0.02)

    def end(self) -> None:
        self.process.stdin.close()
        assert self.process.wait(20) == 0


class Play:
    """What was heard after each line."""

    def __init__(self, result: Result) -> None:
        self.result = result
        # What comes before the first mark are the session's own messages
        self.scenes = [scene.splitlines() for scene in MARK.split(result.output)[1:]]

    def after(self, line: str, number: int = 0) -> list[str]:
        """What was heard after a line: the first one of these words, unless a number is given."""
        return [scene for scene in self.scenes if scene[0] == f"> {line}"][number][1:]

    def heard(self, *words: str) -> list[str]:
        """All that begins with one of these words, from the beginning to the end."""
        return [line for scene in self.scenes for line in scene[1:] if line.split()[0] in words]


def play(headless: Headless, lines: str, *options: str, config: str = "",
         environment: str = "") -> Play:
    """
    Has the actor do one line after another; those that begin with "ctl" are for sluicectl, those
    with "do" are verbs of scripts, those with "run" are any command, of which only one that fails
    tells its status, and those with "other" are for a second actor. Each has all the time that it
    needs: two refreshes when nobody has anything left to do.
    """
    path = headless.tmp / "config"
    path.write_text(config)
    script = ["cd $XDG_RUNTIME_DIR", "mkfifo one two",
              f"{environment} {ACTOR} <one &", "one=$!", "exec 3>one",
              f"{ACTOR} <two 3>&- &", "two=$!", "exec 4>two", "sluicectl headless refresh 2"]
    for number, line in enumerate(filter(None, map(str.strip, lines.splitlines()))):
        script += [f"echo '-- {number}'", "echo " + shlex.quote(f"> {line}")]
        word, _, rest = line.partition(" ")
        script += [{"ctl": f"sluicectl {rest}", "do": f"sluicectl headless {rest}",
                    "run": f"{rest} || echo failed $?",
                    "other": f"echo {shlex.quote(rest)} >&4",
                    }.get(word, f"echo {shlex.quote(line)} >&3"), "sluicectl headless refresh 2"]
    script += ["exec 3>&- 4>&-", "wait $one && wait $two || echo '-- 999'", "rm one two"]
    result = headless.run([f"--config={path}", "--every=1000000", *options],
                          ["sh", "-c", "\n".join(script)])
    assert result.status == 0 and "-- 999" not in result.output, result.output
    return Play(result)
