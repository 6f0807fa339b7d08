"""The doctor in machines of the rig that were built for it, on the real kernel.

What it prints is compared with golden/: where that is to change, the new text is below build/out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from conftest import check_our_own_driver, get_pair
from rig import Rig
from rig.guest import Result

GOLDEN = Path(__file__).resolve().parent / "golden"
NODE = "/dev/dri/card0"
ON_TERMINAL = "import pty, sys; pty.spawn(sys.argv[1:])"


@pytest.fixture
def boot(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Boots machines, which end with the test."""
    machines = []

    def boot(**arguments: Any) -> Rig:
        machines.append(Rig(debug_name=f"doctor-{request.node.name}", **arguments))
        return machines[-1]

    yield boot
    for machine in machines:
        machine.close()


@pytest.fixture(scope="module")
def good() -> Iterator[Rig]:
    """The rig as it is: all that is needed, and root."""
    with Rig(debug_name="doctor-good") as machine:
        yield machine


def doctor(rig: Rig, *arguments: str) -> Result:
    return rig.run(["sluicectl", "doctor", *arguments], timeout=180)


def ask(rig: Rig, *arguments: str) -> Any:
    result = doctor(rig, "--json", *arguments)
    assert result.status in (0, 1), result.stderr
    return json.loads(result.stdout) | {"status": result.status}


def normalise(rig: Rig, text: str) -> str:
    """Without what is another with each update of the build root."""
    return re.sub(re.escape(rig.kernel), "KERNEL", text)


def check_golden(rig: Rig, name: str, *arguments: str) -> Any:
    """The text and the JSON of a machine are what they were. Returns the JSON."""
    text = doctor(rig, *arguments).stdout
    diagnosis = ask(rig, *arguments)
    files = {f"{name}.txt": text, f"{name}.json": json.dumps(diagnosis, indent="\t") + "\n"}
    for file, got in files.items():
        (rig.out / file).write_text(normalise(rig, got))
    for file in files:
        golden = GOLDEN / file
        expected = golden.read_text() if golden.exists() else ""
        assert (rig.out / file).read_text() == expected, f"see {rig.out / file}, and {golden}"
    return diagnosis


@contextmanager
def unbound(rig: Rig) -> Iterator[None]:
    bdf = rig.exporters[0].bdf
    rig.run(f"echo {bdf} >/sys/bus/pci/drivers/vfio-pci/unbind", check=True)
    yield
    rig.run(f"echo {bdf} >/sys/bus/pci/drivers/vfio-pci/bind", check=True)


def verdict_of(rig: Rig, diagnosis: Any) -> tuple[str, str | None]:
    pair = get_pair(diagnosis, rig.exporters[0].bdf, NODE)
    return pair["verdict"]["path"], pair["verdict"]["blocker"]


def test_good_pair(good: Rig) -> None:
    diagnosis = check_golden(good, "good", "--yes")
    assert diagnosis["status"] == 0
    assert verdict_of(good, diagnosis) == ("scanout", None)
    assert not get_pair(diagnosis, good.exporters[0].bdf, NODE)["verdict"]["proven"]

    # Nobody allowed it: the device keeps what it has in its VRAM, and its driver its state
    good.vram()[:4096] = 0x5a
    skipped = ask(good)
    pair = get_pair(skipped, good.exporters[0].bdf, NODE)
    assert (good.vram()[:4096] == 0x5a).all()
    assert pair["steps"]["vfio-open"]["status"] == "skipped"
    assert "--yes" in pair["steps"]["vfio-open"]["why"]
    assert verdict_of(good, skipped) == ("scanout", None)
    assert "nothing was tried" in pair["verdict"]["sentence"]

    # A real commit shows it, and says so
    diagnosis = ask(good, "--yes", "--commit", "--gpu-read")
    pair = get_pair(diagnosis, good.exporters[0].bdf, NODE)
    assert pair["steps"]["pattern"]["status"] == pair["steps"]["commit"]["status"] == "pass"
    assert pair["verdict"]["proven"]
    # llvmpipe dies of it; a driver's crash is a finding
    assert pair["steps"]["gpu-read-gles2"]["errno"] == "EFAULT"
    assert "crashed (SIGSEGV)" in pair["steps"]["gpu-read-gles2"]["why"]


def test_question(good: Rig) -> None:
    """On a terminal, it asks."""
    for answer, status in (("n", "skipped"), ("", "skipped"), ("y", "pass")):
        result = good.run(["python3", "-c", ON_TERMINAL, "sluicectl", "doctor",
                          "--report=/tmp/report"], stdin=f"{answer}\n", timeout=120)
        assert "RESETS it" in result.stdout
        assert "[y/N]" in result.stdout
        assert "\033[32m" in result.stdout
        pair = get_pair(json.loads(good.read("/tmp/report")), good.exporters[0].bdf, NODE)
        assert pair["steps"]["vfio-open"]["status"] == status, answer


def test_without_rights(good: Rig) -> None:
    result = good.run("setpriv --reuid=65534 --regid=65534 --clear-groups env "
                      "sluicectl doctor --json --yes")
    diagnosis = json.loads(result.stdout)
    pair = get_pair(diagnosis, good.exporters[0].bdf, NODE)
    assert pair["verdict"]["blocker"] == "rights"
    assert pair["steps"]["rights"]["errno"] == "EACCES"
    assert "udev rule" in pair["steps"]["rights"]["do"]
    assert pair["steps"]["vfio-open"]["status"] == "skipped"


def test_importer_without_blob(boot) -> None:
    rig = boot(blob=False)
    diagnosis = check_golden(rig, "no-blob", "--yes")
    assert verdict_of(rig, diagnosis) == ("cpu", "prime-import")
    pair = get_pair(diagnosis, rig.exporters[0].bdf, NODE)
    assert pair["steps"]["driver-import"]["status"] == "fail"
    assert pair["steps"]["prime-import"]["errno"] == "EOPNOTSUPP"


def test_no_iommu(boot) -> None:
    rig = boot(iommu=False)
    # It is no display device, and vfio-pci does not take it: it is what the command line names
    diagnosis = check_golden(rig, "no-iommu", "--yes", rig.exporters[0].bdf)
    assert diagnosis["status"] == 1
    assert verdict_of(rig, diagnosis) == ("none", "iommu")
    pair = get_pair(diagnosis, rig.exporters[0].bdf, NODE)
    assert pair["steps"]["binding"]["status"] == "fail"


def test_exporter_unbound(good: Rig) -> None:
    with unbound(good):
        diagnosis = check_golden(good, "unbound", "--yes")
        assert verdict_of(good, diagnosis) == ("none", "binding")
    assert verdict_of(good, ask(good, "--yes")) == ("scanout", None)


def test_peer_to_peer_refused_by_the_processor(boot) -> None:
    rig = boot(intel=True, switch=False)
    diagnosis = check_golden(rig, "p2p-refused", "--yes")
    assert verdict_of(rig, diagnosis) == ("cpu", "p2p")
    pair = get_pair(diagnosis, rig.exporters[0].bdf, NODE)
    # Computed, and found by trying: the same
    assert pair["steps"]["p2p"]["errno"] == pair["steps"]["prime-import"]["errno"] == "EINVAL"


def test_kernel_without_the_feature(boot) -> None:
    rig = boot(kernel="6.12")
    diagnosis = check_golden(rig, "old-kernel", "--yes")
    assert diagnosis["status"] == 1
    assert verdict_of(rig, diagnosis) == ("none", "kernel")
    pair = get_pair(diagnosis, rig.exporters[0].bdf, NODE)
    # Known of its version, and found by trying: the same
    assert pair["steps"]["kernel"]["errno"] == pair["steps"]["feature"]["errno"] == "ENOTTY"
    assert "vfio-pci-dmabuf" in pair["steps"]["kernel"]["do"]


def test_our_own_driver(boot) -> None:
    """There, where the kernel lacks the feature; test_gpu.py has it where the kernel has it, too."""
    rig = boot(kernel="6.12", driver="vfio-pci-dmabuf")
    diagnosis = ask(rig, "--yes")
    assert diagnosis["status"] == 0
    # Its virtio-gpu does not import yet
    assert verdict_of(rig, diagnosis) == ("cpu", "prime-import")
    pair = get_pair(diagnosis, rig.exporters[0].bdf, NODE)
    assert pair["steps"]["export"]["status"] == "pass"
    check_our_own_driver(rig, pair)


@pytest.mark.parametrize("intel, switch", [(True, True), (False, False)],
                         ids=["switch", "host-bridge"])
def test_peer_to_peer_is_what_the_kernel_makes_of_it(boot, intel: bool, switch: bool) -> None:
    rig = boot(intel=intel, switch=switch)
    pair = get_pair(ask(rig, "--yes"), rig.exporters[0].bdf, NODE)
    assert pair["steps"]["p2p"]["status"] == pair["steps"]["prime-import"]["status"] == "pass", pair
    wanted = "by way of" if switch else "through the host bridge"
    assert wanted in pair["steps"]["p2p"]["why"]
