"""An importer that does not give its mapping back: revocation waits for it, but not for ever.

usage: stubborn.py EXPORTER IMPORTER MILLISECONDS, with revoke_timeout_ms set to that many
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from vfio import (BAR, DYNAMIC, PAGE, PEER2PEER, STUBBORN, Device, Importer, map_outcome, name,
                  read_outcome)


def seconds(event: Callable[[], object]) -> float:
    started = time.monotonic()
    event()
    return time.monotonic() - started


def main() -> None:
    exporter, importer_bdf, timeout = sys.argv[1], sys.argv[2], int(sys.argv[3]) / 1000
    device = Device(exporter)
    fd = device.export([(0, PAGE), (4 * PAGE, 2 * PAGE)])
    outcome, area = map_outcome(fd, 3 * PAGE)
    assert area is not None and read_outcome(area) == "ok", outcome
    importer = Importer(importer_bdf)
    assert importer.attach(fd, DYNAMIC | PEER2PEER | STUBBORN) == 0
    assert importer.map() == 0
    entries, _ = importer.entries()
    assert sum(length for _, length in entries) == 3 * PAGE

    def expect_kept() -> None:
        # Revoked for all others, and what was mapped leads where it led before
        assert read_outcome(area) == "SIGBUS"
        notified, mapped, again = importer.status()
        assert notified > 0 and mapped and name(again) == "ENODEV", (notified, mapped, again)
        assert importer.entries()[0] == entries

    waited = seconds(lambda: device.set_memory(False))
    assert timeout * 0.9 <= waited < timeout + 2, f"memory off took {waited:.2f} s"
    expect_kept()
    # Memory is on again, and that is an event, too; the one who kept it gives it back late
    device.set_memory(True)
    assert importer.unmap() == 0
    assert read_outcome(area) == "ok"
    assert importer.map() == 0

    # Once it lets go, nobody waits for it
    assert importer.unmap() == 0
    assert seconds(lambda: device.set_memory(False)) < timeout * 0.9
    device.set_memory(True)
    assert importer.map() == 0

    # For ever is no different: it may unmap when the device has long been closed, and had a reset
    waited = seconds(device.close)
    assert timeout * 0.9 <= waited < timeout + 2, f"close took {waited:.2f} s"
    expect_kept()
    driver = os.path.realpath(f"{device.sysfs}/driver")
    for file in ("unbind", "bind"):
        with open(f"{driver}/{file}", "w", encoding="ascii") as control:
            control.write(exporter)
    expect_kept()
    assert importer.unmap() == 0
    assert name(-importer.map()) == "ENODEV"
    importer.close()
    os.close(fd)

    # And the device has not noticed
    device = Device(exporter)
    fd = device.export([(0, PAGE)])
    importer = Importer(importer_bdf)
    assert fd >= 0 and importer.attach(fd) == 0 and importer.map() == 0
    assert device.region(BAR)[1] > 0
    importer.close()
    device.close()


if __name__ == "__main__":
    main()
