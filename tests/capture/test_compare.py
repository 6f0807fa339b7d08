"""Comparing pictures: exact, with tolerance, by similarity, and against ImageMagick."""

from __future__ import annotations

import re
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy
import pytest
from PIL import Image

from lib import patterns


def save(path: Path, pixels: numpy.ndarray) -> Path:
    Image.fromarray(pixels.astype(numpy.uint8)).save(path)
    return path


@pytest.fixture
def compare(headless):
    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["sluicectl", "compare", *map(str, arguments)],
                              env=headless.environment(), text=True, capture_output=True,
                              check=False)
    return run


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A picture, and one with a pixel that is one step of green away."""
    picture = patterns.picture("gradient", 200, 150)
    changed = picture.copy()
    changed[40, 123, 1] ^= 1
    return save(tmp_path / "a.png", picture), save(tmp_path / "b.png", changed)


class TestExact:
    def test_equal(self, compare, pair) -> None:
        result = compare(pair[0], pair[0])
        assert (result.returncode, result.stdout) == (0, "1 equal, 0 different\n")

    def test_one_pixel_is_found_and_located(self, compare, pair) -> None:
        result = compare(*pair)
        assert result.returncode == 1
        assert "1 of 30000 pixels differ, within 1x1 at (123, 40)" in result.stdout
        assert "by up to 0 red, 1 green, 0 blue" in result.stdout

    def test_and_drawn(self, compare, pair, tmp_path: Path) -> None:
        difference = tmp_path / "difference.png"
        result = compare("--difference", difference, *pair)
        assert str(difference) in result.stdout
        with Image.open(difference) as image:
            pixels = numpy.array(image.convert("RGB"))
        red = (pixels == (255, 0, 0)).all(axis=2)
        assert numpy.argwhere(red).tolist() == [[40, 123]]

    def test_sizes(self, compare, pair, tmp_path: Path) -> None:
        other = save(tmp_path / "c.png", patterns.picture("gradient", 199, 150))
        result = compare(pair[0], other)
        assert result.returncode == 1
        assert "it is 199x150, and 200x150 was expected" in result.stdout


class TestTolerance:
    @pytest.mark.parametrize("tolerance, status", [("0", 1), ("1", 0), ("9,1,0", 0), ("9,0,9", 1)])
    def test_by_channel(self, compare, pair, tolerance: str, status: int) -> None:
        assert compare("--tolerance", tolerance, *pair).returncode == status

    @pytest.mark.parametrize("mask, status", [
        ("123,40,1,1", 0), ("122,40,1,1", 1), ("-5,-5,500,500", 0), ("124,0,76,150", 1)])
    def test_masks(self, compare, pair, mask: str, status: int) -> None:
        assert compare(f"--mask={mask}", *pair).returncode == status


def reference_set() -> dict[str, numpy.ndarray]:
    """A picture, made worse in different ways."""
    random = numpy.random.default_rng(1)
    picture = patterns.picture("gradient", 160, 120).astype(int)
    smooth = (picture + numpy.roll(picture, 1, 0) + numpy.roll(picture, 1, 1)) // 3
    return {
        "noise": numpy.clip(picture + random.integers(-20, 21, picture.shape), 0, 255),
        "brighter": numpy.clip(picture + 12, 0, 255),
        "blurred": smooth,
        "moved": numpy.roll(picture, 3, 1),
        "other": patterns.picture("checker", 160, 120).astype(int),
    }


class TestAgainstImageMagick:
    @pytest.mark.parametrize("kind", reference_set())
    def test_ssim(self, compare, tmp_path: Path, kind: str) -> None:
        a = save(tmp_path / "a.png", patterns.picture("gradient", 160, 120))
        b = save(tmp_path / "b.png", reference_set()[kind])
        theirs = subprocess.run(["compare", "-metric", "SSIM", a, b, "null:"], text=True,
                                capture_output=True, check=False).stderr
        # ImageMagick 7 tells how different they are; in brackets, from 0, which is equal, to 1
        value = float(re.findall(r"\(([-\d.e]+)\)", theirs)[0])
        ours = re.search(r"\(SSIM\) is ([-\d.]+)", compare("--ssim=1", a, b).stdout)
        assert ours is not None
        assert abs(float(ours[1]) - (1 - 2 * value)) < 0.003, f"{ours[1]} {theirs}"

    @pytest.mark.parametrize("kind", reference_set())
    def test_how_many_pixels(self, compare, tmp_path: Path, kind: str) -> None:
        a = save(tmp_path / "a.png", patterns.picture("gradient", 160, 120))
        b = save(tmp_path / "b.png", reference_set()[kind])
        theirs = subprocess.run(["magick", a, b, "-compose", "difference", "-composite",
                                 "-threshold", "0", "-separate", "-evaluate-sequence", "max",
                                 "-format", "%[fx:mean*w*h]", "info:"], text=True,
                                capture_output=True, check=True).stdout
        ours = re.match(r"b.png: (\d+) of", compare(a, b).stdout)
        assert ours is not None and int(ours[1]) == round(float(theirs))

    def test_a_threshold(self, compare, tmp_path: Path) -> None:
        a = save(tmp_path / "a.png", patterns.picture("gradient", 160, 120))
        b = save(tmp_path / "b.png", reference_set()["brighter"])
        assert compare("--ssim=0.8", a, b).returncode == 0
        assert compare("--ssim=0.9999", a, b).returncode == 1


class TestReports:
    @pytest.fixture
    def directories(self, pair, tmp_path: Path) -> tuple[Path, Path]:
        expected, actual = tmp_path / "expected", tmp_path / "actual"
        for directory, one in ((expected, pair[0]), (actual, pair[1])):
            directory.mkdir()
            (directory / "same.png").write_bytes(pair[0].read_bytes())
            (directory / "changed.png").write_bytes(one.read_bytes())
        (expected / "missing.png").write_bytes(pair[0].read_bytes())
        return expected, actual

    def test_tap(self, compare, directories) -> None:
        result = compare("--tap", *directories)
        assert result.returncode == 1
        lines = [line for line in result.stdout.splitlines() if not line.startswith(" ")]
        assert lines == ["not ok 1 - changed.png", "not ok 2 - missing.png", "ok 3 - same.png",
                         "1..3"]

    def test_junit(self, compare, directories, tmp_path: Path) -> None:
        report = tmp_path / "report.xml"
        compare("--quiet", f"--junit={report}", *directories)
        suite = ElementTree.parse(report).getroot()
        assert (suite.get("tests"), suite.get("failures")) == ("3", "2")
        failures = [case.get("name") for case in suite if case.find("failure") is not None]
        assert failures == ["changed.png", "missing.png"]

    def test_bless(self, compare, directories) -> None:
        expected, actual = directories
        assert compare("--bless", expected, actual).returncode == 0
        assert (expected / "changed.png").read_bytes() != b""
        (expected / "missing.png").unlink()
        assert compare(expected, actual).returncode == 0


class TestTrouble:
    def test_what_cannot_be_read(self, compare, pair, tmp_path: Path) -> None:
        broken = tmp_path / "broken.png"
        broken.write_bytes(pair[0].read_bytes()[:200])
        for bad in (broken, tmp_path / "nothing.png", Path("/dev/zero"), tmp_path):
            result = compare(pair[0], bad)
            assert result.returncode == 1
            assert str(bad) in result.stdout + result.stderr

    @pytest.mark.parametrize("arguments", [["--tolerance=256"], ["--ssim=2"], ["--mask=1,2,3"],
                                           ["--nonsense"], []])
    def test_usage(self, compare, arguments: list[str]) -> None:
        assert compare(*arguments, "a.png").returncode == 2
