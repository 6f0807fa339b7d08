"""The Debian packages: built as their users would, and installed beside what they depend on."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path("/src")
PLACE = Path("/build/package")


@pytest.fixture(scope="module")
def packages() -> list[Path]:
    shutil.rmtree(PLACE, ignore_errors=True)
    tree = PLACE / "sluice"
    shutil.copytree(SOURCE, tree, symlinks=True,
                    ignore=lambda folder, names: {"build", ".git"} & set(names)
                    if Path(folder) == SOURCE else set())
    log = PLACE / "dpkg-buildpackage.log"
    with log.open("w") as output:
        # -d: the root has what is needed, some of it by other names
        status = subprocess.call(["dpkg-buildpackage", "-us", "-uc", "-b", "-d"], cwd=tree,
                                 stdout=output, stderr=subprocess.STDOUT)
    assert status == 0, log.read_text()[-4000:]
    return sorted(path for path in PLACE.glob("*.deb") if "-dbgsym" not in path.name)


@pytest.fixture(scope="module")
def system(packages: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The build root with the packages in it; it itself stays as it is."""
    place = tmp_path_factory.mktemp("system")
    for name in ("upper", "work", "merged"):
        (place / name).mkdir()
    merged = place / "merged"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                    f"lowerdir=/,upperdir={place}/upper,workdir={place}/work", merged], check=True)
    try:
        for package in packages:
            shutil.copy(package, merged)
        result = subprocess.run(
            ["chroot", merged, "sh", "-c", "dpkg -i /*.deb && rm /*.deb"],
            capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        yield merged
    finally:
        subprocess.run(["umount", merged], check=True)


def run(system: Path, *command: str) -> str:
    result = subprocess.run(["chroot", system, *command], capture_output=True, text=True,
                            check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_packages_are_the_expected_ones(packages: list[Path]) -> None:
    assert {path.name.split("_")[0] for path in packages} == {
        "sluice", "libsluice0", "libsluice-dev"}


def test_programs_run(system: Path) -> None:
    assert run(system, "sluice", "--version").startswith("sluice ")
    assert run(system, "sluicectl", "--version").startswith("sluicectl ")


def test_a_program_can_be_built_with_the_library(system: Path) -> None:
    example = "/usr/share/show_vram.c"
    shutil.copy(SOURCE / "backend/examples/show_vram.c", system / example.lstrip("/"))
    run(system, "sh", "-c", f"gcc -o /usr/share/show_vram {example} -D_POSIX_C_SOURCE=200809L "
        "$(pkg-config --cflags --libs sluice wlroots-0.20 wayland-server libdrm)")


def test_the_protocol_is_found(system: Path) -> None:
    folder = run(system, "pkg-config", "--variable=pkgdatadir", "sluice-protocol").strip()
    assert (system / folder.lstrip("/") / "sluice-vram-v1.xml").exists()


def test_group_and_user_are_made(system: Path) -> None:
    assert "sluice-kiosk" in run(system, "getent", "group", "vfio")
    run(system, "getent", "passwd", "sluice-kiosk")


def test_nothing_is_started_by_itself(system: Path) -> None:
    assert not list((system / "etc/systemd").rglob("sluice*"))
