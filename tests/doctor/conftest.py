"""Fixtures of the doctor's tests: those of the rig, and sluicectl on files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from rig.conftest import _end_of_commands, pytest_runtest_makereport, rig  # noqa: E402, F401
from trees import Tree  # noqa: E402

SLUICECTL = "/build/meson/compositor/sluicectl"
SOURCE = Path(__file__).resolve().parents[2]


def run_doctor(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SLUICECTL, "doctor", *arguments], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=30, check=False,
                          env=os.environ | {"SLUICE_DATADIR": str(SOURCE / "backend/doctor")} |
                          environment)


@pytest.fixture
def diagnose(tmp_path: Path) -> Callable[..., Any]:
    """What the doctor says of a tree, as JSON, and its exit status under "status"."""
    def diagnose(tree: Tree, *arguments: str) -> Any:
        root = tree.write(tmp_path / "root")
        result = run_doctor("--json", f"--root={root}", *arguments)
        assert result.returncode in (0, 1), result.stderr
        return json.loads(result.stdout) | {"status": result.returncode}
    return diagnose


def get_pair(diagnosis: Any, exporter: str, importer: str) -> Any:
    """One pair, with its steps by their names."""
    pair = next(pair for pair in diagnosis["pairs"]
                if (pair["exporter"], pair["importer"]) == (exporter, importer))
    return pair | {"steps": {step["name"]: step for step in pair["steps"]}}


def check_our_own_driver(rig: Any, pair: Any) -> None:
    """It is told that not the kernel's driver exports."""
    assert pair["steps"]["kernel"]["why"] == f"Linux {rig.kernel}, and vfio-pci-dmabuf exports dma-bufs"
    assert pair["steps"]["feature"]["why"] == "the vfio driver vfio-pci-dmabuf exports dma-bufs"
