#!/usr/bin/env python3
"""README's table of what hardware gives what path, made from what the doctor knows.

usage: tests/doctor/table.py [--write]

Prints it, or with --write puts it into README.md.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parents[2]
LIMITS = SOURCE / "backend/doctor/limits.json"
README = SOURCE / "README.md"
BEGIN, END = "<!-- hardware: tests/doctor/table.py -->\n", "<!-- hardware ends -->\n"


def say(what: dict[str, Any]) -> str:
    text = "yes" if what["works"] else "no"
    if what["evidence"] == "measured":
        text += ", measured"
    elif what["works"]:
        text += ", by its source"
    return f"{text} ({what['note']})" if "note" in what else text


def path_of(importer: dict[str, Any]) -> str:
    if importer["scans-out"]["works"]:
        return "`scanout`"
    return "`gpu`" if importer["imports"]["works"] else "`cpu`"


def table() -> str:
    rows = ["| display GPU's driver | imports it | scans it out | best path |", "|---|---|---|---|"]
    for importer in json.loads(LIMITS.read_text())["importers"]:
        rows.append(f"| {importer['name']} | {say(importer['imports'])} | "
                    f"{say(importer['scans-out'])} | {path_of(importer)} |")
    return "\n".join(rows) + "\n"


def with_table(readme: str) -> str:
    """README's text with the table as it should be."""
    return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: BEGIN + table() + END, readme,
                  count=1, flags=re.DOTALL)


def main() -> None:
    if sys.argv[1:] == ["--write"]:
        README.write_text(with_table(README.read_text()))
    else:
        sys.stdout.write(table())


if __name__ == "__main__":
    main()
