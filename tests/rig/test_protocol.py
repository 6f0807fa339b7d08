"""Bad requests of sluice-vram-v1, made to a real device."""

from __future__ import annotations

import re

import pytest

from lib import patterns
from rig import Rig
from rig.session import SLOW, Sluice

RIG = {"size": (640, 480)}


def test_every_bad_request_is_answered_as_the_protocol_says(rig: Rig) -> None:
    sluice = Sluice(rig)
    client = sluice.vram("--bad", "all")
    done = client.wait_for(r"^done kinds=(\d+) unexpected=(\d+)$", SLOW)
    unexpected = re.findall(r"^bad .*\(unexpected\)$", client.process.output, re.MULTILINE)
    assert unexpected == [] and done.group(2) == "0"
    assert "skipped" not in client.process.output
    assert client.process.wait() == 0
    # Whoever comes next is served
    good = sluice.vram("--fullscreen", "--pattern", "gradient", "--frames", "-1")
    good.wait_path("scanout")
    rig.wait_pixels(patterns.picture("gradient", 640, 480))
    assert sluice.vram_bytes_read() == 0


@pytest.mark.parametrize("point", ["connect", "source", "device", "params", "buffer", "commit"])
def test_a_producer_that_dies_at_any_point_leaves_nothing(rig: Rig, point: str) -> None:
    sluice = Sluice(rig)
    client = sluice.vram("--fullscreen", "--vanish-at", point)
    assert client.process.wait() == -9
    good = sluice.vram("--fullscreen", "--pattern", "gradient", "--frames", "-1")
    good.wait_path("scanout")
    rig.wait_pixels(patterns.picture("gradient", 640, 480))
    good.quit()
    assert "vfio_pci_core" not in rig.read("/sys/kernel/debug/dma_buf/bufinfo").decode()
