#!/usr/bin/env python3
"""Runs the test suites, inside the build root, and says on its last line how they went.

usage: suites.py [--check] [SUITE…] [-- PYTEST-ARG…]

--check only finds out whether such suites exist, before anything is built for them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path("/src")
BUILD = Path("/build")
MESON = BUILD / "meson"
REPORTS = BUILD / "reports"

# Suites that pytest runs, by what it is given. "unit" is what meson knows.
PYTEST = {
    "integration": ["tests/integration"],
    "rig": ["tests/rig"],
    # Frames come to the screen with the driver of this tree, too: tests/kernel/conftest.py
    "kernel": ["tests/kernel", "--ignore=tests/kernel/debug", "tests/rig/test_scanout.py", "tests/rig/test_quiesce.py",
               "tests/rig/test_surprise.py"],
    "conformance": ["tests/conformance"],
    "capture": ["tests/capture"],
    "doctor": ["tests/doctor"],
    "kernel-debug": ["tests/kernel/debug"],
}

# Not among all of them: tests/run makes what they need when they are named.
ONLY_NAMED = {"kernel-debug"}

# A test that hangs is stopped; what takes longer for good reasons says so by a marker.
PYTEST_TIMEOUT = 600


@dataclass
class Outcome:
    """What became of one suite: each entry is (name, reason)."""

    passed: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.passed + len(self.failed) + len(self.skipped)


def exists(suite: str) -> bool:
    if suite == "unit":
        return (SOURCE / "meson.build").exists()
    return any((SOURCE / PYTEST[suite][0]).glob("**/test_*.py"))


def first_line(text: str | None) -> str:
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    return lines[0] if lines else ""


def read_junit(path: Path) -> Outcome:
    """The test cases of a JUnit report, as meson and pytest write them."""
    outcome = Outcome()
    if not path.exists():
        return outcome
    for case in ElementTree.parse(path).iter("testcase"):
        name = "::".join(filter(None, (case.get("classname"), case.get("name"))))
        bad = case.find("failure")
        if bad is None:
            bad = case.find("error")
        skip = case.find("skipped")
        if bad is not None:
            outcome.failed.append((name, first_line(bad.get("message") or bad.text)))
        elif skip is not None:
            outcome.skipped.append((name, first_line(skip.get("message") or skip.text)))
        else:
            outcome.passed += 1
    return outcome


def meson_reason(name: str, said: dict[str, str]) -> str:
    """Why a meson test was skipped or failed: what it said about that, or said last.

    meson's JUnit report has no reasons. A test case of a TAP program is "program::case".
    """
    program, _, case = name.partition("::")
    lines = [line.strip() for line in said.get(program, "").splitlines() if line.strip()]
    for line in lines:
        if case and case in line and "# SKIP" in line:
            return line.split("# SKIP", 1)[1].strip() or "no reason given"
    for line in lines:
        if "[  FAILED  ]" in line or "ERROR: " in line or line.startswith("not ok"):
            return line
    return lines[-1] if lines else "it said nothing"


def run_unit() -> Outcome:
    log = MESON / "meson-logs" / "testlog"
    junit, entries = log.with_suffix(".junit.xml"), log.with_suffix(".json")
    junit.unlink(missing_ok=True)
    entries.unlink(missing_ok=True)
    status = subprocess.call(
        ["meson", "test", "-C", str(MESON), "--no-rebuild", "--print-errorlogs"])
    outcome = read_junit(junit)
    said = {}
    if entries.exists():
        shutil.copy(junit, REPORTS / "unit.xml")
        for line in entries.read_text().splitlines():
            test = json.loads(line)
            said[test["name"].split(":")[-1]] = test.get("stdout", "") + test.get("stderr", "")

    def explain(cases: list[tuple[str, str]]) -> list[tuple[str, str]]:
        # From "sluice::suite - sluice:program", or "sluice.suite - sluice:program::case" of TAP.
        names = [re.sub(r"^.*?[^:]:(?!:)", "", name) for name, _ in cases]
        return [(name, meson_reason(name, said)) for name in names]

    outcome.skipped = explain(outcome.skipped)
    outcome.failed = explain(outcome.failed)
    # A program that dies between its test cases may have none that failed.
    if status != 0 and not outcome.failed:
        outcome.failed.append(("meson test", f"exit status {status}: {log.with_suffix('.txt')}"))
    return outcome


def run_pytest(suite: str, args: list[str]) -> Outcome:
    report = REPORTS / f"{suite}.xml"
    report.unlink(missing_ok=True)
    status = subprocess.call(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-ra",
         f"--rootdir={SOURCE}", f"--junitxml={report}", f"--timeout={PYTEST_TIMEOUT}",
         *args, *PYTEST[suite]], cwd=SOURCE)
    outcome = read_junit(report)
    nothing_selected = status == 5
    if status != 0 and not outcome.failed and not (nothing_selected and args):
        outcome.failed.append((f"pytest {suite}", f"exit status {status}"))
    return outcome


def parse(argv: list[str]) -> tuple[list[str], list[str]]:
    """The suites to run, and pytest's arguments; exits with 2 when there is no such suite."""
    names, args = argv, []
    if "--" in argv:
        cut = argv.index("--")
        names, args = argv[:cut], argv[cut + 1:]
    known = ["unit", *PYTEST]
    for name in names:
        if name not in known:
            there = ", ".join(filter(exists, known))
            message = f"no such suite: {name} (there are: {there})"
        elif not exists(name):
            message = f"no such suite: {name} has no tests yet"
        else:
            continue
        print(f"tests/run test: {message}", file=sys.stderr)
        sys.exit(2)
    return names or [name for name in known
                     if exists(name) and name not in ONLY_NAMED], args


def main() -> int:
    check = sys.argv[1:2] == ["--check"]
    suites, args = parse(sys.argv[2:] if check else sys.argv[1:])
    if check:
        return 0
    REPORTS.mkdir(parents=True, exist_ok=True)
    os.chdir(SOURCE)
    outcomes: dict[str, Outcome] = {}
    for suite in suites:
        print(f"==> {suite}", flush=True)
        started = time.monotonic()
        outcomes[suite] = run_unit() if suite == "unit" else run_pytest(suite, args)
        outcome = outcomes[suite]
        print(f"==> {suite}: {outcome.passed} passed, {len(outcome.failed)} failed, "
              f"{len(outcome.skipped)} skipped in {time.monotonic() - started:.1f} s", flush=True)

    for what in ("skipped", "failed"):
        for suite, outcome in outcomes.items():
            for name, reason in getattr(outcome, what):
                print(f"{what}: {suite}: {name}: {reason}")
    passed = sum(outcome.passed for outcome in outcomes.values())
    failed = sum(len(outcome.failed) for outcome in outcomes.values())
    skipped = sum(len(outcome.skipped) for outcome in outcomes.values())
    if passed + failed == 0:
        print("no test ran")
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
