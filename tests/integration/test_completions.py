"""The completions, by the shells that they are for."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

DIRECTORY = Path("/src/compositor/ctl/completions")


def complete(programs, shell: str, line: str) -> set[str]:
    """What a shell offers at the end of a line."""
    program, *_ = line.split(" ")
    words = line.split(" ")
    if shell == "bash":
        script = (f"source {DIRECTORY}/{program}.bash\n"
                  f"COMP_WORDS=({' '.join(map(shlex.quote, words))}) COMP_CWORD={len(words) - 1}\n"
                  f'_{program} && printf "%s\\n" "${{COMPREPLY[@]}}"')
        command = ["bash", "--norc", "-uc", script]
    elif shell == "zsh":
        # Its own completion needs a terminal: what it is given is told instead
        script = (f"words=({' '.join(map(shlex.quote, words))}) CURRENT={len(words)}\n"
                  "_describe() { local -a all=(\"${(@P)@[-1]}\"); print -l -- ${all%%:*} }\n"
                  "_files() { print FILES }; _normal() { print -- NORMAL $words[1] }\n"
                  "_default() { print FILES }\n"
                  f"source {DIRECTORY}/_{program}")
        command = ["zsh", "-fc", script]
    else:
        script = f"source {DIRECTORY}/{program}.fish; complete --do-complete {shlex.quote(line)}"
        command = ["fish", "--no-config", "-c", script]
    result = programs.run(*command, HOME=str(programs.runtime))
    assert result.stderr == "", result.stderr
    offered = {text.split("\t")[0] for text in result.stdout.splitlines()}
    # zsh filters what it is given by itself
    return {word for word in offered if shell != "zsh" or word.startswith(words[-1])}


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest) -> str:
    return request.param


class TestSluicectl:
    def test_commands_and_actions(self, programs, shell: str) -> None:
        assert {"windows", "workspace"} <= complete(programs, shell, "sluicectl w")
        assert complete(programs, shell, "sluicectl subs") == {"subscribe"}
        assert "focus" in complete(programs, shell, "sluicectl --json fo")
        assert complete(programs, shell, "sluicectl --js") == {"--json"}

    def test_arguments(self, programs, shell: str) -> None:
        assert {"next", "previous", "left"} <= complete(programs, shell, "sluicectl focus ")
        assert complete(programs, shell, "sluicectl fullscreen to") == {"toggle"}
        assert complete(programs, shell, "sluicectl subscribe window sou") == {"source"}

    def test_windows_and_screens(self, session, shell: str) -> None:
        programs, display = session
        with programs.drawn("shm-client", "--title", "a title", display=display):
            assert "1" in complete(programs, shell, "sluicectl focus ")
            assert complete(programs, shell, "sluicectl close ") == {"1"}
            assert "HEADLESS-1" in complete(programs, shell, "sluicectl focus-output HEAD")


class TestSluice:
    def test_options_and_modes(self, programs, shell: str) -> None:
        assert "kiosk" in complete(programs, shell, "sluice k")
        offered = complete(programs, shell, "sluice --")
        helped = programs.run("sluice", "--help").stdout
        for option in ("--check", "--config", "--debug", "--no-gpu", "--version"):
            assert option in helped and option in offered
        assert "--debug" in complete(programs, shell, "sluice kiosk --d")

    def test_files(self, programs, shell: str) -> None:
        if shell == "zsh":
            assert complete(programs, shell, "sluice -c F") == {"FILES"}
        else:
            assert complete(programs, shell, "sluice -c /src/READ") == {"/src/README.md"}
