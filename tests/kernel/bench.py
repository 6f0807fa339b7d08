"""The rig with the tree's own driver, and what its tests need beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from rig import Rig

OURS, STOCK = "vfio-pci-dmabuf", "vfio-pci"
#: of Debian's long term, and the newest, whose vfio-pci-core exports by itself
KERNELS = ["6.12", "7.2"]
GUEST = "/src/tests/kernel/guest"

#: for tests that are about the kernel's own driver
only_newest = pytest.mark.parametrize("bench", KERNELS[-1:], indirect=True)


@dataclass
class Bench:
    """A rig with the driver, an importer module, and an NVMe controller without a driver."""

    rig: Rig
    importer: str
    controller: str

    @property
    def exporter(self) -> str:
        bdf = self.rig.exporters[0].bdf
        assert bdf is not None
        return bdf

    def bind(self, bdf: str, driver: str | None) -> None:
        """Gives a device to a driver, or to none."""
        path = f"/sys/bus/pci/devices/{bdf}"
        self.rig.run(f"! test -e {path}/driver || echo {bdf} >{path}/driver/unbind", check=True)
        if driver is not None:
            self.rig.run(f"echo {driver} >{path}/driver_override && "
                         f"echo {bdf} >/sys/bus/pci/drivers_probe && "
                         f"test $(basename $(readlink {path}/driver)) = {driver}", check=True)

    def python(self, script: str, *arguments: object, timeout: float = 120) -> str:
        """What a script of tests/kernel/guest says, when it ends well."""
        result = self.rig.run(["python3", "-B", f"{GUEST}/{script}", *map(str, arguments)],
                              timeout=timeout)
        assert result.status == 0, f"{script}:\n{result.stdout}\n{result.stderr}"
        return result.stdout

    def reload(self, **parameters: object) -> None:
        """Loads the driver again, with other parameters, and gives it the exporter."""
        self.bind(self.exporter, None)
        self.bind(self.controller, None)
        self.rig.run("rmmod vfio-pci-dmabuf", check=True)
        self.load(**parameters)
        self.bind(self.exporter, OURS)

    def load(self, **parameters: object) -> None:
        words = " ".join(f"{name}={value}" for name, value in parameters.items())
        self.rig.run(f"insmod /build/meson/kernel/{OURS}-$(uname -r).ko {words}", check=True)


def make_bench(kernel: str, **arguments: Any) -> Iterator[Bench]:
    """With arguments of Rig's."""
    with Rig(kernel=kernel, driver=OURS, controllers=1, debug_name=f"kernel-{kernel}",
             vram=64 << 20, **arguments) as machine:
        machine.run("insmod /build/meson/tests/kernel/dmabuf-importer-$(uname -r).ko", check=True)
        found = machine.run("for d in /sys/bus/pci/devices/*; do "
                            "echo $(cat $d/vendor $d/device $d/class) ${d##*/}; done",
                            check=True).stdout.split("\n")
        importer = next(line.split()[-1] for line in found if line.startswith("0x1af4 0x1050"))
        controller = next(line.split()[-1] for line in found if " 0x010802 " in line)
        machine.run("dmesg --clear", check=True)
        yield Bench(machine, importer, controller)


#: What kernels say whatever the driver does
SAID_ANYWAY = (
    # 6.12, of vfio-pci-core itself, whenever a device is opened
    "unlocked secondary bus reset via",
    # where an emulated processor has to wait for a real one
    "hrtimer: interrupt took",
    # pci_p2pdma_distance(), asked of host bridges that are not on its list
    "Host bridge not in P2PDMA whitelist",
)


def expect_quiet(machine: Rig) -> None:
    said = machine.run("dmesg --level=emerg,alert,crit,err,warn", check=True).stdout
    lines = [line for line in said.splitlines() if not any(text in line for text in SAID_ANYWAY)]
    assert not lines, "\n".join(lines)
