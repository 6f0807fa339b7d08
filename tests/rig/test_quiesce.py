"""An announced reset: a source lets go of everything, and comes back, as often as one likes."""

from __future__ import annotations

import re

import pytest

from rig import Rig
from rig import trouble
from rig.holdings import expect_nothing_held, holdings
from rig.trouble import VIEWS, Desk

RIG = trouble.RIG
ROUNDS = 200
#: rounds until everything that is allocated once was, and until it is compared again
WARM = 20


@pytest.mark.parametrize("view", VIEWS)
def test_two_hundred_resets_in_a_row(rig: Rig, view: str) -> None:
    desk = Desk(rig, view)
    client = desk.client()
    before = None
    for n in range(1, ROUNDS + 1):
        client.do("quiesce")
        client.do("reset")
        client.do("resume")
        client.do("frame")
        desk.expect_frame(n, timeout=10)
        if n == WARM:
            before = holdings(rig, desk.pid)
    client.wait_path(desk.path)
    after = holdings(rig, desk.pid)
    assert before is not None
    assert after.imported == before.imported == (view == "scanout")
    assert (after.fds, after.vfio_mappings, after.framebuffers, after.dmabufs, after.attached) == \
        (before.fds, before.vfio_mappings, before.framebuffers, before.dmabufs, before.attached)
    # Buffers of malloc come and go; a leak of each round shows as 180 times its size
    assert abs(after.mappings - before.mappings) <= 4
    assert after.resident - before.resident <= 256, f"{before} became {after}"
    desk.expect_alive()


# Adopted buffers cannot be kept: the protocol has the client destroy them before quiesced
@pytest.mark.parametrize("protocol,how", [
    ("sluice", "quiesce"), ("sluice", "quiesce keep"), ("sluice", "quiesce first"),
    ("dmabuf", "quiesce"), ("dmabuf", "quiesce first")])
@pytest.mark.parametrize("view", VIEWS)
def test_quiesced_means_that_nothing_is_left(rig: Rig, view: str, protocol: str,
                                             how: str) -> None:
    desk = Desk(rig, view)
    adopted = protocol == "dmabuf"
    # What a client exported itself, the CPU can read only with the tree's own driver
    unreadable = adopted and view == "composited" and rig.driver == "vfio-pci"
    client = desk.client(*(["--protocol", "dmabuf", "--adopt"] if adopted else []))
    client.do("frame")
    if unreadable:
        client.wait_path("none", "no_cpu_map")
        desk.expect_placeholder(words=False)
    else:
        client.wait_path(desk.path)
        desk.expect_frame(1)
        held = holdings(rig, desk.pid)
        assert held.dmabufs == 3
        assert held.imported == held.attached == (view == "scanout")
    client.do(how)
    expect_nothing_held(rig, desk.pid)
    desk.expect_placeholder()
    client.wait_path("none", "quiesced")
    # With the buffers of before the quiesce: still nothing to see, and nothing is imported
    if how == "quiesce keep":
        client.do("frame")
        desk.expect_placeholder()
        expect_nothing_held(rig, desk.pid)
    client.do("reset")
    client.do("resume")
    client.do("frame")
    if unreadable:
        client.wait_path("none", "no_cpu_map")
    else:
        client.wait_path(desk.path)
        desk.expect_frame(int(re.findall(r"^frame (\d+) committed", client.process.output,
                                         re.MULTILINE)[-1]))
    desk.expect_alive()


def test_a_source_that_is_quiesced_when_its_client_dies(rig: Rig) -> None:
    desk = Desk(rig, "scanout")
    client = desk.new_producer()
    client.do("quiesce keep")
    client.process.kill()
    client.process.wait()
    desk.expect_background()
    desk.new_producer()
