"""Random operations from several threads: nothing is complained of, and nothing is left."""

from __future__ import annotations

import re

import pytest

from kernel.bench import STOCK, Bench, only_newest

OPERATIONS, THREADS = 100_000, 4


def beat(bench: Bench, operations: int, seed: int, timeout: float) -> dict[str, tuple[int, int]]:
    exporter = bench.rig.exporters[0]
    result = bench.rig.run(
        f"/build/meson/tests/kernel/dmabuf-stress {exporter.bdf} {exporter.group} "
        f"{bench.importer} {operations} {THREADS} {seed}"
        f"{' unmappable' if bench.rig.driver == STOCK else ''}", timeout=timeout)
    print(result.stdout, result.stderr)
    assert result.status == 0, f"{result.stdout}\n{result.stderr}"
    return {name: (int(done), int(refused)) for name, done, refused in
            re.findall(r"(\w+)=(\d+)/(\d+)", result.stdout)}


def objects(bench: Bench) -> dict[str, tuple[int, int]]:
    """How many objects each of the kernel's caches holds, and how many make a slab; open files."""
    text = bench.rig.run(
        "echo 2 >/proc/sys/vm/drop_caches; for cache in /sys/kernel/slab/*/shrink; do "
        "echo 1 >$cache; done; cat /proc/slabinfo; echo files $(cat /proc/sys/fs/file-nr) 0",
        check=True).stdout
    rows = [line.split() for line in text.splitlines()[2:]]
    return {row[0]: (int(row[1]), int(row[4])) for row in rows}


def grow(bench: Bench) -> tuple[dict[str, tuple[int, int]], dict[str, int]]:
    """What random operations leave behind once all has been done before: of each cache by how many
    objects it has grown, and how many make a slab; and those that have grown by more than chance."""
    beat(bench, OPERATIONS // 10, 1, 240)
    before = objects(bench)
    counts = beat(bench, OPERATIONS, 2, 480)
    after = objects(bench)
    # All of it was really done; of mainline's buffers, nothing is mapped
    assert all(done > refused for name, (done, refused) in counts.items()
               if bench.rig.driver != STOCK or name not in ("mmap", "munmap", "fault")), counts
    grown = {name: (count - before.get(name, (0, 0))[0], slab)
             for name, (count, slab) in after.items()}
    # What comes and goes anyway is some slabs of each; what is left of an operation is more
    return grown, {name: n for name, (n, slab) in grown.items() if n > max(250, 4 * slab)}


@pytest.mark.usefixtures("quiet")
def test_random_operations(bench: Bench) -> None:
    grown, left = grow(bench)
    assert "vfio" not in bench.rig.read("/sys/kernel/debug/dma_buf/bufinfo").decode()
    assert grown["files"][0] < 50, grown
    assert not left, grown


@only_newest
def test_random_operations_with_vfio_pci(stock: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """For comparison: what it leaves behind is printed, and is not ours."""
    _, left = grow(stock)
    with capsys.disabled():
        print(f"\nvfio-pci of {stock.rig.kernel}: {OPERATIONS} operations leave {left or 'nothing'}")
