"""The rig itself: what every other test in it leans on."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy
import pytest

from rig import CommandFailed, Rig, RigError

RIG = {"input": True}

READ_BAR = """
import mmap, os, sys
path, offset, length = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
fd = os.open(path, os.O_RDWR)
bar = mmap.mmap(fd, os.fstat(fd).st_size)
sys.stdout.buffer.write(bar[offset:offset + length])
bar[offset:offset + length] = bytes(range(length))
"""


def processes(needle: str) -> list[int]:
    """Processes in this PID namespace with needle among their arguments."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if any(needle.encode() in argument for argument in arguments):
            found.append(int(path.parent.name))
    return found


def wait_until(condition, timeout: float = 20) -> bool:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_exporter_belongs_to_vfio(rig: Rig) -> None:
    bdf = rig.exporters[0].bdf
    driver = rig.run(f"basename $(readlink /sys/bus/pci/devices/{bdf}/driver)", check=True)
    assert driver.stdout.strip() == rig.driver
    assert rig.run(f"test -c /dev/vfio/{rig.exporters[0].group}").status == 0


def test_each_gpu_has_an_iommu_group_of_its_own(rig: Rig) -> None:
    members = rig.run(
        f"ls /sys/kernel/iommu_groups/{rig.exporters[0].group}/devices", check=True)
    # The switch's port above it is there too, which no driver stands in the way of.
    bridges = rig.run("lspci -D -d ::0604 | cut -d' ' -f1", check=True).stdout.split()
    assert set(members.stdout.split()) - set(bridges) == {rig.exporters[0].bdf}
    devices = rig.guest.hello["pci"]
    importer = next(device for device in devices.values() if device["id"] == "1af4:1050")
    assert int(importer["group"]) != rig.exporters[0].group


def test_importer_has_a_card(rig: Rig) -> None:
    assert "virtio_gpu" in rig.run(
        "grep DRIVER /sys/class/drm/card0/device/uevent;"
        "basename $(readlink -f /sys/module/virtio_gpu)", check=True).stdout


def test_status_and_output_come_back(rig: Rig) -> None:
    result = rig.run("echo out; echo err >&2; exit 42")
    assert (result.status, result.stdout, result.stderr) == (42, "out\n", "err\n")
    assert rig.run(["printf", "%s", "a b"]).stdout == "a b"
    assert rig.run("pwd; echo $FOO", cwd="/tmp", env={"FOO": "bar"}).stdout == "/tmp\nbar\n"
    with pytest.raises(CommandFailed, match="err"):
        rig.run("echo err >&2; false", check=True)


def test_a_command_that_does_not_exist_cannot_be_started(rig: Rig) -> None:
    with pytest.raises(RigError, match="No such file"):
        rig.run(["/no/such/program"])


def test_input_reaches_a_command(rig: Rig) -> None:
    data = bytes(range(256)) * 1024
    rig.write("/tmp/data", data)
    assert rig.read("/tmp/data") == data
    assert rig.run("cat >/dev/null; echo done").stdout == "done\n"


def test_signals_reach_the_process_group(rig: Rig) -> None:
    process = rig.spawn("trap 'echo caught; exit 3' INT; echo ready; while :; do sleep 0.1; done")
    process.wait_for("^ready$")
    process.send_signal(signal.SIGINT)
    process.wait_for("caught")
    assert process.wait() == 3
    process = rig.spawn(["sleep", "100"])
    process.kill()
    assert process.wait() == -signal.SIGKILL


def test_two_commands_run_at_once(rig: Rig) -> None:
    rig.run("mkfifo /tmp/fifo", check=True)
    reader = rig.spawn("read line </tmp/fifo; echo got $line")
    writer = rig.spawn("echo hello >/tmp/fifo; echo written")
    reader.wait_for("got hello")
    writer.wait_for("written")
    assert (reader.wait(), writer.wait()) == (0, 0)


def test_waiting_for_output(rig: Rig) -> None:
    process = rig.spawn("echo one; sleep 0.3; echo two; sleep 0.3; echo one")
    process.wait_for("one")
    process.expect_no("one")
    process.wait_for("two")
    process.wait_for("one")
    with pytest.raises(AssertionError, match="no 'three'"):
        process.wait_for("three", timeout=10)
    process = rig.spawn("sleep 0.2; echo late")
    with pytest.raises(AssertionError, match="unexpected 'late'"):
        process.expect_no("late", during=10)


def test_a_command_that_takes_too_long(rig: Rig) -> None:
    with pytest.raises(AssertionError, match="still runs"):
        rig.run("echo before; sleep 100", timeout=1)


def test_screendump_has_the_size_of_the_screen(rig: Rig) -> None:
    assert rig.screendump(save="screen.png").shape == (720, 1280, 3)
    assert (rig.out / "screen.png").stat().st_size > 0


def test_wait_pixels_says_what_differs(rig: Rig) -> None:
    expected = rig.screendump()
    rig.wait_pixels(lambda image: image.shape == expected.shape)
    expected[10:20, 30:50] ^= 0x80
    with pytest.raises(AssertionError, match=r"x 30–49, y 10–19"):
        # The console's cursor may blink elsewhere: only the change counts here.
        got = rig.screendump()
        changed = got.copy()
        changed[10:20, 30:50] ^= 0x80
        rig.screendump = lambda head=0: got
        try:
            rig.wait_pixels(changed, timeout=0)
        finally:
            del rig.screendump
    assert len(list(rig.out.glob("mismatch-*.png"))) == 3


def test_vram_is_shared_with_the_host(rig: Rig) -> None:
    bar = f"/sys/bus/pci/devices/{rig.exporters[0].bdf}"
    rig.run(f"setpci -s {rig.exporters[0].bdf} COMMAND=2:2", check=True)
    vram = rig.vram()
    assert len(vram) == 256 << 20
    vram[4096:4112] = numpy.frombuffer(b"written outside!", dtype=numpy.uint8)
    result = rig.run(["python3", "-c", READ_BAR, f"{bar}/resource2", "4096", "16"], check=True)
    assert result.stdout == "written outside!"
    assert bytes(vram[4096:4112]) == bytes(range(16))


READ_EVENTS = """
import glob, select, struct
poll = select.poll()
files = {}
for path in glob.glob("/dev/input/event*"):
    file = open(path, "rb", buffering=0)
    files[file.fileno()] = file
    poll.register(file, select.POLLIN)
print("ready", flush=True)
while True:
    for fd, _ in poll.poll():
        print(*struct.unpack("qqHHi", files[fd].read(24))[2:], flush=True)
"""


def test_input_devices_reach_the_guest(rig: Rig) -> None:
    with rig.spawn(["python3", "-c", READ_EVENTS]) as process:
        process.wait_for("ready")
        rig.key("a")
        process.wait_for(r"^1 30 1$")       # EV_KEY, KEY_A, pressed
        rig.pointer(0.5, 1, button="left")
        process.wait_for(r"^3 1 32767$")    # EV_ABS, ABS_Y
        process.wait_for(r"^1 272 1$")      # EV_KEY, BTN_LEFT, pressed


def test_an_exporter_is_unplugged_and_plugged(rig: Rig) -> None:
    rig.vram()[:4] = 0x5a
    rig.unplug_exporter()
    assert rig.exporters[0].bdf is None
    assert rig.run("ls /dev/vfio", check=True).stdout.split() == ["vfio"]
    exporter = rig.plug_exporter()
    assert rig.run(f"test -c /dev/vfio/{exporter.group}").status == 0
    assert (rig.vram()[:4] == 0x5a).all()


def test_a_kernel_panic_is_told_at_once() -> None:
    with Rig(debug_name="panic", exporters=0) as machine:
        started = time.monotonic()
        with pytest.raises(RigError, match="kernel panicked(.|\n)*sysrq"):
            machine.run("echo c >/proc/sysrq-trigger", timeout=60)
        assert time.monotonic() - started < 30


def test_nothing_remains() -> None:
    before = set(processes("qemu-system"))
    machine = Rig(debug_name="remains", heads=2, exporters=2)
    try:
        assert machine.screendump(1).shape == (720, 1280, 3)
        assert len({exporter.bdf for exporter in machine.exporters}) == 2
        assert machine.exporters[0].group != machine.exporters[1].group
        new = set(processes("qemu-system")) - before
        assert new == {machine.qemu_pid}
    finally:
        machine.close()
    assert set(processes("qemu-system")) == before
    assert not [path for path in machine.out.iterdir() if path.is_socket()]
    with pytest.raises(RigError, match="closed"):
        machine.run("true")


def test_the_machine_dies_with_its_parent() -> None:
    program = ("from rig import Rig; import time; r = Rig(debug_name='orphan', exporters=0); "
               "print('booted', flush=True); time.sleep(100)")
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        try:
            assert parent.stdout.readline() == b"booted\n"
            assert processes("/build/out/orphan-")
        finally:
            parent.kill()
    assert wait_until(lambda: not processes("/build/out/orphan-"))


class TestCommandLine:
    """tests/run rig, from where it enters the build root."""

    @staticmethod
    def start(*arguments: str, **options) -> subprocess.Popen:
        return subprocess.Popen([sys.executable, "-m", "rig", *arguments], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def test_passes_through(self) -> None:
        with self.start("--heads", "2", "--", "cat; echo err >&2; ls -d /sys/class/drm/card0-*;"
                        "exit 9", stdin=subprocess.PIPE) as command:
            out, err = command.communicate("to the guest\n", timeout=120)
        assert out.startswith("to the guest\n")
        assert len(re.findall("card0-Virtual", out)) == 2
        assert err.endswith("err\n")
        assert command.returncode == 9

    def test_ctrl_c_reaches_the_command(self) -> None:
        with self.start("--", "sh", "-c", "trap 'echo bye; exit 5' INT; echo ready; "
                        "while :; do sleep 0.1; done", stdin=subprocess.DEVNULL) as command:
            assert command.stdout.readline() == "ready\n"
            command.send_signal(signal.SIGINT)
            out, _ = command.communicate(timeout=60)
        assert out == "bye\n"
        assert command.returncode == 5
        assert not processes("/build/out/command-")

    def test_a_second_ctrl_c_ends_the_machine(self) -> None:
        with self.start("--", "sh", "-c", "trap '' INT; echo ready; while :; do sleep 0.1; done",
                        stdin=subprocess.DEVNULL) as command:
            assert command.stdout.readline() == "ready\n"
            command.send_signal(signal.SIGINT)
            time.sleep(1)
            assert command.poll() is None
            command.send_signal(signal.SIGINT)
            assert command.wait(30) == 130
        assert not processes("/build/out/command-")

    def test_wrong_use(self) -> None:
        with self.start("--size", "big", "--", "true") as command:
            _, err = command.communicate(timeout=30)
        assert command.returncode == 2
        assert "WIDTHxHEIGHT" in err
