"""How an importer reaches the exporter's memory: decided from what is between them, when it attaches.

The machines have an IOMMU that translates for importers, so that the addresses of a mapping tell
which way it goes, and where to; guest/routes.py switches access control (ACS) in the bridges.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kernel.bench import KERNELS, Bench, expect_quiet, make_bench

HOST, BUS, NO = "host bridge", "bus", "unreachable"

#: By where access control redirects. The kernel enables it in all ports that can.
SETTINGS = ("as it is", "off", "exporter's", "importer's", "common", "above")

#: The processor, whether both are below the switch, where the importer is, and what becomes of it
EXPECTED: dict[tuple[str, bool, str], tuple[str, ...]] = {
    # A switch forwards by itself what none of its ports redirects, which QEMU's cannot; what the
    # root port above it does makes no difference
    ("AMD", True, "another"): (BUS,) * 6,
    ("Intel", True, "another"): (BUS,) * 6,
    ("AMD", True, "same"): (BUS,) * 6,
    ("Intel", True, "same"): (BUS,) * 6,
    # A port redirects what one function of the device below it wants of another
    ("AMD", False, "same"): (HOST, BUS, BUS, BUS, HOST, BUS),
    ("Intel", False, "same"): (NO, BUS, BUS, BUS, NO, BUS),
    # Between root ports it depends on the processor, and on the kernel's list of host bridges
    ("AMD", False, "another"): (HOST,) * 6,
    ("Intel", False, "another"): (NO,) * 6,
}


@contextmanager
def translating(kernel: str, **arguments: Any) -> Iterator[Bench]:
    yield from make_bench(kernel, append="iommu=nopt", **arguments)


def routes(bench: Bench, importer: str) -> dict[str, Any]:
    return json.loads(bench.python("routes.py", bench.exporter, importer))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("processor", ["AMD", "Intel"])
@pytest.mark.parametrize("switch", [True, False], ids=["switch", "root ports"])
def test_routes_and_pages(kernel: str, processor: str, switch: bool) -> None:
    with translating(kernel, intel=processor == "Intel", switch=switch, siblings=True) as bench:
        importers = {"another": bench.importer, "same": bench.exporter.removesuffix("0") + "1"}
        for device, importer in importers.items():
            expected = dict(zip(SETTINGS, EXPECTED[processor, switch, device]))
            assert routes(bench, importer) == expected, device
        expect_quiet(bench.rig)
