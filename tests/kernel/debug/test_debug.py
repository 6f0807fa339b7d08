"""The driver on a kernel that checks itself: KASAN, lockdep, kmemleak, DMA API debugging.

tests/run has made that kernel, and mounted it; see build and config here.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.bench import OURS, Bench, expect_quiet, make_bench
from kernel.test_events import columns, expect_same, measure, told
from kernel.test_export import expect_answers
from kernel.test_stress import beat
from rig.initrd import DEBUG_KERNEL, kernel_version

SOURCE, BUILD = Path("/src"), Path("/build")
OPERATIONS = 10_000


def build_modules(version: str) -> None:
    for name, folder in ((OURS, "kernel"), ("dmabuf-importer", "tests/kernel")):
        source = SOURCE / folder
        if name != OURS:
            source /= "importer"
        target = BUILD / "meson" / folder / f"{name}-{version}.ko"
        subprocess.run(
            ["sh", SOURCE / "kernel/build.sh", "make", DEBUG_KERNEL / "tree", target,
             target.with_suffix(".work"), "KCFLAGS=-Werror", "--",
             *sorted(source.glob("*.[ch]")), source / "Kbuild"], check=True)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    build_modules(kernel_version("debug"))
    yield from make_bench("debug", boot_timeout=400)


@pytest.fixture
def leaks(bench: Bench) -> Iterator[None]:
    """Nothing that was allocated while the test runs is lost."""
    kmemleak = "/sys/kernel/debug/kmemleak"
    bench.rig.run(f"echo scan >{kmemleak}; echo clear >{kmemleak}", check=True, timeout=300)
    yield
    # What is younger than five seconds is not looked at, and what is freed by RCU lingers
    time.sleep(6)
    for _ in range(2):
        bench.rig.run(f"echo scan >{kmemleak}", check=True, timeout=300)
    found = bench.rig.read(kmemleak).decode()
    assert not found, found


pytestmark = [pytest.mark.usefixtures("quiet", "leaks"), pytest.mark.timeout(3000)]


def test_the_kernel_checks_itself(bench: Bench) -> None:
    """What the other tests lean on is there, and switched on."""
    version = bench.rig.run("uname -r", check=True).stdout.strip()
    assert version.endswith("-sluice-debug")
    symbols = bench.rig.read("/proc/kallsyms").decode()
    for symbol in ("kasan_report", "lock_acquire", "__might_sleep", "kmemleak_scan",
                   "debug_dma_map_phys"):
        assert f" {symbol}\n" in symbols, symbol
    locks = bench.rig.read("/proc/lockdep_stats").decode()
    assert "debug_locks:                             1" in locks, locks


def test_random_operations(bench: Bench) -> None:
    counts = beat(bench, OPERATIONS, 3, 1200)
    # It is so rare that there may be none among so few
    del counts["reopen"]
    assert all(done > refused for done, refused in counts.values()), counts
    locks = bench.rig.read("/proc/lockdep_stats").decode()
    assert "debug_locks:                             1" in locks, locks


def test_layouts(bench: Bench) -> None:
    bench.python("layouts.py", bench.exporter, bench.importer, 5, timeout=600)


def test_each_event(bench: Bench) -> None:
    bench.bind(bench.controller, OURS)
    expect_same(told(measure(bench)), columns(0))
    expect_quiet(bench.rig)


def test_malformed_calls(bench: Bench) -> None:
    expect_answers(bench, timeout=300)
