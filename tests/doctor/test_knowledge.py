"""What the doctor knows of drivers: one file, which README's table is made of."""

from __future__ import annotations

import errno
import json
import re

import table


def test_readme_has_the_table() -> None:
    readme = table.README.read_text()
    assert table.BEGIN in readme
    assert table.with_table(readme) == readme, "run tests/doctor/table.py --write"


def test_every_limit_says_why_and_what_to_do() -> None:
    limits = json.loads(table.LIMITS.read_text())
    for importer in limits["importers"]:
        assert importer["link"].startswith("https://"), importer["name"]
        if importer["scans-out"]["works"]:
            continue
        for key in ("why", "do"):
            sentence = importer[key]
            assert len(sentence) > 20 and not sentence.endswith("."), importer["name"]
        assert hasattr(errno, importer["fails"]["errno"])
        # What is not imported fails there, and what is imported fails later
        assert (importer["fails"]["step"] == "prime-import") is not importer["imports"]["works"]
    assert limits["importers"][-1]["driver"] == "*"


def test_numbers_and_versions_are_written_as_they_are_read() -> None:
    limits = json.loads(table.LIMITS.read_text())
    for bridge in limits["host-bridges"]:
        for key in ("vendor", "device"):
            assert re.fullmatch("0x[0-9a-f]{4}", bridge.get(key, "0x0000"))
    ranges = [entry["kernel"] for entry in limits["importers"] + limits["host-bridges"]
              if "kernel" in entry]
    for kernel in ranges:
        assert set(kernel) <= {"from", "before"}
        assert all(re.fullmatch(r"\d+\.\d+", version) for version in kernel.values())
