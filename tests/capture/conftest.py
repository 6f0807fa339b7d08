"""Fixtures of the capture tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.headless import Headless


@pytest.fixture
def headless(tmp_path: Path) -> Headless:
    tmp_path.chmod(0o700)
    return Headless(tmp_path)


@pytest.fixture
def load() -> Iterator[None]:
    """Every core is busy with something else, twice."""
    hogs = [subprocess.Popen(["sh", "-c", "while :; do :; done"])
            for _ in range(2 * (os.cpu_count() or 1))]
    yield
    for hog in hogs:
        hog.kill()
        hog.wait()
