"""Machines made of files: what the doctor reads of sysfs, procfs and /dev, and nothing else."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from pathlib import Path

#: types of PCIe devices, PCI Express 6.0 section 7.5.3.2
ENDPOINT, ROOT_PORT, UPSTREAM, DOWNSTREAM = 0, 4, 5, 6
#: of a bridge and of GPUs
BRIDGE, HOST, VGA, AUDIO = 0x060400, 0x060000, 0x030000, 0x040300

CLIENT = ("GenuineIntel", 6, "12th Gen Intel(R) Core(TM) i7-12700")
XEON = ("GenuineIntel", 6, "Intel(R) Xeon(R) Gold 6438Y+")
ZEN = ("AuthenticAMD", 25, "AMD Ryzen 9 7950X 16-Core Processor")
BULLDOZER = ("AuthenticAMD", 21, "AMD FX(tm)-8350 Eight-Core Processor")


@dataclass
class Tree:
    """Files and links, by their path below the root."""

    files: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def write(self, root: Path) -> Path:
        for path, content in self.files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        for path, target in self.links.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).symlink_to(target)
        return root

    @classmethod
    def load(cls, path: Path) -> Tree:
        """What record.py wrote."""
        recorded = json.loads(path.read_text())
        return cls({name: bytes.fromhex(content["hex"]) if isinstance(content, dict)
                    else content.encode() for name, content in recorded["files"].items()},
                   recorded["links"])


def config_space(vendor: int, device: int, class_: int, pcie_type: int, acs: int | None = None,
                 rebar: tuple[int, int] | None = None) -> bytes:
    """4096 bytes; acs is the control register, rebar a BAR and a bitmap of sizes from 1 MiB on."""
    space = bytearray(4096)
    struct.pack_into("<HHHH", space, 0, vendor, device, 0x0002, 0x0010)
    space[8:12] = struct.pack("<I", class_ << 8)
    space[0x0e] = 1 if class_ == BRIDGE else 0
    space[0x34] = 0x40
    if class_ != HOST:
        struct.pack_into("<BBH", space, 0x40, 0x10, 0, pcie_type << 4 | 2)
    capabilities = []
    if acs is not None:
        capabilities.append((0x0d, struct.pack("<HH", 0x5f, acs)))
    if rebar is not None:
        capabilities.append((0x15, struct.pack("<II", rebar[1] << 4 & 0xffffffff,
                                               1 << 5 | rebar[0])))
    offset = 0x100
    for index, (number, content) in enumerate(capabilities):
        following = offset + 0x20 if index + 1 < len(capabilities) else 0
        struct.pack_into("<I", space, offset, following << 20 | 1 << 16 | number)
        space[offset + 4:offset + 4 + len(content)] = content
        offset += 0x20
    return bytes(space)


class Machine:
    """A machine to be put together; Machine.tree is what it looks like."""

    def __init__(self, cpu: tuple[str, int, str] = ZEN, kernel: str = "7.2.12-amd64",
                 iommu: bool = True, dmabuf: str | None = "y", root: bool = True) -> None:
        """dmabuf is the value of CONFIG_VFIO_PCI_DMABUF, None if that cannot be read; root is
        whether all of configuration space can be."""
        self.tree = Tree()
        self.iommu = iommu
        self.root = root
        self.cards = 0
        self.groups = 0
        self.paths: dict[str, str] = {}
        vendor, family, name = cpu
        self.tree.files |= {
            "proc/cpuinfo": f"processor\t: 0\nvendor_id\t: {vendor}\ncpu family\t: {family}\n"
                            f"model\t\t: 1\nmodel name\t: {name}\n".encode(),
            "proc/sys/kernel/osrelease": f"{kernel}\n".encode(),
            "dev/vfio/vfio": b"",
        }
        if dmabuf is not None:
            setting = f"CONFIG_VFIO_PCI_DMABUF={dmabuf}" if dmabuf else \
                "# CONFIG_VFIO_PCI_DMABUF is not set"
            self.tree.files[f"boot/config-{kernel}"] = f"CONFIG_VFIO=m\n{setting}\n".encode()

    def host_bridge(self, vendor: int, device: int, host: str = "0000:00") -> None:
        self.add(f"{host}:00.0", vendor, device, HOST, group=self.next_group(), host=host)

    def next_group(self) -> int:
        self.groups += 1
        return self.groups

    def add(self, address: str, vendor: int, device: int, class_: int, above: str | None = None,
            driver: str | None = None, group: int | None = None, pcie_type: int = ENDPOINT,
            acs: int | None = None, bars: dict[int, int] | None = None,
            rebar: tuple[int, int] | None = None, host: str | None = None) -> str:
        """A device; above is the address of the bridge that it is below, bars are MiB by number."""
        parent = self.paths[above] if above else f"sys/devices/pci{host or address[:7]}"
        path = self.paths[address] = f"{parent}/{address}"
        link = f"sys/bus/pci/devices/{address}"
        self.tree.links[link] = "../../../" + path.removeprefix("sys/")
        resources = ""
        for bar in range(6):
            size = (bars or {}).get(bar, 0) << 20
            start = 0x4000000000 + (bar << 38)
            resources += f"{start:#018x} {start + size - 1:#018x} {0x14220c:#018x}\n" if size \
                else f"{0:#018x} {0:#018x} {0:#018x}\n"
        space = config_space(vendor, device, class_, pcie_type, acs, rebar)
        self.tree.files |= {
            f"{path}/vendor": f"{vendor:#06x}\n".encode(),
            f"{path}/device": f"{device:#06x}\n".encode(),
            f"{path}/class": f"{class_:#08x}\n".encode(),
            f"{path}/irq": b"0\n",
            f"{path}/resource": resources.encode(),
            f"{path}/config": space if self.root else space[:64],
            f"{path}/driver_override": b"(null)\n",
        }
        if driver:
            self.tree.links[f"{path}/driver"] = f"/sys/bus/pci/drivers/{driver}"
        if self.iommu:
            group = group if group is not None else self.next_group()
            self.tree.links[f"{path}/iommu_group"] = f"/sys/kernel/iommu_groups/{group}"
            if driver and driver.startswith("vfio-pci"):
                self.tree.files[f"dev/vfio/{group}"] = b""
        return address

    def port(self, address: str, vendor: int = 0x1022, device: int = 0x14db,
             pcie_type: int = ROOT_PORT, **more) -> str:
        return self.add(address, vendor, device, BRIDGE, driver="pcieport", pcie_type=pcie_type,
                        **more)

    def card(self, address: str, connected: int = 1) -> str:
        """A DRM device of a PCI device; its node."""
        name = f"card{self.cards}"
        self.cards += 1
        path = f"{self.paths[address]}/drm/{name}"
        self.tree.links[f"sys/class/drm/{name}"] = "../../" + path.removeprefix("sys/")
        self.tree.links[f"{path}/device"] = f"../../../{address}"
        for index in range(connected):
            connector = f"{name}-DP-{index + 1}"
            self.tree.files[f"{path}/{connector}/status"] = b"connected\n"
            self.tree.links[f"sys/class/drm/{connector}"] = \
                "../../" + f"{path}/{connector}".removeprefix("sys/")
        return f"/dev/dri/{name}"

    def faux_card(self, driver: str) -> str:
        """A DRM device of no PCI device."""
        name = f"card{self.cards}"
        self.cards += 1
        path = f"sys/devices/faux/{driver}"
        self.tree.links[f"sys/class/drm/{name}"] = f"../../devices/faux/{driver}/drm/{name}"
        self.tree.links[f"{path}/drm/{name}/device"] = f"../../../{driver}"
        self.tree.links[f"{path}/driver"] = f"/sys/bus/faux/drivers/{driver}"
        return f"/dev/dri/{name}"
