"""The manual speaks of all there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

MANUAL = Path("/src/compositor/man")
SOURCES = Path("/src/compositor")


def page(name: str) -> str:
    return (MANUAL / f"{name}.scd").read_text()


def words_in_tables(*files: str) -> set[str]:
    """The first string of each row of a table of directives or actions."""
    text = "\n".join((SOURCES / file).read_text() for file in files)
    rows = re.findall(r'^\s*\{ "([a-z-]+)", "[^"]*", \d', text, re.MULTILINE)
    return set(rows + re.findall(r'^\s*\.name = "([a-z-]+)",', text, re.MULTILINE))


def test_options_of_sluice(programs) -> None:
    told = set(re.findall(r"--[a-z-]+", programs.run("sluice", "--help").stdout))
    assert len(told) > 5
    assert {option for option in told if f"*{option}*" not in page("sluice.1")} == set()


def test_commands_of_sluicectl(programs) -> None:
    told = set(re.findall(r"^  ([a-z][a-z-]+)\b", programs.run("sluicectl", "--help").stdout,
                          re.MULTILINE))
    assert len(told) > 15
    assert {command for command in told if f"*{command}*" not in page("sluicectl.1")} == set()


@pytest.mark.parametrize("folder", ["config", "action"])
def test_directives_and_actions(folder: str) -> None:
    files = [f"{folder}/{path.name}" for path in (SOURCES / folder).glob("*.c")]
    words = words_in_tables(*files)
    assert len(words) > 15
    pages = page("sluice.5") + page("sluicectl.1")
    assert {word for word in words if f"*{word}*" not in pages} == set()


def test_options_of_headless(programs) -> None:
    told = set(re.findall(r"--[a-z-]+", programs.run("sluice", "headless", "--help").stdout))
    assert len(told) > 20
    assert {option for option in told if f"*{option}*" not in page("sluice-headless.7")} == set()


def test_verbs_of_headless(programs) -> None:
    told = set(re.findall(r"^([a-z]+) ", programs.run("sluice", "headless", "--verbs").stdout,
                          re.MULTILINE))
    assert len(told) > 15
    assert {verb for verb in told if f"*{verb}*" not in page("sluice-headless.7")} == set()


def test_pages_are_installed(tmp_path: Path) -> None:
    built = {path.name for path in Path("/build/meson/compositor/man").glob("*.[157]")}
    assert built == {path.name.removesuffix(".scd") for path in MANUAL.glob("*.scd")}
