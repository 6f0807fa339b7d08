"""What each event does to a buffer that is mapped by the CPU and by an importer: JSON.

usage: events.py EXPORTER CONTROLLER IMPORTER

The controller is an NVMe one, for what the exporter of the rig cannot do. A line "unplug" asks
whoever runs this to unplug the exporter.
"""

from __future__ import annotations

import json
import mmap
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from vfio import (BAR, CAPABILITY_EXPRESS, CAPABILITY_PM, LOW_POWER_ENTRY, LOW_POWER_EXIT, PAGE,
                  SET, Device, Importer, map_outcome, name, read_outcome)

State = dict[str, str]


class Mapped:
    """A buffer of a device, mapped by the CPU where that can be, and by an importer."""

    def __init__(self, bdf: str, region: int, importer_bdf: str) -> None:
        self.device = Device(bdf)
        self.importer_bdf = importer_bdf
        self.fd = self.device.export([(0, PAGE)], region)
        assert self.fd >= 0, name(-self.fd)
        self.cpu, self.area = map_outcome(self.fd, PAGE, protection=mmap.PROT_READ)
        self.importer = Importer(importer_bdf)
        assert self.importer.attach(self.fd) == 0

    def state(self) -> State:
        """What can be done with it now; the importer is left with a mapping if it got one."""
        mapped = self.importer.map()
        if name(-mapped) == "EBUSY":
            mapped = 0
        newcomer = Importer(self.importer_bdf)
        state = {
            "CPU": read_outcome(self.area) if self.area else f"no mmap ({self.cpu})",
            "DMA": name(-mapped),
            "attach": name(-newcomer.attach(self.fd)),
        }
        newcomer.close()
        return state

    def around(self, event: Callable[[], object]) -> State:
        """What was possible while something happened that is over when it returns."""
        notified = self.importer.status()[0]
        reader = os.fork() if self.area else 0
        if self.area and reader == 0:
            # The device is closed when its owner closes it
            self.device.close()
            signal.signal(signal.SIGBUS, signal.SIG_DFL)
            while True:
                _ = self.area[0]
        time.sleep(0.2)
        event()
        cpu = f"no mmap ({self.cpu})"
        if reader:
            os.kill(reader, signal.SIGKILL)
            _, status = os.waitpid(reader, 0)
            cpu = "SIGBUS" if os.WTERMSIG(status) == signal.SIGBUS else "ok"
        after, _, again = self.importer.status()
        return {"CPU": cpu, "DMA": name(again) if after > notified else "ok"}

    def close(self) -> None:
        self.importer.close()
        os.close(self.fd)
        self.device.close()


def expect(result: int) -> None:
    assert result >= 0, name(-result)


def lasting(mapped: Mapped, begin: Callable[[], object], end: Callable[[], object]) -> list[State]:
    before = mapped.state()
    begin()
    during = mapped.state()
    end()
    after = mapped.state()
    mapped.close()
    return [before, during, after]


def passing(mapped: Mapped, event: Callable[[], object]) -> list[State]:
    before = mapped.state()
    during = mapped.around(event)
    after = mapped.state()
    mapped.close()
    return [before, during, after]


def lost(mapped: Mapped, event: Callable[[], object]) -> list[State]:
    """The device is closed, and more; what is left is the buffer, whoever opens the device next."""
    before = mapped.state()
    during = mapped.around(event)
    owner = Device(mapped.device.bdf) if os.path.exists(mapped.device.sysfs) else None
    after = mapped.state()
    if owner is not None:
        owner.close()
    mapped.importer.close()
    os.close(mapped.fd)
    return [before, during, after]


def write_file(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def set_power(device: Device, state: int) -> None:
    at = device.capability(CAPABILITY_PM)
    assert at is not None
    device.set_config(at + 4, device.config(at + 4) & ~3 | state)


def function_reset(device: Device) -> None:
    at = device.capability(CAPABILITY_EXPRESS)
    assert at is not None
    device.set_config(at + 8, device.config(at + 8) | 1 << 15)


def unbind(mapped: Mapped) -> None:
    """The driver waits for the owner to close the device, as it asks it to."""
    driver = os.path.realpath(f"{mapped.device.sysfs}/driver")
    bdf = mapped.device.bdf
    thread = threading.Thread(target=write_file, args=(f"{driver}/unbind", bdf))
    thread.start()
    time.sleep(0.2)
    mapped.device.close()
    thread.join()
    write_file(f"{driver}/bind", bdf)


def unplug(mapped: Mapped) -> None:
    print("unplug", flush=True)
    # The slot's button blinks for five seconds first
    for _ in range(10):
        time.sleep(1)
        if not os.path.exists(mapped.device.sysfs):
            break
    mapped.device.close()
    deadline = time.monotonic() + 60
    while os.path.exists(mapped.device.sysfs):
        assert time.monotonic() < deadline, "it was not unplugged"
        time.sleep(0.1)


def main() -> None:
    exporter, controller, importer = sys.argv[1:4]
    table: dict[str, list[State]] = {}

    def vram() -> Mapped:
        return Mapped(exporter, BAR, importer)

    def registers() -> Mapped:
        return Mapped(controller, 0, importer)

    m = vram()
    table["memory bit of PCI_COMMAND off, on"] = lasting(
        m, lambda: m.device.set_memory(False), lambda: m.device.set_memory(True))
    m = vram()
    table["writes to PCI_COMMAND that leave memory on"] = passing(
        m, lambda: [m.device.set_config(4, m.device.config(4) ^ 4) for _ in range(200)])
    m = registers()
    table["D3hot, D0"] = lasting(m, lambda: set_power(m.device, 3),
                                 lambda: set_power(m.device, 0))
    m = vram()
    table["VFIO_DEVICE_RESET"] = passing(m, lambda: expect(m.device.reset()))
    m = vram()
    table["hot reset"] = passing(m, lambda: expect(m.device.hot_reset()))
    m = vram()
    table["reset by sysfs"] = passing(m, lambda: write_file(f"{m.device.sysfs}/reset", "1"))
    m = registers()
    table["FLR by config space"] = passing(m, lambda: function_reset(m.device))
    m = vram()
    m.device.set_memory(False)
    table["reset while memory is off, on"] = lasting(
        m, lambda: expect(m.device.reset()), lambda: m.device.set_memory(True))
    m = vram()
    table["LOW_POWER_ENTRY, _EXIT"] = lasting(
        m, lambda: expect(m.device.feature(SET | LOW_POWER_ENTRY)),
        lambda: expect(m.device.feature(SET | LOW_POWER_EXIT)))
    m = vram()
    table["close of the device"] = lost(m, m.device.close)
    m = vram()
    table["unbind"] = lost(m, lambda: unbind(m))
    m = vram()
    table["unplug"] = lost(m, lambda: unplug(m))
    print(json.dumps(table))


if __name__ == "__main__":
    main()
