#!/usr/bin/env python3
"""Records what the doctor reads of the machine that it runs on, as one JSON file for test_trees.py.

usage: tests/run rig [OPTION…] -- python3 /src/tests/doctor/record.py >tests/doctor/recorded/NAME.json

Serial numbers are not read. What sluicectl doctor finds there is recorded too, to be found again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PCI_FILES = ("vendor", "device", "class", "irq", "resource", "driver_override")
PCI_LINKS = ("driver", "iommu_group")


def read(path: Path) -> str | dict[str, str] | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    try:
        text = content.decode()
        return text if "\0" not in text else {"hex": content.hex()}
    except UnicodeDecodeError:
        return {"hex": content.hex()}


class Recorder:
    def __init__(self) -> None:
        self.files: dict[str, str | dict[str, str]] = {}
        self.links: dict[str, str] = {}

    def file(self, path: Path, content: str | None = None) -> None:
        found = content if content is not None else read(path)
        if found is not None:
            self.files[str(path.relative_to("/"))] = found

    def link(self, path: Path) -> None:
        if path.is_symlink():
            self.links[str(path.relative_to("/"))] = os.readlink(path)

    def pci(self) -> None:
        for link in sorted(Path("/sys/bus/pci/devices").iterdir()):
            self.link(link)
            device = link.resolve()
            for name in PCI_FILES:
                self.file(device / name)
            # Zeroes at the end say nothing
            content = (device / "config").read_bytes().rstrip(b"\0")
            self.files[str((device / "config").relative_to("/"))] = \
                {"hex": content.ljust(64, b"\0").hex()}
            for name in PCI_LINKS:
                self.link(device / name)
            for child in device.glob("virtio[0-9]*"):
                self.link(child / "driver")
                self.file(child / "features")

    def drm(self) -> None:
        for link in sorted(Path("/sys/class/drm").glob("card*")):
            self.link(link)
            self.link(link.resolve() / "device")
            self.file(link.resolve() / "status")

    def rest(self) -> None:
        cpuinfo = Path("/proc/cpuinfo").read_text().split("\n\n")[0] + "\n"
        self.file(Path("/proc/cpuinfo"), cpuinfo)
        release = Path("/proc/sys/kernel/osrelease")
        self.file(release)
        config = Path(f"/boot/config-{release.read_text().strip()}")
        if config.exists():
            self.file(config, "".join(line + "\n" for line in config.read_text().splitlines()
                                      if "VFIO" in line))
        for node in Path("/dev/vfio").glob("*"):
            self.file(node, "")


def main() -> None:
    recorder = Recorder()
    recorder.pci()
    recorder.drm()
    recorder.rest()
    result = subprocess.run(["sluicectl", "doctor", "--json", "--no", *sys.argv[1:]],
                            capture_output=True, text=True, check=False)
    pair = json.loads(result.stdout)["pairs"][-1]
    steps = {step["name"]: step["status"] for step in pair["steps"]
             if step["why"] != "not wanted (--no)"}
    print(json.dumps({
        "files": recorder.files,
        "links": recorder.links,
        "expected": {"exporter": pair["exporter"], "steps": steps, "path": pair["verdict"]["path"]},
    }, indent="\t", sort_keys=True))


if __name__ == "__main__":
    main()
