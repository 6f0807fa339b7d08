"""The driver by itself: what is exported, and to whom."""

from __future__ import annotations

import json

import pytest

from kernel.bench import Bench, only_newest

pytestmark = pytest.mark.usefixtures("quiet")

# What vfio-pci of the newest kernel answers, and so do we.
ANSWERS = {
    "probe": "ok",
    "probe set": "EINVAL",
    "probe get and set": "EINVAL",
    "set": "EINVAL",
    "get and set": "EINVAL",
    "neither": "EINVAL",
    "unknown bits": "EINVAL",
    "argsz without the payload": "EINVAL",
    "argsz within the payload": "EINVAL",
    "argsz without the ranges": "ok",
    "argsz 0": "EINVAL",
    "argsz huge": "ok",
    "good": "ok",
    "last page": "ok",
    "whole BAR": "ok",
    "the same range twice": "ok",
    "no ranges": "EINVAL",
    "flags 1": "EINVAL",
    "flags all": "EINVAL",
    "open_flags read only": "ok",
    "open_flags append": "ok",
    "open_flags all": "ok",
    "ROM": "ENODEV",
    "config space": "ENODEV",
    "VGA": "ENODEV",
    "region 9": "ENODEV",
    "region huge": "ENODEV",
    "no such BAR": "ENODEV",
    "small BAR": "EINVAL",
    "length 0": "EINVAL",
    "second length 0": "EINVAL",
    "length 1": "EINVAL",
    "offset 1": "EINVAL",
    "length unaligned": "EINVAL",
    "past the end": "EINVAL",
    "across the end": "EINVAL",
    "longer than the BAR": "EINVAL",
    "second past the end": "EINVAL",
    "offset wraps": "EOVERFLOW",
    "offset and length wrap": "EINVAL",
    "length half of all": "EINVAL",
    "lengths wrap": "EINVAL",
    "lengths reach the top bit": "EINVAL",
    "2**32-1 ranges": "ENOMEM",
    "2**20 ranges announced": "ENOMEM",
    "a page of ranges": "ok",
    "bad pointer": "EFAULT",
}


def test_layouts_of_1_to_64_ranges(bench: Bench) -> None:
    for seed in range(2):
        bench.python("layouts.py", bench.exporter, bench.importer, seed)


def test_an_importer_that_does_not_let_go(bench: Bench) -> None:
    timeout = 400
    parameter = "/sys/module/vfio_pci_dmabuf/parameters/revoke_timeout_ms"
    before = bench.rig.read(parameter).decode()
    bench.rig.run(f"echo {timeout} >{parameter}", check=True)
    try:
        bench.python("stubborn.py", bench.exporter, bench.importer, timeout)
    finally:
        bench.rig.run(f"echo {before} >{parameter}", check=True)
    said = bench.rig.run("dmesg --level=warn; dmesg --clear", check=True).stdout
    assert said.count("importers did not let go of a DMA-BUF of 12288 bytes in 400 ms") >= 2, said
    assert said.count(f"it is attached to {bench.importer} (virtio-pci)") >= 2, said


def expect_answers(bench: Bench, timeout: float = 120) -> None:
    answers = json.loads(bench.python("errnos.py", bench.exporter, timeout=timeout))
    print(*(f"{title}: {answer}" for title, answer in answers.items()), sep="\n")
    different = {title: (answers.get(title), ANSWERS.get(title))
                 for title in answers.keys() | ANSWERS.keys()
                 if answers.get(title) != ANSWERS.get(title)}
    assert not different


def test_malformed_calls_get_the_errno_of_vfio_pci(bench: Bench) -> None:
    expect_answers(bench)


@only_newest
def test_malformed_calls_of_vfio_pci(stock: Bench) -> None:
    """The table itself: the kernel's answers have not changed."""
    expect_answers(stock)
