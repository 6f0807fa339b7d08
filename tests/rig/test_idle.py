"""A screen on which nothing changes costs nearly nothing."""

from __future__ import annotations

import re

import pytest

from rig import Rig
from rig import trouble
from rig.trouble import VIEWS, Desk

# Time that is idle costs none
RIG = trouble.RIG | {"icount": True}

#: the watch has slowed down by then, and how often it still looks, both in seconds
CALM = 5
LONGEST = 2
SECONDS = 60


def count_wakeups(rig: Rig, pid: int, seconds: int) -> int:
    """How often sluice was woken up in so many seconds of the machine's time."""
    rig.run(f"timeout -s INT {seconds} strace -f -qq -e trace=epoll_wait,epoll_pwait2 "
            f"-o /tmp/idle -p {pid}; true", timeout=10 * seconds, check=True)
    trace = rig.read("/tmp/idle").decode()
    return len(re.findall(r"^.*epoll_\w+(?:\(| resumed>).* = [1-9]\d*$", trace, re.MULTILINE))


@pytest.mark.parametrize("view", VIEWS)
def test_wakeups_of_an_image_that_stands_still(rig: Rig, view: str) -> None:
    desk = Desk(rig, view)
    client = desk.new_producer()
    rig.run(f"sleep {CALM}", check=True)
    # Only by looking can a loss be noticed, while the image is to be seen
    assert 1 <= count_wakeups(rig, desk.pid, SECONDS) <= SECONDS / LONGEST + 1

    cover = desk.sluice.shm("--fullscreen", "--pattern", "gradient")
    client.wait_path("none", "covered")
    rig.run(f"sleep {CALM}", check=True)
    assert count_wakeups(rig, desk.pid, SECONDS) == 0
    cover.quit()

    client.wait_path(desk.path)
    client.do("unmap")
    rig.run(f"sleep {CALM}", check=True)
    assert count_wakeups(rig, desk.pid, SECONDS) == 0
