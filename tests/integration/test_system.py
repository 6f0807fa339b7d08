"""What a system needs: the service manager is told, and what is installed for it is sound."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BUILD = Path("/build")


@contextmanager
def service_manager(runtime: Path) -> Iterator[socket.socket]:
    """The end of sd_notify(3) at which a service manager listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(runtime / "notify"))
        end.settimeout(20)
        yield end


def receive(end: socket.socket) -> dict[str, str]:
    return dict(line.split("=", 1) for line in end.recv(4096).decode().splitlines())


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree, as meson installs it."""
    place = tmp_path_factory.mktemp("installed")
    subprocess.run(["meson", "install", "--no-rebuild", "--quiet", "-C", str(BUILD / "meson"),
                    f"--destdir={place}"], check=True)
    return place / "usr/local"


def test_the_service_manager_is_told(programs) -> None:
    with service_manager(programs.runtime) as end:
        file = programs.runtime / "config"
        file.write_text("")
        with programs.start("sluice", "-c", str(file),
                            NOTIFY_SOCKET=str(programs.runtime / "notify")) as process:
            ready = receive(end)
            assert ready["READY"] == "1"
            # Ready means that a client can connect
            assert (programs.runtime / ready["STATUS"].split()[-1]).is_socket()

            process.send_signal(signal.SIGHUP)
            reloading = receive(end)
            assert reloading["RELOADING"] == "1" and int(reloading["MONOTONIC_USEC"]) > 0
            assert receive(end) == {"READY": "1"}

            process.terminate()
            assert receive(end) == {"STOPPING": "1"}
            output = process.communicate(timeout=20)[0]
    assert process.returncode == 0, output


def test_a_users_services_find_the_session(programs, tmp_path: Path) -> None:
    """The D-Bus daemon of the user is given the variables; here there is no user's systemd."""
    service = tmp_path / "share/dbus-1/services/test.Environment.service"
    service.parent.mkdir(parents=True)
    told = tmp_path / "told"
    service.write_text(f"[D-BUS Service]\nName=test.Environment\nExec=/bin/sh -c 'env > {told}'\n")
    daemon = subprocess.Popen(
        ["dbus-daemon", "--session", "--print-address", "--nofork"], text=True,
        stdout=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "XDG_DATA_DIRS": str(tmp_path / "share")})
    try:
        address = daemon.stdout.readline().strip()
        with service_manager(programs.runtime) as end, programs.start(
                "sluice", DBUS_SESSION_BUS_ADDRESS=address, MANAGERPID="1",
                NOTIFY_SOCKET=str(programs.runtime / "notify")) as process:
            display = receive(end)["STATUS"].split()[-1]
            subprocess.run(
                ["dbus-send", f"--bus={address}", "--print-reply", "--reply-timeout=5000",
                 "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus",
                 "org.freedesktop.DBus.StartServiceByName", "string:test.Environment",
                 "uint32:0"], capture_output=True, check=False)
            process.terminate()
            process.communicate(timeout=20)
    finally:
        daemon.terminate()
        daemon.communicate(timeout=10)
    environment = dict(line.split("=", 1) for line in told.read_text().splitlines() if "=" in line)
    assert environment["WAYLAND_DISPLAY"] == display
    assert environment["SLUICE_SOCK"].endswith(f"sluice-{display}.sock")
    assert environment["XDG_CURRENT_DESKTOP"] == "sluice:wlroots"


def verify(unit: Path, programs_at: Path, tmp_path: Path, *arguments: str) -> str:
    """systemd's own opinion of a unit, whose program need not be where it will be."""
    text = unit.read_text().replace("/usr/local", str(programs_at))
    assert str(programs_at / "bin/sluice") in text
    copy = tmp_path / unit.name
    copy.write_text(text)
    result = subprocess.run(["systemd-analyze", *arguments, "verify", "--man=no", str(copy)],
                            capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    # Of others it says more: foot's socket waits for a session before there can be one
    return "\n".join(line for line in result.stderr.splitlines()
                     if re.match(rf"(\S*/)?{re.escape(unit.name)}:", line))


def find(installed: Path, name: str) -> Path:
    found = list(installed.rglob(name))
    assert len(found) == 1, found
    return found[0]


def test_units_are_sound(installed: Path, tmp_path: Path) -> None:
    assert verify(find(installed, "sluice.service"), installed, tmp_path, "--user") == ""
    assert verify(find(installed, "sluice-kiosk@.service"), installed, tmp_path) == ""


def test_a_kiosk_is_exposed_to_little(installed: Path) -> None:
    unit = find(installed, "sluice-kiosk@.service")
    result = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager",
                             str(unit)], capture_output=True, text=True, check=False)
    level = re.search(r"Overall exposure level for .*: ([\d.]+)", result.stdout)
    assert level, result.stdout + result.stderr
    assert float(level.group(1)) <= 4.0, result.stdout


def test_group_and_user_are_made(installed: Path, tmp_path: Path) -> None:
    conf = find(installed, "sluice.conf")
    (tmp_path / "etc").mkdir()
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", str(conf.resolve())],
                   check=True, capture_output=True)
    assert re.search(r"^vfio:.*:sluice-kiosk$", (tmp_path / "etc/group").read_text(), re.MULTILINE)


def test_udev_takes_the_rule(installed: Path) -> None:
    rule = find(installed, "60-sluice-vfio.rules")
    result = subprocess.run(["udevadm", "verify", "--resolve-names=never", str(rule)],
                            capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
