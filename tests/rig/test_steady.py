"""A steady full-screen producer costs one atomic commit a frame, and nothing that grows."""

from __future__ import annotations

import pytest

from rig import Rig
from rig.session import Sluice, Trace
from rig.steady import FRAMES, count_steady

RIG = {"size": (640, 480)}

#: what a frame needs: the flip, its event, the client's messages, and waiting for them
NEEDED = {"ioctl", "read", "recvmsg", "sendmsg", "epoll_wait"}
#: the watch's look at VRAM, four times a second while frames come
WATCH = {"timerfd_settime", "getrusage", "rt_sigaction", "pread64"}
#: a frame waits for the flip before it, and for its client
WAITS = 2


@pytest.mark.parametrize("protocol", ["sluice", "dmabuf"])
def test_what_a_frame_costs(rig: Rig, protocol: str) -> None:
    steady = count_steady(
        rig, "sluice kiosk", "sluice",
        f"vram-client --fullscreen --buffers 2 --no-redraw --protocol {protocol}",
        {"WLR_RENDERER": "pixman"})
    print(steady)
    assert steady.flips >= FRAMES
    # One may be on its way at each end
    assert abs(round(steady.atomic * steady.flips) - steady.flips) <= 1
    assert not steady.ioctls
    assert set(steady.calls) <= NEEDED | WATCH, set(steady.calls) - NEEDED - WATCH
    needed = sum(steady.calls[name] for name in NEEDED)
    # Beside the flip: its event, one message with all events, the requests and a look for more
    assert needed <= 5 + WAITS + 0.5
    # frame, attach, damage_buffer, commit; release, done and delete_id
    assert steady.messages == 7
    # wlroots and libwayland allocate, and are counted
    assert steady.allocations > 1
    assert steady.own_allocations == 0


@pytest.mark.parametrize("full", [False, True], ids=["thin", "full"])
def test_a_commit_carries_what_has_changed(rig: Rig, full: bool) -> None:
    """wlroots sends all properties each time; the kernel is to get the framebuffer alone."""
    sluice = Sluice(rig, env={"SLUICE_DRM_FULL_COMMITS": "1"} if full else None)
    client = sluice.vram("--fullscreen", "--buffers", "2")
    client.wait_path("scanout")
    trace = Trace(rig)
    client.wait_for("^frame 40 callback", 60)
    trace.clear()
    client.wait_for("^frame 160 callback", 60)
    traced = trace.read()
    assert traced.flips >= 40
    # The client's frames go on while the trace is read: one flip may be cut in two at each end
    assert abs(traced.properties.pop("FB_ID") / (2 if full else 1) - traced.flips) <= 2
    assert (len(traced.properties) > 10) if full else not traced.properties
