"""The module comes and goes, and what is left open survives it."""

from __future__ import annotations

import pytest

from kernel.bench import OURS, Bench

pytestmark = pytest.mark.usefixtures("quiet")

# Exports, closes the device, and keeps the buffer until its input ends.
KEEP = """
import sys; sys.path.insert(0, "/src/tests/kernel/guest")
from vfio import *
device = Device(sys.argv[1])
fd = device.export([(0, PAGE)])
outcome, area = map_outcome(fd, PAGE)
importer = Importer(sys.argv[2])
assert importer.attach(fd) == 0 and importer.map() == 0 and read_outcome(area) == "ok"
device.close()
print("open", flush=True)
sys.stdin.read()
assert read_outcome(area) == "SIGBUS" and name(-importer.map()) == "ENODEV"
assert os.lseek(fd, 0, os.SEEK_END) == PAGE
print("dead", flush=True)
"""


def loaded(bench: Bench) -> bool:
    return bench.rig.run("grep -q ^vfio_pci_dmabuf /proc/modules").status == 0


def test_unloading_with_a_buffer_open(bench: Bench) -> None:
    process = bench.rig.spawn(["python3", "-B", "-c", KEEP, bench.exporter, bench.importer])
    process.wait_for("^open$", 30)
    bench.bind(bench.exporter, None)
    bench.bind(bench.controller, None)
    refused = bench.rig.run("rmmod vfio-pci-dmabuf")
    assert refused.status != 0 and "in use" in refused.stderr, refused
    process.close_stdin()
    assert process.wait(30) == 0, process.output
    bench.rig.run("rmmod vfio-pci-dmabuf", check=True)
    bench.load(takeover=1)
    bench.bind(bench.exporter, OURS)


def test_loading_twice(bench: Bench) -> None:
    again = bench.rig.run(f"insmod /build/meson/kernel/{OURS}-$(uname -r).ko")
    assert again.status != 0 and "exists" in again.stderr.lower()
    for _ in range(3):
        bench.reload(takeover=1)
    assert loaded(bench)


def test_without_takeover_the_core_exports_or_nobody(bench: Bench) -> None:
    ask = ("import sys; sys.path.insert(0, '/src/tests/kernel/guest'); from vfio import *; "
           "d = Device(sys.argv[1]); fd = d.export([(0, PAGE)]); "
           "print(name(-fd) if fd < 0 else map_outcome(fd, PAGE)[0])")

    def answer() -> str:
        return bench.rig.run(["python3", "-B", "-c", ask, bench.exporter],
                             check=True).stdout.strip()

    core_exports = bench.rig.kernel.startswith("7.")
    try:
        bench.reload()
        assert answer() == ("EINVAL" if core_exports else "ok")
        bench.reload(takeover=0)
        assert answer() == ("EINVAL" if core_exports else "ENOTTY")
    finally:
        bench.reload(takeover=1)
    assert answer() == "ok"
