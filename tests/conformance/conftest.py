"""Fixtures of the conformance tests: those of the tests that need no machine."""

from __future__ import annotations

import pytest

from capture.conftest import headless
from integration.conftest import programs, sanitized, sanitized_build, session

__all__ = ["headless", "programs", "sanitized", "sanitized_build", "session"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-sanitized", action="store_true",
                     help="run all of WLCS with sanitizers, and not only some of each kind")
