"""The gpu path, in a machine where there is one: a software renderer that maps what it imports.

llvmpipe without a DRM device imports a DMA-BUF by mmap(), which those of the tree's own driver have and
mainline's have not: on those, with a DRM device (kms_swrast), it crashes, see test_machines.py.
"""

from __future__ import annotations

import json

import pytest

from conftest import check_our_own_driver, get_pair
from counting import WINDOW, check_thousand, producer
from lib import patterns
from rig import Rig
from rig.session import SLOW, Sluice, place

RIG = {"size": (320, 240), "driver": "vfio-pci-dmabuf"}
SOFTWARE = {"WLR_RENDERER_FORCE_SOFTWARE": "1"}


def test_a_gpu_read_is_checked_by_pixels(rig: Rig) -> None:
    # An emulated processor compiles shaders for a long while
    result = rig.run(["sluicectl", "doctor", "--json", "--yes", "--gpu-read", "--timeout=200000"],
                     env=SOFTWARE, timeout=420)
    pair = get_pair(json.loads(result.stdout), rig.exporters[0].bdf, "/dev/dri/card0")
    assert "anew for each GPU read" in pair["steps"]["pattern"]["why"]
    for renderer in ("gles2", "vulkan"):
        step = pair["steps"][f"gpu-read-{renderer}"]
        assert step["status"] == "pass", step
        assert step["why"] == f"{renderer} drew all {320 * 240} pixels right"
    check_our_own_driver(rig, pair)


@pytest.mark.parametrize("renderer", ["gles2", "vulkan"])
def test_pixels(rig: Rig, renderer: str) -> None:
    sluice = Sluice(rig, renderer=renderer, env=SOFTWARE, timeout=SLOW)
    client = sluice.vram("--size", "120x80", "--pattern", "checker", "--ranges", "3:9", "--step")
    client.wait_for("^ready$", SLOW)
    for n in (1, 2):
        client.do("frame", SLOW)
        client.wait_path("gpu", timeout=SLOW)
        window = patterns.picture("checker", 120, 80, n)
        rig.wait_pixels(place(patterns.picture("solid:000000", *rig.size), window, 100, 80),
                        timeout=SLOW, tolerance=1)
    # While the probe runs, the first frame waits for nobody: the CPU has read it
    assert sluice.vram_bytes_read() == 120 * 80 * 4


def test_gpu_counts_as_the_kernel_does(rig: Rig) -> None:
    sluice = Sluice(rig, *producer(*WINDOW), renderer="gles2", env=SOFTWARE, timeout=SLOW)
    check_thousand(rig, sluice, "gpu", "gpu")
