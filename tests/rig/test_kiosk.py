"""Two screens and two exporters: who is where, by configuration, and what comes and goes."""

from __future__ import annotations

import json
import re
import time

import numpy

from lib import patterns
from lib.patterns import Pixels
from rig import Rig
from rig.session import SETTLE, Sluice, holding, press

WIDTH, HEIGHT = 640, 480
RIG = {"size": (WIDTH, HEIGHT), "heads": 2, "exporters": 2, "vram": 16 << 20, "input": True,
       "connectors": True}

DRIVER = "/sys/bus/pci/drivers/vfio-pci"
GRADIENT = patterns.picture("gradient", WIDTH, HEIGHT)
BLUE = patterns.picture("solid:2040c0", WIDTH, HEIGHT)


def start(rig: Rig, config: str) -> Sluice:
    rig.write("/tmp/config", config)
    return Sluice(rig, "kiosk", "--config", "/tmp/config")


def ctl(sluice: Sluice, *arguments: str) -> str:
    return sluice.rig.run(["sluicectl", *arguments], env={"WAYLAND_DISPLAY": sluice.display},
                          check=True).stdout


def get_pid(sluice: Sluice, name: str) -> int:
    """Of a command: the leader of its process group."""
    return next(command["pid"] for command in json.loads(ctl(sluice, "--json", "commands"))
                if command["name"] == name)


def last_paths(sluice: Sluice) -> dict[str, str]:
    """By output, the newest path that was told of what it shows."""
    return dict(re.findall(r"path: \".*\" on (Virtual-\d): ([\w-]+) \(", sluice.log))


def expect_path(sluice: Sluice, output: str, kind: str) -> None:
    """The log may come a moment after the picture."""
    sluice.rig.guest.wait(lambda: last_paths(sluice).get(output) == kind, 10)
    assert last_paths(sluice)[output] == kind


def wait_scanout(sluice: Sluice, count: int) -> None:
    """So many screens show imported framebuffers, as the kernel tells it."""
    def imported() -> int:
        state = sluice.rig.read("/sys/kernel/debug/dri/0/state").decode()
        planes = re.split(r"^(?=plane\[|crtc\[)", state, flags=re.MULTILINE)
        return sum(plane.startswith("plane[") and "imported=yes" in plane for plane in planes)

    deadline = time.monotonic() + 30
    while imported() != count:
        assert time.monotonic() < deadline, \
            sluice.rig.read("/sys/kernel/debug/dri/0/state").decode()
        time.sleep(0.2)


def has_words(screen: Pixels) -> bool:
    """A line of light text in the middle of a dark screen, and nothing elsewhere."""
    top, bottom = HEIGHT // 2 - 40, HEIGHT // 2 + 40
    return bool(screen[:top].max() < 0x20 and screen[bottom:].max() < 0x20 and
                screen[top:bottom].max() > 0xb0 and (screen[top:bottom] > 0x80).mean() < 0.3)


def producers(rig: Rig) -> str:
    left, right = (exporter.bdf for exporter in rig.exporters)
    client = "vram-client --fullscreen --buffers 2 --no-redraw --quiet"
    return f"""
command left {{
	run {client} --device {left} --pattern gradient
	backoff 0.2 1
}}
command right {{
	run {client} --device {right} --pattern solid:2040c0
	backoff 0.2 1
}}
output Virtual-1 {{
	show left
}}
output Virtual-2 {{
	show right
}}
"""


def test_two_producers_on_two_screens(rig: Rig) -> None:
    sluice = start(rig, producers(rig))
    rig.wait_pixels(GRADIENT, head=0, timeout=60)
    rig.wait_pixels(BLUE, head=1, timeout=60)
    wait_scanout(sluice, 2)
    expect_path(sluice, "Virtual-1", "scanout")
    expect_path(sluice, "Virtual-2", "scanout")

    # Steadily, it is one commit a frame for each screen, and none that only tests
    pid = rig.run("pgrep -xo sluice", check=True).stdout.strip()
    calls = rig.run(f"timeout -s INT 4 strace -f -qq -e trace=ioctl -p {pid}").output
    assert calls.count("DRM_IOCTL_MODE_ATOMIC") >= 10, calls
    assert "TEST_ONLY" not in calls
    assert set(re.findall(r"ioctl\(\d+, (\w+)", calls)) == {"DRM_IOCTL_MODE_ATOMIC"}

    ctl(sluice, "assign", "Virtual-1", "right")
    rig.wait_pixels(BLUE, head=0)
    rig.wait_pixels(GRADIENT, head=1)
    wait_scanout(sluice, 2)

    # A cable is pulled: the other screen does not care, and nothing moves to it
    rig.disconnect(1)
    sluice.wait_for("Virtual-2: gone")
    time.sleep(SETTLE)
    rig.wait_pixels(BLUE, head=0)
    wait_scanout(sluice, 1)
    rig.connect(1)
    rig.wait_pixels(GRADIENT, head=1, timeout=60)
    wait_scanout(sluice, 2)
    rig.wait_pixels(BLUE, head=0)

    # A producer loses its device, and gets it back
    rig.unplug_exporter(1)
    rig.wait_pixels(has_words, head=0)
    rig.wait_pixels(GRADIENT, head=1)
    rig.plug_exporter(1)
    rig.run(["kill", str(get_pid(sluice, "right"))], check=True)
    rig.wait_pixels(BLUE, head=0, timeout=60)
    wait_scanout(sluice, 2)


def write_vram(rig: Rig, index: int, offset: int, picture: Pixels, stride: int) -> None:
    """A picture as XRGB8888, into an exporter's memory, from outside."""
    height, width = picture.shape[:2]
    rows = rig.vram(index)[offset:offset + height * stride].reshape(height, stride)
    pixels = rows[:, :width * 4].reshape(height, width, 4)
    pixels[:, :, :3] = picture[:, :, ::-1]
    pixels[:, :, 3] = 0


def test_fixed_framebuffers(rig: Rig) -> None:
    bdf = rig.exporters[0].bdf
    stride, offset = 2816, 1 << 20
    portrait = patterns.picture("gradient", HEIGHT, WIDTH)
    write_vram(rig, 0, offset, GRADIENT, stride)
    write_vram(rig, 1, 0, portrait, HEIGHT * 4)
    sluice = start(rig, f"""
source first {{
	device {bdf}
	region 2
	offset 1M
	size {WIDTH}x{HEIGHT}
	stride {stride}
	format XRGB8888
}}
source second {{
	device {rig.exporters[1].bdf}
	size {HEIGHT}x{WIDTH}
}}
output "Red Hat, Inc. QEMU Monitor *" {{
	show first
}}
output Virtual-2 {{
	transform 90
	scale 2
	show second
}}
""")
    rig.wait_pixels(GRADIENT, head=0, timeout=60)
    expect_path(sluice, "Virtual-1", "scanout")
    rig.wait_pixels(numpy.rot90(portrait, 1), head=1, timeout=60)
    expect_path(sluice, "Virtual-2", "cpu")

    # Nobody tells of a change: the screen reads by itself, and what is composited is read again
    write_vram(rig, 0, offset, BLUE, stride)
    rig.wait_pixels(BLUE, head=0)
    other = patterns.picture("checker", HEIGHT, WIDTH)
    write_vram(rig, 1, 0, other, HEIGHT * 4)
    rig.wait_pixels(numpy.rot90(other, 1), head=1)

    # What is scanned out costs nothing
    ctl(sluice, "assign", "Virtual-2")
    rig.wait_pixels(lambda screen: bool(screen.max() > 0xb0 and (screen > 0x80).mean() < 0.1),
                    head=1)
    pid = rig.run("pgrep -xo sluice", check=True).stdout.strip()
    calls = rig.run(f"timeout -s INT 3 strace -f -qq -p {pid}").output
    assert "ATOMIC" not in calls, calls
    ctl(sluice, "assign", "Virtual-2", "second")
    rig.wait_pixels(numpy.rot90(other, 1), head=1)

    # The kernel asks for the device, gets it, and gives it back
    rig.run(f"echo {bdf} >{DRIVER}/unbind", timeout=30, check=True)
    rig.wait_pixels(has_words, head=0)
    rig.wait_pixels(numpy.rot90(other, 1), head=1)
    rig.run(f"echo {bdf} >{DRIVER}/bind", check=True)
    rig.wait_pixels(BLUE, head=0)
    wait_scanout(sluice, 1)


def test_a_framebuffer_that_is_not_there(rig: Rig) -> None:
    sluice = start(rig, f"""
source far {{
	device {rig.exporters[0].bdf}
	offset 15M
	size {WIDTH}x{HEIGHT}
}}
source none {{
	device 0000:7f:00.0
	size {WIDTH}x{HEIGHT}
}}
output Virtual-1 {{
	show far
}}
output Virtual-2 {{
	show none
}}
""")
    sluice.wait_for(r"/tmp/config:2: source far: 0xf00000\+0x12c000 is past the end of region 2, "
                    r"which has 0x1000000 bytes")
    rig.wait_pixels(has_words, head=0)
    rig.wait_pixels(has_words, head=1)
    listed = {source["name"]: source
              for source in json.loads(ctl(sluice, "--json", "fixed-sources"))}
    assert "past the end" in listed["far"]["trouble"]
    assert "0000:7f:00.0 is not there" in listed["none"]["trouble"]


def test_a_fixed_framebuffer_that_loses_its_memory(rig: Rig) -> None:
    """Nothing tells of it: the watch does. It comes back by itself, when the memory is back."""
    write_vram(rig, 0, 0, GRADIENT, WIDTH * 4)
    sluice = start(rig, f"""
source first {{
	device {rig.exporters[0].bdf}
	size {WIDTH}x{HEIGHT}
}}
output Virtual-1 {{
	show first
}}
""")
    rig.wait_pixels(GRADIENT, timeout=60)
    wait_scanout(sluice, 1)
    for trouble in ("reset", "memory-off"):
        before = sluice.log.count("its memory was taken away")
        rig.run(["python3", "/src/tests/rig/take_memory.py", str(sluice.process.pid), trouble],
                check=True)
        rig.wait_pixels(has_words, timeout=20)
        rig.wait_pixels(GRADIENT, timeout=20)
        wait_scanout(sluice, 1)
        assert sluice.log.count("its memory was taken away") == before + 1


def test_a_producer_beside_a_fixed_framebuffer(rig: Rig) -> None:
    """What the watch looks at is of both kinds, and only one of them has a surface."""
    client = "vram-client --fullscreen --buffers 2 --no-redraw --quiet --pattern solid:2040c0"
    write_vram(rig, 0, 0, GRADIENT, WIDTH * 4)
    sluice = start(rig, f"""
source first {{
	device {rig.exporters[0].bdf}
	size {WIDTH}x{HEIGHT}
}}
command right {{
	run {client} --device {rig.exporters[1].bdf}
}}
output Virtual-1 {{
	show first
}}
output Virtual-2 {{
	show right
}}
""")
    rig.wait_pixels(GRADIENT, timeout=60)
    rig.wait_pixels(BLUE, timeout=60, head=1)
    wait_scanout(sluice, 2)
    rig.run("sleep 3", check=True)
    assert sluice.process.running
    rig.wait_pixels(GRADIENT)
    rig.wait_pixels(BLUE, head=1)


def test_a_producer_on_a_turned_screen(rig: Rig) -> None:
    """And one that has turned its image itself, which can be scanned out."""
    client = (f"vram-client --device {rig.exporters[1].bdf} --fullscreen --buffers 2 --no-redraw "
              "--quiet --viewport 240x320 --pattern gradient")
    sluice = start(rig, f"""
command upright {{
	run {client} --size {HEIGHT}x{WIDTH}
}}
command turned {{
	run {client} --size {WIDTH}x{HEIGHT} --transform 1 --device {rig.exporters[0].bdf}
}}
output Virtual-1 {{
	transform 90
	scale 2
	show upright
}}
output Virtual-2 {{
	show turned
}}
""")
    upright = numpy.rot90(patterns.picture("gradient", HEIGHT, WIDTH), 1)
    rig.wait_pixels(upright, timeout=60)
    expect_path(sluice, "Virtual-1", "cpu")
    ctl(sluice, "assign", "Virtual-1", "turned")
    rig.wait_pixels(GRADIENT, timeout=60)
    wait_scanout(sluice, 1)
    ctl(sluice, "assign", "Virtual-1", "upright")
    rig.wait_pixels(upright, timeout=60)


def window(name: str, colour: str) -> str:
    """A command, whose lines in the log begin with its name."""
    return f"""
command {name} {{
	run sh -c "shm-client --pattern solid:{colour} | sed -u s/^/{name}:/"
	backoff 0.2 1
}}
"""


WINDOWS = window("left", "c02020") + window("right", "2040c0") + """
output Virtual-1 {
	show left
}
output Virtual-2 {
	show right
}
"""


def click(rig: Rig, head: int) -> None:
    """On the middle of a screen; they lie side by side."""
    rig.pointer((head + 0.5) / 2, 0.5)
    press(rig, "left", True)
    press(rig, "left", False)
    time.sleep(SETTLE)


def test_keys_reach_who_has_the_focus_and_none_is_stuck(rig: Rig) -> None:
    sluice = start(rig, WINDOWS)
    # The pointer is on the screen, too
    for head, colour in ((0, (0xc0, 0x20, 0x20)), (1, (0x20, 0x40, 0xc0))):
        rig.wait_pixels(lambda screen, colour=colour: bool((screen[:100] == colour).all()),
                        head=head, timeout=60)
    for head, name in ((0, "left"), (1, "right"), (0, "left")):
        click(rig, head)
        sluice.wait_for(f"^{name}:button 272 pressed")
        rig.key("a")
        sluice.wait_for(f"^{name}:key 30 pressed")
        sluice.wait_for(f"^{name}:key 30 released")

    # It dies with a key held down
    runs = sluice.log.count("left:drawn")
    with holding(rig, "b"):
        sluice.wait_for("^left:key 48 pressed")
        rig.run(f"kill -KILL -{get_pid(sluice, 'left')}", check=True)
        rig.guest.wait(lambda: sluice.log.count("left:drawn") > runs, 60)
    before = len(sluice.log)
    click(rig, 0)
    rig.key("a")
    sluice.wait_for("^left:key 30 released")
    time.sleep(SETTLE)
    after = re.findall(r"^\w+:key (\d+) (\w+)", sluice.log[before:], re.MULTILINE)
    assert after == [("30", "pressed"), ("30", "released")]


def test_the_way_out_and_the_release_key(rig: Rig) -> None:
    """A grab keeps all keys and the pointer with one program, the release key gives them back."""
    config = WINDOWS + """
bind Logo+x exec touch /tmp/bound
"""
    sluice = start(rig, config)
    rig.run("rm -f /tmp/bound")
    sluice.wait_for("^left:drawn", 60)
    sluice.wait_for("^right:drawn", 60)
    click(rig, 0)
    sluice.wait_for("^left:button 272 pressed")

    def chord() -> str:
        """Presses what is bound; what came of it."""
        start, x = len(sluice.log), ["left:key 45 pressed", "left:key 45 released"]
        with holding(rig, "meta_l"), holding(rig, "x"):
            pass
        got = re.findall(r"^left:key 45 \w+", sluice.log[start:], re.MULTILINE)
        bound = rig.run("rm /tmp/bound").status == 0
        assert got in ([], x) and bound != bool(got), (got, bound)
        return "bound" if bound else "typed"

    # Nobody who only has the keyboard gets out of here, unless it is configured
    console = rig.read("/sys/class/tty/tty0/active")
    rig.key("ctrl", "alt", "f2")
    sluice.wait_for("^left:key 60 released")
    assert rig.read("/sys/class/tty/tty0/active") == console
    rig.key("meta_l", "q")
    sluice.wait_for("^left:key 125 released")  # the last of them: the next chord is its own
    assert chord() == "bound"

    rig.key("scroll_lock")
    sluice.wait_for('All input is for "shm-client"')
    assert chord() == "typed"
    before = len(sluice.log)
    rig.pointer(0.75, 0.5)
    time.sleep(SETTLE)
    assert "right:pointer enter" not in sluice.log[before:]
    rig.key("scroll_lock")
    sluice.wait_for("Input is for all again")
    assert chord() == "bound"
    rig.pointer(0.75, 0.4)
    sluice.wait_for("^right:pointer enter")
    assert "key 70" not in sluice.log, "the release key itself is for no program"

    # Who has grabbed it dies
    click(rig, 0)
    rig.key("scroll_lock")
    assert chord() == "typed"
    runs = sluice.log.count("left:drawn")
    rig.run(f"kill -KILL -{get_pid(sluice, 'left')}", check=True)
    assert rig.guest.wait(lambda: sluice.log.count("left:drawn") > runs, 60)
    click(rig, 0)
    assert chord() == "bound"

    # Configured, there is a way out, and one back
    rig.write("/tmp/config", config + "kiosk {\n\tvt-switch on\n}\n")
    ctl(sluice, "reload")
    rig.key("ctrl", "alt", "f2")
    assert rig.guest.wait(lambda: rig.read("/sys/class/tty/tty0/active") != console, 20)
    rig.key("ctrl", "alt", "f1")
    assert rig.guest.wait(lambda: rig.read("/sys/class/tty/tty0/active") == console, 20)
