"""The rig's initrd: busybox, its /init, and the modules which the guest always needs."""

from __future__ import annotations

import fcntl
import hashlib
import lzma
import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUSYBOX = Path("/usr/bin/busybox")

# Needed to see the root; and needed by the tests, loaded while the root is being mounted.
EARLY = ("9pnet_virtio", "9p")
LATE = ("virtio-gpu", "vfio-pci", "vfio_iommu_type1", "evdev", "virtio_input")


#: A kernel of its own that tests/run may have mounted: its image, its version, what modules are built
#: against. It has all built in.
DEBUG_KERNEL = Path("/mnt")


def kernel_version(series: str | None = None) -> str:
    """The newest kernel in the build root, or the newest of a series such as "6.12"; or "debug"."""
    if series == "debug":
        return (DEBUG_KERNEL / "release").read_text().strip()
    versions = [path.name for path in Path("/lib/modules").iterdir()
                if Path("/boot", f"vmlinuz-{path.name}").exists()]
    found = [name for name in versions if series is None or name.startswith(f"{series}.")]
    if not found:
        raise FileNotFoundError("the build root has no kernel" + (
            f" {series} (there are: {', '.join(sorted(versions))})" if series else ""))
    return max(found, key=lambda name: [int(part) for part in
                                        name.split("+")[0].split("-")[0].split(".")])


def kernel_image(version: str) -> Path:
    image = Path("/boot", f"vmlinuz-{version}")
    return image if image.exists() else DEBUG_KERNEL / "vmlinuz"


class Modules:
    """Modules of a kernel, in the order in which they have to be loaded."""

    def __init__(self, version: str) -> None:
        self.base = Path("/lib/modules", version)
        self.needs: dict[str, list[str]] = {}
        self.paths: dict[str, str] = {}
        if not self.base.exists():
            return
        for line in (self.base / "modules.dep").read_text().splitlines():
            path, _, needs = line.partition(":")
            self.needs[path] = needs.split()
            self.paths[Path(path).name.split(".")[0]] = path

    def order(self, names: tuple[str, ...], loaded: list[str]) -> list[str]:
        """Paths to load for names, when those in loaded are loaded already."""
        order: list[str] = []

        def add(path: str) -> None:
            if path in loaded or path in order:
                return
            for need in self.needs[path]:
                add(need)
            order.append(path)

        for name in names if self.paths else ():
            add(self.paths[name])
        return order

    def read(self, path: str) -> bytes:
        data = (self.base / path).read_bytes()
        # Unpacked here, where it is quick, and not in an emulated processor.
        return lzma.decompress(data) if path.endswith(".xz") else data


class Archive:
    """A cpio archive in the "newc" format, which the kernel unpacks."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.inode = 0

    def add(self, name: str, mode: int, content: bytes = b"") -> None:
        self.inode += 1
        encoded = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
        self.data += b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
        self.pad()
        self.data += content
        self.pad()

    def pad(self) -> None:
        self.data += b"\0" * (-len(self.data) % 4)

    def finish(self) -> bytes:
        self.add("TRAILER!!!", 0)
        return bytes(self.data)


def make(version: str) -> bytes:
    archive = Archive()
    for name in ("bin", "dev", "lib", "proc", "root", "sys"):
        archive.add(name, 0o040755)
    archive.add("bin/busybox", 0o100755, BUSYBOX.read_bytes())
    archive.add("init", 0o100755, (HERE / "init").read_bytes())
    modules = Modules(version)
    early = modules.order(EARLY, [])
    late = modules.order(LATE, early)
    for path in early + late:
        archive.add("lib/" + Path(path).name.removesuffix(".xz"), 0o100644, modules.read(path))
    for name, paths in (("early", early), ("late", late)):
        lines = [Path(path).name.removesuffix(".xz") + "\n" for path in paths]
        archive.add(f"modules.{name}", 0o100644, "".join(lines).encode())
    return archive.finish()


def cached(version: str, directory: Path) -> Path:
    """Where the initrd for this kernel is, made now unless it was made before."""
    recipe = hashlib.sha256(version.encode())
    for source in (Path(__file__), HERE / "init"):
        recipe.update(source.read_bytes())
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"initrd-{version}-{recipe.hexdigest()[:12]}"
    with open(directory / "initrd.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            partial = path.with_suffix(".partial")
            partial.write_bytes(make(version))
            os.replace(partial, path)
    return path
