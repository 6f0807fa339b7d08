"""Whatever a client does, it does it to itself: each of its mistakes gets the answer it should.

All of it is done to sluice as it is built, and to one built with ASan and UBSan, which reports what
happened to go well.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rig import Rig
from rig import trouble
from rig.holdings import holdings
from rig.rig import BUILD, GUEST_ENVIRONMENT
from rig.session import SLOW, Sluice
from rig.trouble import VIEWS, Desk

RIG = trouble.RIG | {"memory": 3072 << 20}

SANITIZED = BUILD / "sanitized"
#: fontconfig keeps what it has read until the process ends
SUPPRESSIONS = "leak:libfontconfig\nleak:libpango\nleak:libcairo\nleak:libglib\n"
REPORT = re.compile(r"runtime error:|(?:Address|Leak|UndefinedBehavior)Sanitizer")

POINTS = ["connect", "source", "device", "params", "buffer", "commit", "quiesce"]
SITUATIONS = ["idle", "frame", "quiesce", "quiesced", "revoked"]

@pytest.fixture(scope="module")
def sanitized() -> Path:
    """A build of sluice with sanitizers; made once, and kept up to date."""
    log = BUILD / "logs" / "sanitized.log"
    environment = {name: value for name, value in os.environ.items() if name != "DESTDIR"}
    with open(log, "w") as file:
        for command in (
                [] if (SANITIZED / "build.ninja").exists() else
                # As tests/integration/conftest.py does it: whoever comes first makes it for all
                ["meson", "setup", "-Db_sanitize=address,undefined", "-Db_lundef=false",
                 str(SANITIZED), "/src"],
                ["ninja", "-C", str(SANITIZED)]):
            if command and subprocess.call(command, stdout=file, stderr=file, env=environment):
                pytest.fail(f"the build with sanitizers failed: {log.read_text()[-4000:]}")
    return SANITIZED


class SanitizedSluice(Sluice):
    def __init__(self, rig: Rig, build: Path) -> None:
        rig.write("/tmp/suppressions", SUPPRESSIONS)
        path = GUEST_ENVIRONMENT["PATH"].replace(str(BUILD / "meson" / "compositor"),
                                                 str(build / "compositor"))
        super().__init__(rig, timeout=SLOW, env={
            "PATH": path,
            "SLUICE_LIBEXECDIR": str(build / "backend/probe/program"),
            "ASAN_OPTIONS": "detect_leaks=1:exitcode=99",
            "LSAN_OPTIONS": "suppressions=/tmp/suppressions",
            "UBSAN_OPTIONS": "print_stacktrace=1",
        })
        maps = rig.run(f"cat /proc/{self.process.pid}/maps", check=True).stdout
        assert "libasan" in maps and "libubsan" in maps, "sluice is not the one with sanitizers"


@pytest.fixture(params=["plain", "sanitized"])
def sluice(request: pytest.FixtureRequest, rig: Rig) -> Iterator[Sluice]:
    """sluice, which ends in good order, without a sanitizer's report, after whatever was done."""
    if request.param == "plain":
        sluice = Sluice(rig)
    else:
        sluice = SanitizedSluice(rig, request.getfixturevalue("sanitized"))
    yield sluice
    assert sluice.process.running, sluice.log
    sluice.process.terminate()
    status = sluice.process.wait(SLOW)
    assert not REPORT.search(sluice.log), sluice.log[REPORT.search(sluice.log).start():]
    assert status == 0, sluice.log


def expect_usable(desk: Desk) -> None:
    desk.expect_background()
    desk.expect_alive()
    assert "no more scanout" not in desk.sluice.log
    desk.new_producer().quit()
    desk.expect_background()


def test_bad_requests(rig: Rig, sluice: Sluice) -> None:
    desk = Desk(rig, "composited", sluice)
    client = sluice.vram("--bad", "all")
    status = client.process.wait(300)
    output = client.process.output
    answers = re.findall(r"^bad (\S+): (.*)$", output, re.MULTILINE)
    kinds = re.findall(r"^(\S+): ", rig.run(["vram-client", "--list-bad"], check=True).stdout,
                       re.MULTILINE)
    assert [kind for kind, _ in answers] == kinds
    assert not [answer for answer in answers
                if re.search("unexpected|setup failed|skipped|disconnected", answer[1])]
    assert status == 0, output
    expect_usable(desk)


# Sanitizers are slow: without them what is composited, with them what the kernel holds, too
@pytest.mark.parametrize("sluice, view", [("plain", "composited"), ("sanitized", "scanout")],
                         indirect=["sluice"])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_everything_is_destroyed_in_every_order(rig: Rig, sluice: Sluice, situation: str,
                                                view: str) -> None:
    desk = Desk(rig, view, sluice)
    expect_usable(desk)  # what is made once is made now
    before = holdings(rig, desk.pid)
    client = sluice.vram("--orders", situation, *(["--fullscreen"] if view == "scanout" else []))
    status = client.process.wait(300)
    end = client.process.output[-500:]
    assert status == 0 and re.search(rf"^orders {situation}: 120$", end, re.MULTILINE), end
    expect_usable(desk)
    time.sleep(0.5)  # what is dropped by the next page flip
    after = holdings(rig, desk.pid)
    assert (after.fds, after.vfio_mappings, after.imported, after.dmabufs, after.attached) == \
        (before.fds, 0, 0, before.dmabufs, 0), f"{before} became {after}"


def test_clients_that_vanish(rig: Rig, sluice: Sluice) -> None:
    desk = Desk(rig, "scanout", sluice)
    expect_usable(desk)
    before = holdings(rig, desk.pid)
    for point in POINTS:
        for protocol in (["sluice"], ["dmabuf", "--adopt"]):
            if point == "device" and protocol != ["sluice"]:
                continue
            client = sluice.vram("--protocol", *protocol, "--fullscreen", "--vanish-at", point,
                                 "--quiesce-every", "1")
            client.process.wait(SLOW)
            assert client.process.status == -9, (point, client.process.output)
            desk.expect_background()
    expect_usable(desk)
    assert holdings(rig, desk.pid).fds <= before.fds


def test_trouble_with_sanitizers(rig: Rig, sanitized: Path) -> None:
    """The surprises of test_surprise.py and the resets of test_quiesce.py, in short."""
    sluice = SanitizedSluice(rig, sanitized)
    for view in VIEWS:
        desk = Desk(rig, view, sluice)
        client = desk.new_producer()
        n = 1
        for how in ("quiesce", "quiesce keep", "quiesce first"):
            client.do(how)
            desk.expect_placeholder()
            for command in ("reset", "resume", "frame"):
                client.do(command)
            n += 1
            desk.expect_frame(n)
        for how in ("memory off", "reset"):
            client.do(how)
            client.wait_for("^revoked")
            desk.expect_placeholder()
            for command in ("memory on", "resume", "frame"):
                client.do(command)
            n += 1
            desk.expect_frame(n)
        client.process.write("memory off\nflip\n")
        desk.expect_placeholder()
        client.process.kill()
        client.process.wait()
        desk.expect_background()
        client = desk.new_producer()
        rig.unplug_exporter()
        desk.expect_placeholder()
        rig.plug_exporter()
        client.quit()
        desk.new_producer("--protocol", *(["sluice"] if view == "composited" else ["dmabuf"])).quit()
        desk.other.quit()
    sluice.process.terminate()
    status = sluice.process.wait(SLOW)
    assert not REPORT.search(sluice.log), sluice.log[REPORT.search(sluice.log).start():]
    assert status == 0, sluice.log
