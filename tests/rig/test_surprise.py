"""The exporter's memory goes away without a word: nothing else on the screen is disturbed."""

from __future__ import annotations

import re

import pytest

from rig import Process, Rig
from rig import trouble
from rig.holdings import expect_nothing_held, holdings
from rig.session import Client
from rig.trouble import VIEWS, Desk

RIG = trouble.RIG

DRIVERS = "/sys/bus/pci/drivers"
#: compositor/vram/watch.c looks every two seconds at least, and an emulated processor is slow
NOTICED = 5  # seconds
DMABUF = ["--protocol", "dmabuf"]

views = pytest.mark.parametrize("view", VIEWS)


def unbind(rig: Rig) -> Process:
    """Starts to take the exporter from its driver, which waits until its owner has closed it."""
    return rig.spawn(f"echo {rig.exporters[0].bdf} >{DRIVERS}/{rig.driver}/unbind")


def bind(rig: Rig) -> None:
    rig.run(f"echo {rig.exporters[0].bdf} >{DRIVERS}/{rig.driver}/bind; udevadm settle", check=True)


def unbound(rig: Rig) -> bool:
    return rig.run(f"test -e {DRIVERS}/{rig.driver}/{rig.exporters[0].bdf}").status != 0


@pytest.fixture(autouse=True)
def _plugged_and_bound(rig: Rig) -> None:
    """What an earlier test took away is there again."""
    if rig.exporters[0].bdf is None:
        rig.plug_exporter()
    elif unbound(rig):
        bind(rig)


def expect_device_free(rig: Rig, desk: Desk) -> None:
    """sluice has let go of the device."""
    fds = rig.run(f"ls -l /proc/{desk.pid}/fd", check=True).stdout
    assert "vfio" not in fds, fds


@views
def test_memory_is_switched_off(rig: Rig, view: str) -> None:
    desk = Desk(rig, view)
    client = desk.new_producer()
    client.do("memory off")
    client.wait_for("^revoked memory_disabled$", NOTICED)
    desk.expect_placeholder()
    client.wait_path("none", "revoked")
    held = holdings(rig, desk.pid)
    assert (held.imported, held.attached, held.dmabufs, held.vfio_mappings) == (0, 0, 0, 0), held

    # The same producer again
    client.do("memory on")
    client.do("resume")
    desk.expect_producer(client, 2)
    # And another, while it is off
    client.do("memory off")
    desk.expect_placeholder()
    client.quit()
    desk.expect_background()
    desk.new_producer()
    desk.expect_alive()


def test_memory_of_adopted_buffers_is_switched_off(rig: Rig) -> None:
    """Which region they lie in is not known, but the device is at hand."""
    desk = Desk(rig, "scanout")
    client = desk.client(*DMABUF, "--adopt", "--hand-over")
    client.do("frame")
    client.wait_path("scanout")
    client.do("memory off")
    client.wait_for("^revoked memory_disabled$", NOTICED)
    desk.expect_placeholder()
    client.wait_path("none", "revoked")
    client.quit()
    desk.expect_background()
    desk.new_producer()
    desk.expect_alive()


@views
def test_a_reset_by_the_owner(rig: Rig, view: str) -> None:
    """Memory is off for an instant only, in which nobody uses it: only the watch can tell."""
    desk = Desk(rig, view)
    client = desk.new_producer()
    client.do("reset")
    client.wait_for("^revoked reset$", NOTICED)
    desk.expect_placeholder()
    client.do("resume")
    desk.expect_producer(client, 2)
    client.do("reset")
    desk.expect_placeholder()
    client.quit()
    desk.expect_background()
    desk.new_producer()
    desk.expect_alive()


@views
def test_a_picture_that_has_long_stood_still(rig: Rig, view: str) -> None:
    """The watch has become slow by then, and is there all the same."""
    desk = Desk(rig, view)
    client = desk.new_producer()
    rig.run("sleep 6", check=True)
    client.do("reset")
    client.wait_for("^revoked reset$", NOTICED)
    desk.expect_placeholder()


def test_an_image_that_comes_onto_the_screen_later(rig: Rig) -> None:
    """While nothing is to be seen of it, nobody looks."""
    desk = Desk(rig, "composited")
    client = desk.new_producer()
    cover = desk.sluice.shm("--fullscreen", "--pattern", "gradient")
    client.wait_path("none", "covered")
    rig.run("sleep 3", check=True)
    client.do("reset")
    rig.run("sleep 3", check=True)
    assert "revoked" not in re.findall(r"^\w+", client.process.output, re.MULTILINE)
    cover.quit()
    client.wait_for("^revoked reset$", NOTICED)
    desk.expect_placeholder()
    desk.expect_alive()


def test_a_reset_while_there_is_no_image(rig: Rig) -> None:
    """Nothing is lost by it, so the images that are made after it are good."""
    desk = Desk(rig, "scanout")
    client = desk.new_producer()
    client.do("unmap")
    client.do("drop")
    desk.expect_background()
    expect_nothing_held(rig, desk.pid)
    client.do("reset")
    client.do("make")
    client.do("map")
    desk.expect_frame(2)
    rig.run("sleep 3", check=True)
    client.do("frame")
    desk.expect_frame(3)
    assert "revoked" not in re.findall(r"^\w+", client.process.output, re.MULTILINE)


@views
@pytest.mark.parametrize("protocol", ["sluice", "dmabuf"])
def test_the_owner_is_killed(rig: Rig, view: str, protocol: str) -> None:
    desk = Desk(rig, view)
    arguments = ["--protocol", protocol]
    for step in (True, False):
        # One that stays, and one that dies while it presents
        client = desk.client(*arguments, step=step)
        if step:
            client.do("frame")
        else:
            client.wait_for("^frame 20 callback", 30)
        client.process.kill()
        client.process.wait()
        desk.expect_background()
    expect_device_free(rig, desk)
    desk.new_producer()
    desk.expect_alive()


@views
def test_the_driver_is_unbound(rig: Rig, view: str) -> None:
    desk = Desk(rig, view)
    client = desk.new_producer()
    unbinding = unbind(rig)
    client.wait_for("^request$")
    client.wait_for("^device closed$")
    assert unbinding.wait(20) == 0
    assert unbound(rig)
    desk.expect_placeholder()
    expect_device_free(rig, desk)

    bind(rig)
    newcomer = desk.new_producer()
    newcomer.quit()
    desk.expect_placeholder()
    client.quit()
    desk.expect_background()
    desk.expect_alive()


@views
def test_the_exporter_is_unplugged(rig: Rig, view: str) -> None:
    desk = Desk(rig, view)
    client = desk.new_producer()
    rig.unplug_exporter()
    client.wait_for("^device closed$")
    desk.expect_placeholder()
    expect_device_free(rig, desk)
    rig.plug_exporter()
    desk.new_producer()
    desk.expect_alive()


def test_params_do_not_keep_the_device(rig: Rig) -> None:
    """The compositor's copy of the device fd goes with the source, whatever else a client has."""
    desk = Desk(rig, "composited")
    client = desk.new_producer()
    client.do("params")
    unbinding = unbind(rig)
    client.wait_for("^device closed$")
    assert unbinding.wait(20) == 0
    assert client.process.running
    bind(rig)
    desk.new_producer()
    desk.expect_alive()


def test_an_owner_that_keeps_its_device(rig: Rig) -> None:
    """The kernel waits for it, and nobody else has to."""
    desk = Desk(rig, "composited")
    client = desk.new_producer("--ignore-request")
    unbinding = unbind(rig)
    client.wait_for("^request$")
    client.do("frame")
    desk.expect_frame(2)
    assert unbinding.running
    client.process.kill()
    assert unbinding.wait(20) == 0
    desk.expect_background()
    bind(rig)
    desk.new_producer()
    desk.expect_alive()


@views
@pytest.mark.parametrize("protocol", ["sluice", "dmabuf"])
def test_a_frame_that_is_lost_on_its_way(rig: Rig, view: str, protocol: str) -> None:
    """Its memory goes after the commit, or just before: the kernel refuses it, or a read faults."""
    desk = Desk(rig, view)
    client = desk.client("--protocol", protocol)
    for _ in range(2):
        client.do("frame")
    client.process.write("memory off\nflip\n")
    for _ in range(2):
        client.wait_for("^ok$")
    desk.expect_placeholder(words=protocol == "sluice")
    desk.expect_alive()
    client.quit()
    desk.expect_background()
    assert "no more scanout" not in desk.sluice.log
    if view == "scanout" or protocol == "sluice":
        desk.new_producer("--protocol", protocol).quit()
    desk.new_producer()


def lose(rig: Rig, how: str, client: Client) -> None:
    if how == "unbound":
        unbinding = unbind(rig)
        client.wait_for("^device closed$")
        assert unbinding.wait(20) == 0
    elif how == "unplugged":
        rig.unplug_exporter()
    else:
        client.do(how)


@pytest.mark.parametrize("how", ["memory off", "reset", "unbound", "unplugged"])
def test_linux_dmabuf_without_a_source(rig: Rig, how: str) -> None:
    """Nobody tells sluice, but what is lost says nothing about the next buffer of its kind."""
    desk = Desk(rig, "scanout")
    client = desk.new_producer(*DMABUF, "--buffers", "1")
    lose(rig, how, client)
    if how in ("memory off", "reset"):
        # Its framebuffer of before is black, and nothing in the kernel tells of it
        client.do("memory on")
        client.do("frame")
    desk.expect_alive()
    client.quit()
    desk.expect_background()
    if how == "unplugged":
        rig.plug_exporter()
    elif how == "unbound":
        bind(rig)
    assert "no more scanout" not in desk.sluice.log
    desk.new_producer(*DMABUF).quit()
    desk.expect_background()
    desk.new_producer()
    desk.expect_alive()
