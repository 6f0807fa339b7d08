"""The compositor draws into the exporter's VRAM, and the other GPU scans it out from there."""

from __future__ import annotations

import numpy

from lib import patterns
from rig import Rig
from rig.session import Sluice, scanned_out

WIDTH, HEIGHT = RIG_SIZE = 1280, 720
RIG = {"size": RIG_SIZE, "vram": 64 << 20}


def desktop() -> patterns.Pixels:
    """A window in the middle of a black screen, and a smaller one in the middle of that."""
    screen = numpy.zeros((HEIGHT, WIDTH, 3), numpy.uint8)
    for width, height, picture in ((600, 400, patterns.picture("gradient", 600, 400)),
                                   (300, 200, patterns.picture("solid:30A060", 300, 200))):
        x, y = (WIDTH - width) // 2, (HEIGHT - height) // 2
        screen[y:y + height, x:x + width] = picture
    return screen


def frames_in_vram(rig: Rig) -> list[patterns.Pixels]:
    """What lies where the swapchain's buffers do: one behind the other, from the start."""
    size = WIDTH * HEIGHT * 4
    memory = rig.vram(0)
    return [numpy.array(memory[i * size:(i + 1) * size]).reshape(HEIGHT, WIDTH, 4)[:, :, 2::-1]
            for i in range(4)]


def test_desktop_is_drawn_into_vram_and_scanned_out(rig: Rig) -> None:
    rig.vram(0)[:] = 0xa5
    sluice = Sluice(rig, f"--render-vram={rig.exporters[0].bdf}")
    for command in (("--size", "600x400", "--pattern", "gradient"),
                    ("--size", "300x200", "--color", "30A060")):
        sluice.shm(*command).wait_for("drawn")
    rig.wait_pixels(desktop(), timeout=60)

    framebuffer = scanned_out(rig)
    assert framebuffer is not None and framebuffer.imported
    assert framebuffer.allocated_by == "sluice"
    assert any((frame == desktop()).all() for frame in frames_in_vram(rig)), \
        "the frame on the screen is not in the exporter's memory"


def test_screen_follows_vram_written_from_outside(rig: Rig) -> None:
    """There is no other copy: what the host writes into the exporter's memory is shown."""
    sluice = Sluice(rig, f"--render-vram={rig.exporters[0].bdf}")
    sluice.shm("--size", "600x400", "--color", "30A060").wait_for("drawn")
    expected = numpy.zeros((HEIGHT, WIDTH, 3), numpy.uint8)
    expected[160:560, 340:940] = (0x30, 0xa0, 0x60)
    rig.wait_pixels(expected, timeout=60)
    rig.vram(0)[:4 * WIDTH * HEIGHT * 4] = 0x40
    rig.wait_pixels(numpy.full_like(expected, 0x40), timeout=30)


def test_device_is_given_back_when_the_kernel_asks(rig: Rig) -> None:
    bdf = rig.exporters[0].bdf
    sluice = Sluice(rig, f"--render-vram={bdf}")
    sluice.shm("--size", "600x400", "--color", "30A060").wait_for("drawn")
    driver = f"/sys/bus/pci/drivers/{rig.driver}"
    # Waits in the kernel until the device is closed
    rig.run(f"echo {bdf} >{driver}/unbind", timeout=30, check=True)
    sluice.wait_for("given back")
    sluice.shm("--size", "300x200", "--color", "C02020").wait_for("drawn")
    expected = numpy.zeros((HEIGHT, WIDTH, 3), numpy.uint8)
    expected[160:560, 340:940] = (0x30, 0xa0, 0x60)
    expected[260:460, 490:790] = (0xc0, 0x20, 0x20)
    rig.wait_pixels(expected, timeout=60)
    assert sluice.process.running
    assert not scanned_out(rig).imported
    rig.run(f"echo {bdf} >{driver}/bind", check=True)


def test_errors_say_what_is_wrong(rig: Rig) -> None:
    # 2: the command line was not understood
    for argument, message, status in (("0000:7f:00.0", "0000:7f:00.0", 1),
                                      ("nonsense", "nonsense", 1),
                                      (f"{rig.exporters[0].bdf},9", "9", 2),
                                      (f"{rig.exporters[0].bdf},4", "region 4", 1)):
        result = rig.run(["sluice", f"--render-vram={argument}"],
                         env={"WLR_RENDERER": "pixman"}, timeout=30)
        assert result.status == status, argument
        assert message in result.stderr, argument
