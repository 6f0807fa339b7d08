"""Captures by a sluice that tells of each error of memory, leak and undefined behaviour.

Clients are the ordinary ones.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from PIL import Image

from integration.conftest import sanitized_build
from lib import patterns
from lib.headless import Headless, Result

__all__ = ["sanitized_build"]

# fontconfig keeps what it has read until the process ends
SUPPRESSIONS = (Path(__file__).parents[1] / "lib/libscfg.supp").read_text() + \
    "leak:libfontconfig.so\n"
OPTIONS = {
    # What the session preloads comes before the sanitizer, in sluicectl for example
    "ASAN_OPTIONS": "detect_leaks=1:exitcode=99:verify_asan_link_order=0",
    "UBSAN_OPTIONS": "halt_on_error=1:exitcode=99:print_stacktrace=1",
}


@pytest.fixture
def sluicectl(sanitized_build: Path) -> str:
    subprocess.run(["ninja", "-C", sanitized_build, "compositor/sluicectl"], check=True,
                   stdout=subprocess.DEVNULL)
    return str(sanitized_build / "compositor/sluicectl")


@pytest.fixture
def sanitized(headless: Headless, sanitized_build: Path) -> Headless:
    headless.sluice = str(sanitized_build / "compositor/sluice")
    suppressions = headless.tmp / "suppressions"
    suppressions.write_text(SUPPRESSIONS)
    headless.extra |= OPTIONS | {
        "LSAN_OPTIONS": f"suppressions={suppressions}:print_suppressions=0"}
    linked = subprocess.run(["ldd", headless.sluice], text=True, capture_output=True, check=True)
    assert "libasan" in linked.stdout and "libubsan" in linked.stdout
    return headless


def check_clean(status: int, expected: int, output: str) -> None:
    assert "Sanitizer" not in output and "runtime error" not in output, output
    assert status == expected, output


def run(sanitized: Headless, script: str, options: list[str], command: list[str],
        status: int = 0) -> Result:
    path = sanitized.tmp / "script.sluice"
    path.write_text(script)
    result = sanitized.run([f"--script={path}", *options], command)
    check_clean(result.status, status, result.output)
    assert sanitized.leftovers() == []
    return result


def test_every_format(sanitized) -> None:
    script = ("wait 3\nmove 50 50\nclick left\ntype \"Text\\n\"\ntap 10 10\nwait 1\n"
              "output add SECOND 320x200\nrefresh 4\ncapture second SECOND\n"
              "output resize HEADLESS-1 401x303\nwait 3\nexpect golden tolerance 3 ssim 0.5\n"
              "output remove SECOND\noutput remove HEADLESS-1\nsleep 0.1\n")
    options = ["--every=1", "--format=png,rgb,y4m", "--simulate-exporter=4",
               "--capture-into=simulated", f"--golden={sanitized.tmp}"]
    result = run(sanitized, script, [*options, "--bless"], ["weston-simple-shm"])
    assert {path.suffix for path in result.directory.iterdir()} == \
        {".png", ".rgb", ".y4m", ".jsonl"}
    # And once more, with a golden image that differs
    with Image.open(sanitized.tmp / "golden.png") as image:
        image.transpose(Image.Transpose.FLIP_TOP_BOTTOM).convert("RGB").point(
            lambda value: 255 - value).save(sanitized.tmp / "golden.png")
    result = run(sanitized, script, options, ["weston-simple-shm"], 1)
    assert (result.directory / "golden-difference.png").exists()


@pytest.mark.parametrize("fault", ["revoke", "unplug", "late 2"])
def test_faults(sanitized, fault: str) -> None:
    result = run(sanitized, f"wait 1\ncapture a\nfault {fault}\nsleep 0.2\ncapture b\n",
                 ["--simulate-exporter=16", "--output=640x360"],
                 ["vram-client", "--frames", "0", "--fullscreen"])
    assert len(set(result.hashes)) == 2


@pytest.mark.parametrize("fault, size, status", [
    # The client ends at an image that is refused, with this status
    ("stride", "640x360", 2), ("short", "640x360", 2),
    # One that fits is shown
    ("stride", "640x350", 0),
])
def test_faults_of_images(sanitized, fault: str, size: str, status: int) -> None:
    run(sanitized, f"fault {fault}\nwait 1\ncapture a\n",
        ["--simulate-exporter=16", f"--output={size}"],
        ["vram-client", "--frames", "-1", "--fullscreen", "--size", size, "--range",
         f"0+{1 << 20}" if status == 0 else f"0+{640 * 360 * 4}"], status)


@pytest.mark.parametrize("client", ["weston-simple-shm", "vram-client --frames 0"])
def test_a_client_that_crashes(sanitized, client: str) -> None:
    result = sanitized.run(["--frames=1000", "--format=hash", "--simulate-exporter"],
                           ["sh", "-c", f"{client} & sleep 0.1; kill -SEGV $!; wait $!"])
    check_clean(result.status, 139, result.output)
    assert 1 <= len(result.manifest) < 1000


@pytest.mark.parametrize("script", ["wait\n", "wait {\n", "wait 1\ncapture ../x\n",
                                    "output remove HEADLESS-1\nstill 1\n"])
def test_bad_scripts(sanitized, script: str) -> None:
    run(sanitized, script, [], ["weston-simple-shm"], 1)


def test_compare(sanitized, sluicectl: str, tmp_path: Path) -> None:
    picture = patterns.picture("gradient", 201, 150)
    Image.fromarray(picture).save(tmp_path / "a.png")
    picture[40, 123] ^= 255
    Image.fromarray(picture).save(tmp_path / "b.png")
    difference = tmp_path / "difference.png"
    for options, status in (([], 1), (["--ssim=0.5"], 0), (["--tolerance=1,2,3"], 1),
                            (["--mask=123,40,1,1"], 0)):
        result = subprocess.run(
            [sluicectl, "compare", *options, f"--difference={difference}", "--tap",
             f"--junit={tmp_path / 'report.xml'}", tmp_path / "a.png", tmp_path / "b.png"],
            env=sanitized.environment(), text=True, capture_output=True, check=False)
        check_clean(result.returncode, status, result.stdout + result.stderr)
    assert difference.exists()
