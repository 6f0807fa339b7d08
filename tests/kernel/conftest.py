"""Fixtures of the tests of kernel/: the rig with the tree's own driver, on each kernel."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from kernel.bench import KERNELS, OURS, STOCK, Bench, expect_quiet, make_bench
from rig.conftest import _end_of_commands, pytest_runtest_makereport  # noqa: F401

# The rig's own tests, too, that are part of this suite
os.environ["SLUICE_RIG_DRIVER"] = OURS


@pytest.fixture(scope="session", params=KERNELS)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    yield from make_bench(request.param)


@pytest.fixture
def stock(bench: Bench) -> Iterator[Bench]:
    """The same with the kernel's own driver, where that exports, too: see only_newest."""
    bench.rig.driver = STOCK
    bench.bind(bench.exporter, STOCK)
    yield bench
    bench.rig.driver = OURS
    bench.bind(bench.exporter, OURS)
    # It warns of BARs that are not there
    bench.rig.run("dmesg --clear", check=True)


@pytest.fixture
def quiet(bench: Bench) -> Iterator[None]:
    """The kernel has nothing to complain of while the test runs."""
    bench.rig.run("dmesg --clear", check=True)
    yield
    expect_quiet(bench.rig)
