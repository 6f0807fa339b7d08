"""The rig: a virtual machine with two GPUs.

The exporter is a PCI device with a memory BAR that vfio-pci owns; the importer is a virtio-gpu,
whose screens are judged from outside. Both sit below one PCIe switch, in IOMMU groups of their own.
The guest runs the build root's kernel and sees the build root, the source (/src) and the build
directory (/build) read-only, and the run's own directory, Rig.out, at /out.

    with Rig() as rig:
        rig.run("lspci -nn", check=True)
        with rig.spawn(["sluice", "kiosk", "--", "client"]) as sluice:
            sluice.wait_for("client shown")
            rig.wait_pixels(expected)
"""

from __future__ import annotations

import atexit
import contextlib
import mmap
import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from PIL import Image

from . import agent, connector, initrd
from .guest import CommandFailed, Guest, Process, Result, RigError
from .machine import (BUILD, IMPORTER, Machine, exporter_id, make_out, memory_id, memory_path,
                      port_id, udmabuf_shim, vram_fd)
from .pixels import Pixels, describe_difference, difference, difference_picture
from .qmp import Qmp, QmpError

# Where programs of the tree are, for the guest.
PROGRAMS = [BUILD / "meson" / place for place in
            ("compositor", "backend/examples", "tests/clients", "tests/perf", "tests/rig")]

GUEST_ENVIRONMENT = {
    "PATH": ":".join(map(str, PROGRAMS)) + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
    "LIBSEAT_BACKEND": "builtin",
    "SLUICE_LIBDIR": str(BUILD / "meson/compositor/headless/preload"),
    "SLUICE_LIBEXECDIR": str(BUILD / "meson/backend/probe/program"),
    "SLUICE_DATADIR": "/src/backend/doctor",
}

@dataclass
class Exporter:
    """A memory-BAR device that vfio-pci, or the tree's own driver, owns."""

    index: int
    #: QEMU's name for it
    qdev: str
    #: its VRAM: the file, and how this process maps it
    fd: int
    vram: mmap.mmap
    #: how often it was plugged in again
    generation: int = 0
    #: PCI address in the guest, such as "0000:03:00.0"; None while it is unplugged
    bdf: str | None = None
    #: number of its IOMMU group in the guest
    group: int | None = None


class Rig:
    """A booted rig. Everything it starts ends with close(), or with this process."""

    def __init__(self, size: tuple[int, int] = (1280, 720), heads: int = 1,
                 vram: int = 256 << 20, exporters: int = 1, smp: int = 2,
                 icount: bool = False, append: str = "", input: bool = False,
                 connectors: bool = False, kvm: bool | None = None, memory: int = 2048 << 20,
                 blob: bool = True, iommu: bool = True, switch: bool = True, intel: bool = False,
                 kernel: str | None = None, driver: str | None = None,
                 controllers: int = 0, siblings: bool = False,
                 debug_name: str = "rig", boot_timeout: float = 120) -> None:
        """Boots, and returns when commands can be run.

        size          of every screen, in pixels; heads is their number
        vram          size of each exporter's BAR in bytes, a power of two
        exporters     how many there are
        icount        one processor whose time is the count of its instructions: slow, but
                      what it measures repeats
        append        more kernel arguments
        input         adds a keyboard and a tablet
        connectors    the screens' cables can be pulled: see connect() and disconnect()
        kvm           uses /dev/kvm; None: when SLUICE_RIG_KVM=1
        blob          gives the importer blob resources, without which it imports nothing
        iommu         has an IOMMU; without one, vfio-pci does not take the exporters
        switch        puts the exporters below the importer's switch, else at the root
        intel         has one of Intel's processors instead of AMD's
        kernel        series of the kernel, such as "6.12"; None: SLUICE_RIG_KERNEL, or the newest
        driver        of the exporters; None: SLUICE_RIG_DRIVER, or vfio-pci. vfio-pci-dmabuf is
                      the tree's own module, and exports itself even where the kernel could
        controllers   NVMe controllers below the same switch, without a driver: they can do resets
                      and power states that exporters cannot
        siblings      makes an NVMe controller, without a driver, another function of each exporter
        debug_name    begins the name of the directory of logs and pictures, Rig.out
        """
        if vram & (vram - 1) or vram < 1 << 20:
            raise ValueError("vram: a power of two, 1 MiB or more")
        self.size = size
        self.heads = heads
        self.kvm = os.environ.get("SLUICE_RIG_KVM") == "1" if kvm is None else kvm
        self.icount = icount
        self.iommu = iommu
        self.kernel = initrd.kernel_version(kernel or os.environ.get("SLUICE_RIG_KERNEL"))
        self.driver = driver or os.environ.get("SLUICE_RIG_DRIVER") or "vfio-pci"
        self.out = make_out(debug_name)
        self.console = self.out / "console.log"
        self.exporters: list[Exporter] = []
        self._closed = False
        self._qemu: subprocess.Popen[bytes] | None = None
        self._guest: Guest | None = None
        self._qmp: Qmp | None = None
        atexit.register(self.close)
        started = time.monotonic()
        try:
            for index in range(exporters):
                fd = vram_fd(index, vram)
                self.exporters.append(Exporter(index, exporter_id(index), fd, mmap.mmap(fd, vram)))
            self._start(Machine(
                size=size, heads=heads, smp=smp, memory=memory, icount=icount, input=input,
                kvm=self.kvm, blob=blob, iommu=iommu, switch=switch, intel=intel,
                kernel=self.kernel, driver=self.driver, append=append, out=self.out,
                controllers=controllers, siblings=siblings,
                connectors=connectors,
                initrd=initrd.cached(self.kernel, BUILD / "rig"), vram=vram))
            if not self.guest.wait(lambda: self.guest.hello is not None, boot_timeout):
                raise RigError(f"the guest did not boot in {boot_timeout} s\n{self.console_tail()}")
            for head in range(1, heads if connectors else 1):
                self.connect(head)
            self.boot_seconds = time.monotonic() - started
            self._locate()
        except BaseException:
            self.close()
            raise

    # Commands

    def run(self, command: str | Sequence[str], env: Mapping[str, str] | None = None,
            timeout: float = 60, check: bool = False, stdin: str | bytes = b"",
            cwd: str = "/root") -> Result:
        """Runs a command, a string by the shell, to its end.

        CommandFailed if it fails and check is set; AssertionError if it takes longer than timeout
        seconds (it is killed then); RigError if it cannot be started.
        """
        process = self.spawn(command, env=env, cwd=cwd)
        if stdin:
            process.write(stdin)
        process.close_stdin()
        try:
            process.wait(timeout)
        except AssertionError:
            process.kill()
            raise
        result = process.result()
        if check and result.status != 0:
            raise CommandFailed(process.command, result)
        return result

    def spawn(self, command: str | Sequence[str], env: Mapping[str, str] | None = None,
              cwd: str = "/root",
              on_output: Callable[[int, bytes], None] | None = None) -> Process:
        """Starts a command, in a process group of its own, as root.

        env adds to the guest's environment, in which the tree's programs are on PATH.
        """
        return self.guest.spawn(command, GUEST_ENVIRONMENT | dict(env or {}), cwd, on_output)

    def read(self, path: str) -> bytes:
        """A file of the guest's."""
        process = self.spawn(["cat", "--", path])
        if process.wait() != 0:
            raise CommandFailed(process.command, process.result())
        return bytes(process._each[agent.STDOUT])

    def write(self, path: str, data: str | bytes) -> None:
        """Writes a file in the guest: below /tmp, /run, /root or /out."""
        self.run(["sh", "-c", 'cat >"$0"', path], stdin=data, check=True)

    def dmesg(self) -> str:
        """The guest kernel's messages."""
        return self.run("dmesg", check=True).stdout

    # Screens

    def screendump(self, head: int = 0, save: str | None = None) -> Pixels:
        """What the importer's screen shows: height × width × 3 bytes, red first.

        save is the name of a PNG file to write into Rig.out.
        """
        path = self.out / f".screen-{head}.ppm"
        try:
            self.qmp("screendump", filename=str(path), device=IMPORTER, head=head, format="ppm")
            with Image.open(path) as image:
                pixels = numpy.array(image.convert("RGB"))
        finally:
            path.unlink(missing_ok=True)
        if save is not None:
            self.save_png(save, pixels)
        return pixels

    def save_png(self, name: str, pixels: Pixels) -> Path:
        path = self.out / name
        Image.fromarray(pixels).save(path)
        return path

    def wait_pixels(self, expected: Pixels | Callable[[Pixels], bool], head: int = 0,
                    timeout: float = 30, tolerance: int = 0, interval: float = 0.1,
                    save: str | None = None) -> Pixels:
        """Waits until the screen equals expected, or until expected(screen) is true.

        tolerance is the largest difference of a colour value that still counts as equal. When
        time is up: AssertionError that says where the difference lies, and PNG files in Rig.out.
        """
        deadline = time.monotonic() + timeout
        while True:
            got = self.screendump(head)
            if callable(expected):
                same = bool(expected(got))
            else:
                same = got.shape == expected.shape and \
                    not difference(got, expected, tolerance).any()
            if same:
                if save is not None:
                    self.save_png(save, got)
                return got
            if time.monotonic() >= deadline:
                break
            time.sleep(interval)
        name = f"mismatch-{time.strftime('%H%M%S')}-head{head}"
        message = f"screen {head} is not as expected after {timeout} s; " \
                  f"see {self.save_png(f'{name}-got.png', got)}"
        if not callable(expected):
            message += f" and the pictures beside it: {describe_difference(got, expected, tolerance)}"
            self.save_png(f"{name}-expected.png", expected)
            if got.shape == expected.shape:
                self.save_png(f"{name}-diff.png", difference_picture(got, expected, tolerance))
        raise AssertionError(message)

    def connect(self, head: int, size: tuple[int, int] | None = None) -> None:
        """Plugs a screen in, of this size or the machine's. Needs connectors=True."""
        connector.set_size(connector.vnc_path(self.out, head), *(size or self.size))
        self._wait_connector(head, "connected")

    def disconnect(self, head: int) -> None:
        """Pulls a screen's cable. Needs connectors=True."""
        connector.set_size(connector.vnc_path(self.out, head), 0, 0)
        self._wait_connector(head, "disconnected")

    def _wait_connector(self, head: int, status: str, timeout: float = 20) -> None:
        path = f"/sys/class/drm/card0-Virtual-{head + 1}/status"
        deadline = time.monotonic() + timeout
        while self.read(path).decode().strip() != status:
            if time.monotonic() >= deadline:
                raise RigError(f"the guest does not see that screen {head} is {status}")
            time.sleep(0.1)

    # The machine

    def qmp(self, command: str, timeout: float = 60, **arguments: Any) -> Any:
        """A command for QEMU; underscores in argument names stand for hyphens. QmpError."""
        if self._qmp is None:
            raise RigError("the rig is closed")
        return self._qmp.command(command, timeout, **arguments)

    def vram(self, index: int = 0) -> numpy.ndarray:
        """An exporter's VRAM as bytes, shared with the guest: read and write as you like."""
        return numpy.frombuffer(self.exporters[index].vram, dtype=numpy.uint8)

    def key(self, *names: str) -> None:
        """Presses keys together, by QEMU's names ("ctrl", "alt", "f1"). Needs input=True.

        They are let go of before this returns. QEMU's send-key would do that a tenth of a second
        later, in the midst of what the test does next.
        """
        for down in (True, False):
            for name in names if down else reversed(names):
                self.qmp("input-send-event", events=[
                    {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": name}}}])

    def pointer(self, x: float, y: float, button: str | None = None) -> None:
        """Moves the tablet's pen, and clicks if a button ("left") is named. Needs input=True.

        The place is from (0, 0), left above, to (1, 1), of whatever the compositor maps it to.
        """
        self.qmp("input-send-event", events=[
            {"type": "abs", "data": {"axis": axis, "value": round(value * 0x7fff)}}
            for axis, value in (("x", x), ("y", y))])
        if button is not None:
            for down in (True, False):
                self.qmp("input-send-event", events=[
                    {"type": "btn", "data": {"button": button, "down": down}}])

    def unplug_exporter(self, index: int = 0, timeout: float = 60) -> None:
        """Asks the guest to give an exporter up, and waits until it is gone."""
        self.ask_for_exporter(index)
        self.wait_unplugged(index, timeout)

    def ask_for_exporter(self, index: int = 0) -> None:
        """Asks the guest to give an exporter up; it does when nothing uses it any more."""
        assert self._qmp is not None
        self._qmp.forget_events()
        self.qmp("device_del", id=self.exporters[index].qdev)

    def wait_unplugged(self, index: int = 0, timeout: float = 60) -> None:
        """Waits until an exporter that was asked for is gone."""
        exporter = self.exporters[index]
        assert self._qmp is not None
        self._qmp.wait_event("DEVICE_DELETED", timeout, device=exporter.qdev)
        self.qmp("object-del", id=memory_id(index, exporter.generation))
        exporter.bdf = exporter.group = None

    def plug_exporter(self, index: int = 0, timeout: float = 60) -> Exporter:
        """Plugs an exporter in again, with the VRAM it had, and gives it to its driver."""
        exporter = self.exporters[index]
        if exporter.bdf is not None:
            raise ValueError(f"exporter {index} is plugged in")
        exporter.generation += 1
        memory = memory_id(index, exporter.generation)
        self.qmp("object-add", qom_type="memory-backend-file", id=memory,
                 size=len(exporter.vram), mem_path=memory_path(exporter.fd), share=True)
        self.qmp("device_add", driver="ivshmem-plain", id=exporter.qdev, memdev=memory,
                 bus=port_id(index))
        deadline = time.monotonic() + timeout
        while True:
            with contextlib.suppress(RigError, CommandFailed):
                self._locate(bind=True)
                break
            if time.monotonic() >= deadline:
                raise RigError(f"the guest did not find exporter {index} in {timeout} s")
            time.sleep(0.2)
        return exporter

    @property
    def guest(self) -> Guest:
        if self._guest is None:
            raise RigError("the rig is closed")
        return self._guest

    @property
    def alive(self) -> bool:
        """Whether the machine runs and its guest can be spoken to."""
        return not self._closed and self._guest is not None and self._guest.alive

    @property
    def qemu_pid(self) -> int:
        if self._qemu is None:
            raise RigError("the rig is closed")
        return self._qemu.pid

    def console_tail(self, lines: int = 40) -> str:
        """The end of what the guest's console and QEMU said."""
        text = ""
        for title, path in (("console", self.console), ("QEMU", self.out / "qemu.log")):
            if path.exists():
                said = path.read_text(errors="replace").replace("\r", "").splitlines()[-lines:]
                if said:
                    text += f"--- {title} ({path})\n" + "\n".join(said) + "\n"
        return text

    def close(self) -> None:
        """Ends the machine; may be called again."""
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        if self._qemu is not None and self._qemu.poll() is None:
            self._qemu.kill()
            self._qemu.wait()
        if self._guest is not None:
            self._guest.close()
        if self._qmp is not None:
            self._qmp.close()
        self._qmp = None
        for exporter in self.exporters:
            os.close(exporter.fd)

    def __enter__(self) -> Rig:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # How it is made

    def _start(self, machine: Machine) -> None:
        qmp_ours, qmp_theirs = socket.socketpair()
        agent_ours, agent_theirs = socket.socketpair()
        fds = [qmp_theirs.fileno(), agent_theirs.fileno()]
        environment = dict(os.environ)
        if not os.path.exists("/dev/udmabuf"):
            environment["LD_PRELOAD"] = str(udmabuf_shim())
        try:
            with open(self.out / "qemu.log", "wb") as log:
                # In a session of its own, Ctrl-C is for us alone.
                self._qemu = subprocess.Popen(
                    machine.command(*fds, [exporter.fd for exporter in self.exporters]),
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                    pass_fds=fds, start_new_session=True)
        finally:
            qmp_theirs.close()
            agent_theirs.close()
        self._guest = Guest(agent_ours, self._why_dead)
        try:
            self._qmp = Qmp(qmp_ours)
        except QmpError as error:
            raise RigError(f"{error}\n{self._why_dead()}") from error

    def _why_dead(self) -> str:
        if self._closed:
            return "the rig is closed"
        assert self._qemu is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._qemu.wait(5)
        panicked = self.console.exists() and b"Kernel panic" in self.console.read_bytes()
        what = "the guest's kernel panicked" if panicked else "the machine stopped"
        return f"{what} (QEMU's status: {self._qemu.returncode})\n{self.console_tail()}"

    def _locate(self, bind: bool = False) -> None:
        """Finds the exporters in the guest; binds those to their driver that have none yet."""
        addresses = {}

        def visit(devices: list[dict[str, Any]]) -> None:
            for device in devices:
                addresses[device["qdev_id"]] = \
                    f"0000:{device['bus']:02x}:{device['slot']:02x}.{device['function']:x}"
                visit(device.get("pci_bridge", {}).get("devices", []))

        for bus in self.qmp("query-pci"):
            visit(bus["devices"])
        for exporter in self.exporters:
            bdf = addresses.get(exporter.qdev)
            if bdf is None or bdf == exporter.bdf:
                continue
            if not self.iommu:
                exporter.bdf = bdf
                continue
            path = f"/sys/bus/pci/devices/{bdf}"
            if bind:
                self.run(f"echo {self.driver} >{path}/driver_override && "
                         f"echo {bdf} >/sys/bus/pci/drivers_probe", check=True)
            driver, group = self.run(
                f"for i in driver iommu_group; do basename $(readlink {path}/$i); done",
                check=True).stdout.split()
            if driver != self.driver:
                raise RigError(f"{bdf}: bound to {driver}, not {self.driver}")
            exporter.bdf, exporter.group = bdf, int(group)
