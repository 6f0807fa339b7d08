"""Frames of a client of which the compositor has the DMA-BUF alone, and no device to map."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kernel.bench import KERNELS, OURS, STOCK
from rig import Rig
from rig.trouble import SIZE, Desk


@pytest.fixture(scope="module", params=[(OURS, kernel) for kernel in KERNELS]
                + [(STOCK, KERNELS[-1])], ids=" ".join)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    driver, kernel = request.param
    with Rig(size=SIZE, kernel=kernel, driver=driver, debug_name="frames") as machine:
        yield machine


def test_a_window_known_by_its_dmabuf_alone(rig: Rig) -> None:
    desk = Desk(rig, "composited")
    if rig.kernel.startswith("6."):
        # Nobody has the DMA-BUF alone there: wlroots refuses what the display's driver cannot
        # import, and this one's imports nothing. With the device, the window is as good.
        desk.new_producer("--ranges", "3:9")
        desk.expect_alive()
        return

    client = desk.client("--protocol", "dmabuf", "--ranges", "3:9")
    client.do("frame")
    if rig.driver == STOCK:
        # What makes the difference
        client.wait_path("none", "no_cpu_map")
        desk.expect_placeholder(words=False)
        return

    client.wait_path("cpu")
    desk.expect_frame(1)
    assert desk.sluice.vram_bytes_read() > 0
    client.do("frame")
    desk.expect_frame(2)

    # Its memory is taken away, and the screen tells; new images are good
    client.do("memory off")
    client.do("flip")
    desk.expect_placeholder(words=False)
    client.quit()
    desk.expect_background()
    desk.new_producer("--protocol", "dmabuf")
    desk.expect_alive()
