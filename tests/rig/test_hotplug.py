"""Exporters come and go while sluice runs, and it goes on."""

from __future__ import annotations

import pytest

from lib import patterns
from rig import Rig
from rig.session import Client, Sluice, place, scanned_out

RIG = {"size": (640, 480), "exporters": 2, "vram": 64 << 20}

WIDTH, HEIGHT = 640, 480
DRIVER = "/sys/bus/pci/drivers/vfio-pci"
FOUND = r"{}: exporter, bound to vfio-pci"
GONE = r"{}: exporter gone, no longer bound to vfio-pci"


def producer(rig: Rig, sluice: Sluice, *arguments: str, exporter: int = 0,
             pattern: str = "gradient") -> Client:
    bdf = rig.exporters[exporter].bdf
    assert bdf is not None
    client = sluice.vram("--device", bdf, "--pattern", pattern, "--step", *arguments)
    client.wait_for("^ready$")
    client.do("frame")
    return client


def expect_fullscreen(rig: Rig, client: Client, pattern: str = "gradient") -> None:
    client.wait_path("scanout", "ok")
    rig.wait_pixels(patterns.picture(pattern, WIDTH, HEIGHT))


def test_those_that_are_there_are_found(rig: Rig) -> None:
    sluice = Sluice(rig)
    for exporter in rig.exporters:
        sluice.wait_for(FOUND.format(exporter.bdf))


def test_unbinding_and_binding_are_seen(rig: Rig) -> None:
    sluice = Sluice(rig)
    bdf = rig.exporters[0].bdf
    sluice.wait_for(FOUND.format(bdf))
    rig.run(f"echo {bdf} >{DRIVER}/unbind", check=True)
    sluice.wait_for(GONE.format(bdf))
    rig.run(f"echo {bdf} >{DRIVER}/bind", check=True)
    sluice.wait_for(FOUND.format(bdf))
    expect_fullscreen(rig, producer(rig, sluice, "--fullscreen"))


def test_hot_unplug_and_hot_plug_are_seen(rig: Rig) -> None:
    sluice = Sluice(rig)
    for _ in range(2):
        bdf = rig.exporters[0].bdf
        sluice.wait_for(FOUND.format(bdf))
        client = producer(rig, sluice, "--fullscreen")
        expect_fullscreen(rig, client)
        client.quit()
        rig.unplug_exporter()
        sluice.wait_for(GONE.format(bdf))
        rig.plug_exporter()
    client = producer(rig, sluice, "--fullscreen", pattern="checker")
    expect_fullscreen(rig, client, "checker")


def test_an_unplug_waits_for_the_producer_and_disturbs_no_other(rig: Rig) -> None:
    sluice = Sluice(rig)
    bdf = rig.exporters[0].bdf
    other = producer(rig, sluice, "--size", "200x100", exporter=1, pattern="checker")
    client = producer(rig, sluice, "--fullscreen", "--ignore-request")
    expect_fullscreen(rig, client)
    rig.ask_for_exporter()
    # The kernel waits for the owner; nobody else does
    client.do("frame")
    client.do("frame")
    client.quit()
    rig.wait_unplugged()
    sluice.wait_for(GONE.format(bdf))
    background = patterns.picture("solid:000000", WIDTH, HEIGHT)
    at = ((WIDTH - 200) // 2, (HEIGHT - 100) // 2)
    rig.wait_pixels(place(background, patterns.picture("checker", 200, 100, 1), *at))
    other.do("frame")
    rig.wait_pixels(place(background, patterns.picture("checker", 200, 100, 2), *at))
    rig.plug_exporter()
    expect_fullscreen(rig, producer(rig, sluice, "--fullscreen"))


def test_a_producer_that_vanishes_leaves_its_exporter_free(rig: Rig) -> None:
    """Sluice's duplicate of the device must not keep it from being unplugged."""
    sluice = Sluice(rig)
    client = producer(rig, sluice, "--fullscreen", "--ranges", "3:1")
    expect_fullscreen(rig, client)
    client.process.kill()
    client.process.wait()
    rig.unplug_exporter(timeout=20)
    sluice.wait_for(GONE.format(r"\S+"))
    assert "vfio_pci_core" not in rig.read("/sys/kernel/debug/dma_buf/bufinfo").decode()
    rig.plug_exporter()


@pytest.mark.parametrize("arguments", [[], ["--protocol", "dmabuf", "--adopt"]],
                         ids=["sluice", "adopted"])
@pytest.mark.parametrize("shape", [["--fullscreen"], ["--size", "200x100"]],
                         ids=["scanout", "composited"])
def test_a_quiesced_source_holds_nothing_of_its_exporter(rig: Rig, arguments: list[str],
                                                         shape: list[str]) -> None:
    sluice = Sluice(rig)
    client = producer(rig, sluice, *arguments, *shape)
    client.wait_path("scanout" if "--fullscreen" in shape else
                     "none" if "--adopt" in arguments else "cpu")
    client.do("quiesce")
    framebuffer = scanned_out(rig)
    assert framebuffer is None or not framebuffer.imported
    assert "vfio_pci_core" not in rig.read("/sys/kernel/debug/dma_buf/bufinfo").decode()
    client.do("reset")
    client.do("resume")
    client.do("frame")
    if "--fullscreen" in shape:
        expect_fullscreen(rig, client)
    assert sluice.process.running


def test_a_device_that_is_gone_cannot_be_opened(rig: Rig) -> None:
    sluice = Sluice(rig)
    bdf = rig.exporters[0].bdf
    rig.unplug_exporter()
    try:
        result = rig.run(["vram-client", "--device", str(bdf), "--frames", "1"],
                         env={"WAYLAND_DISPLAY": sluice.display})
        assert result.status == 1
        assert sluice.process.running
    finally:
        rig.plug_exporter()
