"""What a process and the kernel hold of the exporter's memory, as the kernel tells it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .rig import Rig

_FRAMEBUFFERS = "/sys/kernel/debug/dri/0/framebuffer"
_DMABUFS = "/sys/kernel/debug/dma_buf/bufinfo"
# wlroots keeps a table of formats in shared memory for each surface that got its own DMA-BUF
# feedback, which windows that stay may get at any time
_FEEDBACK = "/dev/shm/wlroots-"
_MARK = "--- next"


@dataclass(frozen=True)
class Holdings:
    """Numbers of one process, and of the DMA-BUFs in the whole guest."""

    fds: int
    #: memory mappings, and those of them that are of vfio devices
    mappings: int
    vfio_mappings: int
    #: memory of its own, in KiB
    resident: int
    #: framebuffers of sluice, and those of them that are made of an import
    framebuffers: int
    imported: int
    #: DMA-BUFs that vfio exported and that it has open or mapped, and attachments to any of vfio
    dmabufs: int
    attached: int


def holdings(rig: Rig, pid: int) -> Holdings:
    text = rig.run(
        f"ls -l /proc/{pid}/fd | grep -- '->' | grep -cv {_FEEDBACK}; cat /proc/{pid}/maps; echo '{_MARK}'; "
        f"cat /proc/{pid}/status; echo '{_MARK}'; cat {_FRAMEBUFFERS}; echo '{_MARK}'; "
        f"cat {_DMABUFS}; echo '{_MARK}'; grep -hs exp_name /proc/{pid}/fdinfo/*; true",
        check=True).stdout
    process, status, framebuffers, dmabufs, names = text.split(_MARK)
    fds, *maps = process.strip().splitlines()
    ours = [block for block in re.split(r"^framebuffer\[", framebuffers, flags=re.MULTILINE)
            if "allocated by = sluice" in block]
    resident = re.search(r"RssAnon:\s*(\d+) kB", status)
    assert resident is not None, f"no RssAnon of process {pid}"
    return Holdings(
        fds=int(fds), mappings=len(maps),
        vfio_mappings=sum("vfio" in line for line in maps),
        resident=int(resident.group(1)), framebuffers=len(ours),
        imported=sum("imported=yes" in block for block in ours),
        dmabufs=names.count("vfio"),
        attached=sum(int(number) for name, number in re.findall(
            r"^\d+\t\w+\t\w+\t\w+\t(\w+)\t(?:.|\n)*?^Total (\d+) devices attached", dmabufs,
            re.MULTILINE) if name.startswith("vfio")))


def expect_nothing_held(rig: Rig, pid: int) -> None:
    """The process lets a vfio device be reset: nothing of its memory is imported or mapped."""
    held = holdings(rig, pid)
    assert (held.imported, held.attached, held.dmabufs, held.vfio_mappings) == (0, 0, 0, 0), held
