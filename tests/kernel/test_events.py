"""What becomes of a buffer when the memory goes away: the table of kernel/README.md is measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kernel.bench import OURS, STOCK, Bench, expect_quiet, only_newest

README = Path("/src/kernel/README.md")

#: Of one event: what can be done before, while and after it; see guest/events.py.
States = list[dict[str, str]]


def documented() -> dict[str, list[str]]:
    """The words of the table, by event: with this driver while and after it, with vfio-pci too."""
    rows = [[cell.strip(" *") for cell in line.strip("|").split("|")]
            for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    titles = next(n for n, row in enumerate(rows) if row[0] == "event")
    return {row[0]: row[1:] for row in rows[titles + 2:] if len(row) == 5}


def outcome(state: dict[str, str], works: str, revoked: str) -> str:
    """What a state is called there. Mainline's buffers cannot be mapped by the CPU at all."""
    outcomes = set(state.values()) - {"no mmap (EINVAL)"}
    if outcomes == {"ok"}:
        return works
    if outcomes <= {"SIGBUS", "ENODEV"}:
        return revoked
    return " ".join(f"{what} {how}" for what, how in state.items())


def words(during: dict[str, str], after: dict[str, str]) -> list[str]:
    # By then, somebody else has opened the device and switched its memory on
    end = outcome(after, "works again", "dead for ever")
    # Nobody can attach while something happens that is over at once
    passing = end == "works again" and "attach" not in during
    return [outcome(during, "works", "revoked for a moment" if passing else "revoked"), end]


def measure(bench: Bench) -> dict[str, States]:
    process = bench.rig.spawn(
        ["python3", "-B", "/src/tests/kernel/guest/events.py", bench.exporter, bench.controller,
         bench.importer])
    process.wait_for("^unplug$", 240)
    bench.rig.ask_for_exporter()
    status = process.wait(120)
    bench.rig.wait_unplugged()
    bench.rig.plug_exporter()
    assert status == 0, process.output
    return json.loads(process.output.strip().splitlines()[-1])


def told(measured: dict[str, States]) -> dict[str, list[str]]:
    for title, (before, *_) in measured.items():
        # One begins with its memory off
        expected = "revoked" if title.startswith("reset while") else "works"
        assert outcome(before, "works", "revoked") == expected, f"before {title}: {before}"
    return {title: words(*states[1:]) for title, states in measured.items()}


def columns(first: int) -> dict[str, list[str]]:
    return {title: row[first:first + 2] for title, row in documented().items()}


def expect_same(measured: dict[str, list[str]], expected: dict[str, list[str]]) -> None:
    different = [f"{title}: {measured.get(title)}, not {expected.get(title)}"
                 for title in measured.keys() | expected.keys()
                 if measured.get(title) != expected.get(title)]
    assert not different, "\n".join(different)


def test_each_event(bench: Bench) -> None:
    bench.bind(bench.controller, OURS)
    measured = measure(bench)
    expect_quiet(bench.rig)
    expect_same(told(measured), columns(0))
    for title, (_, *later) in measured.items():
        assert all(state["CPU"] in ("ok", "SIGBUS") for state in later), title


@only_newest
def test_each_event_with_vfio_pci(stock: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """And where it differs from this driver, which is printed."""
    stock.bind(stock.controller, STOCK)
    try:
        measured = told(measure(stock))
    finally:
        stock.bind(stock.controller, OURS)
    with capsys.disabled():
        print(f"\nvfio-pci of {stock.rig.kernel}, where it is not as {OURS}:")
        for title, (during, after) in measured.items():
            ours = columns(0).get(title)
            if ours != [during, after]:
                print(f"  {title}: {during}, {after}; {OURS}: {', '.join(ours or ['?'])}")
    expect_same(measured, columns(2))
