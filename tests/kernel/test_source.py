"""The module's source: the kernel's style, its static checker, and the way it is installed.

That it builds without a warning for each kernel, the build has shown.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

KERNEL = Path("/src/kernel")
IMPORTER = Path("/src/tests/kernel/importer")


def run(*command: object, cwd: Path | None = None) -> str:
    result = subprocess.run(list(map(str, command)), cwd=cwd, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, check=False)
    assert result.returncode == 0, result.stdout
    return result.stdout


def release(series: str) -> str:
    return next(path.name for path in Path("/usr/lib/modules").iterdir()
                if path.name.startswith(f"{series}."))


def test_checkpatch_is_content() -> None:
    sources = [path for folder in (KERNEL, IMPORTER) for path in sorted(folder.glob("*.[ch]"))]
    said = run("perl", "/usr/lib/checkpatch/checkpatch.pl", "--no-tree", "--strict",
               # Which way of allocating is preferred depends on the kernel.
               "--ignore=ALLOC_WITH_SIZEOF,ALLOC_WITH_SIZEOF_OBJ", "--file", *sources)
    assert said.count("total: 0 errors, 0 warnings, 0 checks") == len(sources), said


def test_sparse_is_content(tmp_path: Path) -> None:
    # Of Debian's headers, only the older ones come with what starts sparse.
    for source in (KERNEL, IMPORTER):
        work = tmp_path / source.name
        shutil.copytree(source, work)
        said = run("make", "-s", "-C", f"/lib/modules/{release('6.12')}/build", f"M={work}",
                   "C=2", "modules")
        assert "warning:" not in said and "error:" not in said, said


@pytest.mark.parametrize("series", ["6.12", "7.2", "7.3"])
def test_dkms_builds_it(tmp_path: Path, series: str) -> None:
    source = tmp_path / "source"
    shutil.copytree(KERNEL, source)
    trees = ["--dkmstree", tmp_path / "dkms", "--sourcetree", tmp_path / "src"]
    for tree in trees[1::2]:
        Path(tree).mkdir()
    run("dkms", "add", source, *trees)
    run("dkms", "build", "vfio-pci-dmabuf/0.1.0", "-k", release(series), *trees)
    assert list((tmp_path / "dkms").rglob("vfio-pci-dmabuf.ko*"))
