"""The doctor's verdicts on machines made of files: what every combination of GPUs can do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import get_pair, run_doctor
from trees import (AUDIO, BRIDGE, BULLDOZER, CLIENT, DOWNSTREAM, HOST, UPSTREAM, VGA, XEON, ZEN,
                   Machine, Tree)

HERE = Path(__file__).resolve().parent

ALDER_LAKE_HOST, SAPPHIRE_RAPIDS_HOST, RAPHAEL_HOST = \
    (0x8086, 0x4660), (0x8086, 0x09a2), (0x1022, 0x14d8)
ARC, RADEON, GEFORCE, UHD, APU = \
    (0x8086, 0x56a0), (0x1002, 0x744c), (0x10de, 0x2684), (0x8086, 0x4680), (0x1002, 0x164e)
#: BARs in MiB
BARS = {0x8086: {0: 16, 2: 16384}, 0x1002: {0: 32768, 2: 256}, 0x10de: {0: 16, 1: 32768, 3: 32}}

EXPORTER, AUDIO_FUNCTION, IMPORTER, INTEGRATED = \
    "0000:01:00.0", "0000:01:00.1", "0000:02:00.0", "0000:00:02.0"


def machine(cpu=ZEN, host=RAPHAEL_HOST, exporter=RADEON, driver: str | None = "vfio-pci",
            **more) -> Machine:
    """One with an exporter behind a root port."""
    result = Machine(cpu, **more)
    result.host_bridge(*host)
    result.port("0000:00:01.0")
    group = result.next_group()
    result.add(EXPORTER, *exporter, VGA, above="0000:00:01.0", driver=driver, group=group,
               bars=BARS[exporter[0]])
    result.add(AUDIO_FUNCTION, exporter[0], 0xab30, AUDIO, above="0000:00:01.0",
               driver="vfio-pci" if driver == "vfio-pci" else None, group=group)
    return result


def with_discrete(result: Machine, importer, driver: str) -> str:
    result.port("0000:00:03.0")
    result.add(IMPORTER, *importer, VGA, above="0000:00:03.0", driver=driver,
               bars=BARS[importer[0]])
    return result.card(IMPORTER)


def with_integrated(result: Machine, importer, driver: str) -> str:
    result.add(INTEGRATED, *importer, VGA, driver=driver, bars={0: 16, 2: 256})
    return result.card(INTEGRATED)


# What the importers' drivers do, on machines where nothing else is in the way

@pytest.mark.parametrize("importer, driver, path, blocker, error", [
    (APU, "amdgpu", "gpu", "driver-scanout", "EINVAL"),
    (RADEON, "amdgpu", "gpu", "driver-scanout", "EINVAL"),
    (ARC, "xe", "gpu", "driver-scanout", "EINVAL"),
    (ARC, "i915", "cpu", "driver-import", "EOPNOTSUPP"),
    (GEFORCE, "nouveau", "cpu", "driver-import", "EOPNOTSUPP"),
    (GEFORCE, "nvidia", "cpu", "driver-import", "EOPNOTSUPP"),
    ((0x1a03, 0x2000), "ast", "cpu", "driver-import", "EOPNOTSUPP"),
])
@pytest.mark.parametrize("exporter", [RADEON, ARC, GEFORCE], ids=["radeon", "arc", "geforce"])
def test_discrete_importer(diagnose, exporter, importer, driver: str, path: str, blocker: str,
                           error: str) -> None:
    BARS.setdefault(importer[0], {0: 64})
    made = machine(exporter=exporter)
    node = with_discrete(made, importer, driver)
    diagnosis = diagnose(made.tree)
    pair = get_pair(diagnosis, EXPORTER, node)
    assert diagnosis["status"] == 0
    assert pair["verdict"] | {"sentence": None} == {
        "path": path, "later": path, "proven": False, "blocker": blocker, "sentence": None}
    assert pair["steps"][blocker]["errno"] == error
    for name in ("why", "do", "link"):
        assert pair["steps"][blocker][name]
    assert pair["steps"][blocker]["why"] in pair["verdict"]["sentence"]


def test_integrated_xe_would_scan_out(diagnose) -> None:
    """Nobody sells it with a host bridge that passes peer-to-peer requests; the code does it."""
    made = machine(XEON, SAPPHIRE_RAPIDS_HOST)
    node = with_integrated(made, UHD, "xe")
    verdict = get_pair(diagnose(made.tree), EXPORTER, node)["verdict"]
    assert (verdict["path"], verdict["proven"], verdict["blocker"]) == ("scanout", False, None)
    assert "nothing was tried" in verdict["sentence"]


@pytest.mark.parametrize("driver, blocker", [("xe", "p2p"), ("i915", "driver-import")])
def test_intel_client(diagnose, driver: str, blocker: str) -> None:
    made = machine(CLIENT, ALDER_LAKE_HOST, GEFORCE)
    node = with_integrated(made, UHD, driver)
    pair = get_pair(diagnose(made.tree), EXPORTER, node)
    assert (pair["verdict"]["path"], pair["verdict"]["blocker"]) == ("cpu", blocker)
    assert pair["steps"]["p2p"]["status"] == "fail"
    assert pair["steps"]["p2p"]["errno"] == "EINVAL"
    assert "does not trust" in pair["steps"]["p2p"]["why"]
    assert "i7-12700" in pair["steps"]["p2p"]["why"]


@pytest.mark.parametrize("kernel, imports", [("7.2.1", True), ("6.19.0", True), ("6.18.9", False)])
def test_importers_learnt_it_with_the_export(diagnose, kernel: str, imports: bool) -> None:
    made = machine(driver="vfio-pci-dmabuf", kernel=kernel)
    node = with_discrete(made, RADEON, "amdgpu")
    steps = get_pair(diagnose(made.tree), EXPORTER, node)["steps"]
    assert (steps["driver-import"]["status"] == "pass") is imports


def test_importer_that_is_no_pci_device(diagnose) -> None:
    made = machine()
    node = made.faux_card("vkms")
    pair = get_pair(diagnose(made.tree), EXPORTER, node)
    assert pair["verdict"]["path"] == "cpu"
    assert "no PCI device" in pair["steps"]["p2p"]["why"]


# Peer-to-peer, by the kernel's rules

@pytest.mark.parametrize("cpu, host, kernel, passes", [
    (ZEN, RAPHAEL_HOST, "7.2.1", True),
    (BULLDOZER, (0x1002, 0x5a14), "7.2.1", False),
    (("HygonGenuine", 24, "Hygon C86 7185"), (0x1d94, 0x1450), "7.2.1", False),
    (CLIENT, ALDER_LAKE_HOST, "7.2.1", False),
    (XEON, SAPPHIRE_RAPIDS_HOST, "7.2.1", True),
    (XEON, (0x8086, 0x2f00), "7.2.1", True), # same host bridge
    (("GenuineIntel", 6, "?"), (0x1ae0, 0x1234), "7.2.1", True), # any of Google's
    (("", 0, "?"), (0x10de, 0x2f95), "7.2.1", False),
    (("", 0, "?"), (0x10de, 0x2f95), "7.3.0", True),
])
def test_way_through_the_root(diagnose, cpu, host, kernel: str, passes: bool) -> None:
    made = machine(cpu, host, kernel=kernel)
    node = with_discrete(made, RADEON, "amdgpu")
    step = get_pair(diagnose(made.tree), EXPORTER, node)["steps"]["p2p"]
    assert step["status"] == ("pass" if passes else "fail"), step
    if passes:
        assert "through the host bridge" in step["why"]


@pytest.mark.parametrize("host, passes", [
    (SAPPHIRE_RAPIDS_HOST, True),
    ((0x8086, 0x2f00), False), # only within one
    (ALDER_LAKE_HOST, False),
])
def test_way_through_two_host_bridges(diagnose, host, passes: bool) -> None:
    made = machine(XEON, host)
    made.host_bridge(*host, host="0000:80")
    made.port("0000:80:01.0", host="0000:80")
    made.add("0000:81:00.0", *RADEON, VGA, above="0000:80:01.0", driver="amdgpu",
             bars=BARS[0x1002])
    node = made.card("0000:81:00.0")
    step = get_pair(diagnose(made.tree), EXPORTER, node)["steps"]["p2p"]
    assert step["status"] == ("pass" if passes else "fail"), step


@pytest.mark.parametrize("first, pcie_type, passes", [
    ("0000:00:00.0", 0, True), # function 0 of device 0, whatever it is
    ("0000:00:01.0", 4, True), # a root port
    ("0000:00:01.0", 0, False), # anything else does not name the host bridge
])
def test_what_names_a_host_bridge(diagnose, first: str, pcie_type: int, passes: bool) -> None:
    made = Machine(XEON)
    made.add(first, 0x8086, 0x2030, BRIDGE if pcie_type == 4 else HOST, pcie_type=pcie_type)
    made.port("0000:00:02.0")
    made.add(EXPORTER, *RADEON, VGA, above="0000:00:02.0", driver="vfio-pci", bars=BARS[0x1002])
    node = with_discrete(made, RADEON, "amdgpu")
    step = get_pair(diagnose(made.tree), EXPORTER, node)["steps"]["p2p"]
    assert step["status"] == ("pass" if passes else "fail"), step


def switched(cpu, host, acs: int | None, root: bool = True) -> tuple[Machine, str]:
    """Both GPUs below one switch, whose downstream ports have this ACS control register."""
    made = Machine(cpu, root=root)
    made.host_bridge(*host)
    made.port("0000:00:01.0", acs=0x1d) # above the common bridge: it does not count
    made.port("0000:01:00.0", pcie_type=UPSTREAM, above="0000:00:01.0")
    for index, bus in enumerate((3, 4)):
        made.port(f"0000:02:0{index}.0", pcie_type=DOWNSTREAM, above="0000:01:00.0",
                  acs=acs if index == 0 else 0)
        made.add(f"0000:0{bus}:00.0", *RADEON, VGA, above=f"0000:02:0{index}.0",
                 driver="amdgpu" if index == 0 else "vfio-pci", bars=BARS[0x1002])
    return made, made.card("0000:03:00.0")


@pytest.mark.parametrize("cpu, host, acs, status, words", [
    (CLIENT, ALDER_LAKE_HOST, None, "pass", "by way of 0000:01:00.0"),
    (CLIENT, ALDER_LAKE_HOST, 0x51, "pass", "by way of 0000:01:00.0"), # does not redirect
    (CLIENT, ALDER_LAKE_HOST, 0x04, "fail", "ACS sends what passes 0000:02:00.0"),
    (CLIENT, ALDER_LAKE_HOST, 0x08, "fail", "ACS sends what passes 0000:02:00.0"),
    (CLIENT, ALDER_LAKE_HOST, 0x20, "fail", "ACS sends what passes 0000:02:00.0"),
    (ZEN, RAPHAEL_HOST, 0x1d, "pass", "ACS of 0000:02:00.0"),
])
def test_switch(diagnose, cpu, host, acs: int | None, status: str, words: str) -> None:
    made, node = switched(cpu, host, acs)
    step = get_pair(diagnose(made.tree), "0000:04:00.0", node)["steps"]["p2p"]
    assert step["status"] == status
    assert words in step["why"]


def test_switch_without_root(diagnose) -> None:
    """The kernel shows capabilities to root alone: not known is not refused."""
    made, node = switched(CLIENT, ALDER_LAKE_HOST, 0x1d, root=False)
    pair = get_pair(diagnose(made.tree), "0000:04:00.0", node)
    assert pair["steps"]["p2p"]["status"] == "skipped"
    assert "only root can read" in pair["steps"]["p2p"]["why"]
    assert "as root" in pair["steps"]["p2p"]["do"]
    assert "only root can read" in pair["steps"]["bar"]["why"]
    assert pair["verdict"]["path"] == "gpu"


# What keeps an exporter from exporting

def test_without_driver(diagnose) -> None:
    made = machine(driver=None)
    node = with_discrete(made, RADEON, "amdgpu")
    diagnosis = diagnose(made.tree)
    pair = get_pair(diagnosis, EXPORTER, node)
    assert diagnosis["status"] == 1
    assert pair["verdict"]["path"] == "none"
    assert pair["verdict"]["later"] == "gpu"
    assert pair["verdict"]["blocker"] == "binding"
    assert pair["steps"]["binding"]["errno"] == "ENODEV"
    assert f"/sys/bus/pci/devices/{EXPORTER}/driver_override" in pair["steps"]["binding"]["do"]
    assert pair["steps"]["rights"]["status"] == "skipped"
    assert "should be gpu" in pair["verdict"]["sentence"]


def test_bound_to_its_own_driver(diagnose) -> None:
    made = machine(exporter=GEFORCE, driver="nvidia")
    made.card(EXPORTER, connected=0)
    node = with_discrete(made, RADEON, "amdgpu")
    diagnosis = diagnose(made.tree)
    # Either could be the exporter
    assert {(pair["exporter"], pair["importer"]) for pair in diagnosis["pairs"]} == \
        {(EXPORTER, node), (IMPORTER, "/dev/dri/card0")}
    step = get_pair(diagnosis, EXPORTER, node)["steps"]["binding"]
    assert step["errno"] == "EBUSY"
    assert "nvidia" in step["why"]
    assert "unbind" in step["do"]


def test_others_in_the_group(diagnose) -> None:
    made = machine()
    made.tree.links[f"{made.paths[AUDIO_FUNCTION]}/driver"] = "/sys/bus/pci/drivers/snd_hda_intel"
    node = with_discrete(made, RADEON, "amdgpu")
    pair = get_pair(diagnose(made.tree), EXPORTER, node)
    assert pair["verdict"]["blocker"] == "group"
    assert pair["steps"]["group"]["errno"] == "EPERM"
    assert f"{AUDIO_FUNCTION} (snd_hda_intel)" in pair["steps"]["group"]["why"]


def test_without_iommu(diagnose) -> None:
    made = machine(iommu=False)
    node = with_discrete(made, RADEON, "amdgpu")
    pair = get_pair(diagnose(made.tree), EXPORTER, node)
    assert pair["verdict"]["blocker"] == "iommu"
    assert pair["steps"]["iommu"]["errno"] == "ENODEV"
    assert "intel_iommu=on" in pair["steps"]["iommu"]["do"]
    assert pair["steps"]["group"]["status"] == "skipped"


def test_without_node(diagnose) -> None:
    made = machine()
    node = with_discrete(made, RADEON, "amdgpu")
    del made.tree.files["dev/vfio/vfio"]
    pair = get_pair(diagnose(made.tree), EXPORTER, node)
    assert pair["verdict"]["blocker"] == "rights"
    assert pair["steps"]["rights"]["errno"] == "ENOENT"
    assert "/dev/vfio/vfio" in pair["steps"]["rights"]["why"]


def test_node_of_iommufd_is_as_good(diagnose) -> None:
    made = machine()
    node = with_discrete(made, RADEON, "amdgpu")
    del made.tree.files["dev/vfio/vfio"]
    made.tree.files |= {f"{made.paths[EXPORTER]}/vfio-dev/vfio3/dev": b"",
                        "dev/vfio/devices/vfio3": b"", "dev/iommu": b""}
    assert get_pair(diagnose(made.tree), EXPORTER, node)["steps"]["rights"]["status"] == "pass"


@pytest.mark.parametrize("kernel, dmabuf, driver, status, words", [
    ("7.2.12", "y", "vfio-pci", "pass", "with CONFIG_VFIO_PCI_DMABUF"),
    ("7.2.12", "m", "vfio-pci", "pass", "with CONFIG_VFIO_PCI_DMABUF"),
    ("7.2.12", None, "vfio-pci", "pass", "cannot be read"),
    ("7.2.12", "", "vfio-pci", "fail", "built without CONFIG_VFIO_PCI_DMABUF"),
    ("6.19.0-rc1", "y", "vfio-pci", "pass", "6.19"),
    ("6.18.20", "", "vfio-pci", "fail", "came with 6.19"),
    ("6.12.117", "", "vfio-pci", "fail", "came with 6.19"),
    ("6.12.117", "", "vfio-pci-dmabuf", "pass", "vfio-pci-dmabuf exports"),
])
def test_kernel(diagnose, kernel: str, dmabuf: str | None, driver: str, status: str,
                words: str) -> None:
    made = machine(kernel=kernel, dmabuf=dmabuf, driver=driver)
    node = with_discrete(made, RADEON, "amdgpu")
    pair = get_pair(diagnose(made.tree), EXPORTER, node)
    assert pair["steps"]["kernel"]["status"] == status
    assert words in pair["steps"]["kernel"]["why"]
    if status == "fail":
        assert pair["verdict"]["blocker"] == "kernel"
        assert pair["steps"]["kernel"]["errno"] == "ENOTTY"
        assert "vfio-pci-dmabuf" in pair["steps"]["kernel"]["do"]


@pytest.mark.parametrize("exporter, bars, rebar, words, advice", [
    (RADEON, {0: 256, 2: 2}, (0, 0x3f00), "BAR 0 has 256 MiB; it can be larger", "8192 MiB"),
    (RADEON, {0: 8192, 2: 2}, (0, 0x3f00), "BAR 0 has 8192 MiB, as large as it gets", None),
    (GEFORCE, {0: 16, 1: 256}, None, "BAR 1 has 256 MiB, not resizable (NVIDIA's window", None),
    (ARC, {0: 16, 2: 16384}, None, "BAR 2 has 16384 MiB", None),
])
def test_bar(diagnose, exporter, bars, rebar, words: str, advice: str | None) -> None:
    made = Machine()
    made.host_bridge(*RAPHAEL_HOST)
    made.port("0000:00:01.0")
    made.add(EXPORTER, *exporter, VGA, above="0000:00:01.0", driver="vfio-pci", bars=bars,
             rebar=rebar)
    node = with_discrete(made, RADEON, "amdgpu")
    step = get_pair(diagnose(made.tree), EXPORTER, node)["steps"]["bar"]
    assert step["status"] == "pass"
    assert words in step["why"]
    assert advice is None or advice in step["do"]


def test_without_memory(diagnose) -> None:
    made = Machine()
    made.host_bridge(*RAPHAEL_HOST)
    made.add(EXPORTER, *RADEON, VGA, driver="vfio-pci", host="0000:00")
    node = with_discrete(made, RADEON, "amdgpu")
    pair = get_pair(diagnose(made.tree), EXPORTER, node)
    assert pair["verdict"]["blocker"] == "bar"


# What is looked at

def test_disks_and_network_cards_are_no_exporters(diagnose) -> None:
    made = machine()
    with_discrete(made, RADEON, "amdgpu")
    for index, class_ in enumerate((0x010802, 0x020000, 0x0c0330, AUDIO)):
        made.add(f"0000:00:1{index}.0", 0x8086, 0x1234, class_, driver="vfio-pci", bars={0: 32})
    made.add("0000:00:15.0", 0x1af4, 0x1110, 0x050000, driver="vfio-pci", bars={2: 256})
    exporters = {exporter["address"] for exporter in diagnose(made.tree)["exporters"]}
    assert exporters == {EXPORTER, IMPORTER, "0000:00:15.0"}


def test_selection(diagnose, tmp_path: Path) -> None:
    made = machine()
    node = with_discrete(made, RADEON, "amdgpu")
    diagnosis = diagnose(made.tree, EXPORTER.removeprefix("0000:"), node)
    assert [(pair["exporter"], pair["importer"]) for pair in diagnosis["pairs"]] == \
        [(EXPORTER, node)]
    root = f"--root={tmp_path / 'root'}"
    for arguments, message in (
            (["0000:07:00.0"], "there is no PCI device 0000:07:00.0"),
            (["nonsense"], "'nonsense' is no PCI address"),
            ([EXPORTER, "/dev/dri/card9"], "there is no DRM device /dev/dri/card9")):
        result = run_doctor(root, *arguments)
        assert result.returncode == 1
        assert message in result.stderr
    for arguments in ([EXPORTER, EXPORTER], ["--timeout=soon"], ["--timeout=-1"], ["--nonsense"]):
        assert run_doctor(root, *arguments).returncode == 2


def test_machine_without_anything(tmp_path: Path) -> None:
    (tmp_path / "sys").mkdir()
    result = run_doctor(f"--root={tmp_path}")
    assert result.returncode == 1
    assert "There is no exporter" in result.stdout
    result = run_doctor(f"--root={tmp_path / 'missing'}")
    assert result.returncode == 1
    assert "No such file" in result.stderr


def test_one_gpu(diagnose, tmp_path: Path) -> None:
    made = Machine()
    made.host_bridge(*RAPHAEL_HOST)
    with_integrated(made, APU, "amdgpu")
    assert diagnose(made.tree)["pairs"] == []
    assert "it takes two" in run_doctor(f"--root={tmp_path / 'root'}").stdout


def test_what_is_read_may_be_nonsense(diagnose) -> None:
    made = machine()
    node = with_discrete(made, RADEON, "amdgpu")
    path = made.paths[EXPORTER]
    made.tree.files |= {
        f"{path}/resource": b"what is this\n0x1 0x0 0x200\n" + b"f" * 5000,
        f"{path}/config": b"\xff" * 4096,
        "proc/cpuinfo": b"\x00\xff" * 3000,
        "proc/sys/kernel/osrelease": b"twelve\n",
        "boot/config-twelve": b"\x1f\x8b\x08broken",
    }
    made.tree.links[f"{path}/iommu_group"] = "/sys/kernel/iommu_groups/99999999999999999999"
    pair = get_pair(diagnose(made.tree), EXPORTER, node)
    assert pair["verdict"]["path"] == "none"


def test_a_list_of_capabilities_that_has_no_end(diagnose) -> None:
    made = machine()
    node = with_discrete(made, RADEON, "amdgpu")
    space = bytearray(made.tree.files[f"{made.paths[EXPORTER]}/config"])
    space[0x41] = 0x40
    space[0x100:0x104] = (0x100 << 20 | 1 << 16 | 0x7f).to_bytes(4, "little")
    made.tree.files[f"{made.paths[EXPORTER]}/config"] = bytes(space)
    assert get_pair(diagnose(made.tree), EXPORTER, node)["verdict"]["path"] == "gpu"


def test_knowledge_that_is_missing_or_of_another_version(tmp_path: Path) -> None:
    result = run_doctor(f"--root={tmp_path}", SLUICE_DATADIR=str(tmp_path))
    assert result.returncode == 1
    assert "SLUICE_DATADIR" in result.stderr
    for content in ("{}", "[]", '{"format": 2}', "{"):
        (tmp_path / "limits.json").write_text(content)
        result = run_doctor(f"--root={tmp_path}", SLUICE_DATADIR=str(tmp_path))
        assert result.returncode == 1
        assert result.stderr


# The report

def test_report_names_nobody(tmp_path: Path) -> None:
    made = machine()
    with_discrete(made, RADEON, "amdgpu")
    secrets = {
        "sys/class/dmi/id/product_serial": "PF3XK9QZ",
        "sys/class/dmi/id/product_uuid": "4c4c4544-0043-3510-8052-b4c04f4d3732",
        "etc/machine-id": "0123456789abcdef0123456789abcdef",
        "proc/sys/kernel/hostname": "annas-laptop",
        f"{made.paths[EXPORTER]}/serial_number": "a1-b2-c3-d4-e5-f6-07-18",
        "sys/class/net/eth0/address": "52:54:00:ab:cd:ef",
    }
    made.tree.files |= {path: f"{value}\n".encode() for path, value in secrets.items()}
    made.tree.files["proc/cmdline"] = (
        "root=UUID=6c1d2a7e-94b6-4b0c-9d0e-2f1f5c3f1a77 iommu=pt ip=::::annas-laptop:eth0 "
        "mac=52:54:00:AB:CD:EF serial=PF3XK9QZ id=0123456789abcdef0123456789abcdef "
        "resume=/dev/disk/by-id/nvme-SSD_970_S5Y2NX0R123456-part2 swap=PARTUUID=1a2b3c4d-02\n"
    ).encode()
    root = made.tree.write(tmp_path / "root")
    report = tmp_path / "report.json"
    assert run_doctor(f"--root={root}", f"--report={report}").returncode == 0
    text = report.read_text()
    for secret in [*secrets.values(), "6c1d2a7e-94b6-4b0c-9d0e-2f1f5c3f1a77", "52:54:00:AB",
                   "S5Y2NX0R123456", "1a2b3c4d"]:
        assert secret not in text
    content = json.loads(text)
    assert "iommu=pt" in content["kernel-arguments"]
    assert content["kernel-arguments"].count("[removed]") == 7
    assert {device["address"] for device in content["pci-devices"]} >= {EXPORTER, IMPORTER}
    assert content["pairs"][0]["verdict"]["path"] == "gpu"


def test_report_that_cannot_be_written(tmp_path: Path) -> None:
    root = machine().tree.write(tmp_path / "root")
    result = run_doctor(f"--root={root}", f"--report={tmp_path}/missing/report.json")
    assert result.returncode == 1
    assert "cannot write the report" in result.stderr
    (tmp_path / "link").symlink_to(tmp_path / "other")
    assert run_doctor(f"--root={root}", f"--report={tmp_path / 'link'}").returncode == 1
    assert not (tmp_path / "other").exists()


def test_text_has_colours_on_a_terminal_only(tmp_path: Path) -> None:
    made = machine()
    with_discrete(made, RADEON, "amdgpu")
    root = made.tree.write(tmp_path / "root")
    assert "\033" not in run_doctor(f"--root={root}").stdout


# Recorded machines

@pytest.mark.parametrize("name", sorted(path.stem for path in HERE.glob("recorded/*.json")))
def test_recorded(diagnose, name: str) -> None:
    """What the rig was like, and what was found when it was recorded."""
    tree = Tree.load(HERE / "recorded" / f"{name}.json")
    expected = json.loads((HERE / "recorded" / f"{name}.json").read_text())["expected"]
    pair, = [pair for pair in diagnose(tree)["pairs"] if pair["exporter"] == expected["exporter"]]
    found = {step["name"]: step["status"] for step in pair["steps"]}
    assert {name: found[name] for name in expected["steps"]} == expected["steps"]
    assert pair["verdict"]["path"] == expected["path"]
