"""Fixtures of the tests that run in the rig."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from rig import Rig
from rig.guest import Process


@pytest.fixture(scope="module")
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """A rig for the tests of one module, made with its RIG = dict(…) of Rig's arguments."""
    arguments = {"debug_name": request.module.__name__.split(".")[-1]}
    arguments |= getattr(request.module, "RIG", {})
    with Rig(**arguments) as machine:
        yield machine


@pytest.fixture(autouse=True)
def _end_of_commands(request: pytest.FixtureRequest) -> Iterator[None]:
    """What one test started must not disturb the next."""
    yield
    if "rig" not in request.fixturenames or not (machine := request.getfixturevalue("rig")):
        return
    if machine.alive:
        processes = list(machine.guest.processes)
        machine.guest.processes.clear()
        for process in processes:
            with process:
                pass
        for process in processes:
            ended_well(process)


def ended_well(process: Process) -> None:
    """Whatever a test was about: sluice ends when it is told to, and of nothing else."""
    if process.command.split()[0] == "sluice":
        assert process.status is not None and process.status >= 0, \
            f"{process.command}: ended by signal {process.status}\n{process.output}"
        for complaint in ("ERROR: AddressSanitizer", "runtime error:"):
            assert complaint not in process.output, process.output


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """Says with a failure what the machine and the commands in it said."""
    result = yield
    report = result.get_result()
    machine = getattr(item, "funcargs", {}).get("rig")
    if not report.failed or not isinstance(machine, Rig):
        return
    report.sections.append(("rig", f"complete logs, and pictures: {machine.out}\n{machine.console_tail()}"))
    for number, process in enumerate(machine.guest.processes):
        name = f"{item.name}-{number}-{process.command.split()[0].split('/')[-1]}.log"
        (machine.out / re.sub(r"[^\w.-]", "_", name)).write_text(process.output)
        state = "runs" if process.running else f"exit status {process.status}"
        report.sections.append((f"in the rig: {process.command} ({state})",
                                "\n".join(process.output.splitlines()[-60:])))
