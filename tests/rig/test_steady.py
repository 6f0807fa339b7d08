"""A steady full-screen producer costs one atomic commit a frame, and nothing that grows."""

from __future__ import annotations

import re
import time
from collections import Counter

import pytest

from rig import Rig
from rig.session import Sluice

RIG = {"size": (640, 480)}

#: what a frame may need: the flip, its event, the client's messages, and waiting for them
ALLOWED = {"ioctl", "read", "recvmsg", "sendmsg", "epoll_wait", "epoll_pwait2", "epoll_ctl",
           "timerfd_settime", "eventfd2", "close", "getrusage", "rt_sigaction", "pread64"}


FRAMES = 60


def trace_frames(rig: Rig) -> str:
    """The system calls of sluice while it shows so many frames."""
    pid = rig.run("pgrep -xo sluice", check=True).stdout.strip()
    tracer = rig.spawn(["strace", "-f", "-qq", "-o", "/tmp/trace", "-p", pid])
    deadline = time.monotonic() + 60
    count = "cat /tmp/trace 2>/dev/null | grep -c MODE_ATOMIC"
    while int(rig.run(count).stdout) < FRAMES and time.monotonic() < deadline:
        time.sleep(0.5)
    tracer.send_signal(2)
    tracer.wait(20)
    return rig.read("/tmp/trace").decode()


@pytest.mark.parametrize("protocol", ["sluice", "dmabuf"])
def test_one_atomic_commit_a_frame(rig: Rig, protocol: str) -> None:
    sluice = Sluice(rig, "kiosk", "--", "vram-client", "--fullscreen", "--buffers", "2",
                    "--no-redraw", "--protocol", protocol)
    sluice.wait_for("frame 60 callback", 60)
    calls = trace_frames(rig)

    ioctls = Counter(re.findall(r"ioctl\(\d+, (\w+)", calls))
    commits = ioctls["DRM_IOCTL_MODE_ATOMIC"]
    assert commits >= FRAMES, ioctls

    others = {name: count for name, count in ioctls.items() if name != "DRM_IOCTL_MODE_ATOMIC"}
    assert not others, f"beside {commits} commits: {others}"
    assert "DRM_MODE_ATOMIC_TEST_ONLY" not in calls
    names = Counter(re.findall(r"^\d+\s+(\w+)\(", calls, re.MULTILINE))
    assert set(names) <= ALLOWED, set(names) - ALLOWED
    assert not {"mmap", "munmap", "brk"} & set(names)
    per_frame = {name: round(count / commits, 2) for name, count in names.items()}
    print(f"{protocol}: system calls a frame: {per_frame}")
    assert sum(names.values()) / commits < 20
