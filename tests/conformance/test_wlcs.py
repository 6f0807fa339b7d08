"""The Wayland Conformance Suite, by its stock runner, against sluice in the runner's process."""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NAME = "tests/conformance/sluice-wlcs.so"
MODULE = Path("/build/meson") / NAME
RUNNER = Path("/usr/lib/x86_64-linux-gnu/wlcs/wlcs")
SANITIZED_RUNNER = RUNNER.with_name("wlcs.asan")

# Of the tests that apply, as many pass at least
WANTED = 0.95

SHARDS = 4 * (os.cpu_count() or 1)  # most of a test's time is waiting
TIMEOUT = 600

EXPECTED = tomllib.loads((HERE / "wlcs" / "expected.toml").read_text())
STARTED = re.compile(r"^\[ RUN +\] (\S+)$")
ENDED = re.compile(r"^\[ +(OK|FAILED|SKIP) +\] ([\w/]+\.[\w/]+)(?:,.*)? \(\d+ ?ms\)$")
EARLY = "sluice-wlcs: a buffer came before the first configure"


@dataclass
class Results:
    """What became of each test: OK, FAILED, SKIP, or what the runner died of."""

    outcomes: dict[str, str] = field(default_factory=dict)
    early: set[str] = field(default_factory=set)  # whose client attached a buffer too early

    def read(self, log: Path, status: int) -> None:
        name = None
        for line in log.read_text(errors="replace").splitlines():
            if started := STARTED.match(line):
                name = started[1]
                self.outcomes[name] = f"the runner died (status {status}): see {log}"
            elif ended := ENDED.match(line):
                self.outcomes[ended[2]] = ended[1]
            elif line == EARLY and name is not None:
                self.early.add(name)
        if status not in (0, 1):
            self.outcomes.setdefault(f"the end of {log.stem}", f"status {status}")

    def named(self, *outcomes: str) -> set[str]:
        return {name for name, outcome in self.outcomes.items() if outcome in outcomes}


def run(module: Path, tests: str, logs: Path, runner: Path = RUNNER,
        **environment: str) -> Results:
    """Runs the tests of a filter, shared out over processes."""
    logs.mkdir()

    def run_shard(shard: int) -> tuple[Path, int]:
        log = logs / f"{shard}.log"
        shared = os.environ | environment | {
            "GTEST_TOTAL_SHARDS": str(SHARDS), "GTEST_SHARD_INDEX": str(shard)}
        with log.open("w") as output:
            return log, subprocess.run(
                [runner, module, f"--gtest_filter={tests}"], env=shared, timeout=TIMEOUT,
                stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                check=False).returncode

    results = Results()
    with ThreadPoolExecutor(SHARDS) as pool:
        for log, status in pool.map(run_shard, range(SHARDS)):
            results.read(log, status)
    return results


def expected_reason(name: str) -> str | None:
    for entry in EXPECTED["fails"]:
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in entry["tests"]):
            return entry["reason"]
    return None


@pytest.mark.timeout(2 * TIMEOUT)
def test_wlcs(tmp_path: Path) -> None:
    if not MODULE.exists():
        pytest.skip("WLCS was not there when the tests were built (package wlcs)")
    early = EXPECTED["early_buffers"]["tests"]
    strict = run(MODULE, f"*-{':'.join(early)}", tmp_path / "strict")
    helped = run(MODULE, ":".join(early), tmp_path / "early", SLUICE_WLCS_EARLY_BUFFERS="1")

    results = Results(strict.outcomes | helped.outcomes)
    passed, skipped = results.named("OK"), results.named("SKIP")
    failed = {name: outcome for name, outcome in results.outcomes.items()
              if name not in passed | skipped}
    share = len(passed) / (len(passed) + len(failed))
    print(f"WLCS: {len(passed)} passed ({len(passed & strict.named('OK'))} without help), "
          f"{len(failed)} failed, {len(skipped)} do not apply: {share:.1%}")

    unexpected = {name: outcome for name, outcome in failed.items()
                  if expected_reason(name) is None}
    assert unexpected == {}, "these fail, and expected.toml does not say why"
    surprises = {name for name in passed if expected_reason(name) is not None}
    assert surprises == set(), "these pass, though expected.toml says that they do not"
    needless = [pattern for pattern in early if not fnmatch.filter(helped.early, pattern)]
    assert needless == [], "none of these attaches a buffer too early"
    unknown = [pattern for entry in EXPECTED["fails"] for pattern in entry["tests"]
               if not fnmatch.filter(results.outcomes, pattern)]
    assert unknown == [], "expected.toml knows tests that there are not"
    assert share >= WANTED


PLACE = re.compile(r"xdg_popup#\d+\.configure\((-?\d+), (-?\d+), 60, 40\)")


@pytest.mark.parametrize("kind, places", [
    ("reactive_popup_is_moved", [("-60", "-40"), ("-5", "-5")]),
    ("nonreactive_popup_is_not_moved", [("-60", "-40")]),
])
def test_where_a_popup_is_to_be_when_its_window_moves(tmp_path: Path, kind: str,
                                                      places: list[tuple[str, str]]) -> None:
    """WLCS moves the window to (5, 5), and the popup, at its upper left, would not be on the screen.

    What comes of it WLCS judges wrongly (see expected.toml), so this looks at what the client gets.
    """
    if not MODULE.exists():
        pytest.skip("WLCS was not there when the tests were built (package wlcs)")
    run(MODULE, f"XdgPopupTest.when_parent_surface_is_moved_a_{kind}", tmp_path / "logs",
        SLUICE_WLCS_EARLY_BUFFERS="1", WAYLAND_DEBUG="client")
    said = "".join(log.read_text() for log in (tmp_path / "logs").iterdir())
    assert PLACE.findall(said) == places


# With sanitizers, each of these kinds of tests: all take some minutes
SOME = {
    "plain": "*-*/*",
    "first": "*/0:*/xdg_surface_stable:*/subsurface_at_x0_y0",
}
LEAK = re.compile(r"^(?:Direct|Indirect) leak of .*?(?:\n\n|\Z)", re.MULTILINE | re.DOTALL)
FRAME = re.compile(r"^ +#\d+ (.*)$", re.MULTILINE)
# Whose frames do not tell who has allocated
BENEATH = ("libsanitizer", "libasan", "libwayland-", "libc.so", "libstdc++")


def is_the_runners(leak: str) -> bool:
    """WLCS forgets objects of its clients, and an event source for each compositor."""
    for frame in FRAME.findall(leak):
        if not any(name in frame for name in BENEATH):
            return str(SANITIZED_RUNNER) in frame
    return False


@pytest.mark.timeout(2 * TIMEOUT)
def test_wlcs_with_sanitizers(sanitized_build: Path, tmp_path: Path,
                              request: pytest.FixtureRequest) -> None:
    """A compositor in the same process for each test, started and stopped: no error, no leak."""
    if not MODULE.exists():
        pytest.skip("WLCS was not there when the tests were built (package wlcs)")
    subprocess.run(["ninja", "-C", sanitized_build, NAME], check=True, stdout=subprocess.DEVNULL)
    everything = request.config.getoption("--all-sanitized")
    outcomes: dict[str, str] = {}
    complaints = []
    for name, tests in ({"all": "*"} if everything else SOME).items():
        outcomes |= run(sanitized_build / NAME, tests, tmp_path / name, SANITIZED_RUNNER,
                        SLUICE_WLCS_EARLY_BUFFERS="1",
                        ASAN_OPTIONS="detect_leaks=1:fast_unwind_on_malloc=0:exitcode=1",
                        UBSAN_OPTIONS="print_stacktrace=1").outcomes
        for log in (tmp_path / name).glob("*.log"):
            text = log.read_text(errors="replace")
            complaints += re.findall(r"^.*(?:ERROR: AddressSanitizer|runtime error:).*$", text,
                                     re.MULTILINE)
            complaints += [leak for leak in LEAK.findall(text) if not is_the_runners(leak)]
    assert complaints == []
    # Which of them pass is test_wlcs's, but none may end the runner
    assert set(outcomes.values()) <= {"OK", "FAILED", "SKIP"}, outcomes
    assert sum(outcome == "OK" for outcome in outcomes.values()) >= (900 if everything else 100)
