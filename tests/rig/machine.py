"""The rig's hardware: QEMU's command line, and the files it needs."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from . import agent, connector
from .initrd import kernel_image

BUILD = Path("/build")
SOURCE = Path(__file__).resolve().parent
QEMU = "qemu-system-x86_64"

#: QEMU's name for the virtio-gpu
IMPORTER = "igpu"
#: An AMD Zen model: with those, and not with Intel's, the kernel allows peer-to-peer DMA through
#: the host bridge. Without what QEMU cannot emulate, and says so at each start.
PROCESSOR = ("EPYC-v4,-svm,-fxsr-opt,-misalignsse,-osvw,-topoext,-perfctr-core,-clzero,-ibpb,"
             "-xsavec,-xsaves")
#: One of Intel's, behind whose host bridge the kernel does not
PROCESSOR_INTEL = "Haswell-v4"
#: directories of runs that are kept below build/out
KEPT_RUNS = 60


def exporter_id(index: int) -> str:
    return f"dgpu{index}"


def memory_id(index: int, generation: int = 0) -> str:
    """Unplugging and plugging makes a new generation: QEMU takes no name of memory twice."""
    return f"vram{index}-{generation}"


def memory_path(fd: int) -> str:
    """A file descriptor of ours, as a path that QEMU can open."""
    return f"/proc/{os.getpid()}/fd/{fd}"


def port_id(index: int) -> str:
    return f"slot{index}"


def vram_fd(index: int, size: int) -> int:
    """Memory for an exporter's BAR, which this process and QEMU share."""
    fd = os.memfd_create(f"sluice-vram-{index}", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, size)
    # udmabuf takes no memory that could shrink.
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    return fd


def make_out(name: str) -> Path:
    """A fresh directory for a run's logs and pictures; the oldest ones go."""
    base = BUILD / "out"
    base.mkdir(parents=True, exist_ok=True)
    runs = sorted((path for path in base.iterdir() if path.is_dir() and (path / ".rig").exists()),
                  key=lambda path: path.stat().st_mtime)
    for path in runs[:-KEPT_RUNS]:
        subprocess.call(["rm", "-rf", "--", str(path)])
    out = Path(tempfile.mkdtemp(prefix=f"{name}-{time.strftime('%m%d-%H%M%S')}-", dir=base))
    out.chmod(0o755)
    (out / ".rig").touch()
    return out


def udmabuf_shim() -> Path:
    """The stand-in for /dev/udmabuf, as the build made it; compiled now if there is no build."""
    built = BUILD / "meson/tests/rig/udmabuf-shim.so"
    source = SOURCE / "udmabuf_shim.c"
    if built.exists() and built.stat().st_mtime >= source.stat().st_mtime:
        return built
    own = BUILD / "rig/udmabuf-shim.so"
    if not own.exists() or own.stat().st_mtime < source.stat().st_mtime:
        own.parent.mkdir(parents=True, exist_ok=True)
        partial = own.with_suffix(f".{os.getpid()}")
        subprocess.run(["gcc", "-std=c11", "-O2", "-shared", "-fPIC", "-fvisibility=hidden",
                        "-o", str(partial), str(source)], check=True)
        os.replace(partial, own)
    return own


@dataclass(frozen=True)
class Machine:
    """What the machine is made of; Rig's docstring says what each means."""

    size: tuple[int, int]
    heads: int
    vram: int
    smp: int
    memory: int
    icount: bool
    input: bool
    kvm: bool
    blob: bool
    iommu: bool
    switch: bool
    intel: bool
    kernel: str
    driver: str
    controllers: int
    siblings: bool
    append: str
    connectors: bool
    initrd: Path
    out: Path

    def command(self, qmp_fd: int, agent_fd: int, vram_fds: list[int]) -> list[str]:
        """QEMU's command line; the sockets are inherited, the memories are opened."""
        return [
            QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-run-with", "exit-with-parent=on",
            *self._processor(),
            # The guest's memory is mapped by virtio-gpu too: shared, and a memfd.
            "-m", str(self.memory >> 20),
            "-object", f"memory-backend-memfd,id=mem,size={self.memory},share=on",
            "-chardev", f"socket,id=qmp,fd={qmp_fd}", "-object", "monitor-qmp,id=monitor,chardev=qmp",
            "-chardev", f"file,id=console,path={self.out / 'console.log'}",
            "-serial", "chardev:console",
            "-kernel", str(kernel_image(self.kernel)), "-initrd", str(self.initrd),
            "-append", self._kernel_arguments(),
            *(("-device", "intel-iommu,intremap=on") if self.iommu else ()),
            *self._shares(),
            "-device", "virtio-serial-pci",
            "-chardev", f"socket,id=agent,fd={agent_fd}",
            "-device", f"virtserialport,chardev=agent,name={agent.PORT_NAME}",
            *self._gpus(vram_fds),
            *self._controllers(),
            *(connector.arguments(self.out, IMPORTER, self.heads) if self.connectors else []),
            *self._input(),
        ]

    def _processor(self) -> list[str]:
        # Without a PS/2 keyboard, keys go to the virtio one.
        machine = "q35,kernel-irqchip=split,memory-backend=mem,sata=off,smbus=off,i8042=off"
        if self.kvm:
            return ["-accel", "kvm", "-machine", machine, "-cpu", "host", "-smp", str(self.smp)]
        processor = PROCESSOR_INTEL if self.intel else PROCESSOR
        if self.icount:
            return ["-accel", "tcg,thread=single", "-machine", machine, "-cpu", processor,
                    "-smp", "1", "-icount", "shift=1,align=off,sleep=off"]
        return ["-accel", "tcg,thread=multi", "-machine", machine, "-cpu", processor,
                "-smp", str(self.smp)]

    def _kernel_arguments(self) -> str:
        arguments = [
            "console=ttyS0", "quiet", "loglevel=4", "panic=-1", "intel_iommu=on", "iommu=pt",
            # Nothing of this is needed, and all of it takes time on an emulated processor.
            "mitigations=off", "nokaslr", "audit=0", "apparmor=0", "no_timer_check", "tsc=reliable",
            "nowatchdog", "random.trust_cpu=on",
            # For guest-init.
            f"rig.driver={self.driver}",
        ]
        width, height = self.size
        # QEMU connects only the first screen on its own.
        if not self.connectors:
            arguments += [f"video=Virtual-{head + 1}:{width}x{height}e"
                          for head in range(1, self.heads)]
        return " ".join(arguments + self.append.split())

    def _shares(self) -> list[str]:
        return [
            "-virtfs", "local,path=/,mount_tag=root,security_model=none,readonly=on,"
                       "id=root,multidevs=remap",
            "-virtfs", f"local,path={self.out},mount_tag=out,security_model=none,id=out",
        ]

    def _gpus(self, vram_fds: list[int]) -> list[str]:
        """One switch; its ports keep the devices in IOMMU groups of their own. Or none: each
        exporter has a port of the root then."""
        width, height = self.size
        arguments = [
            "-device", "pcie-root-port,id=root,bus=pcie.0,chassis=1,slot=1",
            "-device", "x3130-upstream,id=switch,bus=root",
            "-device", "xio3130-downstream,id=display,bus=switch,chassis=2,slot=2",
            "-device", f"virtio-gpu-pci,id={IMPORTER},bus=display,edid=on,"
                       f"blob={'on' if self.blob else 'off'},"
                       f"xres={width},yres={height},max_outputs={self.heads}",
        ]
        for index, fd in enumerate(vram_fds):
            slot = index + 3
            port = "xio3130-downstream,bus=switch" if self.switch else "pcie-root-port,bus=pcie.0"
            arguments += [
                "-device", f"{port},id={port_id(index)},chassis={slot},slot={slot}",
                "-object", f"memory-backend-file,id={memory_id(index)},size={self.vram},"
                           f"mem-path={memory_path(fd)},share=on",
                "-device", f"ivshmem-plain,memdev={memory_id(index)},bus={port_id(index)},"
                           f"id={exporter_id(index)}{',multifunction=on' if self.siblings else ''}",
            ]
            if self.siblings:
                arguments += ["-device", f"nvme,serial=sibling{index},bus={port_id(index)},addr=0.1"]
        return arguments

    def _controllers(self) -> list[str]:
        arguments = []
        for index in range(self.controllers):
            # Behind those of the exporters, of which there are a few.
            slot = index + 16
            arguments += [
                "-device", f"xio3130-downstream,id=controller-slot{index},bus=switch,"
                           f"chassis={slot},slot={slot}",
                "-device", f"nvme,serial={index},id=controller{index},bus=controller-slot{index}",
            ]
        return arguments

    def _input(self) -> list[str]:
        if not self.input:
            return []
        # Not tied to a screen, they take what is for any of them.
        return ["-device", "virtio-keyboard-pci", "-device", "virtio-tablet-pci"]
